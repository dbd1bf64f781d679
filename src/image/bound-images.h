/* SPDX-License-Identifier: MIT */
#pragma once

#include "image/tree.h"

/*
 * The image that a quadlet names that an image is bound to (contract 2.13): Image= in the section
 * SECTION ("Image" or "Container") of TEXT, LENGTH bytes, hostile.  NAME is its path.
 * SW_ERROR_IMAGE with the id "bound-images" where there is none, where it is no plain reference, or
 * where an AuthFile= makes it one that bootc refuses.
 */
gboolean sw_bound_image_parse(const char *text, size_t length, const char *section,
			      const char *name, char **ret_image,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The images that TREE is bound to by usr/lib/bootc/bound-images.d, in the order of the names
 * there, each once; to be freed with g_strfreev().  Errors as above, also for an entry that is no
 * link or leads to no .image or .container file.
 */
gboolean sw_bound_images_read(const struct sw_tree *tree, char ***ret_images,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;
