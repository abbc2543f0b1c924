/* SPDX-License-Identifier: ISC */
/* The files that belong to the tools. */
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/setting.h"
#include "base/share.h"

#define MOST (16 << 20) /* bytes of a shared file */

char *
share_bin(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	return xstrdup(dirname(exe));
}

char *
share_path(const char *file)
{
	const char *share = setting_text("TACK_SHARE");
	char *bin, *path;
	struct stat st;

	if (share != NULL)
		return xasprintf("%s/%s", share, file);
	if ((bin = share_bin()) == NULL)
		errx(EX_CONFIG,
		    "TACK_SHARE is not set, and /proc is not"
		    " there to tell where this tool stands");
	path = xasprintf("%s/../share/tack", bin);
	share = stat(path, &st) == 0 ? "share/tack" : "share";
	free(path);
	path = xasprintf("%s/../%s/%s", bin, share, file);
	free(bin);
	return path;
}

char *
share_text(const char *path)
{
	char *text = file_read(AT_FDCWD, path, MOST, NULL);

	if (text == NULL && errno != ENOENT && errno != ENOTDIR)
		err(errno == EACCES ? EX_CONFIG : EX_TEMPFAIL, "%s", path);
	return text;
}
