/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* The SHA-256 (FIPS 180-4) of LENGTH bytes of DATA. */
void si_sha256(const void *data, size_t length, unsigned char ret_sum[32]);
