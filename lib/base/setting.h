/* SPDX-License-Identifier: ISC */
/* Settings, from the environment and from options. */
#ifndef BASE_SETTING_H
#define BASE_SETTING_H

#include <stdbool.h>
#include <stdint.h>

/* The value of the variable name, or NULL if it is unset or empty. */
const char *setting_text(const char *name);

/*
 * The value of the variable name as a number, or otherwise if it is unset or
 * empty.  Exits with EX_CONFIG, naming the variable and what it takes, if the
 * value is not a decimal number from least to most.
 */
int64_t
setting_int(const char *name, int64_t otherwise, int64_t least, int64_t most);

/*
 * Is the switch of this name on?  1 is on; 0, empty and unset are off.  Exits
 * with EX_CONFIG, naming the variable, on any other value, lest somebody
 * believes that a protection is on which is not.
 */
bool setting_on(const char *name);

/*
 * The number that text, the argument of an option, spells.  Exits with
 * EX_USAGE, naming the option as what, if text is not a decimal number from
 * least to most.
 */
int64_t setting_argument(
    const char *what, const char *text, int64_t least, int64_t most);

#endif
