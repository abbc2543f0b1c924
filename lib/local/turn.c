/* SPDX-License-Identifier: ISC */
/* Whose turn it is among the builds of the embedded CI. */
#include <string.h>

#include "base/mem.h"
#include "data/json.h"
#include "local/index.h"
#include "local/job.h"
#include "local/task.h"
#include "local/turn.h"

static void
add(const char *id, void *arg)
{
	struct turn *t = arg;
	jv state, build;

	if (strcmp(id, t->id) == 0 || !job_alive(t->jobs, id))
		return;
	state = job_state(t->jobs, id);
	build = json_get(&state, "build");
	if (!job_final(&state) &&
	    task_integer(json_get(&build, "number"), 0) < t->number) {
		t->ids = xreallocarray(t->ids, t->count + 1, sizeof(t->ids[0]));
		memcpy(t->ids[t->count++], id, DIR_ID + 1);
	}
	jv_free(build);
	jv_free(state);
}

void
turn_open(
    struct turn *t, const struct dir *jobs, const char *id, int64_t number)
{
	*t = (struct turn){ .jobs = jobs, .id = id, .number = number };
	index_each_open(jobs, add, t);
}

int64_t
turn_before(const struct turn *t)
{
	int64_t alive = 0;

	for (size_t i = 0; i < t->count; i++)
		alive += job_alive(t->jobs, t->ids[i]);
	return alive;
}
