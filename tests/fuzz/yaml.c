/* SPDX-License-Identifier: ISC */
/* Fuzz the reader of workflow files. */
#include <stdlib.h>
#include <string.h>

#include "data/check.h"
#include "data/json.h"
#include "data/print.h"
#include "data/yaml.h"
#include "flow/workflow.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	jv v = workflow_parse((const char *)data, size), why;
	char *text;

	/* What is read is JSON, and no larger than promised. */
	if (jv_is_valid(v)) {
		text = print_text(v);
		if (check_json(text, strlen(text), NULL, 0) != -1 ||
		    strlen(text) > 6 * YAML_TEXT + 8 * YAML_NODES)
			abort();
		free(text);
		return 0;
	}
	/* What is refused is so with a line that is safe to show. */
	why = jv_invalid_get_msg(v);
	text = json_word(&why);
	if (text == NULL || strncmp(text, "line ", 5) != 0)
		abort();
	for (char *p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			abort();
	free(text);
	jv_free(why);
	return 0;
}
