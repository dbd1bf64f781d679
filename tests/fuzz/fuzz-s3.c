/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "storage/s3/fault.h"
#include "storage/s3/profile.h"
#include "storage/s3/record.h"
#include "storage/s3/remote.h"
#include "storage/s3/xml.h"

static void try_fault(const char *text, size_t size)
{
	struct sw_http_response response = { .status = 403 };
	g_autoptr(GError) error = NULL;
	struct sw_s3_fault fault;

	response.headers = g_hash_table_new(g_str_hash, g_str_equal);
	response.body = g_string_new_len(text, (gssize)size);
	sw_s3_fault(&response, "bucket", 0, &fault, &error);
	g_assert_nonnull(error);
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
	g_assert_null(strpbrk(error->message, "\r\n\x1b"));
	sw_http_response_clear(&response);
}

/* What servers, and files beside us, say: an answer, keys in JSON, a profile, a record. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autofree char *value = sw_s3_profile_get(text, "profile a", "region");
	struct sw_s3_broken broken = { 0 };
	struct sw_s3_keys keys = { 0 };
	g_autoptr(SwXml) root = NULL;

	try_fault((const char *)data, size);
	if (sw_xml_parse((const char *)data, size, &root, NULL))
		g_assert_cmpuint(strlen(root->name), >, 0);
	if (sw_s3_broken_parse(text, &broken))
		g_assert_cmpuint(broken.count, <=, 10000);
	sw_s3_broken_clear(&broken);
	if (sw_s3_remote_parse((const char *)data, size, &keys, NULL))
		g_assert_true(*keys.access != '\0' && *keys.secret != '\0');
	sw_s3_keys_clear(&keys);
	return 0;
}
