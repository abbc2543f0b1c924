/* SPDX-License-Identifier: ISC */
/* Test that no spelling of a private address passes for a public one. */
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/public.h"
#include "local/remote.h"
#include "tap.h"

static const char *const closed[] = {
	/* loopback, as the C library reads numbers */
	"127.0.0.1",
	"127.0.0.0",
	"127.0.0.2",
	"127.1.2.3",
	"127.127.127.127",
	"127.255.255.254",
	"127.255.255.255",
	"127.1",
	"127.0.1",
	"127.65535",
	"127.0x1",
	"127.0x0.0x0.0x1",
	"127.00.00.01",
	"127.000.000.001",
	"2130706433",
	"2130706434",
	"2147483647",
	"0x7f000001",
	"0x7F000001",
	"0X7f000001",
	"0x7f.0.0.1",
	"0x7f.0x0.0x0.0x1",
	"0x7f.1",
	"0x7f.0x1",
	"0x7f.0x000001",
	"0x0000007f.1",
	"0x7fffffff",
	"017700000001",
	"0177.0.0.1",
	"0177.0.0.01",
	"0177.1",
	"0177.0x1",
	"00177.1",
	"000000177.0.0.1",
	"0177.0000.0000.0001",
	"0x7f.0.1",
	"0177.0.1",
	"127.0.0.0x1",
	"127.0.0.01",
	"127.0x00.1",
	/* this network */
	"0",
	"0.0.0.0",
	"0x0",
	"00",
	"0.0",
	"0.0.0",
	"0.0.0.1",
	"0.1",
	"1",
	"0.255.255.255",
	"0x00000000",
	"16777215",
	"0.0.0.0x7f",
	/* private */
	"10.0.0.0",
	"10.0.0.1",
	"10.1",
	"10.255.255.255",
	"0xa.1",
	"0xa000001",
	"012.0.0.1",
	"012.1",
	"167772161",
	"184549375",
	"0xaffffff",
	"0x0a.0x00.0x00.0x01",
	"10.0x10.020.3",
	"172.16.0.0",
	"172.16.0.1",
	"172.20.10.1",
	"172.31.255.255",
	"0xac100001",
	"0xac.16.1",
	"2886729729",
	"0254.020.0.1",
	"172.1048577",
	"172.0x1f.255.255",
	"172.17.0.1",
	"172.18.0.1",
	"192.168.0.0",
	"192.168.0.1",
	"192.168.1",
	"192.168.1.1",
	"192.168.255.255",
	"0xc0a80001",
	"0xc0.0xa8.1",
	"3232235521",
	"3232235777",
	"0300.0250.0.1",
	"030052000001",
	"192.11010049",
	/* shared */
	"100.64.0.0",
	"100.64.0.1",
	"100.100.100.200",
	"100.127.255.255",
	"0x64400001",
	"1681915905",
	"0144.0100.0.1",
	/* link-local and metadata */
	"169.254.0.0",
	"169.254.0.1",
	"169.254.169.254",
	"169.254.169.253",
	"169.254.170.2",
	"169.254.255.255",
	"0xa9fea9fe",
	"0xA9FEA9FE",
	"0xa9.0xfe.0xa9.0xfe",
	"0xa9.254.169.0376",
	"2852039166",
	"0251.0376.0251.0376",
	"025177524776",
	"169.254.43518",
	"169.16689662",
	"168.63.129.16",
	"0xa83f8110",
	"2822734096",
	/* set aside */
	"192.0.0.0",
	"192.0.0.1",
	"192.0.0.8",
	"192.0.0.170",
	"192.0.0.192",
	"192.0.2.0",
	"192.0.2.1",
	"192.0.2.255",
	"192.88.99.1",
	"198.18.0.0",
	"198.18.0.1",
	"198.19.255.255",
	"198.51.100.1",
	"198.51.100.255",
	"203.0.113.0",
	"203.0.113.7",
	"203.0.113.255",
	"0xcb007107",
	/* multicast, reserved, broadcast */
	"224.0.0.0",
	"224.0.0.1",
	"224.0.0.251",
	"239.255.255.250",
	"239.255.255.255",
	"240.0.0.0",
	"240.0.0.1",
	"250.1.2.3",
	"254.255.255.255",
	"255.255.255.255",
	"0xffffffff",
	"4294967295",
	"037777777777",
	"255.16777215",
	"3758096384",
	/* IPv6: unspecified, loopback */
	"::",
	"0::",
	"0::0",
	"::0",
	"0:0:0:0:0:0:0:0",
	"0000:0000:0000:0000:0000:0000:0000:0000",
	"::0.0.0.0",
	"::1",
	"0::1",
	"::0001",
	"0:0:0:0:0:0:0:1",
	"0000:0000:0000:0000:0000:0000:0000:0001",
	"::0:1",
	"0:0::1",
	"::0.0.0.1",

	"::1%1",
	/* a v4 address inside: compatible, mapped, translated */
	"::127.0.0.1",
	"::7f00:1",
	"::10.0.0.1",
	"::192.168.0.1",
	"::8.8.8.8",
	"::ffff:127.0.0.1",
	"::FFFF:127.0.0.1",
	"::ffff:7f00:1",
	"::ffff:7f00:0001",
	"0:0:0:0:0:ffff:127.0.0.1",
	"0:0:0:0:0:ffff:7f00:1",
	"0000:0000:0000:0000:0000:ffff:7f00:0001",
	"::ffff:0.0.0.0",
	"::ffff:0:0",
	"::ffff:10.0.0.1",
	"::ffff:a00:1",
	"::ffff:172.16.0.1",
	"::ffff:192.168.1.1",
	"::ffff:c0a8:101",
	"::ffff:169.254.169.254",
	"::ffff:a9fe:a9fe",
	"::ffff:100.64.0.1",
	"::ffff:255.255.255.255",
	"::ffff:8.8.8.8",
	"::ffff:0:127.0.0.1",
	"::ffff:0:7f00:1",
	"::ffff:0:8.8.8.8",
	/* NAT64, well known and local */
	"64:ff9b::127.0.0.1",
	"64:ff9b::7f00:1",
	"64:ff9b::10.0.0.1",
	"64:ff9b::a00:1",
	"64:ff9b::172.16.0.1",
	"64:ff9b::192.168.0.1",
	"64:ff9b::169.254.169.254",
	"64:ff9b::a9fe:a9fe",
	"64:ff9b::100.64.0.1",
	"64:ff9b::0.0.0.0",
	"64:ff9b::",
	"64:ff9b::255.255.255.255",
	"0064:ff9b:0:0:0:0:7f00:1",
	"64:ff9b:1::",
	"64:ff9b:1::127.0.0.1",
	"64:ff9b:1::8.8.8.8",
	"64:ff9b:1:7f00:0:100::",
	"64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
	"64:ff9b:0:1::8.8.8.8",
	/* 6to4, Teredo and their neighbours */
	"2002::",
	"2002::1",
	"2002:7f00:1::",
	"2002:7f00:1::1",
	"2002:a00:1::1",
	"2002:c0a8:101::1",
	"2002:a9fe:a9fe::1",
	"2002:808:808::1",
	"2001::",
	"2001::1",
	"2001:0:7f00:1::",
	"2001:0:4136:e378:8000:63bf:3fff:fdd2",
	"2001:2::1",
	"2001:10::1",
	"2001:1f::1",
	"2001:20::1",
	"2001:2f:ffff::1",
	"2001:1ff:ffff::1",
	/* link-local, site-local, unique local */
	"fe80::",
	"fe80::1",
	"FE80::1",
	"fe80::1%lo",
	"fe80::1%1",
	"fe80:0:0:0:0:0:0:1",
	"fe80::a9fe:a9fe",
	"febf::1",
	"fec0::1",
	"feff::1",
	"fc00::",
	"fc00::1",
	"fcff::1",
	"fd00::1",
	"fd00:ec2::254",
	"fd00:ec2:0:0:0:0:0:254",
	"fd20:ce::254",
	"FD00:EC2::254",
	"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	/* multicast, discard, documentation, unassigned */
	"ff00::1",
	"ff01::1",
	"ff02::1",
	"ff02::1%lo",
	"ff02::fb",
	"ff05::1",
	"ff0e::1",
	"ffff::1",
	"100::",
	"100::1",
	"100:0:0:1::1",
	"2001:db8::",
	"2001:db8::1",
	"2001:0db8:ffff:ffff::1",
	"3fff::1",
	"3fff:fff::1",
	"5f00::1",
	"4000::1",
	"8000::1",
	"e000::1",
	"1fff::1",
	"200::1",
	"::2",
	"0:0:0:1::1",
	"1::",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	/* a zone has no place on the Internet */
	"2606:4700::1111%1",
};

