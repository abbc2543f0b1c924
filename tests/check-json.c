/* SPDX-License-Identifier: ISC */
/*
 * Judge JSON texts for tests.  Without arguments reads texts, each after its
 * length in four bytes, the least first, and answers each with a line: 0, or
 * 1 with offset and length of what stands at a.b, if anything does.  With
 * arguments prints what a file is once parsed.
 */

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "data/check.h"
#include "data/json.h"
#include "data/print.h"

static const char *const path[] = { "a", "b", NULL };

static void
judge(const char *text, size_t length)
{
	struct check_want want = { path, { NULL, 0 } };

	if (check_json(text, length, &want, 1) != -1)
		puts("0");
	else if (want.value.text == NULL)
		puts("1");
	else
		printf(
		    "1 %td %zu\n", want.value.text - text, want.value.length);
}

static void
show(const char *file)
{
	char text[65536], *shown;
	size_t length;
	FILE *fp;
	jv v;

	if ((fp = fopen(file, "r")) == NULL)
		err(1, "%s", file);
	length = fread(text, 1, sizeof(text), fp);
	fclose(fp);
	if (check_json(text, length, NULL, 0) != -1) {
		puts("not JSON");
		return;
	}
	v = json_parse(text, length);
	if (!jv_is_valid(v)) {
		puts("refused by libjq");
		jv_free(v);
		return;
	}
	shown = print_text(v);
	puts(shown);
	free(shown);
}

int
main(int argc, char *argv[])
{
	unsigned char head[4];
	size_t length;
	char *text;

	for (int i = 1; i < argc; i++)
		show(argv[i]);
	while (argc == 1 && fread(head, 1, 4, stdin) == 4) {
		length = head[0] | (size_t)head[1] << 8 |
		    (size_t)head[2] << 16 | (size_t)head[3] << 24;
		/* Exactly as long as the text, for ASan to watch its end. */
		if ((text = malloc(length)) == NULL && length > 0)
			err(1, NULL);
		if (fread(text, 1, length, stdin) != length)
			errx(1, "text is cut");
		judge(text, length);
		free(text);
	}
	return 0;
}
