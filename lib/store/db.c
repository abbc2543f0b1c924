/* SPDX-License-Identifier: ISC */
/* The shared database, its write lock and its doorbell. */
#include <sys/file.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/bell.h"
#include "base/mem.h"
#include "store/db.h"

#define APPLICATION_ID 1952539499 /* "tack" */
#define VERSION_NOW 3
#define BUSY_MS 10000
#define LOCK_SECONDS 10

struct query {
	struct db *db;
	struct query *next;
	sqlite3_stmt *stmt; /* NULL until it is first used */
	const char *what, *sql;
};

struct db {
	sqlite3 *sqlite;
	struct query *queries;
	struct query *begin, *commit;
	char *path, *lock_path;
	enum db_mode mode;
	bool within; /* a transaction */
	bool settled; /* what was found on opening is on disk */
	int lock; /* descriptor of the lock file, -1 for readers */
	struct bell *bell; /* NULL for readers that do not listen */
};

static _Noreturn void
die(sqlite3 *sqlite, const char *what)
{
	int status = EX_SOFTWARE;

	switch (sqlite3_errcode(sqlite) & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL: /* a lock not had in ten seconds */
		status = EX_TEMPFAIL;
	}
	errx(status, "%s: %s", what, sqlite3_errmsg(sqlite));
}

static int64_t
pragma(struct db *db, const char *sql)
{
	sqlite3_stmt *stmt;
	int64_t value = 0;

	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
		die(db->sqlite, db->path);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	if (sqlite3_finalize(stmt) != SQLITE_OK)
		die(db->sqlite, db->path);
	return value;
}

static const char *
user_name(uid_t uid, char *number, size_t size)
{
	const struct passwd *user = getpwuid(uid);

	if (user != NULL)
		return user->pw_name;
	snprintf(number, size, "%lu", (unsigned long)uid);
	return number;
}

/* It is there, and this user may not use it.  Only its owner can tell why. */
static _Noreturn void
denied(const char *path)
{
	char number[2][24], mine[64];
	struct stat st;

	snprintf(mine, sizeof(mine), "%s",
	    user_name(geteuid(), number[0], sizeof(number[0])));
	if (stat(path, &st) == -1)
		errx(EX_CONFIG, "%s: you are %s, who may not look there", path,
		    mine);
	errx(EX_CONFIG, "%s: owned by %s, and you are %s: chown %s %s", path,
	    user_name(st.st_uid, number[1], sizeof(number[1])), mine, mine,
	    path);
}

/* Exits where this user may not use the database or its directory. */
static void
check_access(const char *path, enum db_mode mode)
{
	char *copy = xstrdup(path), *directory = dirname(copy);

	if (eaccess(directory, X_OK) == -1 && errno == EACCES)
		denied(directory);
	if (eaccess(path, F_OK) == -1)
		err(errno == ENOENT ? EX_NOINPUT : EX_TEMPFAIL,
		    "%s (tack-init(8) makes a database)", path);
	if (eaccess(path, mode == DB_READ ? R_OK : R_OK | W_OK) == -1 &&
	    errno == EACCES)
		denied(path);
	if (mode != DB_READ && eaccess(directory, W_OK) == -1 &&
	    errno == EACCES)
		denied(directory);
	free(copy);
}

/* The path of a file beside the database, for the caller to free. */
static char *
beside(const char *database, const char *suffix)
{
	return xasprintf("%s-%s", database, suffix);
}

/* Open a file beside the database, which is made if it is not there. */
static int
open_beside(const char *database, const char *path)
{
	struct stat file, owner;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd == -1 && errno == ELOOP)
		errx(EX_CONFIG, "%s: a symbolic link; remove it", path);
	if (fd == -1 && errno == EACCES)
		denied(path);
	if (fd == -1 || fstat(fd, &file) == -1)
		err(EX_TEMPFAIL, "%s", path);
	if (!S_ISREG(file.st_mode))
		errx(EX_CONFIG, "%s: not a file; remove it", path);
	if (stat(database, &owner) == -1 || owner.st_uid == file.st_uid)
		return fd;
	if (file.st_uid != geteuid())
		errx(EX_CONFIG, "%s: not owned by who owns %s; remove it", path,
		    database);
	/* What root makes is for the owner, as with SQLite's own files. */
	if (file.st_uid == 0 && fchown(fd, owner.st_uid, owner.st_gid) == -1)
		err(EX_TEMPFAIL, "%s", path);
	return fd;
}

int
db_file(const char *database, const char *suffix)
{
	char *path = beside(database, suffix);
	int fd = open_beside(database, path);

	free(path);
	return fd;
}

