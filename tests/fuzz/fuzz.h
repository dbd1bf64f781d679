/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * What each tests/fuzz/fuzz-X.c defines (libFuzzer's entry): takes SIZE hostile bytes, returns 0.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
