/* SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

/* Appends the deviations from bootc's install (BITS of enum sw_deviation) with their reasons to OUT. */
void sw_print_deviations(guint bits, GString *out);

/* Adds them as the member "deviations". */
void sw_json_deviations(JsonBuilder *json, guint bits);
