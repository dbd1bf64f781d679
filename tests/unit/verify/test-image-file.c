/* SPDX-License-Identifier: MIT */
#include "verify/image-file.h"

#include <string.h>

/* A qcow2 header of version 3 without anything else. */
static void make(guint8 head[512])
{
	memset(head, 0, 512);
	memcpy(head, "QFI\xfb\0\0\0\3", 8);
	head[103] = 104;
}

static void assert_refused(const guint8 *head, const char *text)
{
	g_autoptr(GError) error = NULL;
	const char *format = NULL;

	g_assert_false(sw_image_file_probe(head, 512, "disk", &format, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_DEPLOY);
	g_assert_nonnull(strstr(error->message, text));
	g_assert_null(format);
}

static void assert_format(const guint8 *head, size_t length, const char *wanted)
{
	g_autoptr(GError) error = NULL;
	const char *format = NULL;

	g_assert_true(sw_image_file_probe(head, length, "disk", &format, &error));
	g_assert_cmpstr(format, ==, wanted);
}

static void test_formats(void)
{
	guint8 head[512];
	g_autoptr(GError) error = NULL;
	const char *format = NULL;

	make(head);
	assert_format(head, sizeof head, "qcow2");
	assert_format((const guint8 *)"QF", 2, "raw");
	memset(head, 0, sizeof head);
	assert_format(head, sizeof head, "raw");
	memcpy(head + 64, "\x7f\x10\xda\xbe", 4);
	g_assert_false(sw_image_file_probe(head, sizeof head, "disk", &format, &error));
	g_assert_error(error, SW_ERROR, SW_ERROR_USAGE);
}

/* The version 2 has no feature bits, and its extensions begin earlier. */
static void test_version_2(void)
{
	guint8 head[512] = "QFI\xfb\0\0\0\2";

	assert_format(head, sizeof head, "qcow2");
	head[15] = 1;
	assert_refused(head, "backing file");
	head[7] = 4;
	assert_refused(head, "version");
}

static void test_other_files(void)
{
	guint8 head[512];

	make(head);
	head[8] = 1;
	assert_refused(head, "backing file");
	make(head);
	head[19] = 1;
	assert_refused(head, "backing file");
	make(head);
	head[79] = 4;
	assert_refused(head, "data in another file");
	make(head);
	memcpy(head + 104, "\x44\x41\x54\x41\0\0\0\4evil", 12);
	assert_refused(head, "data in another file");
	make(head);
	memcpy(head + 104, "\xe2\x79\x2a\xca\0\0\0\3raw", 11);
	assert_refused(head, "backing file");
	make(head);
	head[35] = 2;
	assert_refused(head, "encrypted");
}

/* An extension that is known to nobody is passed over, one that never ends is refused. */
static void test_extensions(void)
{
	guint8 head[512];

	make(head);
	memcpy(head + 104, "\x68\x03\xf8\x57\0\0\0\5name.", 13);
	assert_format(head, sizeof head, "qcow2");
	memcpy(head + 120, "\x44\x41\x54\x41\0\0\0\4evil", 12);
	assert_refused(head, "data in another file");
	make(head);
	memcpy(head + 104, "\x68\x03\xf8\x57\xff\xff\xff\xff", 8);
	assert_refused(head, "no end");
	make(head);
	head[103] = 8;
	assert_refused(head, "length of its header");
	head[100] = 0xff;
	assert_refused(head, "no end");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/verify/image-file/formats", test_formats);
	g_test_add_func("/verify/image-file/version-2", test_version_2);
	g_test_add_func("/verify/image-file/other-files", test_other_files);
	g_test_add_func("/verify/image-file/extensions", test_extensions);
	return g_test_run();
}
