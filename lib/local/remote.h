/* SPDX-License-Identifier: ISC */
/* Where a repository may be fetched from. */
#ifndef LOCAL_REMOTE_H
#define LOCAL_REMOTE_H

#include <stdbool.h>

/*
 * Say why git must not go to url, which a stranger wrote; the text is for the
 * caller to free.  NULL means that it may: url is https, to a host with a name,
 * all of whose addresses are public; with dev, http, file and any host will do.
 * *pin is then a value for git's http.curloptResolve, which makes git connect
 * to the addresses that were looked at, or NULL where there is nothing to pin;
 * it is for the caller to free.  The host's name is looked up, which takes as
 * long as its name servers like.
 */
char *remote_refused(const char *url, bool dev, char **pin);

#endif
