/* SPDX-License-Identifier: ISC */
/* Settings, from the environment and from options. */
#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <bsd/stdlib.h>

#include "base/setting.h"

static int64_t
number(
    const char *what, const char *text, int64_t least, int64_t most, int status)
{
	const char *wrong;
	int64_t n = strtonum(text, least, most, &wrong);

	if (wrong != NULL)
		errx(status,
		    "%s: %s: not a number from %" PRId64 " to %" PRId64, what,
		    text, least, most);
	return n;
}

const char *
setting_text(const char *name)
{
	const char *text = getenv(name);

	return text != NULL && *text != '\0' ? text : NULL;
}

int64_t
setting_int(const char *name, int64_t otherwise, int64_t least, int64_t most)
{
	const char *text = setting_text(name);

	return text != NULL ? number(name, text, least, most, EX_CONFIG) :
			      otherwise;
}

bool
setting_on(const char *name)
{
	const char *text = setting_text(name);

	if (text == NULL || strcmp(text, "0") == 0)
		return false;
	if (strcmp(text, "1") != 0)
		errx(EX_CONFIG, "%s: %s: neither 0 nor 1", name, text);
	return true;
}

int64_t
setting_argument(
    const char *what, const char *text, int64_t least, int64_t most)
{
	return number(what, text, least, most, EX_USAGE);
}
