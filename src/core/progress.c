/* SPDX-License-Identifier: MIT */
#include "core/progress.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/size.h"
#include "core/text.h"

#define TERM_INTERVAL (G_TIME_SPAN_SECOND / 10)
#define JSON_INTERVAL (1 * G_TIME_SPAN_SECOND)
#define PLAIN_INTERVAL (10 * G_TIME_SPAN_SECOND)
#define CLEAR_LINE "\r\033[K"

const char *const sw_progress_modes[] = { "auto", "term", "plain", "json", "quiet", NULL };

/* A stage that runs.  Times are monotonic, in microseconds. */
struct stage {
	char *name;
	char *summary;
	gint64 began;
	gint64 bytes_began; /* of the first bytes; 0: none yet */
	gint64 told;	    /* plain and JSON: when its last line was written */
	guint64 bytes_first;
	guint64 done;
	guint64 total;
	gboolean news; /* DONE or TOTAL has changed since its last line */
};

/*
 * Lock order: output, then state.  Output is held while stderr is written to, which may block for
 * long; state, never, so that those who report bytes do not wait for a slow terminal.  No other
 * lock is taken under them.
 */
struct sw_progress {
	enum sw_progress_mode mode;
	GThread *ticker; /* NULL: quiet */
	GMutex output;	 /* stderr, and whether a line is drawn */
	gboolean drawn;
	GMutex state; /* all below */
	GCond ended;
	gboolean end;
	GPtrArray *stages; /* struct stage, in the order of their beginnings */
};

static void stage_free(gpointer data)
{
	struct stage *stage = data;

	g_free(stage->name);
	g_free(stage->summary);
	g_free(stage);
}

/* The running stage NAME; NULL when there is none.  Under the state lock. */
static struct stage *find(const struct sw_progress *progress, const char *name)
{
	for (guint i = 0; i < progress->stages->len; i++) {
		struct stage *stage = g_ptr_array_index(progress->stages, i);

		if (g_str_equal(stage->name, name))
			return stage;
	}
	return NULL;
}

/* Under the output lock.  There is nobody to tell that stderr is gone. */
static void write_out(const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(STDERR_FILENO, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		left -= (size_t)n;
	}
}

/* Writes whole LINES, over the redrawn line if there is one.  Under the output lock. */
static void write_lines(struct sw_progress *progress, const char *lines)
{
	g_autofree char *text = g_strconcat(progress->drawn ? CLEAR_LINE : "", lines, NULL);

	progress->drawn = FALSE;
	write_out(text);
}

/* With one digit behind the point, whatever the locale. */
static void append_seconds(GString *line, double seconds)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	g_string_append(line, g_ascii_formatd(number, sizeof number, "%.1f", MAX(seconds, 0)));
	g_string_append(line, " s");
}

static void append_size(GString *line, const char *before, guint64 bytes, const char *after)
{
	g_autofree char *size = sw_size_format(bytes);

	g_string_append_printf(line, "%s%s%s", before, size, after);
}

/* "45% of 434.2 MiB, 12.3 MiB/s", "120.5 MiB, 12.3 MiB/s", or "12.0 s". */
static void append_state(GString *line, const struct stage *stage, gint64 now)
{
	gint64 spent = now - stage->bytes_began;
	guint64 moved = stage->done - MIN(stage->bytes_first, stage->done);
	double share = 0;

	if (stage->bytes_began == 0) {
		append_seconds(line, (double)(now - stage->began) / G_TIME_SPAN_SECOND);
		return;
	}
	if (stage->total > 0) {
		share = (double)MIN(stage->done, stage->total) / (double)stage->total;
		g_string_append_printf(line, "%d%%", (int)(share * 100));
		append_size(line, " of ", stage->total, "");
	} else {
		append_size(line, "", stage->done, "");
	}
	if (spent >= G_TIME_SPAN_SECOND / 2 && moved > 0)
		append_size(line, ", ",
			    (guint64)((double)moved * G_TIME_SPAN_SECOND / (double)spent), "/s");
}

static guint terminal_width(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 2)
		return 80;
	return size.ws_col;
}

