/* SPDX-License-Identifier: ISC */
/* Secrets in a stream of text become three asterisks. */
#ifndef LOG_MASK_H
#define LOG_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A shorter secret is in too much that is none, and is not masked. */
#define MASK_LEAST 4

/*
 * A set of secrets.  Each is looked for as it is and in base64: in either
 * alphabet, padded or not, and as part of something longer, wherever it
 * begins there.  mask_add returns false if the secret is too short.
 * mask_held adds what this process could know: every secret that secret_read()
 * finds by a variable $TACK_..._FILE, $TACK_..._TOKEN, _SECRET or _KEY or in
 * $CREDENTIALS_DIRECTORY, and the lines of $TACK_MASK_FILE.  Exits with
 * EX_CONFIG when such a file cannot be read.  All are added before the first
 * stream.
 */
struct mask;
struct mask *mask_new(void);
bool mask_add(struct mask *, const char *secret, size_t);
void mask_held(struct mask *);
void mask_free(struct mask *);

/*
 * A stream that the secrets may stand in, torn anywhere.  What may yet become
 * one is held back: so many bytes, never more than the longest form of a
 * secret less one, until mask_end.  With same_length set, NULs after the
 * asterisks make the output as long as the input.
 */
struct mask_stream;
struct mask_stream *mask_stream_new(struct mask *, bool same_length);
void mask_feed(struct mask_stream *, const char *, size_t, FILE *);
void mask_end(struct mask_stream *, FILE *);
size_t mask_holds(const struct mask_stream *);
void mask_stream_free(struct mask_stream *);

/* A text without the secrets, for the caller to free. */
char *mask_text(struct mask *, const char *);

#endif
