/* SPDX-License-Identifier: MIT */
#include "core/size.h"

#include <string.h>

#include "core/error.h"

#define ID "bad-number"
#define FRACTION_DIGITS 18 /* so that a fraction times the largest unit fits 128 bits */

static gboolean not_a_size(const char *text, GError **error)
{
	return sw_fail(error, SW_ERROR_USAGE, ID,
		       "\"%s\" is not a size: write a number and a unit, as in 20G or 512 MiB",
		       text);
}

/* Digits into *RET_VALUE; *text moves behind them. FALSE on none, or an overflow of 64 bits. */
static gboolean parse_digits(const char **text, guint64 *ret_value)
{
	const char *p = *text;
	guint64 value = 0;

	if (!g_ascii_isdigit(*p))
		return FALSE;
	for (; g_ascii_isdigit(*p); p++)
		if (!g_uint64_checked_mul(&value, value, 10) ||
		    !g_uint64_checked_add(&value, value, (guint64)g_ascii_digit_value(*p)))
			return FALSE;
	*text = p;
	*ret_value = value;
	return TRUE;
}

static gboolean parse_unit(const char *text, guint64 *ret_unit)
{
	static const char letters[] = "kmgt";
	const char *letter = NULL;
	guint64 base = 0;
	guint64 unit = 1;

	if (*text == '\0' || g_ascii_strcasecmp(text, "b") == 0) {
		*ret_unit = 1;
		return TRUE;
	}
	letter = strchr(letters, g_ascii_tolower(*text));
	if (text[1] == '\0' || g_ascii_strcasecmp(text + 1, "ib") == 0)
		base = 1024;
	else if (g_ascii_strcasecmp(text + 1, "b") == 0)
		base = 1000;
	if (letter == NULL || base == 0)
		return FALSE;
	for (const char *p = letters; p <= letter; p++)
		unit *= base;
	*ret_unit = unit;
	return TRUE;
}

/* ".125" as 125 of 1000; no fraction is 0 of 1.  *text moves behind it. */
static gboolean parse_fraction(const char **text, guint64 *ret_part, guint64 *ret_of)
{
	const char *p = *text + 1;
	size_t length = 0;
	guint64 part = 0;
	guint64 of = 1;

	if (**text == '.') {
		length = strspn(p, "0123456789");
		*text = p + length;
		if (length == 0)
			return FALSE;
		while (length > 0 && p[length - 1] == '0')
			length--;
		if (length > FRACTION_DIGITS)
			return FALSE;
	}
	for (size_t i = 0; i < length; i++) {
		part = part * 10 + (guint64)g_ascii_digit_value(p[i]);
		of *= 10;
	}
	*ret_part = part;
	*ret_of = of;
	return TRUE;
}

gboolean sw_size_parse(const char *text, guint64 *ret_bytes, GError **error)
{
	const char *p = text;
	guint64 whole = 0;
	guint64 part = 0;
	guint64 of = 1;
	guint64 unit = 1;
	size_t blanks = 0;
	unsigned __int128 fraction = 0;
	unsigned __int128 bytes = 0;

	if (!parse_digits(&p, &whole) || !parse_fraction(&p, &part, &of))
		return not_a_size(text, error);
	blanks = strspn(p, " ");
	if (!parse_unit(p + blanks, &unit) || (blanks > 0 && p[blanks] == '\0'))
		return not_a_size(text, error);
	fraction = (unsigned __int128)part * unit;
	if (fraction % of != 0)
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "size \"%s\" is not a whole number of bytes", text);
	bytes = (unsigned __int128)whole * unit + fraction / of;
	if (bytes == 0)
		return sw_fail(error, SW_ERROR_USAGE, ID, "size \"%s\" is zero", text);
	if (bytes > G_MAXINT64)
		return sw_fail(error, SW_ERROR_USAGE, ID, "size \"%s\" is above 8 EiB - 1", text);
	*ret_bytes = (guint64)bytes;
	return TRUE;
}

char *sw_size_format(guint64 bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	guint64 unit = 1;
	guint64 whole = 0;
	guint64 rest = 0;
	guint64 tenths = 0;
	size_t i = 0;

	while (bytes / unit >= 1024 && i + 1 < G_N_ELEMENTS(units)) {
		unit *= 1024;
		i++;
	}
	whole = bytes / unit;
	rest = bytes % unit;
	if (rest == 0)
		return g_strdup_printf("%" G_GUINT64_FORMAT " %s", whole, units[i]);
	tenths = (rest * 10 + unit / 2) / unit;
	if (tenths == 10) {
		whole++;
		tenths = 0;
	}
	if (whole == 1024 && i + 1 < G_N_ELEMENTS(units)) {
		whole = 1;
		i++;
	}
	return g_strdup_printf("%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT " %s", whole, tenths,
			       units[i]);
}

gboolean sw_number_parse(const char *text, guint64 min, guint64 max, guint64 *ret_number,
			 GError **error)
{
	const char *p = text;
	guint64 number = 0;

	if (!parse_digits(&p, &number) || *p != '\0' || number < min || number > max)
		return sw_fail(error, SW_ERROR_USAGE, ID,
			       "\"%s\" is not a whole number from %" G_GUINT64_FORMAT
			       " to %" G_GUINT64_FORMAT,
			       text, min, max);
	*ret_number = number;
	return TRUE;
}

gboolean sw_duration_parse(const char *text, guint64 *ret_seconds, GError **error)
{
	static const struct {
		char letter;
		guint64 seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	const char *p = text;
	guint64 number = 0;

	if (parse_digits(&p, &number) && number > 0 && number <= G_MAXUINT32)
		for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
			if (*p == units[i].letter && p[1] == '\0') {
				*ret_seconds = number * units[i].seconds;
				return TRUE;
			}
	return sw_fail(error, SW_ERROR_USAGE, ID,
		       "\"%s\" is no duration: write a number and s, m, h, d or w, such as 7d",
		       text);
}
