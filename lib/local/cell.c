/* SPDX-License-Identifier: ISC */
/* Where a stranger's command runs: a bubblewrap sandbox. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <bsd/err.h>
#include "base/bytes.h"
#include "base/mem.h"
#include "base/setting.h"
#include "data/json.h"
#include "local/cell.h"

#define PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PRLIMIT "/usr/bin/prlimit"

/* Below /etc, what programs need and nothing that is a secret. */
static const char *const shown[] = { "alternatives", "debian_version", "fonts",
	"gai.conf", "host.conf", "java-*", "ld.so.cache", "ld.so.conf",
	"ld.so.conf.d", "localtime", "magic", "mime.types", "nsswitch.conf",
	"os-release", "perl", "protocols", "python3*", "resolv.conf",
	"services", "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone" };

/* Files of the sandbox' own; they reach bubblewrap from descriptor 4 on. */
static const struct {
	const char *path, *text;
} made[] = {
	{ "/etc/passwd",
	    "root:x:0:0:root:/root:/bin/sh\n"
	    "build:x:1000:1000:build:/home/build:/bin/sh\n"
	    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n" },
	{ "/etc/group", "root:x:0:\nbuild:x:1000:\nnogroup:x:65534:\n" },
	{ "/etc/hosts", "127.0.0.1 localhost build\n::1 localhost build\n" },
};
#define MADE (sizeof(made) / sizeof(made[0]))

/* The program as PATH has it, for the caller to free, or NULL. */
static char *
find(const char *program)
{
	const char *path = setting_text("PATH");
	char *copy, *rest, *dir, *full = NULL;

	copy = rest = xstrdup(path != NULL ? path : PATH);
	while (full == NULL && (dir = strsep(&rest, ":")) != NULL) {
		if (*dir != '/')
			continue;
		full = xasprintf("%s/%s", dir, program);
		if (access(full, X_OK) == -1) {
			free(full);
			full = NULL;
		}
	}
	free(copy);
	return full;
}

const char *
cell_open(struct cell *c)
{
	const char *sandbox = setting_text("TACK_LOCAL_SANDBOX");
	const struct passwd *pw;

	memset(c, 0, sizeof(*c));
	c->network = setting_on("TACK_LOCAL_NETWORK");
	c->processes = setting_int("TACK_LOCAL_PROCESSES", 512, 1, 1 << 20);
	c->memory = setting_int("TACK_LOCAL_MEMORY", 0, 0, 1 << 24);
	c->shell = access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
	if (geteuid() == 0) {
		c->user = setting_text("TACK_LOCAL_USER");
		if (c->user == NULL)
			c->user = "nobody";
		if ((pw = getpwnam(c->user)) == NULL)
			errx(EX_CONFIG, "TACK_LOCAL_USER: no such user: %s",
			    c->user);
		c->uid = pw->pw_uid;
		c->gid = pw->pw_gid;
		if (c->uid == 0)
			c->user = NULL;
	}
	if (sandbox != NULL && strcmp(sandbox, "none") == 0)
		return NULL;
	/* The files of /proc/sys are root's, whatever the namespace. */
	if (geteuid() == 0 && c->user == NULL)
		errx(EX_CONFIG,
		    "TACK_LOCAL_USER: root in a sandbox could leave it");
	if (sandbox != NULL && strcmp(sandbox, "bwrap") != 0)
		errx(EX_CONFIG, "TACK_LOCAL_SANDBOX: not bwrap or none: %s",
		    sandbox);
	if ((c->bwrap = find("bwrap")) == NULL)
		return "bubblewrap (bwrap) is not installed, and only"
		       " TACK_LOCAL_SANDBOX=none runs steps without it";
	return NULL;
}

void
cell_describe(const struct cell *c, FILE *out)
{
	if (c->bwrap == NULL)
		fprintf(out,
		    "Sandbox: none. Warning: steps may do whatever the user"
		    " %s may, and reach the network.\n",
		    c->user != NULL ? c->user : "who runs tack");
	else
		fprintf(out,
		    "Sandbox: bubblewrap. Processes, mounts, users, IPC and"
		    " host name are the step's own.\n"
		    "Network: %s.\n"
		    "Not isolated: kernel, processor time, disk space;"
		    " /usr is there to read.\n",
		    c->network ? "the host's, its loopback included" : "none");
}

/* Give a path to the user, or to its group alone. */
static bool
own(const struct cell *c, const char *path, mode_t mode, bool all)
{
	return c->user == NULL ||
	    (chown(path, all ? c->uid : (uid_t)-1, c->gid) == 0 &&
		chmod(path, mode) == 0);
}

bool
cell_directories(const struct cell *c, const char *above, const char *dir)
{
	static const char *const names[] = { "work", "home", "tmp" };
	bool good = own(c, above, 0710, false) && own(c, dir, 0710, false);

	for (size_t i = 0; good && i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = xasprintf("%s/%s", dir, names[i]);

		good = mkdir(path, 0700) == 0 && own(c, path, 0700, true);
		free(path);
	}
	return good;
}

char *
cell_refusal(const struct cell *c, const char *printed)
{
	const char *end = strpbrk(printed, ".\n"); /* of a sentence, or line */
	char *line = end != NULL ? xstrndup(printed, (size_t)(end - printed)) :
				   xstrdup(printed),
	     *text;

	if (c->bwrap == NULL)
		text = xasprintf("no step can run here (%s)", line);
	else
		text = xasprintf(
		    "bubblewrap may not make a sandbox here (%s): it wants user"
		    " namespaces and a /proc, see tack-local(1);"
		    " TACK_LOCAL_SANDBOX=none runs steps without it",
		    line);
	free(line);
	return text;
}

char *
cell_try(const struct cell *c, const char *above, const char *dir)
{
	static const char *const argv[] = { "true", NULL };
	struct bytes said = { .text = NULL };
	jv env = jv_object();
	int out[2], status = -1;
	char *text = NULL;
	pid_t pid = -1;

	if (!cell_directories(c, above, dir) || pipe2(out, O_CLOEXEC) == -1)
		err(EX_CANTCREAT, "%s", dir);
	if ((pid = cell_start(c, dir, &env, argv, NULL, out[1])) == -1)
		errx(EX_TEMPFAIL, "no process for a sandbox");
	close(out[1]);
	while (bytes_read(&said, out[0]) > 0)
		continue;
	close(out[0]);
	if (waitpid(pid, &status, 0) == -1 || status != 0) {
		bytes_add(&said, "", 1);
		text = cell_refusal(c, said.text);
	}
	bytes_free(&said);
	jv_free(env);
	return text;
}

static void
limit(__rlimit_resource_t what, long long most)
{
	struct rlimit r = { (rlim_t)most, (rlim_t)most };

	if (setrlimit(what, &r) == -1 && errno != EPERM)
		warn("setrlimit");
}

/* An anonymous file. */
static FILE *
scratch(void)
{
	int fd = memfd_create("tack", MFD_CLOEXEC);
	FILE *fp;

	if (fd == -1 || (fp = fdopen(fd, "w+")) == NULL)
		err(EX_OSERR, "memfd");
	return fp;
}

static void
hand_over(FILE *fp, int number)
{
	int fd;

	if (fflush(fp) == EOF || lseek(fileno(fp), 0, SEEK_SET) == -1 ||
	    (fd = fcntl(fileno(fp), F_DUPFD_CLOEXEC, 64)) == -1)
		err(EX_OSERR, "memfd");
	fclose(fp);
	if (dup2(fd, number) == -1)
		err(EX_OSERR, "memfd");
}

/* Arguments, ended by NULL, each with its NUL. */
static void
put(FILE *out, ...)
{
	const char *text;
	va_list list;

	va_start(list, out);
	while ((text = va_arg(list, const char *)) != NULL)
		fwrite(text, 1, strlen(text) + 1, out);
	va_end(list);
}

static void
put_etc(FILE *out)
{
	char pattern[64], real[PATH_MAX];
	glob_t found;

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		snprintf(pattern, sizeof(pattern), "/etc/%s", shown[i]);
		if (glob(pattern, 0, NULL, &found) != 0)
			continue;
		for (size_t k = 0; k < found.gl_pathc; k++)
			if (realpath(found.gl_pathv[k], real) != NULL)
				put(out, "--ro-bind", real, found.gl_pathv[k],
				    NULL);
		globfree(&found);
	}
}

