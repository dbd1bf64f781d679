/* SPDX-License-Identifier: MIT */
#pragma once

#include "build/pipeline.h"

/* Appends what RESULT is to OUT: a table of its files and how to use them, or JSON. */
void sw_result_print(const struct sw_result *result, gboolean json, GString *out);
