#!/bin/sh
# SPDX-License-Identifier: ISC
# JSON is RFC 8259 and nothing else: JSONTestSuite, and node's opinion.
. "$(dirname "$0")/lib.sh"

suite=$DATA/JSONTestSuite
seed=${TACK_SEED:-8259}
count=50000
[ -z "${TACK_LONG:-}" ] || count=1000000

js() {
	node "$TOP/tests/rfc8259.js" ./check-json "$@"
}

# What becomes of the texts whose meaning parsers disagree on.
transformed() {
	for text in "$suite"/test_transform/*.json; do
		printf '%s ' "$(basename "$text" .json)"
		./check-json "$text"
	done
}

# shellcheck disable=SC2086 # flags are words
ok 'the judge builds' ${CC:-cc} ${CFLAGS:--O2 -g} -std=c11 -D_GNU_SOURCE \
    -I"$TOP/lib" ${LDFLAGS:-} -o check-json "$TOP/tests/check-json.c" \
    "$TOP/lib/libtack.a" -ljq -lm -lbsd

ok 'all of y_ is accepted' js suite "$suite/test_parsing" y_ 1
note "$(cat .shown)"
ok 'all of n_ is refused' js suite "$suite/test_parsing" n_ 0
note "$(cat .shown)"

# Numbers out of range and half surrogate pairs are in the grammar, what is
# not UTF-8 is not.
is 'of i_, what is in the grammar is accepted' \
'i_number_double_huge_neg_exp.json
i_number_huge_exp.json
i_number_real_neg_overflow.json
i_number_real_pos_overflow.json
i_number_real_underflow.json
i_number_too_big_neg_int.json
i_number_very_big_negative_int.json
i_string_1st_surrogate_but_2nd_missing.json
i_string_incomplete_surrogate_and_escape_valid.json
i_string_invalid_surrogate.json
i_string_inverted_surrogates_U+1D11E.json
i_string_lone_second_surrogate.json' \
"$(js accepted "$suite/test_parsing" i_)"

is 'what parsers disagree on becomes what it always became' \
'number_-9223372036854775808 [-9223372036854776000]
number_-9223372036854775809 [-9223372036854776000]
number_1.0 [1]
number_1000000000000000 [1000000000000000]
number_1e-999 [0]
number_9223372036854775807 [9223372036854776000]
number_9223372036854775808 [9223372036854776000]
object_key_nfd_nfc {"é":"NFD","é":"NFC"}
string_1_escaped_invalid_codepoint refused by libjq
string_2_escaped_invalid_codepoints refused by libjq
string_3_escaped_invalid_codepoints refused by libjq
string_with_escaped_NULL ["A\u0000B"]' \
"$(transformed)"

ok "node agrees on $count mutated texts" \
    js differential "$suite/test_parsing" "$seed" "$count"
note "$(cat .shown)"

done_testing
