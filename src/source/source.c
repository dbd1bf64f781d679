/* SPDX-License-Identifier: MIT */
#include "source/source.h"

#include <string.h>

#include "core/file.h"
#include "core/size.h"
#include "source/fault.h"
#include "source/policy.h"
#include "source/session.h"

#define DOCUMENT_MAX (4 * SW_MIB)
#define RETRY_DELAY_MS 500
#define IDLE_LIMIT_MS 90000
#define PROTOCOL_WITH_POLICY 6 /* skopeo 1.13 */

gboolean sw_source_fail_proxy(struct sw_source *source, char **ret_reason, GError **error)
{
	g_autofree char *image = sw_reference_to_string(source->reference);

	g_clear_pointer(&source->proxy, sw_proxy_free);
	if (strcmp(sw_error_id(*error), "unreachable") == 0) {
		*ret_reason = g_strdup((*error)->message);
		g_clear_error(error);
		return sw_fault_fail(source->reference, SW_FAULT_OPEN, NULL, *ret_reason, error);
	}
	return sw_fail_prefix(error, SW_ERROR_SOURCE, "source", "%s", image);
}

guint sw_source_delay(const struct sw_source *source, const char *detail, const char *reason,
		      guint tries, struct sw_progress *progress)
{
	guint delay = source->retry_delay_ms << (tries - 1);
	g_autofree char *image = sw_reference_to_string(source->reference);

	sw_progress_note(progress, "%s: %s%s%s: try %u of %d in %.1f s", image,
			 detail != NULL ? detail : "", detail != NULL ? ": " : "", reason,
			 tries + 1, SW_SOURCE_TRIES, delay / 1000.0);
	return delay;
}

static gboolean pause_for(guint milliseconds, GCancellable *cancellable, GError **error)
{
	GPollFD fd = { .fd = -1 };
	gboolean cancels = g_cancellable_make_pollfd(cancellable, &fd);

	g_poll(&fd, cancels ? 1 : 0, (int)milliseconds);
	if (cancels)
		g_cancellable_release_fd(cancellable);
	return sw_check_cancelled(cancellable, error);
}

/* A store of an ordinary user holds files of subordinate ids. */
static gboolean needs_userns(const struct sw_source *source)
{
	return source->reference->transport == SW_TRANSPORT_CONTAINERS_STORAGE && geteuid() != 0 &&
	       g_getenv("_CONTAINERS_USERNS_CONFIGURED") == NULL;
}

static gboolean check_userns(GError **error)
{
	g_autofree char *program = g_find_program_in_path("newuidmap");

	return program != NULL ||
	       sw_fail(error, SW_ERROR_ENVIRONMENT, "program-missing",
		       "the program newuidmap is missing, which containers-storage needs of an "
		       "ordinary user: install the package uidmap");
}

static gboolean start_proxy(struct sw_source *source, GCancellable *cancellable, GError **error)
{
	gboolean remote = source->reference->transport == SW_TRANSPORT_REGISTRY;
	struct sw_proxy_options options = {
		.architecture = source->architecture,
		.authfile = source->authfile,
		.tls_verify = source->tls_verify,
		.tmpdir = source->scratch != NULL ? sw_scratch_path(source->scratch) : NULL,
		.in_userns = needs_userns(source),
		.idle_limit_ms = remote ? source->idle_limit_ms : 0,
	};

	return (!options.in_userns || check_userns(error)) &&
	       sw_proxy_start(&options, &source->proxy, cancellable, error) &&
	       (sw_proxy_protocol(source->proxy) >= PROTOCOL_WITH_POLICY ||
		sw_policy_check(source->reference, error));
}

static gboolean fail_reply(struct sw_source *source, enum sw_fault_step step, const char *text,
			   char **ret_reason, GError **error)
{
	if (sw_fault_passes(text))
		*ret_reason = sw_fault_shorten(text);
	return sw_fault_fail(source->reference, step, NULL, text, error);
}

static gboolean open_image(struct sw_source *source, char **ret_reason, GCancellable *cancellable,
			   GError **error)
{
	g_autofree char *image = sw_reference_to_string(source->reference);
	g_auto(SwReply) reply = SW_REPLY_INIT;
	JsonArray *args = json_array_new();

	json_array_add_string_element(args, image);
	if (!sw_proxy_call(source->proxy, "OpenImage", args, &reply, cancellable, error))
		return sw_source_fail_proxy(source, ret_reason, error);
	if (reply.error != NULL)
		return fail_reply(source, SW_FAULT_OPEN, reply.error, ret_reason, error);
	if (reply.value == NULL || json_node_get_value_type(reply.value) != G_TYPE_INT64)
		return fail_reply(source, SW_FAULT_OPEN, "skopeo gave no image", ret_reason, error);
	source->image_id = json_node_get_int(reply.value);
	return TRUE;
}

/* RET_VALUE (NULL: not wanted) gets the text beside the document. */
static gboolean get_document(struct sw_source *source, const char *method, enum sw_fault_step step,
			     GByteArray **ret_data, char **ret_value, char **ret_reason,
			     GCancellable *cancellable, GError **error)
{
	g_auto(SwReply) reply = SW_REPLY_INIT;
	gboolean has_text = FALSE;

	if (!sw_proxy_read(source->proxy, method, source->image_id, DOCUMENT_MAX, &reply, ret_data,
			   cancellable, error))
		return sw_source_fail_proxy(source, ret_reason, error);
	if (reply.error != NULL)
		return fail_reply(source, step, reply.error, ret_reason, error);
	has_text = reply.value != NULL && json_node_get_value_type(reply.value) == G_TYPE_STRING;
	if (ret_value != NULL)
		*ret_value = has_text ? json_node_dup_string(reply.value) : g_strdup("");
	return TRUE;
}

