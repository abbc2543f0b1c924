/* SPDX-License-Identifier: ISC */
/* Fuzz the check of JSON, the parser behind it, and the printer. */

#include <stdlib.h>

#include "data/check.h"
#include "data/json.h"
#include "data/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const whole[] = { NULL }, *const a[] = { "a", NULL };
	struct check_want want[] = { { whole, { 0 } }, { a, { 0 } } };
	struct check_want again[] = { { a, { 0 } } };
	const char *text = (const char *)data;
	struct bytes printed = { NULL, 0, 0 };

	if (check_json(text, size, want, 2) != -1)
		return 0;
	jv_free(json_parse(text, size));
	print_safe(&printed, text, size);
	/* What is printed is JSON still, and holds the same. */
	if (check_json(printed.text, printed.length, again, 1) != -1 ||
	    (want[1].value.text == NULL) != (again[0].value.text == NULL))
		abort();
	bytes_free(&printed);
	return 0;
}
