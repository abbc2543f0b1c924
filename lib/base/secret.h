/* SPDX-License-Identifier: ISC */
/* Secrets, from files. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* The live secrets of one name: line[0] to line[count - 1], none empty. */
struct secret_list {
	char *text; /* what the lines are parts of */
	char **line;
	size_t count;
	char *place; /* the file or the variable that they are from */
	bool open; /* from the variable itself, where others may see them */
};

/*
 * The secrets of a name such as "BUILDKITE_WEBHOOK_SECRET", one a line: of the
 * file that $TACK_NAME_FILE names, else of $CREDENTIALS_DIRECTORY/tack_name in
 * lower case, else of the variable $TACK_NAME itself.  A line ends with LF or
 * CR LF; a byte order mark, blanks at a line's edges and lines of blanks are
 * no part of a secret.  The count is 0 if none of the three is set.
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
 * The one secret of a name, for the caller to free, or NULL if there is none.
 * Exits as secret_read() does, and if there is more than one: who is to send a
 * secret cannot choose.
 */
char *secret_one(const char *name);

/* Is there a secret of this name, good or bad? */
bool secret_there(const char *name);

/*
 * The secrets of a text, which is given.  place names it in the message with
 * which this exits, as secret_read() does.
 */
struct secret_list secret_parse(char *text, const char *place);

#endif
