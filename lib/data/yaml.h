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

/* What a value must be.  A null has any shape. */
enum yaml_kind {
	YAML_ANY,
	YAML_STRING, /* a scalar; it becomes a string, spelt as it is written */
	YAML_LIST,
	YAML_MAP
};

/* The shape of what is inside, where there is an inside; NULL is any. */
struct yaml_shape {
	enum yaml_kind kind;
	const struct yaml_shape *each; /* of each element or member */
	const struct yaml_member {
		const char *name;
		const struct yaml_shape *shape;
	} * members; /* or of these; ended by a name that is NULL */
};

/*
 * Return the first document of a YAML text in its shape, NULL for any, or
 * invalid with a message for its author ("line 3: ...": one line, printable
 * ASCII).  A text without a document is null.
 *
 * Scalars where the shape says nothing are read as Go's yaml.v3 reads them
 * into a value of no certain type, but for this: a plain number is a number
 * only where libjq prints it as it was written; 1.10, 0x1f, 1_000,
 * 9007199254740993, .inf and dates are strings, so that the text of a number
 * is never lost.  Keys are text as written and keep their order; merged ones
 * ("<<") come after a mapping's own, which win.
 *
 * Refused beside what is beyond the limits, or of another shape: a key twice,
 * a key that is no scalar, a tag other than str, int, float, bool, null, seq
 * and map, a second document that is not empty, NUL, what is not UTF-8.
 */
jv yaml_parse(const char *text, size_t length, const struct yaml_shape *shape);

#endif
