# Where tack is installed, and with what it is built.
PREFIX = /usr/local
BINDIR = ${PREFIX}/bin
SHAREDIR = ${PREFIX}/share/tack
MANDIR = ${PREFIX}/share/man

CC = cc
# valgrind 3.19 cannot read the DWARF 5 that clang writes.
CFLAGS = -O2 -gdwarf-4
LDFLAGS =