static const char *const public_[] = {
	"8.8.8.8",
	"1.1.1.1",
	"0x08080808",
	"9.255.255.255",
	"11.0.0.0",
	"100.63.255.255",
	"100.128.0.0",
	"126.255.255.255",
	"128.0.0.1",
	"168.63.129.15",
	"168.63.129.17",
	"169.253.255.255",
	"169.255.0.0",
	"172.15.255.255",
	"172.32.0.0",
	"191.255.255.255",
	"192.0.1.0",
	"192.0.3.0",
	"192.167.255.255",
	"192.169.0.0",
	"198.17.255.255",
	"198.20.0.0",
	"203.0.112.255",
	"203.0.114.0",
	"223.255.255.255",
	"2000::1",
	"2001:200::1",
	"2001:4860:4860::8888",
	"2001:db7::1",
	"2001:db9::1",
	"2003::1",
	"2606:4700::1111",
	"2a00:1450::1",
	"3ffe::1",
	"3fff:1000::1",
	"64:ff9b::8.8.8.8",
	"64:ff9b::808:808",
};

static void
holds(bool good, const char *fact, const char *spelling)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "%s %s", fact, spelling);
	ok(good, whole);
}

/* Does the C library read the spelling, and is what it reads public? */
static void
spelt(const char *spelling, bool want)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list;

	if (getaddrinfo(spelling, NULL, &hints, &list) != 0) {
		holds(false, "an address:", spelling);
		return;
	}
	holds(public_address(list->ai_addr) == want,
	    want ? "public:" : "not public:", spelling);
	freeaddrinfo(list);
}

