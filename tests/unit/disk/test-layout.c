/* SPDX-License-Identifier: MIT */
#include "disk/layout.h"

#include <string.h>

#include "core/error.h"
#include "core/size.h"

static struct sw_layout_request make_request(const char *architecture, const char *rootfs)
{
	struct sw_layout_request request = {
		.architecture = architecture,
		.rootfs = rootfs,
		.root_bytes = 444 * SW_MIB,
		.root_inodes = 15395,
		.boot_bytes = 35 * SW_MIB,
		.seed = "seed",
	};

	return request;
}

static struct sw_layout *plan(const struct sw_layout_request *request)
{
	g_autoptr(GError) error = NULL;
	struct sw_layout *layout = NULL;

	g_assert_true(sw_layout_plan(request, &layout, &error));
	g_assert_no_error(error);
	return layout;
}

/* Everything lies in order, aligned, without gaps, and inside the disk. */
static void check_layout(const struct sw_layout *layout)
{
	guint64 offset = SW_MIB;

	for (guint i = 0; i < layout->partitions->len; i++) {
		const struct sw_partition *partition = g_ptr_array_index(layout->partitions, i);

		g_assert_cmpuint(partition->number, ==, i + 1);
		g_assert_cmpuint(partition->offset, ==, offset);
		g_assert_cmpuint(partition->size, >, 0);
		g_assert_cmpuint(partition->size % SW_MIB, ==, 0);
		g_assert_cmpuint(strlen(partition->guid), ==, 36);
		g_assert_true((partition->filesystem == NULL) == (partition->uuid == NULL));
		g_assert_true((partition->filesystem == NULL) == (partition->label == NULL));
		g_assert_true(sw_layout_find(layout, partition->role) == partition);
		offset += partition->size;
	}
	g_assert_cmpuint(layout->size, ==, offset + SW_MIB);
	g_assert_cmpuint(layout->size, >=, layout->minimum_size);
	g_assert_cmpuint(strlen(layout->disk_guid), ==, 36);
	g_assert_null(strchr(layout->explanation, '\n'));
}

static void check_partition(const struct sw_layout *layout, enum sw_role role, guint64 size,
			    const char *name, const char *type, const char *filesystem)
{
	const struct sw_partition *partition = sw_layout_find(layout, role);

	g_assert_nonnull(partition);
	if (size != 0)
		g_assert_cmpuint(partition->size, ==, size);
	g_assert_cmpstr(partition->name, ==, name);
	g_assert_cmpstr(partition->type_guid, ==, type);
	g_assert_cmpstr(partition->filesystem, ==, filesystem);
}

