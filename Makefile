# tack: a spindle made of filters. GNU make and bmake both build it.
.POSIX:
.SUFFIXES:
.SUFFIXES: .t .o .c

include config.mk

VERSION = 0.1

# The binary of a tool stands beside its source.
TOOLS = bin/tack-cancel bin/tack-events bin/tack-fetch bin/tack-http \
	bin/tack-local bin/tack-logs bin/tack-poll bin/tack-resolve \
	bin/tack-spawn bin/tack-status bin/tack-verify bin/tack-webhook
SCRIPTS = bin/tack bin/tack-init bin/tack-member bin/tack-reconcile \
	bin/tack-request
OBJS = lib/base/bell.o lib/base/bytes.o lib/base/child.o lib/base/clock.o \
	lib/base/file.o lib/base/mem.o lib/base/public.o \
	lib/base/sandbox.o lib/base/secret.o lib/base/setting.o \
	lib/base/share.o lib/base/spin.o \
	lib/data/base64.o lib/data/check.o lib/data/digest.o \
	lib/data/json.o lib/data/print.o lib/data/record.o \
	lib/data/stamp.o lib/data/tid.o lib/data/yaml.o \
	lib/store/build.o lib/store/db.o lib/store/event.o \
	lib/store/owner.o lib/store/ref.o lib/store/round.o \
	lib/store/run.o \
	lib/web/conn.o lib/web/feed.o lib/web/head.o lib/web/http.o \
	lib/web/listen.o lib/web/listing.o lib/web/pipeline.o \
	lib/web/reader.o lib/web/reply.o lib/web/request.o \
	lib/web/server.o lib/web/stream.o lib/web/ws.o \
	lib/local/cell.o lib/local/clone.o lib/local/dir.o \
	lib/local/index.o lib/local/job.o lib/local/make.o \
	lib/local/mark.o lib/local/remote.o lib/local/report.o \
	lib/local/runner.o lib/local/task.o lib/local/turn.o \
	lib/ci/answer.o lib/ci/auth.o lib/ci/budget.o lib/ci/call.o \
	lib/ci/exchange.o lib/ci/program.o lib/ci/provider.o \
	lib/ci/scheme.o lib/ci/seal.o lib/ci/template.o \
	lib/log/errand.o lib/log/keep.o lib/log/mask.o lib/log/screen.o \
	lib/log/take.o lib/log/term.o \
	lib/flow/attempt.o lib/flow/control.o lib/flow/filter.o \
	lib/flow/hold.o lib/flow/permit.o lib/flow/resolve.o \
	lib/flow/starters.o lib/flow/status.o lib/flow/verify.o \
	lib/flow/workflow.o
HDRS = ${OBJS:.o=.h} lib/data/eight.h
UNITS = tests/auth.t tests/base64.t tests/file.t tests/head.t tests/json.t \
	tests/mask.t tests/public.t tests/sandbox.t tests/secret.t tests/stamp.t \
	tests/term.t tests/tid.t tests/yaml.t
BENCHES = tests/bench/commit tests/bench/json tests/bench/load \
	tests/bench/pair tests/bench/sub

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2
HARDEN = -fstack-protector-strong -fstack-clash-protection -fPIE
TACK_CFLAGS = -std=c11 -D_GNU_SOURCE -DLIBBSD_NETBSD_VIS -DVERSION='"${VERSION}"' -iquote lib \
	${WARNINGS} ${HARDEN}
TACK_LDFLAGS = -pie -Wl,--as-needed -Wl,-z,relro -Wl,-z,noexecstack
# libc comes before libbsd, which has some of the same functions, so that a tool
# that needs no more than those does without it. What makes no difference to
# how a tool starts: -z now (these libraries are bound at once anyway), -no-pie,
# the hash style; to put libjq before libsqlite3 is worse.
LIBS = lib/libtack.a ${SQLITE} -lcurl -ljq -lm ${NETTLE} -lwslay -lyaml -lc \
	${BSD}

all: ${TOOLS}

${TOOLS} ${UNITS} ${BENCHES}: lib/libtack.a

lib/libtack.a: ${OBJS}
	rm -f $@
	${AR} rcs $@ ${OBJS}

${OBJS} ${TOOLS:=.o} ${UNITS:.t=.o} ${BENCHES:=.o}: ${HDRS} Makefile config.mk

${UNITS:.t=.o}: tests/tap.h

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
