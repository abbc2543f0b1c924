/* SPDX-License-Identifier: ISC */
/* The secrets that this process could know. */
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/mem.h"
#include "base/secret.h"
#include "log/held.h"

extern char **environ;

/* The lines of a secret, by what follows TACK_ in the name of its variable. */
static void
add_secret(struct mask *m, const char *name)
{
	struct secret_list list = secret_read(name);

	for (size_t i = 0; i < list.count; i++)
		mask_add(m, list.line[i], strlen(list.line[i]));
	secret_free(&list);
}

/* Does a variable's name end so, with something before it? */
static bool
ends(const char *name, size_t length, const char *end)
{
	size_t n = strlen(end);

	return length > n && strncmp(name + length - n, end, n) == 0;
}

static void
add_variable(struct mask *m, const char *name)
{
	size_t length = strcspn(name, "=");
	char *copy;

	if (strncmp(name, "TACK_", 5) != 0)
		return;
	if (ends(name, length, "_FILE"))
		length -= strlen("_FILE");
	else if (!ends(name, length, "_TOKEN") &&
	    !ends(name, length, "_SECRET") && !ends(name, length, "_KEY"))
		return;
	copy = xstrndup(name + 5, length - 5);
	add_secret(m, copy);
	free(copy);
}

static void
add_credentials(struct mask *m)
{
	const char *path = getenv("CREDENTIALS_DIRECTORY");
	struct dirent *entry;
	DIR *directory;

	if (path == NULL)
		return;
	if ((directory = opendir(path)) == NULL) {
		if (errno == ENOENT)
			return;
		err(EX_CONFIG, "CREDENTIALS_DIRECTORY: %s", path);
	}
	while ((entry = readdir(directory)) != NULL) {
		char *name = entry->d_name;

		if (strncmp(name, "tack_", 5) != 0)
			continue;
		for (char *c = name; *c != '\0'; c++)
			*c = (char)toupper((unsigned char)*c);
		add_secret(m, name + 5);
	}
	closedir(directory);
}

void
held_add(struct mask *m)
{
	for (char **variable = environ; *variable != NULL; variable++)
		add_variable(m, *variable);
	add_credentials(m);
}
