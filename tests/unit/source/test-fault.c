/* SPDX-License-Identifier: MIT */
#include "source/fault.h"

#include <string.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* As skopeo 1.9.3 and 1.20 give them. */
static const struct {
	const char *text;
	const char *id;
	gboolean passes;
} cases[] = {
	{ "reading manifest 1 in 127.0.0.1:5000/a/b: unauthorized: authentication required",
	  "unauthorized", FALSE },
	{ "unable to retrieve auth token: invalid username/password: unauthorized", "unauthorized",
	  FALSE },
	{ "reading manifest 1 in q.io/a/b: denied: requested access to the resource is denied",
	  "unauthorized", FALSE },
	{ "Error fetching blob: invalid status code from registry 403 (Forbidden)", "unauthorized",
	  FALSE },
	{ "reading manifest 1 in q.io/a/b: manifest unknown", "image-not-found", FALSE },
	{ "reading manifest 1 in q.io/a: name unknown: repository name not known to registry",
	  "image-not-found", FALSE },
	{ "open /x/index.json: no such file or directory", "image-not-found", FALSE },
	{ "no descriptor found for reference \"x\"", "image-not-found", FALSE },
	{ "Tag \"docker.io/foo/bar:2\" not found", "image-not-found", FALSE },
	{ "reference \"[overlay@/a+/b]x:latest\" does not resolve to an image ID: identifier is "
	  "not an image",
	  "image-not-found", FALSE },
	{ "pinging container registry q.io: Get \"https://q.io/v2/\": x509: certificate signed by "
	  "unknown authority",
	  "tls", FALSE },
	{ "pinging container registry q.io: Get \"https://q.io/v2/\": http: server gave HTTP "
	  "response to HTTPS client",
	  "tls", FALSE },
	{ "pinging container registry q.io: Get \"https://q.io/v2/\": tls: first record does not "
	  "look like a TLS handshake",
	  "tls", FALSE },
	{ "pinging container registry q.io: Get \"https://q.io/v2/\": tls: failed to verify "
	  "certificate: x509: certificate has expired",
	  "tls", FALSE },
	{ "no image found in manifest list for architecture s390x, variant \"\", OS linux",
	  "no-architecture", FALSE },
	{ "no image found in image index for architecture \"arm64\", variant \"\", OS \"linux\"",
	  "no-architecture", FALSE },
	{ "Running image docker://q.io/a is rejected by policy.", "policy", FALSE },
	{ "A signature was required, but no signature exists", "policy", FALSE },
	{ "open /etc/containers/policy.json: no such file or directory", "policy", FALSE },
	{ "registry q.io is blocked in /etc/containers/registries.conf", "policy", FALSE },
	{ "corrupted blob, expecting sha256:" HEX, "digest", FALSE },
	{ "writing blob: happened during read: Digest did not match, expected sha256:" HEX
	  ", got sha256:" HEX,
	  "digest", FALSE },
	{ "Download config.json digest sha256:" HEX " does not match expected sha256:" HEX,
	  "digest", FALSE },
	{ "Manifest does not match provided manifest digest sha256:" HEX, "digest", FALSE },
	{ "expected 5 bytes in blob, got 6", "digest", FALSE },
	{ "pinging container registry 127.0.0.1:1: Get \"https://127.0.0.1:1/v2/\": dial tcp "
	  "127.0.0.1:1: connect: connection refused",
	  "unreachable", TRUE },
	{ "read tcp 127.0.0.1:47736->127.0.0.1:35557: read: connection reset by peer",
	  "unreachable", TRUE },
	{ "unexpected EOF", "unreachable", TRUE },
	{ "pinging container registry q.io: Get \"https://q.io/v2/\": EOF", "unreachable", TRUE },
	{ "Get \"https://q.io/v2/\": dial tcp 10.0.0.1:443: i/o timeout", "unreachable", TRUE },
	{ "Get \"https://q.io/v2/\": net/http: TLS handshake timeout", "unreachable", TRUE },
	{ "reading manifest 1 in q.io/a/b: received unexpected HTTP status: 503 Service "
	  "Unavailable",
	  "unreachable", TRUE },
	{ "Error fetching blob: invalid status code from registry 500 (Internal Server Error)",
	  "unreachable", TRUE },
	{ "reading manifest 1 in q.io/a/b: StatusCode: 502, <html>...", "unreachable", TRUE },
	{ "too many requests to registry", "unreachable", TRUE },
	{ "dial tcp: lookup q.invalid on 10.0.0.1:53: no such host", "unreachable", FALSE },
	{ "dial tcp: lookup q.io: Temporary failure in name resolution", "unreachable", TRUE },
	{ "no answer within 90 s", "unreachable", TRUE },
	{ "unsupported legacy manifest MIME type: application/vnd.docker.distribution.manifest.v1",
	  "manifest", FALSE },
	{ "something new", "source", FALSE },
	/* A name is no diagnosis. */
	{ "reading manifest unauthorized in q.io/x509/denied: received unexpected HTTP status: 500 "
	  "I",
	  "unreachable", TRUE },
	{ "reading manifest 1 in q.io/a/tls: strange", "source", FALSE },
	/* With mirrors, what the original registry says counts. */
	{ "(Mirrors also failed: [m.io/a:1: dial tcp: connect: connection refused\n[x]]): "
	  "q.io/a:1: "
	  "reading manifest 1 in q.io/a: manifest unknown",
	  "image-not-found", FALSE },
};