/* /bin and its like are links into /usr, or directories of their own. */
static void
put_system(FILE *out)
{
	static const char *const top[] = { "/bin", "/lib", "/lib32", "/lib64",
		"/libx32", "/sbin" };
	char to[PATH_MAX];
	ssize_t n;

	put(out, "--ro-bind", "/usr", "/usr", NULL);
	for (size_t i = 0; i < sizeof(top) / sizeof(top[0]); i++) {
		if ((n = readlink(top[i], to, sizeof(to) - 1)) != -1) {
			to[n] = '\0';
			put(out, "--symlink", to, top[i], NULL);
		} else if (access(top[i], F_OK) == 0)
			put(out, "--ro-bind", top[i], top[i], NULL);
	}
}

struct variables {
	FILE *out; /* of arguments, or NULL: our own environment */
	const jv *env;
};

static void
put_variable(jv key, void *arg)
{
	struct variables *v = arg;
	char *variable = json_word(&key);
	const char *text = json_str(v->env, variable);

	if (text != NULL && v->out != NULL)
		put(v->out, "--setenv", variable, text, NULL);
	else if (text != NULL && setenv(variable, text, 1) == -1)
		err(EX_OSERR, "%s", variable);
	free(variable);
	jv_free(key);
}

static void
put_environment(FILE *out, const jv *env)
{
	struct variables v = { out, env };
	jv keys = jv_keys(jv_copy(*env));

	json_each(&keys, put_variable, &v);
	jv_free(keys);
}

