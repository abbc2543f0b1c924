/* SPDX-License-Identifier: ISC */
/* Give up what a tool will not need. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sandbox.h"

/* Landlock's later rights, which the headers of Debian 12 do not have. */
#define TRUNCATE (UINT64_C(1) << 14) /* ABI 3 */

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	    LANDLOCK_ACCESS_FS_MAKE_REG | TRUNCATE)
#define ON_FILES \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	    TRUNCATE)

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* x86_64's second table of system calls begins here, aarch64 has none. */
#define X32 0x40000000

/* The ruleset in the making; -1 while there is none, -2 if there cannot be. */
static int ruleset = -1;
static uint64_t handled;

static void
begin(void)
{
	struct landlock_ruleset_attr attr = { 0 };
	long abi;

	if (ruleset != -1)
		return;
	ruleset = -2;
	abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return;
	/* The first ABI's rights are those up to MAKE_SYM. */
	handled = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1;
	if (abi >= 2)
		handled |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		handled |= TRUNCATE;
	attr.handled_access_fs = handled;
	/* Only what ABI 1 knew of the structure. */
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr.handled_access_fs), 0);
	if (ruleset == -1)
		err(EX_OSERR, "landlock_create_ruleset");
}

void
sandbox_path(const char *path, const char *access)
{
	struct landlock_path_beneath_attr attr = { 0 };
	struct stat st;

	begin();
	if (ruleset < 0 || path == NULL)
		return;
	attr.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (attr.parent_fd == -1) {
		if (errno == ENOENT || errno == ENOTDIR)
			return;
		err(EX_NOINPUT, "%s", path);
	}
	if (fstat(attr.parent_fd, &st) == -1)
		err(EX_OSERR, "%s", path);
	attr.allowed_access = strcmp(access, "rw") == 0 ? READ | WRITE : READ;
	if (!S_ISDIR(st.st_mode))
		attr.allowed_access &= ON_FILES;
	attr.allowed_access &= handled;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		&attr, 0) == -1)
		err(EX_OSERR, "%s: landlock_add_rule", path);
	close(attr.parent_fd);
}

void
sandbox_database(const char *path)
{
	char *copy = xstrdup(path), *real = realpath(path, NULL);

	sandbox_path(dirname(copy), "rw");
	/* SQLite keeps its files beside what a symbolic link points to. */
	if (real != NULL)
		sandbox_path(dirname(real), "rw");
	free(real);
	free(copy);
}

#ifdef ARCH
#define DATA(member) \
	BPF_STMT( \
	    BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
/* Refuse a call; number -1 (no call has it) stands for one that is allowed. */
#define CALL(number, denied) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, \
	    (denied) ? (uint32_t)(number) : UINT32_MAX, 0, 1), \
	    REFUSE

static void
deny(int denied)
{
	struct sock_filter filter[] = {
		/* Numbers mean other calls on another architecture. */
		DATA(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		REFUSE,
		DATA(nr),
		CALL(SYS_execve, denied & SANDBOX_NO_EXEC),
		CALL(SYS_execveat, denied & SANDBOX_NO_EXEC),
		CALL(SYS_socket, denied & SANDBOX_NO_NET),
		/* It opens sockets too. */
		CALL(SYS_io_uring_setup, denied & SANDBOX_NO_NET),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32, 0, 1),
		REFUSE,
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]),
		filter };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == -1 &&
	    errno != EINVAL && errno != ENOSYS)
		err(EX_OSERR, "seccomp");
}
#else
static void
deny(int denied)
{
	(void)denied;
}
#endif

void
sandbox(int denied)
{
	begin();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		err(EX_OSERR, "no_new_privs");
	if (ruleset >= 0) {
		if (syscall(SYS_landlock_restrict_self, ruleset, 0) == -1)
			err(EX_OSERR, "landlock_restrict_self");
		close(ruleset);
	}
	deny(denied);
}
