/* SPDX-License-Identifier: ISC */
/* The files in share/, and where the tools are. */
#ifndef BASE_SHARE_H
#define BASE_SHARE_H

/*
 * The directory of the running program's file, for the caller to free, or NULL
 * if /proc does not tell.
 */
char *share_bin(void);

/*
 * The path of file in share/, for the caller to free: below $TACK_SHARE, else
 * below ../share/tack or ../share as seen from share_bin().  Exits with
 * EX_CONFIG if neither is known.
 */
char *share_path(const char *file);

/*
 * The whole of the file path, for the caller to free, with a NUL after its
 * last byte; NULL if there is no such file.  Exits with EX_CONFIG if it may not
 * be read, with EX_TEMPFAIL if it cannot be read now.
 */
char *share_text(const char *path);

#endif
