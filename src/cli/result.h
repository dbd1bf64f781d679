/* SPDX-License-Identifier: MIT */
#pragma once

#include "build/pipeline.h"

/* Appends a table of DESTINATIONS (struct sw_destination) to OUT: what is where, and what failed. */
void sw_result_print_places(GPtrArray *destinations, GString *out);

/* Appends what RESULT is to OUT: a table of its files and how to use them, or JSON. */
void sw_result_print(const struct sw_result *result, gboolean json, GString *out);