char *
db_path(const char *path)
{
	char *real;

	if (path == NULL)
		path = getenv("TACK_DB_PATH");
	if (path == NULL || *path == '\0')
		path = "tack.db";
	/* Where there is none yet, its name will do for the message. */
	real = realpath(path, NULL);
	return real != NULL ? real : xstrdup(path);
}

static struct bell *
bell(const struct db *db, bool to_ring)
{
	char *path = beside(db->path, "bell");
	struct bell *b = bell_open(path, to_ring);

	free(path);
	return b;
}

struct db *
db_open(const char *path, enum db_mode mode)
{
	struct db *db = xcalloc(1, sizeof(*db));
	int64_t version;

	/* No tool has two threads in SQLite, nor asks what it takes. */
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	db->path = xstrdup(path);
	db->mode = mode;
	db->lock = -1;
	check_access(path, mode);
	if (sqlite3_open_v2(path, &db->sqlite,
		mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE,
		NULL) != SQLITE_OK)
		die(db->sqlite, path);
	/* It falls back to reading where it could not open for both. */
	if (mode != DB_READ && sqlite3_db_readonly(db->sqlite, "main") != 0)
		errx(EX_TEMPFAIL, "%s: cannot be opened for writing", path);
	sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	if (pragma(db, "PRAGMA application_id") != APPLICATION_ID)
		errx(EX_CONFIG, "%s: not a database of tack", path);
	version = pragma(db, "PRAGMA user_version");
	if (version != VERSION_NOW)
		errx(EX_CONFIG, "%s: version %lld, not %d: %s", path,
		    (long long)version, VERSION_NOW,
		    version < VERSION_NOW ? "run tack-init(8)" :
					    "install the newer tack");
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	if (mode == DB_READ) {
		sqlite3_db_config(
		    db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		return db;
	}
	pragma(db,
	    mode == DB_WRITE ? "PRAGMA synchronous = NORMAL" :
			       "PRAGMA synchronous = FULL");
	pragma(db, "PRAGMA journal_size_limit = 8388608");
	db->lock_path = beside(path, "lock");
	db->lock = open_beside(path, db->lock_path);
	db->bell = bell(db, true);
	db->begin = db_query(db, "begin", "BEGIN IMMEDIATE");
	db->commit = db_query(db, "commit", "COMMIT");
	return db;
}

static void
on_alarm(int sig)
{
	(void)sig;
}

/* Take the lock of the file that is open. */
static void
take(struct db *db)
{
	struct sigaction alarmed = { .sa_handler = on_alarm }, old;

	if (flock(db->lock, LOCK_EX | LOCK_NB) == 0)
		return;
	sigaction(SIGALRM, &alarmed, &old);
	alarm(LOCK_SECONDS);
	if (flock(db->lock, LOCK_EX) == -1)
		errx(EX_TEMPFAIL,
		    "%s: held by another process for"
		    " %d seconds; lslocks(8) names it",
		    db->lock_path, LOCK_SECONDS);
	alarm(0);
	sigaction(SIGALRM, &old, NULL);
}

/* Is the lock that is held the one that others find? */
static bool
is_there(const struct db *db)
{
	struct stat held, there;

	return fstat(db->lock, &held) == 0 &&
	    lstat(db->lock_path, &there) == 0 && held.st_ino == there.st_ino &&
	    held.st_dev == there.st_dev;
}

static void
lock(struct db *db)
{
	for (;;) {
		take(db);
		if (is_there(db))
			return;
		close(db->lock);
		db->lock = open_beside(db->path, db->lock_path);
	}
}

/* What is written to a file that was replaced is lost. */
static void
check_replaced(struct db *db)
{
	int moved = 0;

	sqlite3_file_control(
	    db->sqlite, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved)
		errx(EX_TEMPFAIL,
		    "%s: another file is there now than was opened", db->path);
}

static void
unlock(struct db *db)
{
	flock(db->lock, LOCK_UN);
}

void
db_close(struct db *db)
{
	sqlite3_stmt *stmt;
	struct query *q;

	/* The last to close checkpoints, and no checkpoint is without lock. */
	if (db->mode != DB_READ)
		lock(db);
	while ((stmt = sqlite3_next_stmt(db->sqlite, NULL)) != NULL)
		sqlite3_finalize(stmt);
	if (sqlite3_close(db->sqlite) != SQLITE_OK)
		die(db->sqlite, db->path);
	if (db->mode != DB_READ) {
		unlock(db);
		close(db->lock);
	}
	while ((q = db->queries) != NULL) {
		db->queries = q->next;
		free(q);
	}
	bell_free(db->bell);
	free(db->lock_path);
	free(db->path);
	free(db);
}

struct query *
db_query(struct db *db, const char *what, const char *sql)
{
	struct query *q = xcalloc(1, sizeof(*q));

	q->db = db;
	q->what = what;
	q->sql = sql;
	q->next = db->queries;
	db->queries = q;
	return q;
}

void
db_forget(struct query *q)
{
	struct query **at = &q->db->queries;

	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	sqlite3_finalize(q->stmt);
	free(q);
}

/* The statement of a query, which most runs of a tool never come to. */
static sqlite3_stmt *
prepared(struct query *q)
{
	if (q->stmt == NULL &&
	    sqlite3_prepare_v3(q->db->sqlite, q->sql, -1,
		SQLITE_PREPARE_PERSISTENT, &q->stmt, NULL) != SQLITE_OK)
		die(q->db->sqlite, q->what);
	return q->stmt;
}

static int
parameter(struct query *q, const char *name)
{
	int i = sqlite3_bind_parameter_index(prepared(q), name);

	if (i == 0)
		errx(EX_SOFTWARE, "%s: no parameter %s", q->what, name);
	return i;
}

void
db_bind(struct query *q, const char *name, const char *text)
{
	int i = parameter(q, name);

	if (sqlite3_bind_text(q->stmt, i, text, -1, SQLITE_STATIC) != SQLITE_OK)
		die(q->db->sqlite, q->what);
}

void
db_bind_int(struct query *q, const char *name, int64_t value)
{
	int i = parameter(q, name);

	if (sqlite3_bind_int64(q->stmt, i, value) != SQLITE_OK)
		die(q->db->sqlite, q->what);
}

bool
db_step(struct query *q)
{
	switch (sqlite3_step(prepared(q))) {
	case SQLITE_ROW:
		return true;
	case SQLITE_DONE:
		sqlite3_reset(q->stmt);
		return false;
	default:
		die(q->db->sqlite, q->what);
	}
}

void
db_reset(struct query *q)
{
	sqlite3_reset(q->stmt);
}

const char *
db_text(struct query *q, int column)
{
	const unsigned char *text = sqlite3_column_text(q->stmt, column);

	if (text == NULL && sqlite3_errcode(q->db->sqlite) == SQLITE_NOMEM)
		die(q->db->sqlite, q->what);
	return (const char *)text;
}

int64_t
db_int(struct query *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

void
db_begin(struct db *db)
{
	lock(db);
	check_replaced(db);
	db_step(db->begin);
	db->within = true;
}

void
db_commit(struct db *db)
{
	db_step(db->commit);
	check_replaced(db);
	/* It syncs all there is, unless it changed nothing. */
	if (sqlite3_total_changes(db->sqlite) > 0)
		db->settled = true;
	else if (db->mode == DB_WRITE_FULL)
		db_settle(db);
	db->within = false;
	unlock(db);
}

void
db_settle(struct db *db)
{
	sqlite3_file *wal = NULL;
	sqlite3_int64 size = 0;

	if (db->settled)
		return;
	sqlite3_file_control(
	    db->sqlite, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	/* An empty WAL has been checkpointed, and that is synced. */
	if (wal != NULL && wal->pMethods != NULL &&
	    wal->pMethods->xFileSize(wal, &size) == SQLITE_OK && size > 0 &&
	    wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL) != SQLITE_OK)
		errx(EX_TEMPFAIL, "%s-wal: cannot sync", db->path);
	db->settled = true;
}

bool
db_try(struct db *db, struct query *q)
{
	int rc;

	if (!db->within) {
		lock(db);
		check_replaced(db);
	}
	while ((rc = sqlite3_step(prepared(q))) == SQLITE_ROW)
		continue;
	if (rc != SQLITE_DONE) {
		/* Some failures take the transaction with them. */
		if (db->within && sqlite3_get_autocommit(db->sqlite))
			die(db->sqlite, q->what);
		warnx("%s: %s", q->what, sqlite3_errmsg(db->sqlite));
	}
	sqlite3_reset(q->stmt);
	if (!db->within)
		unlock(db);
	return rc == SQLITE_DONE;
}

void
db_ring(struct db *db)
{
	bell_ring(db->bell);
}

void
db_listen(struct db *db)
{
	if (db->bell == NULL)
		db->bell = bell(db, false);
}

void
db_wait(struct db *db, int milliseconds)
{
	/* a reader that is gone shows as an error on stdout */
	struct pollfd out = { .fd = STDOUT_FILENO, .events = 0 };

	check_replaced(db);
	if (db->bell != NULL)
		bell_wait(db->bell, milliseconds);
	poll(&out, 1, db->bell != NULL ? 0 : milliseconds);
	if (out.revents & (POLLERR | POLLHUP))
		raise(SIGPIPE);
}
