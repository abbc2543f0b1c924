/* SPDX-License-Identifier: ISC */
/* The secrets that this process could know. */
#ifndef LOG_HELD_H
#define LOG_HELD_H

#include "log/mask.h"

/*
 * Add to the mask every secret that secret_read() finds by a variable
 * $TACK_..._FILE, $TACK_..._TOKEN, _SECRET or _KEY, or in
 * $CREDENTIALS_DIRECTORY, and those of $TACK_MASK_FILE: each of its lines, for
 * a log has a secret of several lines line by line.  Exits as
 * secret_read() does.
 */
void held_add(struct mask *mask);

#endif
