/* SPDX-License-Identifier: ISC */
/* Secrets, from files. */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/mem.h"
#include "base/secret.h"

/* As much as a systemd credential may hold. */
#define SIZE (1024 * 1024)

static char *
name_of(const char *name, const char *suffix)
{
	char *text;

	text = xasprintf("TACK_%s%s", name, suffix);
	return text;
}

/* Without its final newlines; what names it for the message. */
static char *
trim(char *text, const char *what)
{
	size_t length = strlen(text);

	while (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	if (length == 0)
		errx(EX_CONFIG, "%s: the secret is empty", what);
	return text;
}

/* what is the variable that names the file, or the file. */
static char *
slurp(FILE *f, const char *path, const char *what)
{
	struct stat st;
	char *text = xmalloc(SIZE + 1);
	size_t length;

	if (fstat(fileno(f), &st) == -1)
		err(EX_CONFIG, "%s: %s", what, path);
	if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		errx(EX_CONFIG, "%s: %s: others may read it: chmod o-rwx", what,
		    path);
	length = fread(text, 1, SIZE + 1, f);
	if (ferror(f))
		err(EX_CONFIG, "%s: %s", what, path);
	if (length > SIZE)
		errx(EX_CONFIG, "%s: %s: too large for a secret", what, path);
	text[length] = '\0';
	if (strlen(text) != length)
		errx(EX_CONFIG, "%s: %s: a NUL in it", what, path);
	fclose(f);
	return trim(text, what);
}

/* The file of a name in the directory of systemd's credentials, or NULL. */
static char *
credential(const char *variable)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char *path;

	if (directory == NULL)
		return NULL;
	path = xasprintf("%s/%s", directory, variable);
	for (char *c = path + strlen(directory); *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return path;
}

char *
secret_read(const char *name)
{
	char *variable = name_of(name, "");
	char *file = name_of(name, "_FILE");
	char *path = credential(variable), *text = NULL;
	const char *value;
	FILE *f;

	if ((value = getenv(file)) != NULL) {
		if ((f = fopen(value, "re")) == NULL)
			err(EX_CONFIG, "%s: %s", file, value);
		text = slurp(f, value, file);
	} else if (path != NULL && (f = fopen(path, "re")) != NULL)
		text = slurp(f, path, variable);
	else if (path != NULL && errno != ENOENT)
		err(EX_CONFIG, "%s: %s", variable, path);
	else if ((value = getenv(variable)) != NULL) {
		text = xstrdup(value);
		trim(text, variable);
	}
	/* From here on neither a core nor another of our user's processes. */
	if (text != NULL)
		prctl(PR_SET_DUMPABLE, 0);
	free(path);
	free(file);
	free(variable);
	return text;
}
