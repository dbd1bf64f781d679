/* SPDX-License-Identifier: MIT */
#include "storage/oci/repository.h"

#include <string.h>

#include "storage/oci/name.h"

#define ID "oci"
#define TEXT_MAX (4 * 1024 * 1024) /* of a manifest, by the distribution specification */
#define TAGS_MAX 1000000
#define TRIES 5
#define ACCEPT                                                                    \
	SW_OCI_MANIFEST ", " SW_OCI_INDEX                                         \
			", application/vnd.docker.distribution.manifest.v2+json," \
			" application/vnd.docker.distribution.manifest.list.v2+json"

void sw_oci_got_clear(struct sw_oci_got *got)
{
	sw_oci_descriptor_clear(&got->descriptor);
	g_clear_pointer(&got->text, g_free);
}

/* What is said of the answer must be true of it. */
static gboolean take_got(const char *reference, const struct sw_http_response *response,
			 struct sw_oci_got *got, GError **error)
{
	const char *type = sw_http_header(response, "content-type");
	const char *digest = sw_http_header(response, "docker-content-digest");
	g_autofree char *media_type = g_strndup(type, type == NULL ? 0 : strcspn(type, "; "));

	if (type == NULL || !sw_oci_media_type_valid(media_type) || response->body->len > TEXT_MAX)
		return sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
			       "the registry answers with something that is no manifest");
	sw_oci_describe(media_type, response->body->str, response->body->len, &got->descriptor);
	if ((digest != NULL && !g_str_equal(digest, got->descriptor.digest)) ||
	    (sw_digest_valid(reference) && !g_str_equal(reference, got->descriptor.digest))) {
		sw_oci_descriptor_clear(&got->descriptor);
		return sw_fail(error, SW_ERROR_STORAGE, "corrupt",
			       "the manifest does not have the digest that the registry says");
	}
	got->text = g_strndup(response->body->str, response->body->len);
	return TRUE;
}

gboolean sw_oci_manifest_get(struct sw_oci *oci, const char *reference, struct sw_oci_got *ret_got,
			     GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *path = g_strconcat("manifests/", reference, NULL);
	struct sw_oci_call call = { .method = "GET", .path = path, .headers = lines };
	struct sw_http_response response = { 0 };
	gboolean good;

	sw_http_header_add(lines, "Accept", ACCEPT);
	good = sw_oci_call(oci, &call, &response, cancellable, error) &&
	       take_got(reference, &response, ret_got, error);
	sw_http_response_clear(&response);
	return good;
}

static gboolean check_stored(struct sw_oci *oci, const char *reference,
			     const struct sw_oci_descriptor *stored, GCancellable *cancellable,
			     GError **error)
{
	struct sw_oci_got got = { 0 };
	gboolean same;

	if (!sw_oci_manifest_get(oci, reference, &got, cancellable, error))
		return FALSE;
	same = g_str_equal(got.descriptor.digest, stored->digest);
	sw_oci_got_clear(&got);
	return same || sw_fail(error, SW_ERROR_STORAGE, "changed",
			       "it is not what was just stored: another has written it");
}

gboolean sw_oci_manifest_put(struct sw_oci *oci, const char *reference, const char *media_type,
			     const char *text, struct sw_oci_descriptor *ret_descriptor,
			     gboolean *ret_listed, GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *path = g_strconcat("manifests/", reference, NULL);
	struct sw_http_body body = { .data = text, .fd = -1, .length = strlen(text) };
	struct sw_oci_call call = {
		.method = "PUT", .path = path, .headers = lines, .body = &body
	};
	struct sw_http_response response = { 0 };
	struct sw_oci_descriptor descriptor = { 0 };
	gboolean good;

	sw_http_header_add(lines, "Content-Type", media_type);
	sw_oci_describe(media_type, text, strlen(text), &descriptor);
	good = sw_oci_call(oci, &call, &response, cancellable, error);
	if (good && ret_listed != NULL)
		*ret_listed = sw_http_header(&response, "oci-subject") != NULL;
	sw_http_response_clear(&response);
	good = good && check_stored(oci, reference, &descriptor, cancellable, error);
	if (good)
		*ret_descriptor = descriptor;
	else
		sw_oci_descriptor_clear(&descriptor);
	return good;
}

gboolean sw_oci_manifest_delete(struct sw_oci *oci, const char *digest, GCancellable *cancellable,
				GError **error)
{
	g_autofree char *path = g_strconcat("manifests/", digest, NULL);
	struct sw_oci_call call = { .method = "DELETE", .path = path };
	g_autoptr(GError) inner = NULL;

	if (sw_oci_call_plain(oci, &call, cancellable, &inner) || sw_error_is(inner, "no-key"))
		return TRUE;
	if (sw_error_is(inner, "unsupported"))
		return sw_fail(error, SW_ERROR_STORAGE, "no-delete",
			       "the registry forbids deleting: allow it there (docker-registry: "
			       "storage.delete.enabled), or delete by its own means");
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}

/* The page after this one; NULL: this was the last, or ERROR. */
static char *next_page(const struct sw_oci *oci, const char *path,
		       const struct sw_http_response *response, GError **error)
{
	const char *link = sw_http_header(response, "link");
	g_autofree char *target = NULL;
	g_autofree char *url = NULL;

	if (link == NULL || *link != '<' || strstr(link, "next") == NULL)
		return NULL;
	target = g_strndup(link + 1, strcspn(link + 1, ">"));
	url = sw_oci_resolve(oci, path, target, error);
	if (url == NULL)
		return NULL;
	if (sw_oci_is_own(oci, url))
		return g_steal_pointer(&url);
	sw_fail(error, SW_ERROR_STORAGE, "bad-answer",
		"the registry's list of tags leads on to another registry");
	return NULL;
}

