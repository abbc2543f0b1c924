/* SPDX-License-Identifier: ISC */
/* A jq program of share/. */
#ifndef CI_PROGRAM_H
#define CI_PROGRAM_H

#include <jq.h>

/*
 * Compiles a file below share/, which takes 15 ms.  Returns NULL if it is not
 * there; exits with EX_CONFIG if it does not compile.
 */
struct program;
struct program *program_load(const char *file);
void program_free(struct program *program);

/*
 * Runs the program on input, which is given.  Returns all outputs as an array,
 * or an answer of ANSWER_ERROR if the program fails.
 */
jv program_run(struct program *program, jv input);

/* Makes the libjq machine for a program that has no further input. */
jq_state *program_jq(void);

#endif
