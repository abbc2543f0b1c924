/* SPDX-License-Identifier: ISC */
/*
 * Linked into the tools by scripts/coverage: to them, the kernel has no
 * Landlock.  A tool writes its counters when it exits, and files must be in
 * reach then.
 */
#include <sys/syscall.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

long
syscall(long number, ...)
{
	static long (*next)(long, ...);
	long a[6];
	va_list list;

	if (number == SYS_landlock_create_ruleset) {
		errno = ENOSYS;
		return -1;
	}
	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
