/* SPDX-License-Identifier: ISC */
/* Secrets in a stream of text become three asterisks. */
#ifndef LOG_MASK_H
#define LOG_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A secret of fewer bytes stands in too many innocent words to be masked. */
#define MASK_LEAST 4

/* A set of secrets, all of which are added before the first stream. */
struct mask;
struct mask *mask_new(void);
void mask_free(struct mask *mask);

/*
 * Add a secret of length bytes, which holds no newline.  The secret is masked
 * as it is and in base64: in either alphabet, padded or not, and at any offset
 * in a longer text.  Returns false if it is shorter than MASK_LEAST.
 */
bool mask_add(struct mask *mask, const char *secret, size_t length);

/*
 * Add to the mask every secret that secret_read() finds by a variable
 * $TACK_..._FILE, $TACK_..._TOKEN, _SECRET or _KEY, or in
 * $CREDENTIALS_DIRECTORY, and each line of $TACK_MASK_FILE: a secret of
 * several lines stands in a log line by line.  Exits as secret_read() does.
 */
void mask_environment(struct mask *mask);

/* A text that comes in pieces, in which a secret may be torn between two. */
struct mask_stream;

/*
 * Make a stream.  With same_length, NULs after the asterisks make the output as
 * long as the input.
 */
struct mask_stream *mask_stream_new(struct mask *mask, bool same_length);
void mask_stream_free(struct mask_stream *stream);

/*
 * Write text, the next piece of the stream, to the file to, without the
 * secrets. Bytes at its end that may be the beginning of a secret are held back
 * until the next piece.
 */
void mask_feed(
    struct mask_stream *stream, const char *text, size_t length, FILE *to);

/* End the stream: write to the file to what is held back. */
void mask_end(struct mask_stream *stream, FILE *to);

/* How many bytes are held back: fewer than the longest form of a secret has. */
size_t mask_holds(const struct mask_stream *stream);

/* Return a copy of text without the secrets, for the caller to free. */
char *mask_text(struct mask *mask, const char *text);

#endif
