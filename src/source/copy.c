/* SPDX-License-Identifier: MIT */
#include "source/copy.h"

#include <stdio.h>
#include <string.h>

#include "core/file.h"
#include "core/hash.h"
#include "core/subprocess.h"
#include "source/fault.h"

#define ALGORITHM "sha256:"

/* What logrus puts before the message that ends skopeo: level=fatal msg="..." */
static const char fatal[] = "level=fatal msg=";

/* The message in LINE, the last one that skopeo wrote, to be freed. */
static char *message_of(const char *line)
{
	const char *start = strstr(line, fatal);
	g_autofree char *quoted = NULL;

	if (start == NULL)
		return g_strdup(line);
	start += strlen(fatal);
	if (*start != '"')
		return g_strdup(start);
	quoted = g_strdup(start + 1);
	if (g_str_has_suffix(quoted, "\""))
		quoted[strlen(quoted) - 1] = '\0';
	return g_strcompress(quoted);
}

/* The error of the image for what skopeo said in FAILURE; those of this machine stay as they are. */
static gboolean fail_copy(const struct sw_source_options *options, GError *failure, GError **error)
{
	g_autofree char *text = NULL;

	if (!g_error_matches(failure, SW_ERROR, SW_ERROR_SOURCE)) {
		g_propagate_error(error, failure);
		return FALSE;
	}
	text = message_of(failure->message);
	g_error_free(failure);
	return sw_fault_fail(options->reference, SW_FAULT_LAYER, "copying it", text, error);
}

static gboolean run_skopeo(const struct sw_source_options *options, GPtrArray *argv,
			   char **ret_output, GCancellable *cancellable, GError **error)
{
	struct sw_command command = { .code = SW_ERROR_SOURCE,
				      .id = "source",
				      .package = "skopeo" };

	GError *failure = NULL;

	g_ptr_array_add(argv, NULL);
	command.argv = (const char *const *)argv->pdata;
	return sw_command_run(&command, ret_output, cancellable, &failure) ||
	       fail_copy(options, failure, error);
}

/* WORDS, the access to the registry by options that begin with PREFIX, and the OPERANDS. */
static GPtrArray *make_argv(const struct sw_source_options *options, const char *const *words,
			    const char *prefix, const char *const *operands)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);

	for (; *words != NULL; words++)
		g_ptr_array_add(argv, g_strdup(*words));
	if (options->authfile != NULL)
		g_ptr_array_add(argv,
				g_strdup_printf("--%sauthfile=%s", prefix, options->authfile));
	if (!options->tls_verify)
		g_ptr_array_add(argv, g_strdup_printf("--%stls-verify=false", prefix));
	for (; *operands != NULL; operands++)
		g_ptr_array_add(argv, g_strdup(*operands));
	return argv;
}

/* "docker://REPOSITORY@DIGEST" of the image that NAME names, with a tag or a digest. */
static char *pin(const char *name, const char *digest)
{
	g_autofree char *repository = g_strdup(name);
	char *at = strchr(repository, '@');
	char *last = strrchr(repository, '/');
	char *colon = strchr(last != NULL ? last : repository, ':');

	if (at != NULL)
		*at = '\0';
	else if (colon != NULL)
		*colon = '\0';
	return g_strdup_printf("docker://%s@%s", repository, digest);
}

static gboolean copy(const struct sw_source_options *options, const char *digest,
		     const char *directory, GCancellable *cancellable, GError **error)
{
	g_autofree char *from = pin(options->reference->name, digest);
	g_autofree char *to = g_strconcat("dir:", directory, NULL);
	/* The policy was looked at when the image was opened; this takes that very manifest. */
	const char *const words[] = { "skopeo",	 "--insecure-policy",  "copy",
				      "--quiet", "--preserve-digests", "--retry-times=3",
				      NULL };
	const char *const operands[] = { from, to, NULL };
	g_autoptr(GPtrArray) argv = make_argv(options, words, "src-", operands);

	return run_skopeo(options, argv, NULL, cancellable, error);
}

static gboolean read_list(const struct sw_source_options *options, const char *digest,
			  char **ret_list, GCancellable *cancellable, GError **error)
{
	static const char *const words[] = { "skopeo", "inspect", "--raw", "--retry-times=3",
					     NULL };
	g_autofree char *from = pin(options->reference->name, digest);
	const char *const operands[] = { from, NULL };
	g_autoptr(GPtrArray) argv = make_argv(options, words, "", operands);
	g_autofree char *list = NULL;
	char hex[SW_SHA256_SIZE];

	if (!run_skopeo(options, argv, &list, cancellable, error))
		return FALSE;
	sw_sha256_data(list, strlen(list), hex);
	if (!g_str_has_prefix(digest, ALGORITHM) || !g_str_equal(digest + strlen(ALGORITHM), hex))
		return sw_fail(error, SW_ERROR_SOURCE, "digest",
			       "%s: the registry gives another manifest for this digest", from);
	*ret_list = g_steal_pointer(&list);
	return TRUE;
}

/* In DIRECTORY, the list becomes the manifest, and what was it the one of the platform DIGEST. */
static gboolean put_list(const char *directory, const char *digest, const char *list,
			 GError **error)
{
	g_autofree char *manifest = g_build_filename(directory, "manifest.json", NULL);
	g_autofree char *name = g_strconcat(digest + strlen(ALGORITHM), ".manifest.json", NULL);
	g_autofree char *instance = g_build_filename(directory, name, NULL);

	if (rename(manifest, instance) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "output", "%s", instance);
	return g_file_set_contents(manifest, list, -1, error) ||
	       sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "output", "%s", manifest);
}

gboolean sw_source_copy(const struct sw_source_options *options, const char *digest,
			const char *directory, GCancellable *cancellable, GError **error)
{
	const char *at = strchr(options->reference->name, '@');
	g_autofree char *list = NULL;

	if (!copy(options, digest, directory, cancellable, error))
		return FALSE;
	if (at == NULL || g_str_equal(at + 1, digest))
		return TRUE;
	return read_list(options, at + 1, &list, cancellable, error) &&
	       put_list(directory, digest, list, error);
}
