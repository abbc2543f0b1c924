/* SPDX-License-Identifier: ISC */
/* Where a repository may be fetched from. */
#ifndef LOCAL_REMOTE_H
#define LOCAL_REMOTE_H

#include <stdbool.h>

/*
 * Why a repository must not be fetched from this URL, a stranger's, for the
 * caller to free; NULL if it may be.  It must be https to a host with a name,
 * all of whose addresses are public; with dev, http, file and any host will
 * do.  *pin is what git's http.curloptResolve takes so that the addresses
 * looked at are the ones connected to; NULL where there is nothing to pin.
 */
char *remote_refused(const char *url, bool dev, char **pin);

#endif
