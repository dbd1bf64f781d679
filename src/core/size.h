/* SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#define SW_KIB (G_GUINT64_CONSTANT(1) << 10)
#define SW_MIB (G_GUINT64_CONSTANT(1) << 20)
#define SW_GIB (G_GUINT64_CONSTANT(1) << 30)

/*
 * Parses a size in bytes: digits, optionally a fraction (of at most 18 digits), optionally blanks
 * and a unit: B; K, KiB, KB; M, MiB, MB; G and T likewise (K and KiB are 1024, KB is 1000; case
 * does not matter).  SW_ERROR_USAGE for anything else, for zero, for a result that is not whole
 * bytes, and for one above 8 EiB - 1.
 */
gboolean sw_size_parse(const char *text, guint64 *ret_bytes,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * BYTES for a person: "434.2 MiB"; without a fraction ("1 GiB") only where that is exact.  The
 * caller frees it.
 */
char *sw_size_format(guint64 bytes);

/* Parses a whole decimal number from MIN to MAX; SW_ERROR_USAGE for anything else. */
gboolean sw_number_parse(const char *text, guint64 min, guint64 max, guint64 *ret_number,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Parses a duration: a whole number and s, m, h, d or w ("7d"), in seconds; SW_ERROR_USAGE. */
gboolean sw_duration_parse(const char *text, guint64 *ret_seconds,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* VALUE rounded up to a multiple of UNIT (a power of two). VALUE + UNIT must not overflow. */
static inline guint64 sw_round_up(guint64 value, guint64 unit)
{
	return (value + unit - 1) & ~(unit - 1);
}
