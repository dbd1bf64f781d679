/* SPDX-License-Identifier: MIT */
#include "store/naming.h"

#include <string.h>

static const struct sw_naming naming = { "edge", "1.2",	     "amd64",  "sha256:0123456789abcdef",
					 "b0b0", "20260131", "debian", "12",
					 NULL };

static GPtrArray *artifacts_of(const char *const *texts)
{
	GPtrArray *artifacts = g_ptr_array_new_with_free_func((GDestroyNotify)sw_artifact_free);

	for (; *texts != NULL; texts += 2) {
		struct sw_artifact *artifact = g_new0(struct sw_artifact, 1);

		artifact->format = texts[0];
		artifact->name = g_strdup(texts[1]);
		g_ptr_array_add(artifacts, artifact);
	}
	return artifacts;
}

static void check(const char *layout, const char *tag, const char *const *texts,
		  const char *wanted_keys, const char *wanted_record)
{
	g_autoptr(GPtrArray) artifacts = artifacts_of(texts);
	g_auto(GStrv) keys = NULL;
	g_autofree char *record = NULL;
	g_autofree char *all = NULL;
	g_autofree char *canonical = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(sw_layout_check(layout, &canonical, &error));
	g_assert_true(sw_layout_keys(layout, &naming, tag, artifacts, &keys, &record, &error));
	g_assert_no_error(error);
	all = g_strjoinv(" ", keys);
	g_assert_cmpstr(all, ==, wanted_keys);
	g_assert_cmpstr(record, ==, wanted_record);
}

static const char *const two[] = { "qcow2", "qcow2/disk.qcow2", "ami", "image/disk.raw", NULL };
static const char *const netboot[] = { "netboot", "netboot/vmlinuz-6.1.0-1-amd64",
				       "netboot", "netboot/initramfs-6.1.0-1-amd64.img",
				       "netboot", "netboot/rootfs-6.1.0-1-amd64.squashfs",
				       NULL };

static void test_presets(void)
{
	check("default", NULL, two, "edge/1.2/amd64/qcow2/disk.qcow2 edge/1.2/amd64/image/disk.raw",
	      "edge/1.2/amd64/");
	check("default", "latest", two,
	      "edge/latest/amd64/qcow2/disk.qcow2 edge/latest/amd64/image/disk.raw",
	      "edge/latest/amd64/");
	check("flightctl", NULL, two, "edge/qcow2.qcow2 edge/ami.raw", "edge/");
	check("bib", NULL, two, "qcow2/disk.qcow2 image/disk.raw", "");
	check("openchami", NULL, netboot,
	      "efi-images/vmlinuz-6.1.0-1-amd64 efi-images/initramfs-6.1.0-1-amd64.img "
	      "debian12-edge-1.2",
	      "debian12-edge-1.2.");
	check("openchami", "prod", two, "debian12-edge-prod.qcow2 debian12-edge-prod.raw",
	      "debian12-edge-prod.");
}

static void test_templates(void)
{
	static const char *const several[] = {
		"ami", "image/disk.raw",    "ami",     "ami/import.json",
		"ami", "ami/register.json", "netboot", "x/vmlinuz-6.1.0-1-amd64",
		"gce", "gce/image.tar.gz",  NULL
	};

	check("{name}/{type}.{ext}", NULL, several,
	      "edge/ami.raw edge/ami-import.json edge/ami-register.json edge/netboot "
	      "edge/gce.tar.gz",
	      "edge/");
	check("{date}/{digest12}-{build}/{os_id}{os_version}/{file}", NULL, two,
	      "20260131/0123456789ab-b0b0/debian12/disk.qcow2 "
	      "20260131/0123456789ab-b0b0/debian12/disk.raw",
	      "20260131/0123456789ab-b0b0/debian12/");
	check("a b%/{tag}/{version}.{ext}", "t", two, "a b%/t/1.2.qcow2 a b%/t/1.2.raw", "a b%/t/");
}

static void test_bad_layouts(void)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "flightcl", "did you mean flightctl?" },
		{ "x", "none of the layouts" },
		{ "{versions}/{file}", "did you mean {version}?" },
		{ "{name/{file}", "{name/{file}" },
		{ "{file", "other half" },
		{ "file}{file}", "other half" },
		{ "{name}", "one key" },
		{ "../{file}", "no key" },
		{ "/{file}", "no key" },
		{ "a//{file}", "no key" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *canonical = NULL;
		g_autoptr(GError) error = NULL;

		g_assert_false(sw_layout_check(bad[i].text, &canonical, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
		if (strstr(error->message, bad[i].says) == NULL)
			g_error("%s: %s", bad[i].text, error->message);
	}
}

static void refused(const char *layout, const struct sw_naming *values, const char *const *texts,
		    const char *says)
{
	g_autoptr(GPtrArray) artifacts = artifacts_of(texts);
	g_auto(GStrv) keys = NULL;
	g_autofree char *record = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_false(sw_layout_keys(layout, values, NULL, artifacts, &keys, &record, &error));
	g_assert_true(error->domain == SW_ERROR);
	if (strstr(error->message, says) == NULL)
		g_error("%s: %s", layout, error->message);
}

/* What the image says of itself becomes a part of a key, and nothing more. */
static void test_bad_values(void)
{
	static const char *const same[] = { "qcow2", "a/disk.qcow2", "qcow2", "b/disk.qcow2",
					    NULL };
	static const char *const up[] = { "raw", "../disk.raw", NULL };
	struct sw_naming values = naming;

	refused("{name}/{file}", &values, same, "a/disk.qcow2 and b/disk.qcow2 would both");
	refused("default", &values, up, "cannot name an artifact");
	values.version = "../..";
	refused("default", &values, two, "would make another key");
	values.version = "..";
	refused("default", &values, two, "cannot name an artifact");
	values.version = "a\nb";
	refused("default", &values, two, "cannot name an artifact");
	values.version = NULL;
	refused("default", &values, two, "--image-version");
	values.os_id = NULL;
	refused("openchami", &values, two, "{os_id}, which is not known");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/naming/presets", test_presets);
	g_test_add_func("/naming/templates", test_templates);
	g_test_add_func("/naming/bad-layouts", test_bad_layouts);
	g_test_add_func("/naming/bad-values", test_bad_values);
	return g_test_run();
}
