/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/cdrom.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "installer/console.h"
#include "installer/disks.h"
#include "installer/install.h"
#include "installer/medium.h"
#include "installer/text.h"

/*
 * Without arguments, in the initramfs of an installation medium: does what the kernel's command line
 * asks for.  With a medium's file, a disk's file and such a command line: the same from file to file.
 */
#define CONSOLES "/sys/class/tty/console/active"
#define DISKS "/sys/block"
/* For a medium that is slow to appear. */
#define PATIENCE 60

struct session {
	struct si_request request;
	struct si_disks disks;
	struct si_payload payload;
	int medium;
	char target[1024];
};

static void say_progress(enum si_pass pass, uint64_t done, uint64_t all)
{
	static const char *const what[] = { "testing the medium", "writing", "verifying" };

	si_say_progress(what[pass], done, all);
}

static bool find_medium(struct session *session, struct si_failure *failure)
{
	for (int i = 0;; i++) {
		if (!si_disks_list(&session->disks, DISKS, failure))
			return false;
		if (si_medium_find(&session->disks, session->request.medium, &session->payload,
				   &session->medium, failure))
			return true;
		if (i == PATIENCE)
			return false;
		sleep(1);
	}
}

/* A person picks one and types its name once more. */
static bool ask_for_disk(struct session *session, struct si_failure *failure)
{
	char answer[64], again[64], question[160];

	si_say("Which disk is to be overwritten?");
	for (size_t i = 0; i < session->disks.count; i++) {
		char text[256];

		if (!si_disk_is_offered(&session->disks.all[i]))
			continue;
		si_disk_describe(&session->disks.all[i], text, sizeof(text));
		si_say("  %s", text);
	}
	for (;;) {
		const struct si_disk *disk;

		if (!si_ask("Its path: ", answer, sizeof(answer)))
			return si_fail(failure, "no-disk", "there is nobody to ask");
		if (!si_request_is_good("install", answer) || *answer != '/') {
			si_say("%s is none of them", answer);
			continue;
		}
		disk = si_disks_choose(&session->disks, answer, session->payload.disk_size,
				       failure);
		if (disk == NULL) {
			si_say("%s", failure->text);
			continue;
		}
		snprintf(question, sizeof(question),
			 "All on it will be lost. Type %s once more: ", disk->path);
		if (!si_ask(question, again, sizeof(again)))
			return si_fail(failure, "no-disk", "there is nobody to ask");
		if (strcmp(again, disk->path) != 0)
			continue;
		session->request.wipe = true;
		snprintf(session->target, sizeof(session->target), "%s", disk->path);
		return true;
	}
}

static bool find_target(struct session *session, struct si_failure *failure)
{
	const struct si_disk *disk;

	if (session->request.install == NULL)
		return ask_for_disk(session, failure);
	disk = si_disks_choose(&session->disks, session->request.install,
			       session->payload.disk_size, failure);
	if (disk == NULL)
		return false;
	snprintf(session->target, sizeof(session->target), "%s", disk->path);
	return true;
}

static bool check_medium(const struct session *session, struct si_failure *failure)
{
	return !session->request.check ||
	       si_run_pass(SI_PASS_CHECK, &session->payload, NULL, say_progress, failure);
}

static bool install(const struct session *session, struct si_failure *failure)
{
	struct si_target target;
	bool good;

	if (!si_target_open(&target, session->target, session->payload.disk_size,
			    session->request.wipe, failure))
		return false;
	si_say("installing on %s", session->target);
	good = si_install(&session->payload, &target, &session->request, say_progress, failure);
	si_target_close(&target);
	return good;
}

static bool run(struct session *session, struct si_failure *failure)
{
	bool good;

	if (!find_medium(session, failure))
		return false;
	good = check_medium(session, failure) && find_target(session, failure) &&
	       install(session, failure);
	si_payload_free(&session->payload);
	/* So that a CD is not started again; a stick stays where it is. */
	if (good) {
		ioctl(session->medium, CDROM_LOCKDOOR, 0);
		ioctl(session->medium, CDROMEJECT, 0);
	}
	close(session->medium);
	return good;
}

static void end_machine(enum si_end end)
{
	char answer[64] = "";

	if (end == SI_END_ASK) {
		if (!si_ask("Enter: reboot; p: power off; s: a shell ", answer, sizeof(answer)))
			return;
		end = *answer == 'p' ? SI_END_POWEROFF : SI_END_REBOOT;
		if (*answer == 's')
			si_shells();
	}
	if (end == SI_END_NONE)
		return;
	sync();
	reboot(end == SI_END_POWEROFF ? RB_POWER_OFF : RB_AUTOBOOT);
}

/* In the initramfs; the status tells systemd. */
static int on_machine(void)
{
	struct session session = { .medium = -1 };
	struct si_failure failure = { 0 };
	char *consoles = si_read_text(CONSOLES, &failure);
	char *line = si_read_text("/proc/cmdline", &failure);
	bool is_attended;

	si_console_open(consoles);
	if (line == NULL || !si_request_parse(line, &session.request, &failure)) {
		si_say("slipway: FAILED: %s: %s", failure.id, failure.text);
		return 1;
	}
	if (session.request.shell) {
		si_shells();
		end_machine(SI_END_REBOOT);
	}
	is_attended = session.request.install == NULL;
	failure.id = NULL;
	if (run(&session, &failure)) {
		si_say("slipway: INSTALLED: %s", session.target);
		end_machine(session.request.end == SI_END_ASK && !is_attended
				    ? SI_END_REBOOT
				    : session.request.end);
		return 0;
	}
	si_say("slipway: FAILED: %s: %s", failure.id, failure.text);
	if (is_attended) {
		si_shells();
		end_machine(SI_END_REBOOT);
	}
	return 1;
}

/* Without mounts there is no system to configure. */
static bool check_for_files(const struct si_request *request, struct si_failure *failure)
{
	if (request->hostname == NULL && request->n_kargs == 0 && request->n_ssh_keys == 0)
		return true;
	return si_fail(failure, "request",
		       "hostname, karg and ssh-key are for an installation on a machine");
}

static int on_files(const char *medium, const char *disk, const char *line)
{
	struct session session = { .medium = -1 };
	struct si_failure failure = { 0 };
	bool good;

	si_console_open(NULL);
	good = si_request_parse(line, &session.request, &failure) &&
	       check_for_files(&session.request, &failure) &&
	       si_medium_open(medium, &session.payload, &session.medium, &failure);
	if (good) {
		snprintf(session.target, sizeof(session.target), "%s", disk);
		good = check_medium(&session, &failure) && install(&session, &failure);
		si_payload_free(&session.payload);
	}
	if (good)
		si_say("slipway: INSTALLED: %s", disk);
	else
		si_say("slipway: FAILED: %s: %s", failure.id, failure.text);
	si_request_free(&session.request);
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc == 1)
		return on_machine();
	if (argc == 3 || argc == 4)
		return on_files(argv[1], argv[2], argc == 4 ? argv[3] : "");
	fprintf(stderr, "usage: installer [MEDIUM DISK [ARGUMENTS]]\n");
	return 2;
}
