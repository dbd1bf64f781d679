/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "unit/verify/snapshot.h"
#include "verify/check.h"

/*
 * A disk of bootupd's, made by hand: the image's metadata, what bootupd says of it and the ESP.
 */

#define DEPLOYMENT "./deployment"
#define SHIM "the bytes of shim"
#define META(version) "{\"timestamp\":\"1970-01-01T00:00:00Z\",\"version\":\"" version "\"}"
#define BIOS "\"BIOS\":{\"meta\":" META("grub2-1") ",\"filetree\":null,\"adopted-from\":null}"

/* What is otherwise than on a good disk; NULL: nothing. */
struct disk {
	const char *state;	/* "": there is none; %s: the SHA-512 of shim */
	const char *shim;	/* on the ESP; "": there is none */
	const char *image_efi;	/* the version in the image; "": none */
	const char *image_bios; /* likewise */
	gboolean has_no_boot_code, has_no_esp;
};

static const char good_state[] = "{\"installed\":{" BIOS ",\"EFI\":{\"meta\":" META(
	"shim-1") ",\"filetree\":{\"children\":"
		  "{\"BOOT/"
		  "BOOTX64.EFI\":{\"size\":17,\"sha512\":\"sha512:%s\"}}},\"adopted-from\":null}},"
		  "\"pending\":null,\"static-configs\":null}";

