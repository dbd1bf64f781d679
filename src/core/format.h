/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/output.h"
#include "core/param.h"
#include "core/sparse.h"

/* The files that were deployed onto a disk, for formats of files.  The calls are made by any thread. */
struct sw_format_tree {
	void *data;
	const char *kernel_version; /* a directory below usr/lib/modules */
	const char *kargs;	    /* what the image wants on the kernel's command line */
	/* Writes the root as a tar stream (POSIX.1-2017, pax) to FD, with owners and xattrs. */
	gboolean (*write_tar)(void *data, int fd, GCancellable *cancellable, GError **error);
	/* The regular file at PATH, links followed: a descriptor that the caller closes. */
	gboolean (*open_file)(void *data, const char *path, int *ret_fd, GError **error);
};

/* What a format makes its files of. */
struct sw_format_input {
	struct sw_sparse *disk;
	const struct sw_format_tree *tree; /* NULL: there is only the disk (convert) */
	const char *name;		   /* of the image, for descriptors: "debian-bootc" */
	const char *arch;		   /* OCI's word ("amd64"); NULL: not known (convert) */
	int threads;			   /* at least 1 */
	/* Told the bytes of the virtual disk done so far, from any thread; NULL: nobody asks. */
	void (*progress)(guint64 done, void *data);
	void *progress_data;
};

/*
 * An output format.  formats/NAME.c defines one as sw_format_NAME; the table is generated from the
 * file names.  The core allocates the state, fills it from the option rows, names and hashes the
 * files, and removes them when write() fails.
 */
struct sw_format {
	const char *name;	    /* the word on the command line */
	const char *const *aliases; /* other words for it, NULL at the end; NULL: none */
	const char *summary;	    /* one line, no full stop */
	const char *file;	    /* path below the output directory, as the peers lay it out */
	const char *media_type;	    /* of that file */
	const char *hint;  /* how to use it: a command with FILE for its path; NULL: none */
	size_t state_size; /* of the option fields; zeroed and freed by the core */
	const struct sw_param *params; /* NULL: no options */

	/* The disk's size must be a multiple of this many bytes, a power of two; 0: any. */
	guint64 disk_unit;
	/* Does it need sw_format_input.tree?  Then it cannot be made of a disk alone. */
	gboolean needs_tree;
	/* Is it made only of a disk that boots, with slipway's partitions?  Else any will do. */
	gboolean needs_system;
	/*
	 * Adds the paths (char *, to be freed) of all that write() will make with the options of
	 * STATE to NAMES, as far as they are known before; the main file first.  NULL: just the
	 * row's file.
	 */
	void (*names)(const void *state, GPtrArray *names);
	/*
	 * Does it hand out the disk itself (sw_output_take_disk()) with the options of STATE?  NULL:
	 * never.
	 */
	gboolean (*is_disk)(const void *state);
	/*
	 * Are the options of STATE good together, and can a disk of DISK_SIZE bytes be written (0:
	 * not known yet)?  Called before any work; SW_ERROR_USAGE or SW_ERROR_FORMAT.  NULL: always.
	 */
	gboolean (*check)(const void *state, guint64 disk_size, GError **error);
	/* Writes INPUT to files of OUTPUT.  Deterministic at any number of threads. */
	gboolean (*write)(const void *state, const struct sw_format_input *input,
			  struct sw_output *output, GCancellable *cancellable, GError **error);
};

/* All formats, sorted by name; generated, NULL at the end. */
extern const struct sw_format *const sw_formats[];

/*
 * The format whose name or alias is NAME; NULL with SW_ERROR_USAGE (and the nearest name) if none.
 */
const struct sw_format *sw_format_find(const char *name, GError **error);

/*
 * A state of FORMAT for its calls, of those of OPTIONS (texts "TYPE.NAME=VALUE" with the format's own
 * name, NULL at the end; NULL: none) that are FORMAT's, and the defaults; check() has seen it with
 * DISK_SIZE.  SW_ERROR_USAGE or SW_ERROR_FORMAT.
 */
gboolean sw_format_configure(const struct sw_format *format, char *const *options,
			     guint64 disk_size, void **ret_state,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The option row NAME of FORMAT; NULL with SW_ERROR_USAGE (and the nearest name) if none. */
const struct sw_param *sw_format_find_option(const struct sw_format *format, const char *name,
					     GError **error);

/*
 * Is TEXT "TYPE.NAME=VALUE", with a type or an alias of it, one of its options and a value of that?
 * RET_CANONICAL has the type's own name: for sw_format_configure().  SW_ERROR_USAGE.
 */
gboolean sw_format_check_option(const char *text, char **ret_canonical,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The least number of bytes of which a disk must be a multiple for all of TYPES (names of formats,
 * NULL at the end); 1: any size will do.
 */
guint64 sw_format_disk_unit(char *const *types);

/* Frees what sw_format_configure() made; NULL is fine. */
void sw_format_release(const struct sw_format *format, void *state);

/* The paths (char *) of what FORMAT will make with STATE, the main file first; to be unreferenced. */
GPtrArray *sw_format_names(const struct sw_format *format, const void *state);