/* A clone URL with this host, which is not even a name. */
static void
refused(const char *spelling)
{
	char url[128], *said, *pin;

	snprintf(url, sizeof(url),
	    strchr(spelling, ':') != NULL ? "https://[%s]/did/repo" :
					    "https://%s/did/repo",
	    spelling);
	said = remote_refused(url, false, &pin);
	holds(said != NULL && pin == NULL, "no clone from", url);
	free(said);
}

static const char *const refused_urls[] = {
	"",
	"https://",
	"https:///x",
	"https://localhost/x",
	"https://LOCALHOST/x",
	"https://localhost:443/x",
	"https://localhost./x",
	"https://a@localhost/x",
	"https://knot.example@127.0.0.1/x",
	"https://a:b@knot.example/x",
	"https://knot.example\\@localhost/x",
	"https://knot.example:0/x",
	"https://knot.example:65536/x",
	"https://knot.example:x/x",
	"https://knot.example:0443/x",
	"https://knot.example:+443/x",
	"https://knot.example:/x",
	"https://knot.example:443:443/x",
	"https://-oProxyCommand=x/x",
	"https://knot_.example/x",
	"https://.example/x",
	"https://knot..example/x",
	"https://knot.example%2f/x",
	"https://kn\xc3\xb6t.example/x",
	"https://knot.example/x y",
	"https://knot.example/x\ny",
	"https://knot.example/x?y",
	"https://knot.example/x#y",
	"https://[::1]/x",
	"https://[::ffff:127.0.0.1]/x",
	"https://[fe80::1%25lo]/x",
	"https://8.8.8.8/x",
	"http://localhost/x",
	"http://knot.example/x",
	"HTTPS://localhost/x",
	"https:knot.example",
	"https:/knot.example/x",
	"//knot.example/x",
	"/etc/passwd",
	"file:///etc/passwd",
	"file://localhost/etc/passwd",
	"git://knot.example/x",
	"ssh://knot.example/x",
	"git@knot.example:x",
	"ext::sh -c touch% x",
	"fd::17",
	"ftp://knot.example/x",
	"gopher://knot.example/x",
	"--upload-pack=x",
	"-c",
	"https://ip6-localhost/x",
};

int
main(void)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		spelt(closed[i], false);
	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		refused(closed[i]);
	for (size_t i = 0; i < sizeof(refused_urls) / sizeof(*refused_urls);
	     i++) {
		char *pin, *said = remote_refused(refused_urls[i], false, &pin);

		holds(said != NULL && pin == NULL, "no clone from",
		    strchr(refused_urls[i], '\n') == NULL ? refused_urls[i] :
							    "two lines");
		free(said);
	}
	for (size_t i = 0; i < sizeof(public_) / sizeof(public_[0]); i++)
		spelt(public_[i], true);
	char *pin,
	    *said = remote_refused("http://localhost:8080/x", true, &pin);

	holds(said == NULL && pin != NULL &&
		strncmp(pin, "localhost:8080:", 15) == 0 &&
		(strstr(pin, "127.0.0.1") != NULL ||
		    strstr(pin, "[::1]") != NULL),
	    "what was resolved is pinned:", pin != NULL ? pin : "");
	free(pin);
	holds(!public_address((struct sockaddr *)&local),
	    "not public:", "a socket in the file system");
	holds(!public_address(&none), "not public:", "no family");
	return done();
}