/* Under the output lock. The last column stays free: some terminals wrap there. */
static void draw(struct sw_progress *progress)
{
	g_autoptr(GString) line = g_string_new(NULL);
	g_autofree char *cut = NULL;
	gint64 now = g_get_monotonic_time();
	struct stage *stage = NULL;

	g_mutex_lock(&progress->state);
	for (guint i = 0; i < progress->stages->len; i++) {
		stage = g_ptr_array_index(progress->stages, i);
		g_string_append_printf(line, "%s%s: ", i > 0 ? " | " : "", stage->name);
		append_state(line, stage, now);
	}
	if (stage != NULL)
		g_string_append_printf(line, "  %s", stage->summary);
	g_mutex_unlock(&progress->state);
	if (stage == NULL && !progress->drawn)
		return;
	cut = g_utf8_substring(line->str, 0,
			       MIN(g_utf8_strlen(line->str, -1), (glong)terminal_width() - 1));
	g_string_printf(line, CLEAR_LINE "%s", cut);
	progress->drawn = stage != NULL;
	write_out(line->str);
}

static JsonObject *new_event(const char *event, const char *stage)
{
	JsonObject *object = json_object_new();

	json_object_set_string_member(object, "event", event);
	if (stage != NULL)
		json_object_set_string_member(object, "stage", stage);
	return object;
}

/* Takes OBJECT. */
static void append_event(GString *lines, JsonObject *object)
{
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
	g_autofree char *text = NULL;

	json_node_take_object(node, object);
	text = json_to_string(node, FALSE);
	g_string_append_printf(lines, "%s\n", text);
}

static void append_step(GString *lines, const struct stage *stage)
{
	JsonObject *object = new_event("step", stage->name);

	json_object_set_int_member(object, "done", (gint64)MIN(stage->done, G_MAXINT64));
	if (stage->total > 0)
		json_object_set_int_member(object, "total", (gint64)MIN(stage->total, G_MAXINT64));
	append_event(lines, object);
}

/* Plain: every ten seconds of a stage.  JSON: every second, where there is news. */
static void tell_steps(struct sw_progress *progress)
{
	gboolean json = progress->mode == SW_PROGRESS_JSON;
	g_autoptr(GString) lines = g_string_new(NULL);
	gint64 now = g_get_monotonic_time();

	g_mutex_lock(&progress->state);
	for (guint i = 0; i < progress->stages->len; i++) {
		struct stage *stage = g_ptr_array_index(progress->stages, i);

		if (now - stage->told < (json ? JSON_INTERVAL : PLAIN_INTERVAL) ||
		    (json && !stage->news))
			continue;
		stage->told = now;
		stage->news = FALSE;
		if (json) {
			append_step(lines, stage);
			continue;
		}
		g_string_append_printf(lines, "%s: ", stage->name);
		append_state(lines, stage, now);
		g_string_append_c(lines, '\n');
	}
	g_mutex_unlock(&progress->state);
	if (lines->len > 0)
		write_lines(progress, lines->str);
}

static gboolean wait_tick(struct sw_progress *progress)
{
	gboolean term = progress->mode == SW_PROGRESS_TERM;
	gint64 until = g_get_monotonic_time() + (term ? TERM_INTERVAL : JSON_INTERVAL);
	gboolean end = FALSE;

	g_mutex_lock(&progress->state);
	while (!progress->end && g_cond_wait_until(&progress->ended, &progress->state, until))
		;
	end = progress->end;
	g_mutex_unlock(&progress->state);
	return !end;
}

/* Signals are for the thread that waits for them. */
static gpointer tick(gpointer data)
{
	struct sw_progress *progress = data;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (wait_tick(progress)) {
		g_mutex_lock(&progress->output);
		if (progress->mode == SW_PROGRESS_TERM)
			draw(progress);
		else
			tell_steps(progress);
		g_mutex_unlock(&progress->output);
	}
	return NULL;
}

static enum sw_progress_mode resolve(enum sw_progress_mode mode)
{
	const char *term = g_getenv("TERM");

	if (mode != SW_PROGRESS_AUTO)
		return mode;
	if (isatty(STDERR_FILENO) && term != NULL && !g_str_equal(term, "dumb"))
		return SW_PROGRESS_TERM;
	return SW_PROGRESS_PLAIN;
}

struct sw_progress *sw_progress_new(enum sw_progress_mode mode)
{
	struct sw_progress *progress = g_new0(struct sw_progress, 1);

	progress->mode = resolve(mode);
	progress->stages = g_ptr_array_new_with_free_func(stage_free);
	g_mutex_init(&progress->output);
	g_mutex_init(&progress->state);
	g_cond_init(&progress->ended);
	if (progress->mode != SW_PROGRESS_QUIET)
		progress->ticker = g_thread_new("progress", tick, progress);
	return progress;
}

