/* SPDX-License-Identifier: ISC */
/* Memory, or the end of the program. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdio.h>

/*
 * Each of these does what the function does whose name follows the x, and
 * never returns NULL: for want of memory the program ends with EX_OSERR.
 */
void *xmalloc(size_t size) __attribute__((malloc));
void *xcalloc(size_t count, size_t size) __attribute__((malloc));
void *xrealloc(void *old, size_t size);
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *text) __attribute__((malloc));
char *xstrndup(const char *text, size_t most) __attribute__((malloc));

/* Like asprintf(3), but the text is the result. */
char *xasprintf(const char *format, ...)
    __attribute__((malloc, format(printf, 1, 2)));

/*
 * Begin a text that grows as it is written, by open_memstream(3): *text and
 * *size are set when it is closed by mem_close(), and *text is then the
 * caller's to free.
 */
FILE *mem_open(char **text, size_t *size);

/* Close a stream of mem_open(text, ...). */
void mem_close(FILE *stream, char *const *text);

/*
 * End the program for want of memory: for a library that was refused it and
 * says so by its result.
 */
_Noreturn void mem_refused(void);

#endif
