/* SPDX-License-Identifier: ISC */
/* Times, read and written. */
#include "data/stamp.h"
#include "tap.h"

int
main(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} times[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-08-22T10:15:31.114Z", 1787393731114 },
		{ "2026-08-22T10:15:31.1149999Z", 1787393731114 },
		{ "2026-08-22 10:15:31 UTC", 1787393731000 },
		{ "2026-08-22T12:15:31+02:00", 1787393731000 },
		{ "2026-08-22T05:45:31-04:30", 1787393731000 },
		{ "2026-08-22T10:15:31", -1 },
		{ "2026-08-22t10:15:31Z", -1 },
		{ "2026-08-22  10:15:31 UTC", -1 },
		{ "2026-08-22 10:15:31 CET", -1 },
		{ "2026-13-22T10:15:31Z", -1 },
		{ "2026-08-22T10:15:31.Z", -1 },
		{ "2026-08-22T10:15:31Z ", -1 },
		{ "2026-08-22T10:15:31+24:00", -1 },
		{ "2026-08-22", -1 },
		{ "", -1 },
	};
	char text[STAMP_SIZE];

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		is(stamp_read(times[i].text), times[i].ms, times[i].text);
	stamp_write(text, 1787393731114);
	is_text(text, "2026-08-22T10:15:31.114Z", "a time is written");
	return done();
}
