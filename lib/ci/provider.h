/* SPDX-License-Identifier: ISC */
/* One CI as data: share/providers/NAME/provider.json. */
#ifndef CI_PROVIDER_H
#define CI_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jv.h>

/*
 * Reads the provider of a name; NULL if there is none.  Exits with EX_CONFIG,
 * naming file and member, if the file is wrong.
 */
struct provider;
struct provider *provider_load(const char *name);
void provider_free(struct provider *provider);

/* Makes TACK_NAME_SUFFIX, a variable's name, for the caller to free. */
char *provider_variable(const char *name, const char *suffix);

/* Returns a member of provider.json, invalid if there is none. */
jv provider_member(const struct provider *provider, const char *member);

/*
 * Returns a member of provider.json as a number, or otherwise if there is none.
 * Exits with EX_CONFIG, naming file and member, if it is not a whole number
 * from least to most.
 */
int64_t provider_int(const struct provider *provider, const char *member,
    int64_t otherwise, int64_t least, int64_t most);

/*
 * Returns the scheme of "auth" that mode names; if mode is NULL, the one that
 * "mode" names.  Invalid if there is none.
 */
jv provider_auth(const struct provider *provider, const char *mode);

/* Does an event of this name tell of a build? */
bool provider_knows(const struct provider *provider, const char *event);

/*
 * Reads a payload, a checked JSON text.  Returns {event, build, ref, seal},
 * without those that the payload does not have.  build and ref are as
 * in tack-record(5), ref without pipeline_uri; there is a ref only if all three
 * of its values are there, not empty and free of control characters.
 */
jv provider_read(struct provider *provider, const char *payload, size_t length);

/*
 * Checks a payload by check_json(), and sets *wrong to its result.  Returns the
 * name of the payload's event, for the caller to free, or NULL.
 */
char *provider_event(const struct provider *provider, const char *payload,
    size_t length, ssize_t *wrong);

/* Fills in the template "origin" from build; the text is the caller's to free.
 */
char *provider_origin(const struct provider *provider, const jv *build);

#endif