void sw_progress_free(struct sw_progress *progress)
{
	if (progress == NULL)
		return;
	g_mutex_lock(&progress->state);
	progress->end = TRUE;
	g_cond_signal(&progress->ended);
	g_mutex_unlock(&progress->state);
	g_clear_pointer(&progress->ticker, g_thread_join);
	write_lines(progress, "");
	g_ptr_array_unref(progress->stages);
	g_mutex_clear(&progress->output);
	g_mutex_clear(&progress->state);
	g_cond_clear(&progress->ended);
	g_free(progress);
}

static gboolean is_silent(const struct sw_progress *progress)
{
	return progress == NULL || progress->mode == SW_PROGRESS_QUIET;
}

/* Whole LINES, at once.  The ticker draws the redrawn line again. */
static void tell(struct sw_progress *progress, const char *lines)
{
	g_mutex_lock(&progress->output);
	write_lines(progress, lines);
	g_mutex_unlock(&progress->output);
}

/* A stage of the same name that still runs begins anew. */
static void begin(struct sw_progress *progress, const char *name, const char *summary)
{
	struct stage *stage = g_new0(struct stage, 1);

	stage->name = g_strdup(name);
	stage->summary = g_strdup(summary);
	stage->began = g_get_monotonic_time();
	stage->told = stage->began;
	g_mutex_lock(&progress->state);
	g_ptr_array_remove(progress->stages, find(progress, name));
	g_ptr_array_add(progress->stages, stage);
	g_mutex_unlock(&progress->state);
}

void sw_progress_stage(struct sw_progress *progress, const char *name, const char *summary)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	g_autofree char *clean = NULL;
	JsonObject *object = NULL;

	if (is_silent(progress))
		return;
	clean = sw_text_line(summary);
	begin(progress, name, clean);
	if (progress->mode == SW_PROGRESS_JSON) {
		object = new_event("stage", name);
		json_object_set_string_member(object, "summary", clean);
		append_event(lines, object);
		tell(progress, lines->str);
	} else if (progress->mode == SW_PROGRESS_PLAIN) {
		g_string_printf(lines, "%s: %s\n", name, clean);
		tell(progress, lines->str);
	}
}

void sw_progress_bytes(struct sw_progress *progress, const char *name, guint64 done, guint64 total)
{
	struct stage *stage = NULL;

	if (is_silent(progress))
		return;
	g_mutex_lock(&progress->state);
	stage = find(progress, name);
	if (stage != NULL && done == 0 && total == 0) {
		stage->bytes_began = 0;
	} else if (stage != NULL && stage->bytes_began == 0) {
		stage->bytes_began = g_get_monotonic_time();
		stage->bytes_first = done;
	}
	if (stage != NULL) {
		stage->done = done;
		stage->total = total;
		stage->news = TRUE;
	}
	g_mutex_unlock(&progress->state);
}

void sw_progress_done(struct sw_progress *progress, const char *name, double seconds)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	JsonObject *object = NULL;
	struct stage *stage = NULL;

	if (is_silent(progress))
		return;
	g_mutex_lock(&progress->state);
	stage = find(progress, name);
	if (stage != NULL && stage->news && progress->mode == SW_PROGRESS_JSON)
		append_step(lines, stage);
	g_ptr_array_remove(progress->stages, stage);
	g_mutex_unlock(&progress->state);
	if (progress->mode == SW_PROGRESS_JSON) {
		object = new_event("done", name);
		json_object_set_double_member(object, "seconds", seconds);
		append_event(lines, object);
	} else {
		g_string_printf(lines, "%s: done in ", name);
		append_seconds(lines, seconds);
		g_string_append_c(lines, '\n');
	}
	tell(progress, lines->str);
}

void sw_progress_note(struct sw_progress *progress, const char *format, ...)
{
	g_autoptr(GString) lines = g_string_new(NULL);
	g_autofree char *text = NULL;
	g_autofree char *clean = NULL;
	JsonObject *object = NULL;
	va_list args;

	if (is_silent(progress))
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	clean = sw_text_line(text);
	if (progress->mode == SW_PROGRESS_JSON) {
		object = new_event("note", NULL);
		json_object_set_string_member(object, "text", clean);
		append_event(lines, object);
	} else {
		g_string_printf(lines, "%s\n", clean);
	}
	tell(progress, lines->str);
}
