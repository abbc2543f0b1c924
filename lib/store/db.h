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
 * db_path returns the real path of the database that path names, or
 * TACK_DB_PATH if path is NULL, or tack.db.  All files beside the database go
 * by this path, so a tool calls db_path once and hands on what it returned.
 * The caller frees it.
 */
char *db_path(const char *path);

/*
 * db_open opens the database that tack-init(8) made.  It takes no lock.  It
 * exits with EX_NOINPUT if there is no database, and with EX_CONFIG if this
 * user may not use it or if its version is not ours.  Every function here
 * that fails later exits as well: with EX_TEMPFAIL for what time or room may
 * cure (busy, full, I/O, memory), else with EX_SOFTWARE.
 */
struct db *db_open(const char *path, enum db_mode mode);

/* db_close finishes all queries and closes the database. */
void db_close(struct db *db);

/*
 * db_file opens the file that stands beside a database under its name, a
 * hyphen and suffix, and makes it if it is absent.  It follows no symbolic
 * link.  It returns a descriptor, which the caller closes.
 */
int db_file(const char *database, const char *suffix);

/*
 * db_query returns a statement, which is prepared when it is first used.
 * what says its purpose in messages; what and sql must last as long as the
 * query.  Parameters have names (":knot").  The query ends with the database.
 */
struct query *db_query(struct db *db, const char *what, const char *sql);

/* db_forget ends a query before its database is closed. */
void db_forget(struct query *q);

/*
 * db_bind gives the parameter called name a text, or NULL.  The text is lent
 * until the step that ends the statement.
 */
void db_bind(struct query *q, const char *name, const char *text);

/* db_bind_int gives the parameter called name a number. */
void db_bind_int(struct query *q, const char *name, int64_t value);

/*
 * db_step returns true if there is a row.  When there is none left it returns
 * false, and the statement is ready for its next use.
 */
bool db_step(struct query *q);

/* db_reset makes a statement ready for its next use before its last row. */
void db_reset(struct query *q);

/*
 * db_text returns a column of the row as text, NULL for NULL.  The text lives
 * until the next step.
 */
const char *db_text(struct query *q, int column);

/* db_int returns a column of the row as a number, 0 for NULL. */
int64_t db_int(struct query *q, int column);

/*
 * db_begin takes the write lock and begins a transaction.  The lock is
 * flock(2) on a file of ours, for SQLite's busy waiting starves writers, and
 * SQLite before 3.51.3 can lose rows when a checkpoint meets a commit.  Nobody
 * may read stdin or the network before db_commit.  It exits with EX_TEMPFAIL
 * if the lock is not had within ten seconds, or if the file of the database
 * has been replaced since it was opened.
 */
void db_begin(struct db *db);

/*
 * db_commit commits the transaction and lets go of the lock.  When it returns,
 * what was written is in the file that others find.
 */
void db_commit(struct db *db);

/*
 * db_settle puts on disk, once, what was found in the database when it was
 * opened.  A writer may die after it wrote to the WAL and before it synced it;
 * so a reader calls this before it tells of what it read.  db_commit does it
 * by itself.
 */
void db_settle(struct db *db);

/*
 * db_try runs one writing statement, in the transaction that is open or in one
 * of its own.  If the statement fails, db_try says why on stderr and returns
 * false, and nothing else is lost.
 */
bool db_try(struct db *db, struct query *q);

/*
 * db_ring wakes every process that is in db_wait.  A tool calls it after the
 * commit of the news.
 */
void db_ring(struct db *db);

/* db_listen lets db_wait hear every ring from now on. */
void db_listen(struct db *db);

/*
 * db_wait waits for a ring since db_listen or the last db_wait, for the given
 * number of milliseconds at most.  It ends the tool by SIGPIPE if nobody reads
 * stdout any more, and exits with EX_TEMPFAIL if the file of the database has
 * been replaced.
 */
void db_wait(struct db *db, int milliseconds);

#endif