/* Never on the command line, which the whole machine can read. */
static void
bwrap_arguments(const struct cell *c, const char *dir, const jv *env,
    const char *show, FILE *out)
{
	char work[PATH_MAX], home[PATH_MAX], tmp[PATH_MAX], fd[16];

	snprintf(work, sizeof(work), "%s/work", dir);
	snprintf(home, sizeof(home), "%s/home", dir);
	snprintf(tmp, sizeof(tmp), "%s/tmp", dir);
	put(out, "--unshare-user", "--disable-userns", "--unshare-pid",
	    "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
	    "--die-with-parent", "--new-session", "--hostname", "build",
	    "--uid", "1000", "--gid", "1000", NULL);
	if (!c->network)
		put(out, "--unshare-net", NULL);
	put_system(out);
	put(out, "--proc", "/proc", "--dev", "/dev", "--size", "67108864",
	    "--tmpfs", "/dev/shm", "--remount-ro", "/dev", "--size", "67108864",
	    "--tmpfs", "/run", "--size", "67108864", "--tmpfs", "/var",
	    "--symlink", "/tmp", "/var/tmp", NULL);
	put(out, "--perms", "0755", "--dir", "/etc", "--perms", "0755", "--dir",
	    "/home", "--perms", "0755", "--dir", "/etc/ssl", NULL);
	put_etc(out);
	for (size_t i = 0; i < MADE; i++) {
		snprintf(fd, sizeof(fd), "%zu", i + 4);
		put(out, "--ro-bind-data", fd, made[i].path, NULL);
	}
	put(out, "--bind", tmp, "/tmp", "--bind", home, "/home/build", "--bind",
	    work, "/work", NULL);
	if (show != NULL)
		put(out, "--ro-bind", show, show, NULL);
	put(out, "--remount-ro", "/", "--chdir", "/work", "--clearenv",
	    "--setenv", "HOME", "/home/build", "--setenv", "PATH", PATH, NULL);
	put_environment(out, env);
}

/*
 * bwrap ends with us, but what it starts ends with bwrap only from a moment
 * on that comes after its start: if we are killed before, it lives on.  So it
 * looks, when that moment is past, whether the file of this descriptor is
 * still locked by us.
 */
static const char *const alive[] = { "/bin/sh", "-c",
	"flock -n 9 && exit 125; exec 9<&-; exec \"$@\"", "sh", NULL };
#define ALIVE_FD 9

