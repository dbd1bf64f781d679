/* SPDX-License-Identifier: MIT */
#include "source/fault.h"

#include <string.h>

#include "core/text.h"

#define SHOWN_MAX 200 /* characters */
#define MIRRORS "(Mirrors also failed: "
#define FETCHING "Error fetching blob: "

/*
 * What containers/image says (its docker, oci, storage and signature folders, and Go's net,
 * crypto/x509 and syscall underneath).  No TEXT can be part of an image's name: each has a blank
 * between two words, or begins with ": ".  The first row that fits counts.
 */
static const struct fault {
	const char *text;
	const char *id;
	const char *says;
	gboolean passes;
} faults[] = {
	{ "containers/policy.json", "policy", "the signature policy cannot be used", FALSE },
	{ " is rejected by policy", "policy", "refused by the signature policy", FALSE },
	{ "Source image rejected: ", "policy", "refused by the signature policy", FALSE },
	{ "ignature was required", "policy", "refused by the signature policy", FALSE },
	{ " is blocked in ", "policy", "refused by registries.conf", FALSE },
	{ "no image found in ", "no-architecture", "not made for the architecture", FALSE },
	{ "corrupted blob, expecting", "digest", "not what its digest says", FALSE },
	{ "Digest did not match, expected", "digest", "not what its digest says", FALSE },
	{ " does not match expected ", "digest", "not what its digest says", FALSE },
	{ "does not match provided manifest digest", "digest", "not what its digest says", FALSE },
	{ " bytes in blob, got ", "digest", "not of the size that the manifest says", FALSE },
	{ ": unauthorized: ", "unauthorized", "access refused", FALSE },
	{ "authentication required", "unauthorized", "access refused", FALSE },
	{ "invalid username/password", "unauthorized", "access refused", FALSE },
	{ ": denied: ", "unauthorized", "access refused", FALSE },
	{ "access to the resource is denied", "unauthorized", "access refused", FALSE },
	{ "status: 401 ", "unauthorized", "access refused", FALSE },
	{ "status: 403 ", "unauthorized", "access refused", FALSE },
	{ "from registry 403 ", "unauthorized", "access refused", FALSE },
	{ "StatusCode: 401", "unauthorized", "access refused", FALSE },
	{ "StatusCode: 403", "unauthorized", "access refused", FALSE },
	{ "manifest unknown", "image-not-found", "no such image", FALSE },
	{ "name unknown", "image-not-found", "no such image", FALSE },
	{ "not known to registry", "image-not-found", "no such image", FALSE },
	{ "status: 404 ", "image-not-found", "no such image", FALSE },
	{ "from registry 404 ", "image-not-found", "not there", FALSE },
	{ "blob unknown", "image-not-found", "not there", FALSE },
	{ "StatusCode: 404", "image-not-found", "no such image", FALSE },
	{ "no such file or directory", "image-not-found", "no such image", FALSE },
	{ "archive file not found", "image-not-found", "no such image", FALSE },
	{ "no descriptor found for reference", "image-not-found", "no such image", FALSE },
	{ "does not resolve to an image ID", "image-not-found", "no such image", FALSE },
	{ "Tag \"", "image-not-found", "no such image", FALSE },
	{ ": x509: ", "tls", "its TLS certificate is not trusted", FALSE },
	{ ": tls: ", "tls", "no TLS connection", FALSE },
	{ "server gave HTTP response to HTTPS client", "tls", "no TLS connection", FALSE },
	{ "no such host", "unreachable", "no such host", FALSE },
	{ "too many requests", "unreachable", "the registry is busy", TRUE },
	{ "toomanyrequests", "unreachable", "the registry is busy", TRUE },
	{ "StatusCode: 429", "unreachable", "the registry is busy", TRUE },
	{ "HTTP status: 5", "unreachable", "the registry has failed", TRUE },
	{ "from registry 5", "unreachable", "the registry has failed", TRUE },
	{ "StatusCode: 5", "unreachable", "the registry has failed", TRUE },
	{ "connection refused", "unreachable", "the registry cannot be reached", TRUE },
	{ "no route to host", "unreachable", "the registry cannot be reached", TRUE },
	{ "network is unreachable", "unreachable", "the registry cannot be reached", TRUE },
	{ "server misbehaving", "unreachable", "the registry cannot be reached", TRUE },
	{ "ailure in name resolution", "unreachable", "the registry cannot be reached", TRUE },
	{ "connection reset by peer", "unreachable", "the connection broke", TRUE },
	{ ": broken pipe", "unreachable", "the connection broke", TRUE },
	{ "closed network connection", "unreachable", "the connection broke", TRUE },
	{ "unexpected EOF", "unreachable", "the connection broke", TRUE },
	{ ": EOF", "unreachable", "the connection broke", TRUE },
	{ "stream error: ", "unreachable", "the connection broke", TRUE },
	{ "http2: ", "unreachable", "the connection broke", TRUE },
	{ "no answer within ", "unreachable", "the registry does not answer", TRUE },
	{ "i/o timeout", "unreachable", "the registry does not answer", TRUE },
	{ "TLS handshake timeout", "unreachable", "the registry does not answer", TRUE },
	{ "connection timed out", "unreachable", "the registry does not answer", TRUE },
	{ "Client.Timeout exceeded", "unreachable", "the registry does not answer", TRUE },
	{ "context deadline exceeded", "unreachable", "the registry does not answer", TRUE },
	{ "timeout awaiting response", "unreachable", "the registry does not answer", TRUE },
	{ "permission denied", "source", "it cannot be read", FALSE },
	{ "operation not permitted", "source", "it cannot be read", FALSE },
	{ "invalid character ", NULL, "not JSON", FALSE },
	{ "unsupported legacy manifest", "manifest", "in Docker's old format (schema 1)", FALSE },
	{ "unsupported manifest MIME type", "manifest", "not an image", FALSE },
	{ "exceeded maximum allowed size", "manifest", "too large", FALSE },
	{ " redirects", "source", "the registry leads nowhere", FALSE },
};

