/* SPDX-License-Identifier: ISC */
/* Secrets, from files. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* The live secrets of one name: line[0] to line[count - 1], none empty. */
struct secret_list {
	char *text; /* that the lines point into */
	char **line;
	size_t count;
	char *place; /* the file or the variable that holds them */
	bool open; /* place is a variable, which other users may see */
};

/*
 * Return the secrets of a name such as "BUILDKITE_WEBHOOK_SECRET", one a line:
 * of the file that $TACK_NAME_FILE names, else of the file
 * $CREDENTIALS_DIRECTORY/tack_name, the name in lower case, else of the
 * variable $TACK_NAME.  A line ends with LF or
 * CR LF; a byte order mark, blanks at a line's edges and lines of blanks are
 * no part of a secret.  The count is 0 if there is none of the three.
 *
 * Exits with EX_CONFIG, naming the variable or the file, if the file cannot be
 * read or others may read it, if there is no secret in what is set, and if a
 * line has a control character, begins with #, as a comment would, or is one
 * byte.
 *
 * A process that has a secret leaves no core.  secret_free() wipes the list.
 */
struct secret_list secret_read(const char *name);
void secret_free(struct secret_list *list);

/*
 * Return the one secret of a name, for the caller to free, or NULL if there is
 * none.  Exits as secret_read() does, and if there is more than one: a tool
 * that sends a secret could not choose.
 */
char *secret_one(const char *name);

/* Is there a secret of this name, good or bad? */
bool secret_there(const char *name);

/*
 * Return the secrets of text, which is given away.  Exits as secret_read()
 * does, with a message in which place names the text.
 */
struct secret_list secret_parse(char *text, const char *place);

#endif