static void test_classes(void)
{
	struct sw_reference reference = { SW_TRANSPORT_REGISTRY, (char *)"q.io/a/b:1" };

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;

		g_test_message("%s", cases[i].text);
		g_assert_false(
			sw_fault_fail(&reference, SW_FAULT_OPEN, NULL, cases[i].text, &error));
		g_assert_error(error, SW_ERROR, SW_ERROR_SOURCE);
		g_assert_cmpstr(sw_error_id(error), ==, cases[i].id);
		g_assert_cmpint(sw_fault_passes(cases[i].text), ==, cases[i].passes);
		g_assert_true(g_str_has_prefix(error->message, "docker://q.io/a/b:1: "));
		g_assert_null(strchr(error->message, '\n'));
	}
}

static void test_steps(void)
{
	static const char json[] = "invalid character 'x' looking for beginning of value";
	struct sw_reference reference = { SW_TRANSPORT_OCI, (char *)"/a" };
	g_autoptr(GError) manifest = NULL;
	g_autoptr(GError) config = NULL;
	g_autoptr(GError) layer = NULL;

	sw_fault_fail(&reference, SW_FAULT_MANIFEST, NULL, json, &manifest);
	g_assert_cmpstr(sw_error_id(manifest), ==, "manifest");
	sw_fault_fail(&reference, SW_FAULT_CONFIG, NULL, json, &config);
	g_assert_cmpstr(sw_error_id(config), ==, "config");
	sw_fault_fail(&reference, SW_FAULT_LAYER, "layer 1 of 2", "unexpected EOF", &layer);
	g_assert_nonnull(strstr(layer->message, "oci:/a: layer 1 of 2: the connection broke"));
}

static void test_shorten(void)
{
	static const struct {
		const char *text;
		const char *shorter;
	} texts[] = {
		{ "pinging container registry q.io: Get \"https://q.io/v2/\": x509: bad",
		  "x509: bad" },
		{ "reading manifest 1 in q.io/a: manifest unknown", "manifest unknown" },
		{ "Error fetching blob: no", "no" },
		{ "read tcp 127.0.0.1:4->127.0.0.1:3: read: connection reset by peer",
		  "read: connection reset by peer" },
		{ "two\nlines\x1b[31m", "two lines [31m" },
		{ "reading manifest", "reading manifest" },
		{ "", "" },
	};
	g_autofree char *filler = g_strnfill(9000, 'x');
	g_autofree char *shorter = sw_fault_shorten(filler);

	g_assert_cmpuint(strlen(shorter), <=, 200);
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *got = sw_fault_shorten(texts[i].text);

		g_assert_cmpstr(got, ==, texts[i].shorter);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fault/classes", test_classes);
	g_test_add_func("/fault/steps", test_steps);
	g_test_add_func("/fault/shorten", test_shorten);
	return g_test_run();
}
