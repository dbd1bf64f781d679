/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/* Where a kernel argument came from. */
enum sw_karg_origin {
	SW_KARG_ROOT,	 /* root=, rw, boot=: the layout */
	SW_KARG_INSTALL, /* the image's install configuration */
	SW_KARG_IMAGE,	 /* the image's kargs.d */
	SW_KARG_USER,	 /* --karg or the document */
};

/* The words of enum sw_karg_origin ("root", "install", "image", "user"), in its order. */
extern const char *const sw_karg_origins[];

/* One kernel argument. */
struct sw_karg {
	char *text; /* "key" or "key=value" */
	enum sw_karg_origin origin;
};

/* What the kernel arguments are made from. */
struct sw_kargs_request {
	const char *root_spec;	    /* "UUID=..." of root; NULL or empty: no root= */
	const char *boot_spec;	    /* of /boot's; NULL or empty: no boot= */
	const char *const *install; /* lists, NULL at the end; NULL: empty */
	const char *const *image;
	const char *const *install_deletes;
	const char *const *user_deletes;
	const char *const *user;
};

/*
 * The kernel arguments in their final order without ostree= (contract 2.6): root=, rw and boot=, the install configuration's, the image's, less the deletions of both,
 * then the user's own.  A double of one that is there is dropped: same key ("-" and "_" are the
 * same), same value (double quotes around it do not count).  A deletion "key=value" removes that
 * one, "key" every one of the key.  Each text of the lists is one argument.  An array of struct
 * sw_karg that frees them.
 */
GPtrArray *sw_kargs_resolve(const struct sw_kargs_request *request) G_GNUC_WARN_UNUSED_RESULT;
