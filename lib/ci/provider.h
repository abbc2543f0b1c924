/* SPDX-License-Identifier: ISC */
/* Share/providers/NAME/provider.json, one CI as data. */
#ifndef CI_PROVIDER_H
#define CI_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jv.h>

/*
 * A provider by its name; NULL if there is none such.  Exits with EX_CONFIG,
 * naming file and member, when its file is wrong.
 */
struct provider;
struct provider *provider_load(const char *name);
void provider_free(struct provider *);

/* TACK_NAME_SUFFIX, the variable of a provider; for the caller to free. */
char *provider_variable(const char *name, const char *suffix);

/* A member of provider.json, invalid if there is none. */
jv provider_member(const struct provider *, const char *);

/*
 * A member of provider.json as a number, or otherwise if there is none.  Exits
 * with EX_CONFIG, naming file and member, if it is not a whole number from
 * least to most.
 */
int64_t provider_int(const struct provider *, const char *member,
    int64_t otherwise, int64_t least, int64_t most);

/* A scheme of "auth": mode, else the provider's own "mode".  Invalid if none.
 */
jv provider_auth(const struct provider *, const char *mode);

/* Does an event of this name tell of a build? */
bool provider_knows(const struct provider *, const char *event);

/*
 * Read a payload, checked JSON text: {event, build, ref, seal}, each absent
 * where the payload has none.  build and ref as in tack-record(5), ref
 * without pipeline_uri; ref only if all three of its values are there, not
 * empty and free of control characters.
 */
jv provider_read(struct provider *, const char *payload, size_t);

/*
 * The event's name alone, of a text that check_json() has not seen yet, for
 * the caller to free, or NULL.  wrong is what check_json() returns.
 */
char *provider_event(
    const struct provider *, const char *payload, size_t, ssize_t *wrong);

/* "instance" and "origin", filled in from a build; for the caller to free. */
char *provider_origin(const struct provider *, const jv *build);

#endif
