/* SPDX-License-Identifier: ISC */
/* Running a filter again until a fault that time may cure has passed. */
#ifndef FLOW_HOLD_H
#define FLOW_HOLD_H

/*
 * Run a filter, argv, on stdin's lines as they come: once for the complete
 * lines at hand, at most a batch, in a process of its own, whose output is
 * passed on when it has ended.  While it cannot do its work (the lock, the
 * disk, memory or the database are not to be had, or it was killed) the lines
 * are held, and it is run again after a second, then two, at most thirty.  It
 * is run once without a line first, and must end well.  Returns an exit status:
 * 0, or 1 if some line was rejected.  Exits with the filter's own status where
 * trying again would not help, EX_IOERR if stdin cannot be read or stdout
 * written.
 */
int hold_run(const char *const argv[]);

#endif
