# Where tack is installed, and with what it is built.
PREFIX = /usr/local
BINDIR = ${PREFIX}/bin
SHAREDIR = ${PREFIX}/share/tack
MANDIR = ${PREFIX}/share/man

CC = cc
# valgrind 3.19 cannot read the DWARF 5 that clang writes.
CFLAGS = -O2 -gdwarf-4
LDFLAGS =

# More than half of what a tool does when it starts is to bind these libraries.
# From their archives it starts with less than half of the instructions; but
# then it is five times as large, and has to be built again when one of them
# is mended.
SQLITE = -lsqlite3
NETTLE = -lnettle
BSD = -lbsd
#SQLITE = -l:libsqlite3.a
#NETTLE = -l:libnettle.a
#BSD = -l:libbsd.a -l:libmd.a
