/* SPDX-License-Identifier: ISC */
/* Which addresses belong to the public Internet. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/public.h"

#define V4(a, b, c, d) \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static const struct {
	uint32_t net;
	unsigned bits;
} closed4[] = {
	{ V4(0, 0, 0, 0), 8 }, /* this network: Linux connects to itself */
	{ V4(10, 0, 0, 0), 8 }, /* RFC 1918 */
	{ V4(100, 64, 0, 0), 10 }, /* RFC 6598, shared */
	{ V4(127, 0, 0, 0), 8 }, /* loopback */
	{ V4(168, 63, 129, 16), 32 }, /* Azure's own, in every machine there */
	{ V4(169, 254, 0, 0), 16 }, /* link-local, metadata */
	{ V4(172, 16, 0, 0), 12 }, /* RFC 1918 */
	{ V4(192, 0, 0, 0), 24 }, /* RFC 6890 */
	{ V4(192, 0, 2, 0), 24 }, /* RFC 5737, documentation */
	{ V4(192, 88, 99, 0), 24 }, /* RFC 7526, 6to4 relays */
	{ V4(192, 168, 0, 0), 16 }, /* RFC 1918 */
	{ V4(198, 18, 0, 0), 15 }, /* RFC 2544, benchmarks */
	{ V4(198, 51, 100, 0), 24 }, /* RFC 5737 */
	{ V4(203, 0, 113, 0), 24 }, /* RFC 5737 */
	{ V4(224, 0, 0, 0), 3 }, /* multicast, reserved, broadcast */
};

/* Of the global unicast 2000::/3, outside of which nothing is public. */
static const struct {
	uint8_t net[6];
	unsigned bits;
} closed6[] = {
	{ { 0x20, 0x01, 0x00, 0x00 }, 23 }, /* RFC 2928: Teredo, ORCHID ... */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* RFC 3849, documentation */
	{ { 0x20, 0x02 }, 16 }, /* RFC 3056, 6to4 */
	{ { 0x3f, 0xff, 0x00, 0x00 }, 20 }, /* RFC 9637, documentation */
};

static bool
public4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(closed4) / sizeof(closed4[0]); i++)
		if (((address ^ closed4[i].net) >> (32 - closed4[i].bits)) == 0)
			return false;
	return true;
}

static uint32_t
last4(const uint8_t *bytes)
{
	return V4(bytes[12], bytes[13], bytes[14], bytes[15]);
}

static bool
within(const uint8_t *bytes, const uint8_t *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(bytes, net, whole) == 0 &&
	    (rest == 0 || (bytes[whole] ^ net[whole]) >> (8 - rest) == 0);
}

static bool
public6(const uint8_t *bytes)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	/* RFC 6052: the way to a v4 host from a network that has none. */
	if (memcmp(bytes, nat64, sizeof(nat64)) == 0)
		return public4(last4(bytes));
	if (bytes[0] >> 5 != 1)
		return false;
	for (size_t i = 0; i < sizeof(closed6) / sizeof(closed6[0]); i++)
		if (within(bytes, closed6[i].net, closed6[i].bits))
			return false;
	return true;
}

bool
public_address(const struct sockaddr *address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(&in, address, sizeof(in));
		return public4(ntohl(in.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&in6, address, sizeof(in6));
		return in6.sin6_scope_id == 0 && public6(in6.sin6_addr.s6_addr);
	default:
		return false;
	}
}
