/* SPDX-License-Identifier: ISC */
/* Reporting a build of the embedded CI to tack. */
#ifndef LOCAL_REPORT_H
#define LOCAL_REPORT_H

#include <jv.h>

/*
 * Pass a build through tack-resolve(1) and tack-status(1), as a poll would.
 * This may take 40 s.  If it fails there is a warning, no more: the next poll
 * asks for the build.
 */
void report_build(const jv *build);

#endif
