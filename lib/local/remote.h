/* SPDX-License-Identifier: ISC */
/* Which URLs a repository may be fetched from. */
#ifndef LOCAL_REMOTE_H
#define LOCAL_REMOTE_H

#include <stdbool.h>

/*
 * Returns why git must not go to url, which a stranger wrote, for the caller to
 * free.  Returns NULL if git may: url is https, to a host with a name, all of
 * whose addresses are public; with dev, http, file and any host will do.  Then
 * sets *pin, for the caller to free, to a value for git's http.curloptResolve,
 * which makes git connect to the addresses that were checked, or to NULL if
 * there is nothing to pin.  Looks up the host's name, which takes as long as
 * the name servers take.
 */
char *remote_refused(const char *url, bool dev, char **pin);

#endif
