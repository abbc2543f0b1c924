/* SPDX-License-Identifier: ISC */
/* A workflow's file. */
#ifndef FLOW_WORKFLOW_H
#define FLOW_WORKFLOW_H

#include <stddef.h>

#include <jv.h>

/*
 * Read a workflow's YAML as yaml_parse() does.  The keys that Tangled knows
 * have the shape that its spindle demands, and where that wants text, scalars
 * keep their spelling.
 */
jv workflow_parse(const char *text, size_t length);

#endif
