/* SPDX-License-Identifier: ISC */
/* The shared database, its write lock and its doorbell. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

struct db;
struct query;

enum db_mode {
	DB_READ,
	DB_WRITE, /* a commit survives a crash of the tool */
	DB_WRITE_FULL /* a commit survives a power cut */
};

/*
 * Open the database that tack-init(8) made.  Exits with EX_NOINPUT when it is
 * absent, EX_CONFIG when its version is not ours.  Whatever fails later exits
 * too: with EX_TEMPFAIL for what time or room may cure (busy, full, I/O,
 * memory), else EX_SOFTWARE.  db_open opens and prepares without the lock.
 */
struct db *db_open(const char *path, enum db_mode);
void db_close(struct db *);

/* The path to open: the argument, else $TACK_DB_PATH, else tack.db. */
const char *db_path(const char *);

/*
 * A prepared statement; what says its purpose in messages.  Parameters are
 * named (":knot"), each must exist.  Text is lent until the step that ends
 * the statement, NULL binds NULL.  db_step returns whether there is a row,
 * and makes the statement ready for its next use when there is none;
 * db_reset does so early.  Column text is NULL for NULL and lives until the
 * next step.  db_forget is for statements of what does not last as long as the
 * database is open; the others end with it.
 */
struct query *db_query(struct db *, const char *what, const char *sql);
void db_forget(struct query *);
void db_bind(struct query *, const char *, const char *);
void db_bind_int(struct query *, const char *, int64_t);
bool db_step(struct query *);
void db_reset(struct query *);
const char *db_text(struct query *, int);
int64_t db_int(struct query *, int);

/*
 * A write transaction: our own flock(2) from before BEGIN IMMEDIATE to after
 * COMMIT (SQLite's busy waiting starves writers, and SQLite before 3.51.3 can
 * lose rows when a checkpoint meets a commit).  Never held over a read of
 * stdin or the network.  Exits with EX_TEMPFAIL when the lock is not had
 * within ten seconds.
 */
void db_begin(struct db *);
void db_commit(struct db *);

/*
 * A writer may die after it wrote to the WAL and before it synced it, and who
 * opens the database next finds what it wrote.  Before a reader tells of what
 * it read, this puts that on disk, once.  db_commit does so by itself.
 */
void db_settle(struct db *);

/*
 * One writing statement, as a transaction of its own or in the one that is
 * open, which may fail without harm: false, with the reason on stderr.
 */
bool db_try(struct db *, struct query *);

/*
 * The doorbell is a file beside the database.  Ring it after a commit that
 * readers wait for; wait for it at most so many milliseconds.  A ring between
 * db_listen and db_wait is not lost.
 */
void db_ring(struct db *);
void db_listen(struct db *);
void db_wait(struct db *, int milliseconds);

#endif
