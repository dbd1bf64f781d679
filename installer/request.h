/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "installer/failure.h"

#define SI_WORDS_MAX 32

/* What to do when the installation is done. */
enum si_end { SI_END_ASK, SI_END_REBOOT, SI_END_POWEROFF, SI_END_NONE };

/* What the kernel's command line asks for.  The texts lie in TEXT. */
struct si_request {
	char *text;
	const char *install;  /* auto, largest, smallest, /dev/NAME or id:ID; NULL: ask a person */
	const char *medium;   /* the id of the medium that this was started from; NULL: any */
	const char *hostname; /* NULL: as the image has it */
	const char *kargs[SI_WORDS_MAX]; /* more kernel arguments for the installed system */
	const char *ssh_keys[SI_WORDS_MAX];
	size_t n_kargs;
	size_t n_ssh_keys;
	bool wipe;  /* a disk that holds something may be overwritten */
	bool check; /* test the medium before */
	bool shell; /* no installation: a shell */
	enum si_end end;
};

/*
 * Takes what begins with "slipway." from the kernel's command line LINE, whose words may be in double
 * quotes; the rest is not ours.  False: "request", naming the argument; nothing to free then.
 */
bool si_request_parse(const char *line, struct si_request *request, struct si_failure *failure);

/* Frees the texts; a request of zeros is fine. */
void si_request_free(struct si_request *request);

/* What each argument takes, for those who write them: is VALUE good for NAME ("install")? */
bool si_request_is_good(const char *name, const char *value);

/* Puts the bytes of the TEXT's hexadecimal digits into BYTES; false where TEXT is not SIZE bytes. */
bool si_parse_hex(const char *text, unsigned char *bytes, size_t size);

/* The digits of SIZE bytes; RET_TEXT has room for 2 * SIZE + 1. */
void si_print_hex(const unsigned char *bytes, size_t size, char *ret_text);
