/* SPDX-License-Identifier: ISC */
/* YAML, a stranger's workflow file as JSON. */
#ifndef DATA_YAML_H
#define DATA_YAML_H

#include <stddef.h>

#include <jv.h>

/* A file larger than this, in bytes, is refused. */
#define YAML_SIZE (256 * 1024)

/* So is one nested deeper, */
#define YAML_DEPTH 32

/* and one of more nodes or more text once its aliases stand for copies. */
#define YAML_NODES 20000
#define YAML_TEXT (4 * YAML_SIZE)

/*
 * The one document of a YAML text, or invalid with a message for its author
 * ("line 3: ...": one line, printable ASCII).  A text without a document is
 * null.  Scalars are read as Go's yaml.v3 reads them into a value of no
 * certain type, but for this: a plain number is a number only where libjq
 * prints it as it was written; 1.10, 0x1f, 1_000, 9007199254740993, .inf and
 * dates are strings, so that the text of a number is never lost.  Keys are
 * text as written and keep their order; merged ones ("<<") come after a
 * mapping's own, which win.
 *
 * Refused beside what is beyond the limits: a key twice, a key that is no
 * scalar, a tag other than str, int, float, bool, null, seq and map, a second
 * document, NUL, what is not UTF-8.
 */
jv yaml_parse(const char *, size_t);

#endif
