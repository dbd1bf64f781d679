/* SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * What a person (or a script) sees of long work.  One object a run, passed down; every function may
 * be called from any thread, and with NULL, which shows nothing.  Several stages may run at once.
 * Output goes to stderr, whole lines at once, cleaned by sw_text_line().
 */
struct sw_progress;

enum sw_progress_mode {
	SW_PROGRESS_AUTO,  /* term on a terminal, else plain */
	SW_PROGRESS_TERM,  /* one line, redrawn ten times a second, and one a finished stage */
	SW_PROGRESS_PLAIN, /* a line as a stage begins and ends, and one every ten seconds of it */
	SW_PROGRESS_JSON,  /* one JSON object a line, as below */
	SW_PROGRESS_QUIET, /* nothing */
};

/*
 * The lines of SW_PROGRESS_JSON; a step at most once a second a stage, the last one before "done";
 * total only where it is known:
 * {"event":"stage","stage":"source","summary":"fetching ..."}
 * {"event":"step","stage":"source","done":1048576,"total":4194304}
 * {"event":"done","stage":"source","seconds":1.5}
 * {"event":"note","text":"..."}
 */

/* The words of enum sw_progress_mode, in its order, NULL at the end. */
extern const char *const sw_progress_modes[];

/* A new progress display; never NULL. */
struct sw_progress *sw_progress_new(enum sw_progress_mode mode);

/* Clears the redrawn line and frees; NULL is fine. */
void sw_progress_free(struct sw_progress *progress);
typedef struct sw_progress SwProgress;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwProgress, sw_progress_free)

/* A stage begins: its short NAME ("source") and what it does ("fetching quay.io/..."). */
void sw_progress_stage(struct sw_progress *progress, const char *name, const char *summary);

/*
 * DONE of TOTAL bytes of the stage NAME are done; TOTAL 0 where it is not known, both 0 where bytes
 * are no measure (any more): then the time is shown.  Cheap: may be called often; never waits for
 * the terminal.
 */
void sw_progress_bytes(struct sw_progress *progress, const char *name, guint64 done, guint64 total);

/* The stage NAME has ended well after SECONDS.  One that fails is just not ended. */
void sw_progress_done(struct sw_progress *progress, const char *name, double seconds);

/* One line that the person should know, in every mode but quiet. */
void sw_progress_note(struct sw_progress *progress, const char *format, ...) G_GNUC_PRINTF(2, 3);
