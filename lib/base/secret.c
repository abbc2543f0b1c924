/* SPDX-License-Identifier: ISC */
/* Secrets, from files. */
#include <sys/prctl.h>
#include <sys/stat.h>

#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/setting.h"

/* As much as a systemd credential may hold. */
#define SIZE (1024 * 1024)
#define BLANKS " \t"
#define MARK "\357\273\277"

/* Where a secret is to be found, the first of these that is set. */
struct places {
	char *variable, *file_variable, *credential;
	const char *value, *file;
};

static struct places
places(const char *name)
{
	const char *directory = setting_text("CREDENTIALS_DIRECTORY");
	struct places p = { xasprintf("TACK_%s", name),
		xasprintf("TACK_%s_FILE", name), NULL, NULL, NULL };

	p.file = getenv(p.file_variable);
	p.value = getenv(p.variable);
	if (directory != NULL) {
		p.credential = xasprintf("%s/%s", directory, p.variable);
		for (char *c = p.credential + strlen(directory); *c != '\0';
		     c++)
			*c = (char)tolower((unsigned char)*c);
		if (access(p.credential, F_OK) == -1 && errno == ENOENT) {
			free(p.credential);
			p.credential = NULL;
		}
	}
	return p;
}

static void
places_free(struct places *p)
{
	free(p->variable);
	free(p->file_variable);
	free(p->credential);
}

/* The whole of a file that others may not read; what names it for a message. */
static char *
slurp(const char *path, const char *what)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t length;
	char *text;

	if (fd == -1 || fstat(fd, &st) == -1)
		err(EX_CONFIG, "%s: %s", what, path);
	if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		errx(EX_CONFIG, "%s: %s: others may read it: chmod o-rwx", what,
		    path);
	text = file_bytes(fd, SIZE, &length);
	if (text == NULL && errno == EFBIG)
		errx(EX_CONFIG, "%s: %s: too large for a secret", what, path);
	if (text == NULL)
		err(EX_CONFIG, "%s: %s", what, path);
	if (strlen(text) != length)
		errx(EX_CONFIG, "%s: %s: a NUL in it", what, path);
	close(fd);
	return text;
}

/* The line without its blanks, or NULL if it is of blanks alone. */
static char *
trim(char *line)
{
	size_t length = strlen(line);

	if (length > 0 && line[length - 1] == '\r')
		length--;
	while (length > 0 && strchr(BLANKS, line[length - 1]) != NULL)
		length--;
	line[length] = '\0';
	line += strspn(line, BLANKS);
	return *line != '\0' ? line : NULL;
}

struct secret_list
secret_parse(char *text, const char *place)
{
	struct secret_list list = { .text = text, .place = xstrdup(place) };
	char *rest = text, *line;
	const char *wrong = NULL;
	size_t number = 0;

	if (strncmp(rest, MARK, strlen(MARK)) == 0)
		rest += strlen(MARK);
	while (wrong == NULL && (line = strsep(&rest, "\n")) != NULL) {
		number++;
		if ((line = trim(line)) == NULL)
			continue;
		for (const char *c = line; *c != '\0'; c++)
			if (iscntrl((unsigned char)*c))
				wrong = "a control character in it";
		if (*line == '#')
			wrong = "it begins with #, but a comment would be a"
				" secret, too";
		else if (line[1] == '\0')
			wrong = "a secret of one byte";
		list.line = xreallocarray(
		    list.line, list.count + 1, sizeof(*list.line));
		list.line[list.count++] = line;
	}
	if (wrong != NULL)
		errx(EX_CONFIG, "%s: line %zu: %s", place, number, wrong);
	if (list.count == 0)
		errx(EX_CONFIG, "%s: the secret is empty", place);
	/* From here on neither a core nor another of our user's processes. */
	prctl(PR_SET_DUMPABLE, 0);
	return list;
}

struct secret_list
secret_read(const char *name)
{
	struct places p = places(name);
	struct secret_list list = { .count = 0 };
	const char *file = p.file != NULL ? p.file : p.credential;
	const char *what = p.file != NULL ? p.file_variable : p.variable;
	char *where;

	if (file != NULL) {
		where = xasprintf("%s: %s", what, file);
		list = secret_parse(slurp(file, what), where);
		free(where);
		free(list.place);
		list.place = xstrdup(file);
	} else if (p.value != NULL) {
		list = secret_parse(xstrdup(p.value), p.variable);
		list.open = true;
	}
	places_free(&p);
	return list;
}

void
secret_free(struct secret_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		explicit_bzero(list->line[i], strlen(list->line[i]));
	free(list->text);
	free(list->line);
	free(list->place);
	memset(list, 0, sizeof(*list));
}

char *
secret_one(const char *name)
{
	struct secret_list list = secret_read(name);
	char *text = NULL;

	if (list.count > 1)
		errx(EX_CONFIG, "%s: %zu secrets, where one is to be used",
		    list.place, list.count);
	if (list.count == 1)
		text = xstrdup(list.line[0]);
	secret_free(&list);
	return text;
}

bool
secret_there(const char *name)
{
	struct places p = places(name);
	bool there = p.file != NULL || p.credential != NULL || p.value != NULL;

	places_free(&p);
	return there;
}