gboolean sw_oci_tags(struct sw_oci *oci, GPtrArray **ret_tags, GCancellable *cancellable,
		     GError **error)
{
	g_autoptr(GPtrArray) tags = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *path = g_strdup("tags/list");
	struct sw_http_response response = { 0 };
	GError *inner = NULL;

	while (path != NULL && inner == NULL) {
		struct sw_oci_call call = { .method = "GET", .path = path };
		guint before = tags->len;
		char *next = NULL;

		if (sw_oci_call(oci, &call, &response, cancellable, &inner) &&
		    sw_oci_tags_parse(response.body->str, response.body->len, tags, &inner))
			next = next_page(oci, path, &response, &inner);
		sw_http_response_clear(&response);
		g_free(path);
		path = next;
		if (path != NULL && (tags->len == before || tags->len > TAGS_MAX))
			sw_fail(&inner, SW_ERROR_STORAGE, "bad-answer",
				"the registry's list of tags does not end");
	}
	if (inner != NULL && !sw_error_is(inner, "no-key")) {
		g_propagate_error(error, inner);
		return FALSE;
	}
	g_clear_error(&inner);
	*ret_tags = g_steal_pointer(&tags);
	return TRUE;
}

/* Gets the index of TAG; GOT stays empty where there is none. */
static gboolean get_index(struct sw_oci *oci, const char *tag, struct sw_oci_got *got,
			  GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) inner = NULL;

	if (sw_oci_manifest_get(oci, tag, got, cancellable, &inner) || sw_error_is(inner, "no-key"))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&inner));
	return FALSE;
}

/* One try; RET_DONE: the index is as wanted, as far as one can see. */
static gboolean change_index(struct sw_oci *oci, const char *tag, const char *digest,
			     const struct sw_oci_descriptor *added, const char *artifact_type,
			     GCancellable *cancellable, GError **error)
{
	struct sw_oci_descriptor descriptor = { 0 };
	struct sw_oci_got got = { 0 };
	g_autofree char *text = NULL;
	gboolean good = TRUE;
	guint count = 0;

	if (!get_index(oci, tag, &got, cancellable, error))
		return FALSE;
	if (got.text == NULL && added == NULL)
		return TRUE;
	text = sw_oci_referrers_change(got.text, got.descriptor.size, digest, added, artifact_type,
				       &count, error);
	if (text == NULL)
		good = FALSE;
	else if (count == 0)
		good = sw_oci_manifest_delete(oci, got.descriptor.digest, cancellable, error);
	else
		good = sw_oci_manifest_put(oci, tag, SW_OCI_INDEX, text, &descriptor, NULL,
					   cancellable, error);
	sw_oci_descriptor_clear(&descriptor);
	sw_oci_got_clear(&got);
	return good;
}

gboolean sw_oci_referrers_tag(struct sw_oci *oci, const char *subject, const char *digest,
			      const struct sw_oci_descriptor *added, const char *artifact_type,
			      GCancellable *cancellable, GError **error)
{
	g_autofree char *tag = g_strdup(subject);

	*strchr(tag, ':') = '-';
	/* Another writer's index may have come between: then ours is not there, and is made anew. */
	for (int i = 1;; i++) {
		g_autoptr(GError) inner = NULL;

		if (change_index(oci, tag, digest, added, artifact_type, cancellable, &inner))
			return TRUE;
		if (i >= TRIES || !sw_error_is(inner, "changed")) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return sw_fail_prefix(error, SW_ERROR_STORAGE, ID,
					      "the list of referrers %s", tag);
		}
		if (!sw_http_back_off(i, 0, cancellable, error))
			return FALSE;
	}
}

static gboolean take_platform(const struct sw_oci_got *got, const char *word,
			      const char *architecture, struct sw_oci_descriptor *subject,
			      GError **error)
{
	if (!sw_oci_index_find(got->text, got->descriptor.size, architecture, subject, error))
		return FALSE;
	return subject->digest[0] != '\0' || sw_fail(error, SW_ERROR_STORAGE, "subject",
						     "%s has no image for %s", word, architecture);
}

gboolean sw_oci_subject_find(struct sw_oci *oci, const char *word, const char *architecture,
			     struct sw_oci_descriptor *ret_subject, GCancellable *cancellable,
			     GError **error)
{
	struct sw_oci_got got = { 0 };
	g_autoptr(GError) inner = NULL;
	gboolean good, is_index;

	if (!sw_oci_manifest_get(oci, word, &got, cancellable, &inner)) {
		if (sw_error_is(inner, "no-key"))
			return sw_fail(error, SW_ERROR_STORAGE, "subject",
				       "the subject %s is not in this repository: push the image "
				       "there first",
				       word);
		g_propagate_error(error, g_steal_pointer(&inner));
		return FALSE;
	}
	is_index = strstr(got.descriptor.media_type, "index") != NULL ||
		   strstr(got.descriptor.media_type, "manifest.list") != NULL;
	if (is_index && !sw_digest_valid(word) && architecture != NULL) {
		good = take_platform(&got, word, architecture, ret_subject, error);
	} else {
		*ret_subject = got.descriptor;
		got.descriptor.media_type = NULL;
		good = TRUE;
	}
	sw_oci_got_clear(&got);
	return good;
}
