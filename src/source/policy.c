/* SPDX-License-Identifier: MIT */
#include "source/policy.h"

#include <string.h>

#include "core/file.h"
#include "core/json.h"
#include "core/size.h"

#define POLICY_MAX SW_MIB
#define POLICY_SYSTEM "/etc/containers/policy.json"

/* The policy's words for enum sw_transport, in its order. */
static const char *const transports[] = {
	"docker", "oci", "oci-archive", "docker-archive", "containers-storage", "dir"
};

/* What the policy knows an image by: its full name, or the absolute path without the tag. */
static char *scope_of(const struct sw_reference *reference)
{
	const char *name = reference->name;
	const char *slash = strchr(name, '/');
	g_autofree char *host = slash != NULL ? g_strndup(name, (size_t)(slash - name)) : NULL;
	g_autofree char *path = NULL;

	switch (reference->transport) {
	case SW_TRANSPORT_REGISTRY:
		if (slash == NULL)
			return g_strconcat("docker.io/library/", name, NULL);
		if (strpbrk(host, ".:") == NULL && strcmp(host, "localhost") != 0)
			return g_strconcat("docker.io/", name, NULL);
		return g_strdup(name);
	case SW_TRANSPORT_OCI:
	case SW_TRANSPORT_OCI_ARCHIVE:
	case SW_TRANSPORT_DOCKER_ARCHIVE:
		path = g_strndup(name, strcspn(name, ":"));
		return g_canonicalize_filename(path, NULL);
	case SW_TRANSPORT_DIR:
		return g_canonicalize_filename(name, NULL);
	case SW_TRANSPORT_CONTAINERS_STORAGE:
		break;
	}
	return g_strdup(name);
}

/* Is SCOPE the image NAME, a parent of it, or "*.DOMAIN" of its host? */
static gboolean covers(const char *scope, const char *name)
{
	size_t length = strlen(scope);

	if (g_str_has_prefix(scope, "*.")) {
		g_autofree char *host = g_strndup(name, strcspn(name, "/"));

		return g_str_has_suffix(host, scope + 1);
	}
	if (length == 0 || strcmp(scope, "/") == 0)
		return TRUE;
	if (strncmp(scope, name, length) != 0)
		return FALSE;
	if (name[length] == '\0' || name[length] == '/')
		return TRUE;
	return strchr(":@", name[length]) != NULL && strchr(name + length, '/') == NULL;
}

/* The member of SCOPES that is nearest to NAME; NULL: none. */
static JsonNode *nearest_scope(JsonObject *scopes, const char *name)
{
	JsonNode *nearest = NULL;
	JsonNode *node = NULL;
	const char *scope = NULL;
	size_t longest = 0;
	JsonObjectIter iter;

	json_object_iter_init(&iter, scopes);
	while (json_object_iter_next(&iter, &scope, &node)) {
		if (!covers(scope, name) || (nearest != NULL && strlen(scope) < longest))
			continue;
		nearest = node;
		longest = strlen(scope);
	}
	return nearest;
}

static gboolean accepts_anything(JsonNode *node)
{
	JsonArray *requirements = NULL;

	if (node == NULL || !JSON_NODE_HOLDS_ARRAY(node))
		return FALSE;
	requirements = json_node_get_array(node);
	for (guint i = 0; i < json_array_get_length(requirements); i++) {
		JsonNode *element = json_array_get_element(requirements, i);
		const char *type = NULL;

		if (JSON_NODE_HOLDS_OBJECT(element))
			type = json_object_get_string_member_with_default(
				json_node_get_object(element), "type", NULL);
		if (g_strcmp0(type, "insecureAcceptAnything") != 0)
			return FALSE;
	}
	return json_array_get_length(requirements) > 0;
}

gboolean sw_policy_check_text(const struct sw_reference *reference, const char *text, size_t length,
			      const char *path, GError **error)
{
	const struct sw_json_subject subject = { path, SW_ERROR_SOURCE, "policy" };
	const char *transport = transports[reference->transport];
	g_autofree char *image = sw_reference_to_string(reference);
	g_autofree char *name = scope_of(reference);
	g_autoptr(JsonNode) root = NULL;
	JsonObject *policy = NULL;
	JsonObject *by_transport = NULL;
	JsonObject *scopes = NULL;
	JsonNode *node = NULL;

	if (!sw_json_parse(text, length, &subject, &root, error))
		return FALSE;
	policy = json_node_get_object(root);
	if (!sw_json_get_object(policy, "transports", FALSE, &subject, &by_transport, error))
		return FALSE;
	if (by_transport != NULL &&
	    !sw_json_get_object(by_transport, transport, FALSE, &subject, &scopes, error))
		return FALSE;
	if (scopes != NULL)
		node = nearest_scope(scopes, name);
	if (node == NULL)
		node = json_object_get_member(policy, "default");
	if (accepts_anything(node))
		return TRUE;
	return sw_fail(error, SW_ERROR_SOURCE, "policy",
		       "%s: the signature policy %s makes demands that this skopeo's image proxy "
		       "does not check: install skopeo 1.13 or later",
		       image, path);
}

gboolean sw_policy_check(const struct sw_reference *reference, GError **error)
{
	g_autofree char *own =
		g_build_filename(g_get_home_dir(), ".config", "containers", "policy.json", NULL);
	const char *path = access(own, F_OK) == 0 ? own : POLICY_SYSTEM;
	g_autofree char *text = NULL;
	size_t length = 0;

	if (access(path, F_OK) != 0)
		return TRUE;
	return sw_read_file(path, POLICY_MAX, &text, &length, SW_ERROR_SOURCE, "policy", error) &&
	       sw_policy_check_text(reference, text, length, path, error);
}

gboolean sw_policy_accepts_anything(const char *text, size_t length)
{
	const struct sw_json_subject subject = { "policy.json", SW_ERROR_SOURCE, "policy" };
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) root = NULL;

	if (!sw_json_parse(text, length, &subject, &root, &error))
		return TRUE;
	return accepts_anything(json_object_get_member(json_node_get_object(root), "default"));
}
