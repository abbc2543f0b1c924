/* SPDX-License-Identifier: ISC */
/* Secrets, from files. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

/*
 * The secret of a name such as "BUILDKITE_WEBHOOK_SECRET": the content of the
 * file $TACK_NAME_FILE, else of $CREDENTIALS_DIRECTORY/tack_name in lower
 * case, else the variable $TACK_NAME itself; without its final newlines, for
 * the caller to free.  NULL if there is none of the three.  Exits with
 * EX_CONFIG, naming what to mend, when a file cannot be read, others may read
 * it, or the secret is empty.  A process that has a secret leaves no core.
 */
char *secret_read(const char *name);

#endif
