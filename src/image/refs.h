/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Names of refs as bootc and ostree-ext write and read them (contract 1.1, 1.2).  Pure.
 */

/*
 * TEXT escaped so that it can be a part of a ref: ASCII letters, digits and "-" stay, "_" is doubled, a
 * "/" stays between an alphanumeric character and any other, all else is "_XX_" with the code point in
 * upper-case hexadecimal (ostree-ext's refescape.rs).  The caller frees it; NULL when TEXT is empty or
 * no UTF-8.
 */
char *sw_ref_escape(const char *text);

/* The ref of the layer whose blob has DIGEST: "ostree/container/blob/sha256_3A_HEX". */
char *sw_ref_for_layer(const char *digest);

/*
 * The ref of the image that REFERENCE names, as the origin's transport and name
 * ("docker://quay.io/a/b:latest"): "ostree/container/image/docker_3A__2F__2F_quay_2E_io/a/b_3A_latest".
 * NULL as sw_ref_escape().
 */
char *sw_ref_for_image(const char *reference);
