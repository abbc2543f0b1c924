/* SPDX-License-Identifier: ISC */
/* Fuzz the signature header: nothing but the right one is ever genuine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/hmac.h>

#include "ci/auth.h"
#include "data/json.h"

#define SECRET "fuzz-secret"
#define BODY "{}"
#define NOW 1800000000

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const schemes[] = {
	"{\"kind\":\"hmac\",\"hash\":\"sha256\",\"header\":\"S\",\"list\":\",\","
	"\"sep\":\"=\",\"field\":\"signature\",\"encoding\":\"hex\","
	"\"signed\":[\"field:timestamp\",\".\",\"body\"],"
	"\"time\":\"field:timestamp\",\"tolerance\":300}",
	"{\"kind\":\"hmac\",\"hash\":\"sha256\",\"header\":\"S\","
	"\"prefix\":\"sha256=\",\"encoding\":\"hex\",\"signed\":[\"body\"]}",
	"{\"kind\":\"hmac\",\"hash\":\"sha256\",\"header\":\"S\",\"list\":\" \","
	"\"sep\":\",\",\"field\":\"v1\",\"encoding\":\"base64\","
	"\"signed\":[\"body\"]}",
	"{\"kind\":\"token\",\"header\":\"S\"}",
};

/* Is the tag of these bytes in the text, in hexadecimal? */
static int
holds(const char *text, const char *bytes)
{
	struct hmac_sha256_ctx ctx;
	uint8_t tag[32];
	char hex[65];

	hmac_sha256_set_key(&ctx, strlen(SECRET), (const uint8_t *)SECRET);
	hmac_sha256_update(&ctx, strlen(bytes), (const uint8_t *)bytes);
	hmac_sha256_digest(&ctx, 32, tag);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", tag[i]);
	return strstr(text, hex) != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char secret[] = SECRET, *line = secret;
	static const struct secret_list secrets = { .line = &line, .count = 1 };
	static struct auth *auth[4];
	char *text, bytes[128];
	const char *time;
	int which, genuine, right = 0;
	jv headers;

	for (int i = 0; i < 4 && auth[3] == NULL; i++)
		auth[i] = auth_new(json_parse(schemes[i], strlen(schemes[i])),
		    "fuzz", &secrets);
	if (size == 0 || (text = malloc(size)) == NULL)
		return 0;
	which = data[0] & 3;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	headers = json_set_str(jv_object(), "s", text);
	genuine =
	    auth_verify(auth[which], &headers, (const unsigned char *)BODY,
		strlen(BODY), NOW, -1) == NULL;
	jv_free(headers);
	switch (which) {
	case 0:
		if ((time = strstr(text, "timestamp=")) != NULL) {
			time += strlen("timestamp=");
			snprintf(bytes, sizeof(bytes), "%.*s.%s",
			    (int)strspn(time, "0123456789"), time, BODY);
			right = holds(text, bytes) &&
			    llabs(strtoll(time, NULL, 10) - NOW) <= 300;
		}
		break;
	case 1:
		right = strlen(text) == 71 && holds(text, BODY);
		break;
	case 2: /* the tag of BODY, in base64 */
		right = strstr(text, "v1,") != NULL &&
		    strstr(text,
			"HF/NrgHDbNY/XXFvHz4KKU8GPQ91kvIIuqt4Y6PkzhA=") != NULL;
		break;
	case 3:
		right = strcmp(text, SECRET) == 0;
	}
	if (genuine && !right)
		abort();
	free(text);
	return 0;
}
