/* SPDX-License-Identifier: MIT */
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>

typedef struct {
	const char *id;
} SwErrorPrivate;

static void sw_error_private_init(SwErrorPrivate *private)
{
	private->id = "unforeseen";
}

static void sw_error_private_copy(const SwErrorPrivate *from, SwErrorPrivate *to)
{
	to->id = from->id;
}

static void sw_error_private_clear(G_GNUC_UNUSED SwErrorPrivate *private)
{
}

G_DEFINE_EXTENDED_ERROR(SwError, sw_error)

static void set_literal(GError **error, enum sw_error code, const char *id, const char *message)
{
	if (error == NULL)
		return;
	g_set_error_literal(error, SW_ERROR, (int)code, message);
	sw_error_get_private(*error)->id = id;
}

/* A full disk and a cancellation mean the same wherever they are met. */
static void reclassify(int number, enum sw_error *code, const char **id)
{
	if (number == ENOSPC || number == EDQUOT) {
		*code = SW_ERROR_ENVIRONMENT;
		*id = "disk-full";
	} else if (number == ECANCELED) {
		*code = SW_ERROR_CANCELLED;
		*id = "cancelled";
	}
}

gboolean sw_fail(GError **error, enum sw_error code, const char *id, const char *format, ...)
{
	g_autofree char *message = NULL;
	va_list args;

	va_start(args, format);
	message = g_strdup_vprintf(format, args);
	va_end(args);
	set_literal(error, code, id, message);
	return FALSE;
}

gboolean sw_fail_errno(GError **error, enum sw_error code, const char *id, const char *format, ...)
{
	int number = errno;
	g_autofree char *prefix = NULL;
	g_autofree char *message = NULL;
	va_list args;

	va_start(args, format);
	prefix = g_strdup_vprintf(format, args);
	va_end(args);
	message = g_strdup_printf("%s: %s", prefix, g_strerror(number));
	reclassify(number, &code, &id);
	set_literal(error, code, id, message);
	return FALSE;
}

gboolean sw_fail_prefix(GError **error, enum sw_error code, const char *id, const char *format, ...)
{
	g_autoptr(GError) inner = NULL;
	g_autofree char *prefix = NULL;
	g_autofree char *message = NULL;
	va_list args;

	if (error == NULL || *error == NULL)
		return FALSE;
	inner = g_steal_pointer(error);
	va_start(args, format);
	prefix = g_strdup_vprintf(format, args);
	va_end(args);
	message = g_strdup_printf("%s: %s", prefix, inner->message);
	if (inner->domain == SW_ERROR) {
		code = (enum sw_error)inner->code;
		id = sw_error_id(inner);
	} else if (g_error_matches(inner, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
		reclassify(ECANCELED, &code, &id);
	} else if (g_error_matches(inner, G_IO_ERROR, G_IO_ERROR_NO_SPACE) ||
		   g_error_matches(inner, G_FILE_ERROR, G_FILE_ERROR_NOSPC)) {
		reclassify(ENOSPC, &code, &id);
	}
	set_literal(error, code, id, message);
	return FALSE;
}

int sw_error_exit_status(const GError *error)
{
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return SW_ERROR_CANCELLED;
	return error->domain == SW_ERROR ? error->code : SW_ERROR_UNFORESEEN;
}

const char *sw_error_id(const GError *error)
{
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return "cancelled";
	return error->domain == SW_ERROR ? sw_error_get_private(error)->id : "unforeseen";
}

gboolean sw_error_is(const GError *error, const char *id)
{
	return error != NULL && g_str_equal(sw_error_id(error), id);
}

gboolean sw_check_cancelled(GCancellable *cancellable, GError **error)
{
	if (!g_cancellable_is_cancelled(cancellable))
		return TRUE;
	return sw_fail(error, SW_ERROR_CANCELLED, "cancelled", "cancelled");
}