static void test_amd64(void)
{
	struct sw_layout_request request = make_request("amd64", "xfs");
	g_autoptr(SwLayout) layout = plan(&request);
	const struct sw_partition *esp = sw_layout_find(layout, SW_ROLE_ESP);

	check_layout(layout);
	g_assert_cmpuint(layout->partitions->len, ==, 4);
	check_partition(layout, SW_ROLE_BIOS_BOOT, SW_MIB, "BIOS-BOOT",
			"21686148-6449-6e6f-744e-656564454649", NULL);
	check_partition(layout, SW_ROLE_ESP, 512 * SW_MIB, "EFI-SYSTEM",
			"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "vfat");
	check_partition(layout, SW_ROLE_BOOT, SW_GIB, "boot",
			"bc13c2ff-59e6-4262-a352-b275fd6f7172", "ext4");
	check_partition(layout, SW_ROLE_ROOT, 0, "root", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
			"xfs");
	g_assert_cmpstr(sw_layout_find(layout, SW_ROLE_ROOT)->label, ==, "root");
	g_assert_cmpstr(sw_layout_find(layout, SW_ROLE_BOOT)->label, ==, "boot");
	g_assert_cmpstr(esp->label, ==, "EFI-SYSTEM");
	g_assert_cmpuint(strlen(esp->uuid), ==, 9);
	g_assert_cmpint(esp->uuid[4], ==, '-');
	for (const char *digit = esp->uuid; *digit != '\0'; digit++)
		g_assert_true(*digit == '-' ||
			      (g_ascii_isxdigit(*digit) && !g_ascii_islower(*digit)));
	g_assert_null(sw_layout_find(layout, SW_ROLE_PREP));
}

static void test_architectures(void)
{
	static const struct {
		const char *architecture;
		guint partitions;
		enum sw_role first;
		const char *root_type;
	} cases[] = {
		{ "arm64", 3, SW_ROLE_ESP, "b921b045-1df0-41c3-af44-4c6f280d3fae" },
		{ "riscv64", 3, SW_ROLE_ESP, "72ec70a6-cf74-40e6-bd49-4bda08e8f224" },
		{ "ppc64le", 3, SW_ROLE_PREP, "c31c45e6-3f39-412e-80fb-4809c4980599" },
		{ "s390x", 2, SW_ROLE_BOOT, "5eead9a9-fe09-4a1e-a1d7-520d00531306" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct sw_layout_request request = make_request(cases[i].architecture, "ext4");
		g_autoptr(SwLayout) layout = plan(&request);
		const struct sw_partition *first = g_ptr_array_index(layout->partitions, 0);

		check_layout(layout);
		g_assert_cmpuint(layout->partitions->len, ==, cases[i].partitions);
		g_assert_cmpint(first->role, ==, cases[i].first);
		check_partition(layout, SW_ROLE_ROOT, 0, "root", cases[i].root_type, "ext4");
	}
	{
		struct sw_layout_request request = make_request("ppc64le", "ext4");
		g_autoptr(SwLayout) layout = plan(&request);

		check_partition(layout, SW_ROLE_PREP, 4 * SW_MIB, "PowerPC-PReP-boot",
				"9e1a2d38-c612-4316-aa26-8b49521e5a8b", NULL);
	}
}

static guint64 root_size(const struct sw_layout_request *request)
{
	g_autoptr(SwLayout) layout = plan(request);

	check_layout(layout);
	return sw_layout_find(layout, SW_ROLE_ROOT)->size;
}

static void test_sizes(void)
{
	struct sw_layout_request request = make_request("amd64", "ext4");

	/* 888 + 5 % + 64 + 256 MiB in steps of 64. */
	g_assert_cmpuint(root_size(&request), ==, 1280 * SW_MIB);
	request.root_bytes = 0;
	request.root_inodes = 0;
	g_assert_cmpuint(root_size(&request), ==, 320 * SW_MIB);
	request.rootfs = "xfs";
	g_assert_cmpuint(root_size(&request), ==, 512 * SW_MIB);
	request.rootfs = "btrfs";
	g_assert_cmpuint(root_size(&request), ==, 576 * SW_MIB);
	request.root_bytes = 100 * SW_GIB;
	g_assert_cmpuint(root_size(&request), >=, 210 * SW_GIB);
}

/* Many tiny files need inodes, not bytes; only ext4 has a fixed number of them. */
static void test_inodes(void)
{
	struct sw_layout_request request = make_request("amd64", "ext4");

	request.root_bytes = 100 * SW_MIB;
	request.root_inodes = 200000;
	g_assert_cmpuint(root_size(&request), >=, 2 * G_GUINT64_CONSTANT(200000) * 16384);
	request.rootfs = "xfs";
	g_assert_cmpuint(root_size(&request), <, SW_GIB);
}

static void test_large_boot(void)
{
	struct sw_layout_request request = make_request("amd64", "ext4");
	g_autoptr(SwLayout) layout = NULL;

	request.boot_bytes = 500 * SW_MIB;
	layout = plan(&request);
	check_layout(layout);
	g_assert_cmpuint(sw_layout_find(layout, SW_ROLE_BOOT)->size, >, 1500 * SW_MIB);
}

static void test_asked(void)
{
	struct sw_layout_request request = make_request("amd64", "ext4");
	g_autoptr(SwLayout) computed = plan(&request);
	g_autoptr(SwLayout) least = NULL;
	g_autoptr(SwLayout) large = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *named = NULL;
	struct sw_layout *none = NULL;

	request.size = 10 * SW_GIB;
	large = plan(&request);
	check_layout(large);
	g_assert_cmpuint(large->size, ==, 10 * SW_GIB);
	g_assert_cmpuint(large->minimum_size, ==, computed->minimum_size);
	g_assert_cmpuint(computed->minimum_size, <, computed->size);
	request.size = computed->minimum_size;
	least = plan(&request);
	check_layout(least);
	request.size = computed->minimum_size - SW_MIB;
	g_assert_false(sw_layout_plan(&request, &none, &error));
	g_assert_null(none);
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
	g_assert_cmpstr(sw_error_id(error), ==, "size-too-small");
	named = g_strdup_printf(" %" G_GUINT64_FORMAT "M ", computed->minimum_size / SW_MIB);
	g_assert_nonnull(strstr(error->message, named));
}

static void assert_refused(const struct sw_layout_request *request, int code, const char *id)
{
	g_autoptr(GError) error = NULL;
	struct sw_layout *layout = NULL;

	g_assert_false(sw_layout_plan(request, &layout, &error));
	g_assert_null(layout);
	g_assert_error(error, SW_ERROR, code);
	g_assert_cmpstr(sw_error_id(error), ==, id);
}

/* What root holds only while the disk is made counts once, where nothing else is there yet. */
static void test_transient(void)
{
	struct sw_layout_request request = make_request("amd64", "ext4");
	g_autoptr(SwLayout) without = plan(&request);
	g_autoptr(SwLayout) little = NULL;
	g_autoptr(SwLayout) much = NULL;

	request.transient_bytes = 100 * SW_MIB;
	little = plan(&request);
	g_assert_cmpuint(little->minimum_size, ==, without->minimum_size + request.transient_bytes);
	g_assert_cmpuint(little->size, ==, without->size);
	request.transient_bytes = 10 * SW_GIB;
	much = plan(&request);
	check_layout(much);
	g_assert_cmpuint(much->minimum_size, ==, without->minimum_size + request.transient_bytes);
	g_assert_cmpuint(much->size, >=, much->minimum_size);
}

static void test_unit(void)
{
	struct sw_layout_request request = make_request("amd64", "ext4");
	g_autoptr(SwLayout) computed = NULL;
	g_autoptr(SwLayout) asked = NULL;

	request.unit = SW_GIB;
	computed = plan(&request);
	g_assert_cmpuint(computed->size % SW_GIB, ==, 0);
	g_assert_nonnull(strstr(computed->explanation, "in whole 1 GiB for the types"));
	g_assert_cmpuint(sw_layout_find(computed, SW_ROLE_ROOT)->size, >=, 1280 * SW_MIB);
	request.size = 20 * SW_GIB + SW_MIB;
	asked = plan(&request);
	g_assert_cmpuint(asked->size, ==, 21 * SW_GIB);
}

static void test_refused(void)
{
	struct sw_layout_request request = make_request("mips", "ext4");

	assert_refused(&request, SW_ERROR_IMAGE, "architecture");
	request = make_request("amd64", "zfs");
	assert_refused(&request, SW_ERROR_USAGE, "rootfs");
	request = make_request("amd64", "ext4");
	request.size = 10 * SW_GIB + 512;
	assert_refused(&request, SW_ERROR_USAGE, "size");
	request.size = SW_MIB;
	assert_refused(&request, SW_ERROR_USAGE, "size-too-small");
	request.size = 0;
	request.root_bytes = G_MAXUINT64;
	assert_refused(&request, SW_ERROR_IMAGE, "size");
	request.root_bytes = 0;
	request.boot_bytes = G_MAXUINT64 / 2;
	assert_refused(&request, SW_ERROR_IMAGE, "size");
	request.boot_bytes = 0;
	request.root_inodes = G_MAXUINT64;
	assert_refused(&request, SW_ERROR_IMAGE, "size");
}

/* The same seed gives the same identifiers, another gives others, and no two are the same. */
static void test_identifiers(void)
{
	struct sw_layout_request request = make_request("amd64", "ext4");
	g_autoptr(SwLayout) one = plan(&request);
	g_autoptr(SwLayout) same = plan(&request);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(SwLayout) other = NULL;

	request.seed = "other";
	other = plan(&request);
	g_assert_cmpstr(one->disk_guid, ==, same->disk_guid);
	g_assert_cmpstr(one->disk_guid, !=, other->disk_guid);
	g_assert_true(g_hash_table_add(seen, one->disk_guid));
	for (guint i = 0; i < one->partitions->len; i++) {
		const struct sw_partition *a = g_ptr_array_index(one->partitions, i);
		const struct sw_partition *b = g_ptr_array_index(same->partitions, i);
		const struct sw_partition *c = g_ptr_array_index(other->partitions, i);

		g_assert_cmpstr(a->guid, ==, b->guid);
		g_assert_cmpstr(a->guid, !=, c->guid);
		g_assert_cmpstr(a->uuid, ==, b->uuid);
		g_assert_true(g_hash_table_add(seen, a->guid));
		g_assert_true(a->uuid == NULL || g_hash_table_add(seen, a->uuid));
	}
}

static void test_explanation(void)
{
	struct sw_layout_request request = make_request("amd64", "ext4");
	g_autoptr(SwLayout) computed = plan(&request);
	g_autoptr(SwLayout) asked = NULL;
	g_autofree char *content = sw_size_format(request.root_bytes);

	g_assert_nonnull(strstr(computed->explanation, content));
	g_assert_nonnull(strstr(computed->explanation, "/var"));
	request.size = 10 * SW_GIB;
	asked = plan(&request);
	g_assert_nonnull(strstr(asked->explanation, "as asked for"));
	g_test_message("%s", computed->explanation);
	g_test_message("%s", asked->explanation);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/layout/amd64", test_amd64);
	g_test_add_func("/layout/architectures", test_architectures);
	g_test_add_func("/layout/sizes", test_sizes);
	g_test_add_func("/layout/inodes", test_inodes);
	g_test_add_func("/layout/large-boot", test_large_boot);
	g_test_add_func("/layout/asked", test_asked);
	g_test_add_func("/layout/transient", test_transient);
	g_test_add_func("/layout/unit", test_unit);
	g_test_add_func("/layout/refused", test_refused);
	g_test_add_func("/layout/identifiers", test_identifiers);
	g_test_add_func("/layout/explanation", test_explanation);
	return g_test_run();
}