/*
 * What to do, by the id; the first line for registries, the second for what lies on this machine.
 */
static const struct advice {
	const char *id;
	const char *registry;
	const char *local;
} advices[] = {
	{ "unauthorized", "log in by \"skopeo login\", or give --authfile", NULL },
	{ "image-not-found", "check its name and tag", "check its path or name, and its tag" },
	{ "tls", "put its CA certificate below /etc/containers/certs.d, or use --tls-verify=false",
	  NULL },
	{ "unreachable", "check the registry's name and the network, and try again", NULL },
	{ "policy", "see containers-policy.json(5)", "see containers-policy.json(5)" },
	{ "no-architecture", "choose another with --target-arch",
	  "choose another with --target-arch" },
	{ "digest", "the registry's copy is damaged: push the image again",
	  "this copy is damaged: make it again" },
	{ "manifest", "give the reference of an operating system's image", NULL },
	{ "source", NULL, "check that it is a container image and that you may read it" },
};

/* With mirrors, the fault of the original registry is what the user can act on; it comes last. */
static const char *skip_mirrors(const char *text)
{
	const char *end = NULL;

	if (!g_str_has_prefix(text, MIRRORS))
		return text;
	end = g_strrstr(text, "]): ");
	return end != NULL ? end + strlen("]): ") : text;
}

static const struct fault *find_fault(const char *text)
{
	text = skip_mirrors(text);
	for (guint i = 0; i < G_N_ELEMENTS(faults); i++) {
		if (strstr(text, faults[i].text) != NULL)
			return &faults[i];
	}
	return NULL;
}

gboolean sw_fault_passes(const char *text)
{
	const struct fault *fault = find_fault(text);

	return fault != NULL && fault->passes;
}

char *sw_fault_shorten(const char *text)
{
	const char *start = skip_mirrors(text);
	const char *url = g_strrstr(start, "\": ");
	const char *address = g_strrstr(start, "->"); /* read tcp 10.0.0.2:4->10.0.0.1:5000: ... */
	g_autofree char *line = NULL;

	if (g_str_has_prefix(start, "reading manifest ") && strstr(start, ": ") != NULL)
		start = strstr(start, ": ") + 2;
	if (g_str_has_prefix(start, FETCHING))
		start += strlen(FETCHING);
	if (url != NULL && url > start)
		start = url + 3;
	if (address != NULL && address > start && strstr(address, ": ") != NULL)
		start = strstr(address, ": ") + 2;
	line = sw_text_line(start);
	g_strstrip(line);
	return g_utf8_substring(line, 0, MIN(g_utf8_strlen(line, -1), SHOWN_MAX));
}

static const char *find_advice(const char *id, gboolean registry)
{
	for (guint i = 0; i < G_N_ELEMENTS(advices); i++) {
		if (strcmp(advices[i].id, id) == 0)
			return registry ? advices[i].registry : advices[i].local;
	}
	return NULL;
}

static const char *id_of_step(enum sw_fault_step step)
{
	switch (step) {
	case SW_FAULT_MANIFEST:
		return "manifest";
	case SW_FAULT_CONFIG:
		return "config";
	case SW_FAULT_OPEN:
	case SW_FAULT_LAYER:
		break;
	}
	return "source";
}

/* Is the fault in a part of the image, and not in the way to it? */
static gboolean is_part(const char *id)
{
	return strcmp(id, "manifest") == 0 || strcmp(id, "config") == 0 ||
	       strcmp(id, "digest") == 0;
}

gboolean sw_fault_fail(const struct sw_reference *reference, enum sw_fault_step step,
		       const char *detail, const char *text, GError **error)
{
	const struct fault *fault = find_fault(text);
	const char *id = fault != NULL && fault->id != NULL ? fault->id : id_of_step(step);
	const char *advice = find_advice(id, reference->transport == SW_TRANSPORT_REGISTRY);
	g_autofree char *image = sw_reference_to_string(reference);
	g_autofree char *reason = sw_fault_shorten(text);
	GString *message = g_string_new(image);

	g_debug("fault of %s: %s", image, text);
	if (detail != NULL)
		g_string_append_printf(message, ": %s", detail);
	else if (is_part(id))
		g_string_append(message,
				step == SW_FAULT_CONFIG ? ": its configuration" : ": its manifest");
	if (fault == NULL)
		g_string_append_printf(message, ": %s", reason);
	else if (strstr(reason, "sha256:") == NULL)
		g_string_append_printf(message, ": %s (%s)", fault->says, reason);
	else
		g_string_append_printf(message, ": %s", fault->says); /* hex tells nobody more */
	if (advice != NULL)
		g_string_append_printf(message, ": %s", advice);
	sw_fail(error, SW_ERROR_SOURCE, id, "%s", message->str);
	g_string_free(message, TRUE);
	return FALSE;
}