static void add_directories(GByteArray *tar, const char *path)
{
	for (const char *slash = strchr(path + 2, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		g_autofree char *name = g_strndup(path, (gsize)(slash - path) + 1);

		tar_add_directory(tar, name, 0755);
	}
}

/* The metadata of an image's component; another version than usual where OTHER is one. */
static void add_metadata(GByteArray *tar, const char *name, const char *usual, const char *other)
{
	g_autofree char *path =
		g_strdup_printf(DEPLOYMENT "/usr/lib/bootupd/updates/%s.json", name);
	g_autofree char *text = g_strdup_printf(META("%s"), other == NULL ? usual : other);

	if (g_strcmp0(other, "") != 0)
		tar_add_file(tar, path, 0644, text);
}

static struct sw_snapshot *make_root(const struct disk *disk)
{
	g_autofree char *sha512 = g_compute_checksum_for_string(G_CHECKSUM_SHA512, SHIM, -1);
	g_auto(GStrv) parts = g_strsplit(disk->state == NULL ? good_state : disk->state, "%s", -1);
	g_autofree char *state = g_strjoinv(sha512, parts);
	g_autoptr(GByteArray) tar = g_byte_array_new();
	struct sw_snapshot *root = NULL;
	gboolean ok;

	tar_add_directory(tar, "./", 0755);
	add_directories(tar, DEPLOYMENT "/usr/lib/bootupd/updates/");
	add_metadata(tar, "BIOS", "grub2-1", disk->image_bios);
	add_metadata(tar, "EFI", "shim-1", disk->image_efi);
	add_directories(tar, "./boot/");
	if (*state != '\0')
		tar_add_file(tar, "./boot/bootupd-state.json", 0644, state);
	root = fill(tar, &ok);
	g_assert_true(ok);
	return root;
}

/* vfat shows names in another case. */
static struct sw_snapshot *make_esp(const char *shim)
{
	g_autoptr(GByteArray) tar = g_byte_array_new();
	struct sw_snapshot *esp = NULL;
	gboolean ok;

	tar_add_directory(tar, "./", 0755);
	add_directories(tar, "./EFI/Boot/");
	if (*shim != '\0')
		tar_add_file(tar, "./EFI/Boot/bootx64.efi", 0755, shim);
	esp = fill(tar, &ok);
	g_assert_true(ok);
	return esp;
}

/* The check finds STATE, and TEXT is in what it says. */
static void assert_finding(const struct disk *given, enum sw_finding_state state, const char *text)
{
	g_autoptr(SwExamined) disk = g_new0(struct sw_examined, 1);
	struct sw_finding finding = { .check = sw_checks_bootupd,
				      .details = g_ptr_array_new_with_free_func(g_free) };
	g_autofree char *details = NULL;

	disk->has_boot_code = !given->has_no_boot_code;
	disk->root.tree = make_root(given);
	if (!given->has_no_esp)
		disk->esp.tree = make_esp(given->shim == NULL ? SHIM : given->shim);
	disk->bootfs = disk->root.tree;
	disk->boot_directory = "boot";
	disk->deployment = g_strdup("deployment");
	disk->entries = g_ptr_array_new();
	sw_checks_bootupd[0].run(disk, &finding);
	g_assert_cmpuint(finding.details->len, >, 0);
	g_ptr_array_add(finding.details, NULL);
	details = g_strjoinv("; ", (char **)finding.details->pdata);
	if (strstr(details, text) == NULL)
		g_error("\"%s\" is not in: %s", text, details);
	g_assert_cmpint(finding.state, ==, state);
	g_ptr_array_unref(finding.details);
}

static void test_good(void)
{
	const struct disk good = { 0 };
	const struct disk none = { .state = "", .image_efi = "", .image_bios = "" };

	assert_finding(&good, SW_FOUND_OK, "installed BIOS and EFI, 1 files");
	assert_finding(&none, SW_FOUND_OK, "has none");
}

/* The machine works, and bootupctl has something to do. */
static void test_warnings(void)
{
	const struct disk adoptable = { .state = "" };
	const struct disk newer = { .image_efi = "shim-2" };
	const struct disk gone = { .image_bios = "" };
	const struct disk half = { .state = "{\"installed\":{" BIOS
					    "},\"pending\":null,\"static-configs\":null}" };

	assert_finding(&adoptable, SW_FOUND_WARNING, "adopt-and-update");
	assert_finding(&newer, SW_FOUND_WARNING, "EFI is shim-1, the image has shim-2");
	assert_finding(&gone, SW_FOUND_WARNING, "no metadata of the component BIOS");
	assert_finding(&half, SW_FOUND_WARNING, "component EFI is not installed");
}

static void test_esp(void)
{
	const struct disk missing = { .shim = "" };
	const struct disk longer = { .shim = SHIM "." };
	const struct disk other = { .shim = "the bytes of Shim" };
	const struct disk no_esp = { .has_no_esp = TRUE };
	const struct disk no_code = { .has_no_boot_code = TRUE };

	assert_finding(&missing, SW_FOUND_FAILED, "EFI/BOOT/BOOTX64.EFI is not on the ESP");
	assert_finding(&longer, SW_FOUND_FAILED, "not the file that bootupd installed");
	assert_finding(&other, SW_FOUND_FAILED, "not the file that bootupd installed");
	assert_finding(&no_esp, SW_FOUND_FAILED, "no ESP can be read");
	assert_finding(&no_code, SW_FOUND_FAILED, "the MBR holds no code");
}

static void test_state(void)
{
	static const struct {
		const char *state, *text;
	} cases[] = {
		{ "{", "bootupd-state.json" },
		{ "{}", "installed" },
		{ "{\"installed\":[]}", "installed" },
		{ "{\"installed\":{}}", "no component is installed" },
		{ "{\"installed\":{" BIOS "},\"more\":1}", "does not know \"more\"" },
		{ "{\"installed\":{" BIOS "},\"pending\":{\"EFI\":" META("shim-2") "}}",
		  "not finished" },
		{ "{\"installed\":{" BIOS ",\"UBOOT\":{}}}", "other than BIOS and EFI" },
		{ "{\"installed\":{\"BIOS\":{}}}", "meta" },
		{ "{\"installed\":{\"EFI\":{\"meta\":" META("shim-1") "}}}", "filetree" },
		{ "{\"installed\":{" BIOS
		  ",\"EFI\":{\"meta\":" META("shim-1") ",\"filetree\":{\"children\":{\"a\":1}}}}}",
		  "not an object" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct disk disk = { .state = cases[i].state };

		assert_finding(&disk, SW_FOUND_FAILED, cases[i].text);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/verify/check-bootupd/good", test_good);
	g_test_add_func("/verify/check-bootupd/warnings", test_warnings);
	g_test_add_func("/verify/check-bootupd/esp", test_esp);
	g_test_add_func("/verify/check-bootupd/state", test_state);
	return g_test_run();
}
