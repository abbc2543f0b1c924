# Where tack is installed, and with what it is built.
PREFIX = /usr/local
BINDIR = ${PREFIX}/bin
SHAREDIR = ${PREFIX}/share/tack
MANDIR = ${PREFIX}/share/man

CC = cc
CFLAGS = -O2 -g
LDFLAGS =