/* Put the build's lock where that looks for it, if there is one. */
static bool
show_lock(const char *dir)
{
	char *path = xasprintf("%s/lock", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool there = fd != -1;

	if (there && fd == ALIVE_FD)
		there = fcntl(fd, F_SETFD, 0) == 0;
	else if (there)
		there = dup2(fd, ALIVE_FD) != -1;
	free(path);
	return there;
}

static _Noreturn void
exec_bwrap(const struct cell *c, const char *dir, const jv *env,
    const char *const argv[], const char *show, bool locked)
{
	static char *const none[] = { NULL };
	const char *args[32] = { c->bwrap, "--args", "3", "--" };
	char processes[64];
	size_t n = 4;
	FILE *out = scratch();

	bwrap_arguments(c, dir, env, show, out);
	hand_over(out, 3);
	for (size_t i = 0; i < MADE; i++) {
		out = scratch();
		fputs(made[i].text, out);
		hand_over(out, (int)i + 4);
	}
	for (size_t i = 0; locked && alive[i] != NULL; i++)
		args[n++] = alive[i];
	/* In the sandbox, where a user's processes are counted afresh. */
	snprintf(processes, sizeof(processes), "--nproc=%" PRId64 ":%" PRId64,
	    c->processes, c->processes);
	if (access(PRLIMIT, X_OK) == 0) {
		args[n++] = PRLIMIT;
		args[n++] = processes;
		args[n++] = "--";
	} else
		limit(RLIMIT_NPROC, c->processes);
	while (*argv != NULL && n < sizeof(args) / sizeof(args[0]) - 1)
		args[n++] = *argv++;
	/* The sandbox' first process keeps this environment for all to see. */
	execve(c->bwrap, (char *const *)args, none);
	err(126, "%s", c->bwrap);
}

static _Noreturn void
exec_bare(const struct cell *c, const char *dir, const jv *env,
    const char *const argv[])
{
	char home[PATH_MAX], tmp[PATH_MAX];

	snprintf(home, sizeof(home), "%s/home", dir);
	snprintf(tmp, sizeof(tmp), "%s/tmp", dir);
	if (c->user != NULL)
		limit(RLIMIT_NPROC, c->processes);
	clearenv();
	if (setenv("HOME", home, 1) == -1 || setenv("TMPDIR", tmp, 1) == -1 ||
	    setenv("PATH", PATH, 1) == -1)
		mem_refused();
	put_environment(NULL, env);
	snprintf(home, sizeof(home), "%s/work", dir);
	if (chdir(home) == -1)
		err(126, "%s", home);
	execvp(argv[0], (char *const *)argv);
	err(126, "%s", argv[0]);
}

static void
become(const struct cell *c)
{
	if (c->user == NULL)
		return;
	if (setgroups(0, NULL) == -1 ||
	    setresgid(c->gid, c->gid, c->gid) == -1 ||
	    setresuid(c->uid, c->uid, c->uid) == -1)
		err(126, "%s", c->user);
}

/* Where memory is short the kernel takes a step, not what serves others. */
static void
kill_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd != -1 && write(fd, "1000", 4) == -1)
		warn("oom_score_adj");
	if (fd != -1)
		close(fd);
}

pid_t
cell_start(const struct cell *c, const char *dir, const jv *env,
    const char *const argv[], const char *show, int out)
{
	pid_t parent = getpid(), pid = fork();
	bool locked;
	int null;

	if (pid == -1)
		warn("fork");
	if (pid != 0)
		return pid;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1 || dup2(null, 0) == -1 || dup2(out, 1) == -1 ||
	    dup2(out, 2) == -1)
		_exit(126);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	umask(022);
	kill_first();
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_FSIZE, 4LL << 30);
	limit(RLIMIT_NOFILE, 4096);
	if (c->memory != 0)
		limit(RLIMIT_AS, c->memory << 20);
	locked = c->bwrap != NULL && show_lock(dir);
	become(c);
	/* Forgotten at each change of user, so not before. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	if (c->bwrap != NULL)
		exec_bwrap(c, dir, env, argv, show, locked);
	exec_bare(c, dir, env, argv);
}

static void
kill_children(void)
{
	char path[64], *line = NULL, *p, *end;
	size_t size = 0;
	FILE *fp;
	long pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	if ((fp = fopen(path, "re")) == NULL)
		return;
	if (getline(&line, &size, fp) != -1)
		for (p = line; (pid = strtol(p, &end, 10)) > 0; p = end)
			kill((pid_t)pid, SIGKILL);
	free(line);
	fclose(fp);
}

void
cell_sweep(void)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	pid_t pid;

	/* Ten seconds: no process outlives SIGKILL but one stuck in the
	 * kernel. */
	for (int i = 0; i < 2000; i++) {
		kill_children();
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			continue;
		if (pid == -1)
			return;
		nanosleep(&pause, NULL);
	}
	warnx("some process does not die");
}
