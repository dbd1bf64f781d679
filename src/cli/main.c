/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "cli/help.h"
#include "cli/print.h"
#include "cli/signals.h"
#include "core/file.h"
#include "core/text.h"

/* What the log needs to know. */
struct log {
	gboolean verbose;
	gint64 start;
};

/* Warnings always, the rest with --verbose; one line each on stderr. */
static GLogWriterOutput write_log(GLogLevelFlags level, const GLogField *fields, gsize count,
				  gpointer data)
{
	const struct log *log = data;
	const char *domain = "?";
	const char *message = NULL;
	g_autofree char *line = NULL;

	if (!log->verbose && (level & G_LOG_LEVEL_MASK) > G_LOG_LEVEL_WARNING)
		return G_LOG_WRITER_HANDLED;
	for (gsize i = 0; i < count; i++) {
		if (g_str_equal(fields[i].key, "MESSAGE"))
			message = fields[i].value;
		else if (g_str_equal(fields[i].key, "GLIB_DOMAIN"))
			domain = fields[i].value;
	}
	if (message == NULL)
		return G_LOG_WRITER_UNHANDLED;
	line = sw_text_line(message);
	g_printerr("[%8.3f] %s: %s\n", (double)(g_get_monotonic_time() - log->start) / 1e6, domain,
		   line);
	return G_LOG_WRITER_HANDLED;
}

/* A descriptor that is closed would be taken by the next file opened, and then be printed to. */
static void guard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY);
}

/* Credentials pass through the memory: neither a core file nor another process may show it. */
static void guard_memory(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

/* mke2fs, mkfs.fat and others lie in folders that are not in every user's PATH. */
static void widen_path(void)
{
	const char *path = g_getenv("PATH");
	g_autofree char *wide = g_strconcat(path != NULL ? path : "/usr/local/bin:/usr/bin:/bin",
					    ":/usr/local/sbin:/usr/sbin:/sbin", NULL);

	g_setenv("PATH", wide, TRUE);
}

static gboolean run(char **argv, struct log *log, GString *out, GCancellable *cancellable,
		    GError **error)
{
	g_autoptr(SwCall) call = NULL;

	if (!sw_call_parse(argv, &call, error))
		return FALSE;
	log->verbose = call->verbose;
	if (call->help) {
		if (call->verb == NULL)
			sw_help_overview(out);
		else
			sw_help_verb(call->verb, out);
		return TRUE;
	}
	if (call->version) {
		g_string_append(out, "slipway " SW_VERSION "\n");
		return TRUE;
	}
	return sw_call_complete(call, cancellable, error) &&
	       call->verb->run(call, out, cancellable, error);
}

/* Is the result whole where it was to go?  Some filesystems tell only when a file is closed. */
static gboolean print_result(const char *text, GError **error)
{
	size_t length = strlen(text);
	gboolean is_empty = length == 0;

	while (length > 0) {
		GPollFD room = { .fd = STDOUT_FILENO, .events = G_IO_OUT };
		ssize_t n = write(STDOUT_FILENO, text, length);

		if (n < 0 && errno == EAGAIN)
			g_poll(&room, 1, -1);
		else if (n < 0 && errno != EINTR)
			return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "stdout",
					     "cannot write the result to stdout");
		text += MAX(n, 0);
		length -= (size_t)MAX(n, 0);
	}
	if (!is_empty && close(STDOUT_FILENO) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "stdout",
				     "cannot write the result to stdout");
	return TRUE;
}

/* What fails after Ctrl-C fails because of it: programs end, pipes break. */
static void blame_signal(GCancellable *cancellable, GError **error)
{
	if (!g_cancellable_is_cancelled(cancellable))
		return;
	g_debug("cancelled; what failed then: %s", (*error)->message);
	g_clear_error(error);
	sw_fail(error, SW_ERROR_CANCELLED, "cancelled", "cancelled");
}

static void print_error(const GError *error)
{
	g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *line = sw_text_line(lines[i]);

		g_printerr("slipway: %s\n", line);
	}
}

static void error_to_json(const GError *error, GString *out)
{
	g_autoptr(JsonBuilder) json = json_builder_new();

	json_builder_begin_object(json);
	json_builder_set_member_name(json, "error");
	json_builder_begin_object(json);
	sw_json_text(json, "id", sw_error_id(error));
	sw_json_number(json, "code", (guint64)sw_error_exit_status(error));
	sw_json_text(json, "message", error->message);
	json_builder_end_object(json);
	json_builder_end_object(json);
	sw_json_print(json, out);
}

/* The command line may be the error, so it is asked in the simplest way. */
static gboolean wants_json(char **argv)
{
	for (; *argv != NULL && !g_str_equal(*argv, "--"); argv++)
		if (g_str_equal(*argv, "--json"))
			return TRUE;
	return FALSE;
}

int main(G_GNUC_UNUSED int argc, char **argv)
{
	struct log log = { .start = g_get_monotonic_time() };
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	g_autoptr(GString) out = g_string_new(NULL);
	g_autoptr(GError) error = NULL;

	guard_descriptors();
	guard_memory();
	widen_path();
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL);
	g_log_set_writer_func(write_log, &log, NULL);
	sw_signals_watch(cancellable);

	if (run(argv, &log, out, cancellable, &error)) {
		if (print_result(out->str, &error))
			return 0;
		print_error(error);
		return sw_error_exit_status(error);
	}
	blame_signal(cancellable, &error);
	print_error(error);
	if (wants_json(argv) && out->len == 0)
		error_to_json(error, out);
	if (!print_result(out->str, NULL))
		g_debug("the result could not be written either");
	return sw_error_exit_status(error);
}
