/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/progress.h"
#include "spec/setting.h"

/*
 * What a build is asked to do: the build document and the command line, validated.  Const once
 * made; where a setting was left open (NULL, 0), the image or a default of the stage decides.
 */
struct sw_build {
	char *image;	       /* as the user wrote it; never NULL after sw_build_check() */
	char **types;	       /* names of formats, canonical, no doubles; never empty */
	char **options;	       /* of types: "TYPE.NAME=VALUE", canonical, no doubles; never NULL */
	char *rootfs;	       /* "ext4", "xfs", "btrfs"; NULL: the image says */
	guint64 size;	       /* of the disk in bytes, whole MiB; 0: computed */
	char *target_arch;     /* OCI's word ("amd64"); never NULL, default this machine's */
	char **kargs;	       /* kernel arguments to add, in order; never NULL */
	char **karg_deletes;   /* kernel arguments to delete: "key" or "key=value"; never NULL */
	char *target_imgref;   /* what the machine updates from; NULL: the source, a registry's */
	char *target_authfile; /* path of the credentials it updates with; NULL: none */
	char *bound_images;    /* "stored", "skip"; NULL: the image must not be bound to any */
	char *root_ssh_keys; /* path of an authorized_keys file, which was read once; NULL: none */
	char *output;	     /* the output directory; never NULL */
	char **stores;	     /* URIs of places to publish to as well; never NULL */
	char *layout;	     /* of the keys there: a preset or a template; never NULL */
	char *name;	     /* of the image there; NULL: its own */
	char *version;	     /* of the image there; NULL: its own */
	char **tags;	     /* further names of what is published; never NULL */
	gboolean latest;     /* publish as "latest", too */
	gboolean overwrite;  /* what is under the keys there already */
	char *seed;	/* mixed into every derived UUID; NULL: only the image and the document */
	char *authfile; /* containers-auth.json; NULL: the usual places */
	char *cache;	/* directory of the cache, for sw_cache_open(); NULL: the usual place */
	gboolean tls_verify;
	enum sw_progress_mode progress;
	gboolean keep; /* keep the scratch directory */
	gboolean json; /* the result as JSON on stdout */

	unsigned int origins[SW_SETTINGS_MAX]; /* a row of sw_settings[]: bits of enum sw_origin */
};

/*
 * Makes a build of GIVEN (struct sw_given, validated by sw_setting_check(), in any order) and the
 * defaults of the rows.  Flags win over the environment, that over the document; a list that is
 * appended to (sw_setting.append) has the document's values first, then the flags'.  Does not ask
 * for an image: see sw_build_check().  SW_ERROR_USAGE "option-unused" for a flag's option of a type
 * that is not made (a document may hold those of types that other builds make).
 */
gboolean sw_build_make(GPtrArray *given, struct sw_build **ret_build,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Can the types of BUILD be written with their options, as far as is known before the disk is
 * (its size as asked for)?  SW_ERROR_USAGE or SW_ERROR_FORMAT.
 */
gboolean sw_build_check_types(const struct sw_build *build,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Is BUILD complete, and are its types good?  SW_ERROR_USAGE with the id "no-image", or "target-imgref" when the source is
 * no registry and nothing says what the machine shall update from.
 */
gboolean sw_build_check(const struct sw_build *build, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * Where the value of the setting NAME (its flag's name: "rootfs", "type"; "image") came from:
 * "default", "environment", "document", "flag", "document and flag".  Static.
 */
const char *sw_build_origin(const struct sw_build *build, const char *name);

/*
 * The value of SETTING in BUILD as text: one string, for a list all of them, none where it is open.
 * To be freed with g_strfreev().
 */
char **sw_build_values(const struct sw_build *build, const struct sw_setting *setting);

/* Frees; NULL is fine. */
void sw_build_free(struct sw_build *build);
typedef struct sw_build SwBuild;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwBuild, sw_build_free)
