/* SPDX-License-Identifier: ISC */
/* A workflow's file: the shape of each key that is known. */
#include "data/yaml.h"
#include "flow/workflow.h"

static const struct yaml_shape text = { .kind = YAML_STRING };
static const struct yaml_shape variables = { YAML_MAP, &text, NULL };

static const struct yaml_member step_members[] = {
	{ "name", &text },
	{ "command", &text },
	{ "environment", &variables },
	{ NULL, NULL },
};
static const struct yaml_shape step = { YAML_MAP, NULL, step_members };
static const struct yaml_shape steps = { YAML_LIST, &step, NULL };

/* A provider says itself what it takes, but for variables. */
static const struct yaml_member option_members[] = {
	{ "env", &variables },
	{ NULL, NULL },
};
static const struct yaml_shape options = { YAML_ANY, NULL, option_members };
static const struct yaml_shape providers = { YAML_ANY, &options, NULL };

static const struct yaml_member members[] = {
	{ "engine", &text },
	{ "environment", &variables },
	{ "steps", &steps },
	{ "tack", &providers },
	{ NULL, NULL },
};
static const struct yaml_shape workflow = { YAML_MAP, NULL, members };

jv
workflow_parse(const char *file, size_t length)
{
	return yaml_parse(file, length, &workflow);
}
