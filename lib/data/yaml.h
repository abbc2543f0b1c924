/* SPDX-License-Identifier: ISC */
/* YAML, a stranger's workflow file as JSON. */
#ifndef DATA_YAML_H
#define DATA_YAML_H

#include <stddef.h>

#include <jv.h>

/* A file larger than this, in bytes, is refused. */
#define YAML_SIZE (256 * 1024)

/* A file that is nested deeper is refused. */
#define YAML_DEPTH 32

/*
 * A file that has more nodes, or more bytes of text, once each alias is
 * replaced by a copy of what it stands for, is refused.
 */
#define YAML_NODES 20000
#define YAML_TEXT (4 * YAML_SIZE)

/* What a value must be; a null may stand for any. */
enum yaml_kind {
	YAML_ANY,
	YAML_STRING, /* a scalar; it becomes a string, spelt as it is written */
	YAML_LIST,
	YAML_MAP
};

/* The shape of a value: its kind, and the shapes of its elements or members. */
struct yaml_shape {
	enum yaml_kind kind;
	const struct yaml_shape *each; /* of each element or member, or NULL */
	const struct yaml_member {
		const char *name;
		const struct yaml_shape *shape;
	} * members; /* of single members; ended by a name that is NULL */
};

/*
 * Return the first document of a YAML text, which must have the given shape, or
 * any if shape is NULL.  Returns an invalid value with a message for the text's
 * author ("line 3: ...", one line of printable ASCII) if the text is refused.
 * A text without a document is null.
 *
 * A scalar for which the shape says nothing is read as Go's yaml.v3 reads it
 * into an interface{}, with one exception: a plain number is a number only if
 * libjq prints it as it was written; 1.10, 0x1f, 1_000, 9007199254740993, .inf
 * and dates are strings, so that the text of a number is never lost.  Keys are
 * text as written and keep their order; merged ones
 * ("<<") come after a mapping's own, which win.
 *
 * A text is refused if it is beyond the limits or of another shape; if it has a
 * key twice, a key that is no scalar, a tag other than str, int, float, bool,
 * null, seq and map, a second document that is not empty, or NUL; and if it is
 * not UTF-8.
 */
jv yaml_parse(const char *text, size_t length, const struct yaml_shape *shape);

#endif
