/* SPDX-License-Identifier: MIT */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../disk.h"
#include "installer/apply.h"
#include "installer/text.h"

#define DEPLOYMENT "ostree/boot.1/default/abc/0"

struct system {
	struct sw_scratch *scratch;
	char *root;
	char *boot;
};

static void put(const char *top, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(top, name, NULL);
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static char *get(const char *top, const char *name)
{
	g_autofree char *path = g_build_filename(top, name, NULL);
	char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static struct system make_system(void)
{
	struct system s = { .scratch = make_scratch("slipway-test-configure-") };

	s.root = g_build_filename(sw_scratch_path(s.scratch), "root", NULL);
	s.boot = g_build_filename(sw_scratch_path(s.scratch), "boot", NULL);
	put(s.boot, "loader/entries/ostree-1.conf",
	    "title Debian\noptions root=UUID=1 ostree=/" DEPLOYMENT "\nlinux /vmlinuz\n");
	put(s.boot, "loader/syslinux.cfg",
	    "LABEL Debian\n\tKERNEL /vmlinuz\n\tAPPEND root=UUID=1\n");
	put(s.root, DEPLOYMENT "/etc/hostname", "old\n");
	g_autofree char *home = g_build_filename(s.root, DEPLOYMENT "/root", NULL);
	g_assert_cmpint(symlink("var/roothome", home), ==, 0);
	return s;
}

static void free_system(struct system *s)
{
	g_free(s->root);
	g_free(s->boot);
	sw_scratch_free(s->scratch);
}

static void configure(const struct system *s, const char *line, const char *wanted)
{
	struct si_request request;
	struct si_failure failure = { 0 };
	gboolean good;

	g_assert_true(si_request_parse(line, &request, &failure));
	failure.id = NULL;
	good = si_configure(&request, s->root, s->boot, &failure);
	g_assert_cmpstr(failure.id, ==, wanted);
	g_assert_true(good == (wanted == NULL));
	si_request_free(&request);
}

static void test_all(void)
{
	struct system s = make_system();
	g_autofree char *hostname = NULL, *entry = NULL, *syslinux = NULL, *keys = NULL;
	g_autofree char *path = g_build_filename(s.root, DEPLOYMENT "/etc/hostname", NULL);
	struct stat st;

	g_assert_cmpint(chmod(path, 0640), ==, 0);
	configure(&s,
		  "slipway.hostname=edge-7 slipway.karg=a=1 slipway.karg=b "
		  "\"slipway.ssh-key=ssh-ed25519 KEY1 me\"",
		  NULL);
	hostname = get(s.root, DEPLOYMENT "/etc/hostname");
	g_assert_cmpstr(hostname, ==, "edge-7\n");
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 07777, ==, 0640);
	entry = get(s.boot, "loader/entries/ostree-1.conf");
	g_assert_cmpstr(entry, ==,
			"title Debian\noptions root=UUID=1 ostree=/" DEPLOYMENT
			" a=1 b\nlinux /vmlinuz\n");
	syslinux = get(s.boot, "loader/syslinux.cfg");
	g_assert_cmpstr(syslinux, ==,
			"LABEL Debian\n\tKERNEL /vmlinuz\n\tAPPEND root=UUID=1 a=1 b\n");
	keys = get(s.root, DEPLOYMENT "/etc/tmpfiles.d/bootc-root-ssh.conf");
	g_assert_cmpstr(keys, ==,
			"f~ /var/roothome/.ssh/authorized_keys 600 root root - "
			"c3NoLWVkMjU1MTkgS0VZMSBtZQo=\n");
	free_system(&s);
}

/* The keys of the build stay, in the home that they are for. */
static void test_more_keys(void)
{
	struct system s = make_system();
	g_autofree char *keys = NULL, *decoded = NULL;

	put(s.root, DEPLOYMENT "/etc/tmpfiles.d/bootc-root-ssh.conf",
	    "f~ /var/roothome/.ssh/authorized_keys 600 root root - b2xkIGtleQo=\n");
	configure(&s, "\"slipway.ssh-key=new key\" \"slipway.ssh-key=newer key\"", NULL);
	keys = get(s.root, DEPLOYMENT "/etc/tmpfiles.d/bootc-root-ssh.conf");
	g_assert_true(
		g_str_has_prefix(keys, "f~ /var/roothome/.ssh/authorized_keys 600 root root - "));
	decoded = si_unbase64(strchr(keys, '-') + 2);
	g_assert_cmpstr(decoded, ==, "old key\nnew key\nnewer key\n");
	free_system(&s);
}

static void test_refused(void)
{
	struct system s = make_system();
	g_autofree char *entry = g_build_filename(s.boot, "loader/entries/ostree-1.conf", NULL);

	put(s.boot, "loader/entries/ostree-1.conf", "options ostree=/../../etc\n");
	configure(&s, "slipway.hostname=edge", "deployment");
	put(s.boot, "loader/entries/ostree-1.conf", "options quiet\n");
	configure(&s, "slipway.hostname=edge", "deployment");
	g_assert_cmpint(g_unlink(entry), ==, 0);
	configure(&s, "slipway.hostname=edge", "deployment");
	free_system(&s);
}

static void test_base64(void)
{
	static const char *const texts[] = { "", "a", "ab", "abc", "abcd\n" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *wanted =
			g_base64_encode((const guchar *)texts[i], strlen(texts[i]));
		g_autofree char *is = si_base64(texts[i]);
		g_autofree char *back = si_unbase64(is);

		g_assert_cmpstr(is, ==, wanted);
		g_assert_cmpstr(back, ==, texts[i]);
	}
	g_assert_null(si_unbase64("ab!d"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/configure/all", test_all);
	g_test_add_func("/configure/more-keys", test_more_keys);
	g_test_add_func("/configure/refused", test_refused);
	g_test_add_func("/configure/base64", test_base64);
	return g_test_run();
}
