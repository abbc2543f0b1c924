# tack: a spindle made of filters. GNU make and bmake both build it.
.POSIX:
.SUFFIXES:
.SUFFIXES: .t .o .c

include config.mk

VERSION = 0.1

# The binary of a tool stands beside its source.
TOOLS = bin/tack-cancel bin/tack-events bin/tack-http bin/tack-local \
	bin/tack-logs bin/tack-poll bin/tack-resolve bin/tack-spawn \
	bin/tack-status bin/tack-verify bin/tack-webhook
SCRIPTS = bin/tack bin/tack-init bin/tack-reconcile bin/tack-request
OBJS = lib/auth.o lib/base64.o lib/bell.o lib/budget.o lib/build.o \
	lib/bytes.o lib/call.o lib/cell.o lib/child.o lib/clone.o lib/conn.o \
	lib/db.o lib/errand.o lib/event.o lib/exchange.o lib/fetch.o \
	lib/filter.o lib/head.o lib/http.o lib/job.o lib/json.o lib/keep.o \
	lib/listen.o lib/mark.o lib/mask.o lib/pipeline.o lib/program.o \
	lib/provider.o lib/public.o lib/ref.o lib/remote.o lib/reply.o \
	lib/report.o lib/request.o lib/resolve.o lib/run.o lib/runner.o \
	lib/sandbox.o lib/seal.o lib/secret.o lib/server.o lib/stamp.o \
	lib/attempt.o lib/starters.o lib/status.o lib/stream.o lib/task.o \
	lib/term.o lib/tid.o lib/turn.o lib/verify.o lib/ws.o lib/yaml.o
HDRS = lib/auth.h lib/base64.h lib/bell.h lib/budget.h lib/build.h \
	lib/bytes.h lib/call.h lib/cell.h lib/child.h lib/clone.h lib/conn.h \
	lib/db.h lib/errand.h lib/event.h lib/exchange.h lib/fetch.h \
	lib/filter.h lib/head.h lib/http.h lib/job.h lib/json.h lib/keep.h \
	lib/listen.h lib/mark.h lib/mask.h lib/pipeline.h lib/program.h \
	lib/provider.h lib/public.h lib/ref.h lib/remote.h lib/reply.h \
	lib/report.h lib/request.h lib/resolve.h lib/run.h lib/runner.h \
	lib/sandbox.h lib/seal.h lib/secret.h lib/server.h lib/stamp.h \
	lib/attempt.h lib/starters.h lib/status.h lib/stream.h lib/task.h \
	lib/term.h lib/tid.h lib/turn.h lib/verify.h lib/ws.h lib/yaml.h
UNITS = tests/auth.t tests/base64.t tests/head.t tests/json.t tests/mask.t \
	tests/public.t tests/sandbox.t tests/term.t tests/tid.t tests/yaml.t
BENCHES = tests/bench/commit tests/bench/json tests/bench/load \
	tests/bench/pair tests/bench/sub

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2
HARDEN = -fstack-protector-strong -fstack-clash-protection -fPIE
TACK_CFLAGS = -std=c11 -D_GNU_SOURCE -DLIBBSD_NETBSD_VIS -DVERSION='"${VERSION}"' -iquote lib \
	${WARNINGS} ${HARDEN}
TACK_LDFLAGS = -pie -Wl,--as-needed -Wl,-z,relro -Wl,-z,noexecstack
LIBS = lib/libtack.a -lsqlite3 -lcurl -ljq -lm -lnettle -lwslay -lyaml -lbsd

all: ${TOOLS}

${TOOLS} ${UNITS} ${BENCHES}: lib/libtack.a

lib/libtack.a: ${OBJS}
	rm -f $@
	${AR} rcs $@ ${OBJS}

${OBJS} ${TOOLS:=.o} ${UNITS:.t=.o} ${BENCHES:=.o}: ${HDRS} Makefile config.mk

.c.o:
	${CC} ${CFLAGS} ${TACK_CFLAGS} -c -o $@ $<

.o:
	${CC} ${LDFLAGS} ${TACK_LDFLAGS} -o $@ $< ${LIBS}

.o.t:
	${CC} ${LDFLAGS} ${TACK_LDFLAGS} -o $@ $< ${LIBS}

check: all ${UNITS}
	PATH="$$PWD/bin:$$PATH" prove ${PROVEFLAGS} tests

# What we measure, beside what it would replace.
bench: all benches
	sh scripts/bench

benches: ${BENCHES}

# The whole suite once more under ASan and UBSan. Leaks are tests/leak.t's:
# what a filter leaves to exit(2) is none, and a sandbox stops the look for it.
sanitize: clean
	ASAN_OPTIONS=detect_leaks=0 ${MAKE} CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined' \
	    LDFLAGS='-fsanitize=address,undefined' TACK_SANITIZE=1 check
	${MAKE} clean

# The lines and branches that the tests run, and the bugs that they would find.
coverage:
	sh scripts/coverage

mutants:
	scripts/mutants

# Each for FUZZ_SECONDS, 60 if not said.
fuzz:
	sh scripts/fuzz

lint:
	sh scripts/lint

install: all
	mkdir -p ${DESTDIR}${BINDIR} ${DESTDIR}${SHAREDIR}
	cp ${TOOLS} ${SCRIPTS} ${DESTDIR}${BINDIR}
	cp -R share/. ${DESTDIR}${SHAREDIR}
	for page in man/*.[1-8]; do \
		dir=${DESTDIR}${MANDIR}/man$${page##*.}; \
		mkdir -p "$$dir" && cp "$$page" "$$dir" || exit; \
	done

uninstall:
	for tool in ${TOOLS} ${SCRIPTS}; do \
		rm -f "${DESTDIR}${BINDIR}/$${tool#bin/}"; \
	done
	for page in man/*.[1-8]; do \
		rm -f "${DESTDIR}${MANDIR}/man$${page##*.}/$${page#man/}"; \
	done
	rm -rf ${DESTDIR}${SHAREDIR}

clean:
	rm -f ${TOOLS} ${TOOLS:=.o} ${OBJS} lib/libtack.a ${UNITS} \
	    ${UNITS:.t=.o} ${BENCHES} ${BENCHES:=.o}

.PHONY: all bench benches check clean coverage fuzz install lint \
	mutants sanitize uninstall
