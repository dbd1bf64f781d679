/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/*
 * The one way to run another program: by argv, never a shell.  The argv is logged (g_debug), death
 * by a signal is a failure, and the last line that it wrote to stderr becomes part of the error:
 * "PROGRAM: LAST LINE", "PROGRAM: killed by SIGSEGV", "PROGRAM: exit status 1".  The program starts
 * with the default signal dispositions, no blocked signals, no descriptors but 0, 1 and 2, and in a
 * process group of its own: Ctrl-C reaches it only by cancelling.  Secrets do not belong into the
 * argv.
 */
struct sw_command {
	const char *const *argv; /* NULL at the end; argv[0] is looked up in PATH */
	const char *const *env;	 /* "NAME=value" pairs put over the environment; NULL: none */
	const char *input;	 /* written to its stdin; NULL: see below */
	const char *input_file;	 /* path of a file that is its stdin; NULL: /dev/null */
	enum sw_error code;  /* of the errors; a program that is missing is SW_ERROR_ENVIRONMENT */
	const char *id;	     /* of the errors ("mkfs-failed") */
	const char *package; /* Debian's package of the program, for the error when it is missing */
	int success;	     /* the exit status that means success, mostly 0 */
	guint timeout;	     /* seconds after which it is ended; 0: never */
};

/*
 * Runs COMMAND to its end, from any thread.  Cancelling ends the program and its process group
 * (SIGTERM, then SIGKILL after two seconds).  RET_OUTPUT (NULL: thrown away) gets its stdout with a
 * NUL behind it, to be freed by the caller; more than 16 MiB is an error.
 */
gboolean sw_command_run(const struct sw_command *command, char **ret_output,
			GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
