/* SPDX-License-Identifier: MIT */
#include "installer/request.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "slipway."
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define HOSTNAME_MAX 64

static bool is_made_of(const char *text, const char *good)
{
	return *text != '\0' && text[strspn(text, good)] == '\0';
}

static bool is_install(const char *value)
{
	if (strcmp(value, "auto") == 0 || strcmp(value, "largest") == 0 ||
	    strcmp(value, "smallest") == 0)
		return true;
	if (strncmp(value, "/dev/", 5) == 0)
		return is_made_of(value + 5, LETTERS "/._:+@-") && strstr(value, "..") == NULL;
	return strncmp(value, "id:", 3) == 0 && is_made_of(value + 3, LETTERS "._:+@-");
}

static bool is_hostname(const char *value)
{
	return strlen(value) <= HOSTNAME_MAX && is_made_of(value, LETTERS ".-") &&
	       strchr("-.", *value) == NULL;
}

/* Nothing that a bootloader's menu would read as its own. */
static bool is_karg(const char *value)
{
	return is_made_of(value, LETTERS "._:+@-=,/%");
}

/* One line: a type, the key, a comment. */
static bool is_ssh_key(const char *value)
{
	return is_made_of(value, LETTERS " ._:+@-=,/") && strchr(value, ' ') != NULL &&
	       *value != ' ';
}

static bool is_empty(const char *value)
{
	return *value == '\0';
}

static bool is_id(const char *value)
{
	return strlen(value) == 32 && is_made_of(value, "0123456789abcdef");
}

/* The arguments.  Those that take no value are given without one. */
static const struct {
	const char *name;
	bool (*is_good)(const char *value);
} arguments[] = {
	{ "install", is_install }, { "hostname", is_hostname }, { "karg", is_karg },
	{ "ssh-key", is_ssh_key }, { "medium", is_id },		{ "wipe", is_empty },
	{ "check", is_empty },	   { "shell", is_empty },	{ "reboot", is_empty },
	{ "poweroff", is_empty },  { "none", is_empty },
};

bool si_request_is_good(const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(arguments) / sizeof(*arguments); i++)
		if (strcmp(arguments[i].name, name) == 0)
			return arguments[i].is_good(value);
	return false;
}

static bool add_word(const char **words, size_t *count, const char *value)
{
	if (*count == SI_WORDS_MAX)
		return false;
	words[(*count)++] = value;
	return true;
}

static bool take_flag(struct si_request *request, const char *name)
{
	if (strcmp(name, "wipe") == 0)
		request->wipe = true;
	else if (strcmp(name, "check") == 0)
		request->check = true;
	else if (strcmp(name, "shell") == 0)
		request->shell = true;
	else if (strcmp(name, "reboot") == 0)
		request->end = SI_END_REBOOT;
	else if (strcmp(name, "poweroff") == 0)
		request->end = SI_END_POWEROFF;
	else
		request->end = SI_END_NONE;
	return true;
}

/* Of an argument that is there twice the last one counts. */
static bool take(struct si_request *request, const char *name, const char *value)
{
	if (!si_request_is_good(name, value))
		return false;
	if (strcmp(name, "karg") == 0)
		return add_word(request->kargs, &request->n_kargs, value);
	if (strcmp(name, "ssh-key") == 0)
		return add_word(request->ssh_keys, &request->n_ssh_keys, value);
	if (*value == '\0')
		return take_flag(request, name);
	if (strcmp(name, "install") == 0)
		request->install = value;
	else if (strcmp(name, "hostname") == 0)
		request->hostname = value;
	else
		request->medium = value;
	return true;
}

/* Cuts the next word off *AT, in place, without its quotes; NULL at the end. */
static char *next_word(char **at)
{
	char *in = *at + strspn(*at, " \t\n"), *out = in, *word = in;
	bool inside = false;

	if (*in == '\0')
		return NULL;
	for (; *in != '\0' && (inside || strchr(" \t\n", *in) == NULL); in++) {
		if (*in == '"')
			inside = !inside;
		else
			*out++ = *in;
	}
	*at = *in == '\0' ? in : in + 1;
	*out = '\0';
	return word;
}

bool si_request_parse(const char *line, struct si_request *request, struct si_failure *failure)
{
	char *at, *word;

	*request = (struct si_request){ .text = strdup(line) };
	if (request->text == NULL)
		return si_fail(failure, "memory", "there is no memory left");
	at = request->text;
	while ((word = next_word(&at)) != NULL) {
		char *name = word + strlen(PREFIX), *value;

		if (strncmp(word, PREFIX, strlen(PREFIX)) != 0)
			continue;
		value = strchr(name, '=');
		if (value != NULL)
			*value++ = '\0';
		if (take(request, name, value == NULL ? "" : value))
			continue;
		si_fail(failure, "request",
			"the kernel argument slipway.%s=%s is not one that the installer knows: "
			"correct it in the boot menu",
			name, value == NULL ? "" : value);
		si_request_free(request);
		return false;
	}
	return true;
}

void si_request_free(struct si_request *request)
{
	free(request->text);
	*request = (struct si_request){ 0 };
}

bool si_parse_hex(const char *text, unsigned char *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	if (strlen(text) != 2 * size)
		return false;
	for (size_t i = 0; i < 2 * size; i++) {
		const char *digit = strchr(digits, text[i]);

		if (digit == NULL)
			return false;
		bytes[i / 2] = (unsigned char)(bytes[i / 2] << 4 | (digit - digits));
	}
	return true;
}

void si_print_hex(const unsigned char *bytes, size_t size, char *ret_text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		ret_text[2 * i] = digits[bytes[i] >> 4];
		ret_text[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_text[2 * size] = '\0';
}
