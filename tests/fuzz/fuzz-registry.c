/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "storage/oci/client.h"
#include "storage/oci/name.h"

static void try_manifest(const char *text, size_t size)
{
	struct sw_oci_file file = { 0 };
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *renamed = NULL;

	if (!sw_oci_file_parse(text, size, &file, &root, NULL))
		return;
	g_assert_true(sw_digest_valid(file.blob.digest));
	g_assert_cmpuint(file.offset, <=, file.blob.size);
	g_assert_cmpuint(file.stored.size, <=, file.blob.size - file.offset);
	g_assert_true(file.key == NULL || sw_key_check(file.key, NULL));
	sw_oci_file_clear(&file);
	renamed = sw_oci_manifest_rename(root, "a/b", "1970-01-01T00:00:00Z");
	g_assert_true(sw_oci_file_parse(renamed, strlen(renamed), &file, NULL, NULL));
	g_assert_cmpstr(file.key, ==, "a/b");
	sw_oci_file_clear(&file);
}

static void try_index(const char *text, size_t size)
{
	static const struct sw_oci_descriptor added = {
		(char *)"a/b",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0
	};
	struct sw_oci_descriptor found = { 0 };
	g_autofree char *changed = NULL;
	guint count = 0;

	if (sw_oci_index_find(text, size, "amd64", &found, NULL) && found.digest[0] != '\0')
		g_assert_true(sw_digest_valid(found.digest));
	sw_oci_descriptor_clear(&found);
	changed = sw_oci_referrers_change(text, size, added.digest, &added, "x/y", &count, NULL);
	g_assert_true(changed == NULL || count > 0);
}

static void try_texts(const char *text, size_t size)
{
	g_autofree char *code = NULL;
	g_autofree char *message = NULL;
	g_autofree char *token = NULL;
	struct sw_oci_login login = { 0 };
	guint64 seconds = 0;

	sw_oci_error_parse(text, size, &code, &message);
	g_assert_true(g_utf8_validate(code, -1, NULL) && g_utf8_validate(message, -1, NULL));
	g_assert_null(strpbrk(message, "\r\n\x1b"));
	if (sw_oci_token_parse(text, size, &token, &seconds, NULL))
		g_assert_null(strpbrk(token, " \r\n"));
	if (sw_oci_login_parse(text, size, "quay.io", "a/b", &login, NULL))
		sw_oci_login_clear(&login);
}

static void try_lines(const char *text)
{
	struct sw_oci oci = { .origin = (char *)"https://quay.io", .repository = (char *)"a/b" };
	struct sw_oci_challenge challenge = { 0 };
	struct sw_oci_name name = { 0 };
	g_autofree char *tag = sw_oci_tag_of(text);
	g_autofree char *key = sw_oci_key_of(text);
	g_autofree char *url = sw_oci_resolve(&oci, "tags/list", text, NULL);

	if (sw_oci_challenge_parse(text, &challenge))
		g_assert_true(challenge.basic || challenge.realm != NULL);
	sw_oci_challenge_clear(&challenge);
	g_assert_true(*text == '\0' || sw_oci_tag_valid(tag));
	g_assert_true(url == NULL || g_str_has_prefix(url, "https://"));
	if (key != NULL) {
		g_autofree char *back = sw_oci_tag_of(key);

		g_assert_cmpstr(back, ==, text);
	}
	if (sw_oci_name_parse(text, &name, NULL))
		g_assert_true(name.tag == NULL || sw_oci_tag_valid(name.tag));
	sw_oci_name_clear(&name);
}

/* What a registry answers, and what names one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(GPtrArray) tags = g_ptr_array_new_with_free_func(g_free);

	try_manifest((const char *)data, size);
	try_index((const char *)data, size);
	try_texts((const char *)data, size);
	try_lines(text);
	if (sw_oci_tags_parse((const char *)data, size, tags, NULL))
		for (guint i = 0; i < tags->len; i++)
			g_assert_true(sw_oci_tag_valid(tags->pdata[i]));
	return 0;
}