static gboolean check_platform(const struct sw_source *source, GError **error)
{
	const struct sw_oci_image *image = source->image;
	g_autofree char *name = sw_reference_to_string(source->reference);

	if (strcmp(image->os, "linux") != 0)
		return sw_fail(error, SW_ERROR_IMAGE, "architecture",
			       "%s: made for %s and not for linux: give another image", name,
			       image->os);
	if (strcmp(image->architecture, source->architecture) != 0)
		return sw_fail(error, SW_ERROR_IMAGE, "architecture",
			       "%s: made for %s and not for %s: give another image or "
			       "--target-arch %s",
			       name, image->architecture, source->architecture,
			       image->architecture);
	return TRUE;
}

static gboolean load_image(struct sw_source *source, char **ret_reason, GCancellable *cancellable,
			   GError **error)
{
	g_autoptr(GByteArray) manifest = NULL;
	g_autoptr(GByteArray) config = NULL;
	g_autofree char *digest = NULL;
	g_autofree char *name = sw_reference_to_string(source->reference);

	if (!get_document(source, "GetManifest", SW_FAULT_MANIFEST, &manifest, &digest, ret_reason,
			  cancellable, error) ||
	    !get_document(source, "GetFullConfig", SW_FAULT_CONFIG, &config, NULL, ret_reason,
			  cancellable, error))
		return FALSE;
	if (!sw_oci_image_parse(digest, (const char *)manifest->data, manifest->len,
				(const char *)config->data, config->len, &source->image, error))
		return sw_fail_prefix(error, SW_ERROR_SOURCE, "manifest", "%s", name);
	return check_platform(source, error);
}

/* One try.  With LOAD also the manifest and the configuration. */
static gboolean try_once(struct sw_source *source, gboolean load, char **ret_reason,
			 GCancellable *cancellable, GError **error)
{
	if (source->proxy == NULL && !start_proxy(source, cancellable, error))
		return FALSE;
	return open_image(source, ret_reason, cancellable, error) &&
	       (!load || load_image(source, ret_reason, cancellable, error));
}

static gboolean try_often(struct sw_source *source, gboolean load, struct sw_progress *progress,
			  GCancellable *cancellable, GError **error)
{
	for (guint tries = 1;; tries++) {
		g_autofree char *reason = NULL;
		GError *fault = NULL;

		if (try_once(source, load, &reason, cancellable, &fault))
			return TRUE;
		if (reason == NULL || tries == SW_SOURCE_TRIES) {
			g_propagate_error(error, fault);
			return FALSE;
		}
		g_clear_error(&fault);
		if (!pause_for(sw_source_delay(source, NULL, reason, tries, progress), cancellable,
			       error))
			return FALSE;
	}
}

gboolean sw_source_connect(struct sw_source *source, struct sw_progress *progress,
			   GCancellable *cancellable, GError **error)
{
	return source->proxy != NULL || try_often(source, FALSE, progress, cancellable, error);
}

/* skopeo ignores a file that is not there, and the registry's refusal would say nothing of it. */
static gboolean check_authfile(const char *path, GError **error)
{
	if (path == NULL || access(path, R_OK) == 0)
		return TRUE;
	return sw_fail_errno(error, SW_ERROR_USAGE, "authfile", "cannot read the auth file %s",
			     path);
}

gboolean sw_source_open(const struct sw_source_options *options, struct sw_progress *progress,
			struct sw_source **ret_source, GCancellable *cancellable, GError **error)
{
	g_autoptr(SwSource) source = g_new0(struct sw_source, 1);
	const char *tmpdir = g_getenv("TMPDIR");
	const char *parent = options->scratch;

	source->reference = g_new0(struct sw_reference, 1);
	source->reference->transport = options->reference->transport;
	source->reference->name = g_strdup(options->reference->name);
	source->architecture = g_strdup(options->architecture);
	source->authfile = g_strdup(options->authfile);
	source->tls_verify = options->tls_verify;
	source->retry_delay_ms =
		options->retry_delay_ms != 0 ? options->retry_delay_ms : RETRY_DELAY_MS;
	source->idle_limit_ms =
		options->idle_limit_ms != 0 ? options->idle_limit_ms : IDLE_LIMIT_MS;
	if (parent == NULL)
		parent = tmpdir != NULL && *tmpdir != '\0' ? tmpdir : "/var/tmp";
	if (!check_authfile(options->authfile, error))
		return FALSE;
	if (source->reference->transport != SW_TRANSPORT_REGISTRY &&
	    !sw_scratch_new(parent, "slipway-source-", &source->scratch, error))
		return FALSE;
	if (!try_often(source, TRUE, progress, cancellable, error))
		return FALSE;
	*ret_source = g_steal_pointer(&source);
	return TRUE;
}

void sw_source_free(struct sw_source *source)
{
	if (source == NULL)
		return;
	sw_proxy_free(source->proxy);
	sw_scratch_free(source->scratch);
	sw_oci_image_free(source->image);
	sw_reference_free(source->reference);
	g_free(source->architecture);
	g_free(source->authfile);
	g_free(source);
}

const struct sw_oci_image *sw_source_image(const struct sw_source *source)
{
	return source->image;
}

void sw_source_drop_files(const struct sw_source *source)
{
	g_autoptr(GDir) dir = NULL;
	const char *name = NULL;

	if (source->reference->transport != SW_TRANSPORT_CONTAINERS_STORAGE)
		return;
	dir = g_dir_open(sw_scratch_path(source->scratch), 0, NULL);
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path =
			g_build_filename(sw_scratch_path(source->scratch), name, NULL);

		unlink(path);
	}
}
