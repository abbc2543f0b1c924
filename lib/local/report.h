/* SPDX-License-Identifier: ISC */
/* What the embedded CI tells of its builds. */
#ifndef LOCAL_REPORT_H
#define LOCAL_REPORT_H

#include <jv.h>

/*
 * Pass a build through tack-resolve(1) and tack-status(1), as a poll would.
 * If that fails it only warns: tack will ask by itself.
 */
void report_build(const jv *build);

#endif
