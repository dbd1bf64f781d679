/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "installer/apply.h"
#include "installer/text.h"

#define KEYS_DIRECTORY "etc/tmpfiles.d"
/* Where bootc keeps them, and slipway build. */
#define KEYS_FILE KEYS_DIRECTORY "/bootc-root-ssh.conf"
#define KEYS_KEY "f~"

static bool ends_with(const char *text, const char *end)
{
	return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* The path of the one boot entry, and what it says. */
static char *read_entry(const char *boot, char *path, size_t size, struct si_failure *failure)
{
	const struct dirent *entry;
	char dir[PATH_MAX - 256];
	char *text = NULL;
	DIR *entries;

	snprintf(dir, sizeof(dir), "%s/loader/entries", boot);
	entries = opendir(dir);
	if (entries == NULL) {
		si_fail_errno(failure, "deployment", "the installed system has no %s", dir);
		return NULL;
	}
	while (text == NULL && (entry = readdir(entries)) != NULL) {
		if (!ends_with(entry->d_name, ".conf"))
			continue;
		snprintf(path, size, "%s/%s", dir, entry->d_name);
		text = si_read_text(path, failure);
	}
	closedir(entries);
	if (text == NULL)
		si_fail(failure, "deployment", "the installed system has no boot entry in %s", dir);
	return text;
}

/* The deployment that the entry boots: ostree= of its options. */
static bool find_deployment(const char *entry, const char *root, char *path, size_t size,
			    struct si_failure *failure)
{
	static const char key[] = "ostree=";
	char *options = si_find_line(entry, "options"), *rest = options, *word;
	bool found = false;

	while (!found && (word = strsep(&rest, " \t")) != NULL) {
		if (strncmp(word, key, strlen(key)) != 0)
			continue;
		word += strlen(key);
		found = strstr(word, "..") == NULL &&
			snprintf(path, size, "%s/%s", root, word) < (int)size;
	}
	free(options);
	return found || si_fail(failure, "deployment",
				"the boot entry of the installed system names no deployment");
}

static bool set_hostname(const char *deployment, const char *hostname, struct si_failure *failure)
{
	char path[PATH_MAX], text[256];

	snprintf(path, sizeof(path), "%s/etc/hostname", deployment);
	snprintf(text, sizeof(text), "%s\n", hostname);
	return si_replace_text(path, text, 0644, failure);
}

/* Where root's keys are to be: its home may be a link, mostly to /var/roothome. */
static void find_place(const char *deployment, char *place, size_t size)
{
	char path[PATH_MAX], target[128];
	ssize_t n;

	snprintf(path, sizeof(path), "%s/root", deployment);
	n = readlink(path, target, sizeof(target));
	if (n < 0 || n == sizeof(target) || memchr(target, ' ', (size_t)n) != NULL)
		n = snprintf(target, sizeof(target), "root");
	snprintf(place, size, "%s%.*s/.ssh/authorized_keys", *target == '/' ? "" : "/", (int)n,
		 target);
}

/* The keys that are there, one a line; PLACE becomes the one that they are for. */
static char *old_keys(const char *path, char *place, size_t size)
{
	struct si_failure none = { 0 };
	char *text = access(path, F_OK) == 0 ? si_read_text(path, &none) : NULL;
	char *line = text != NULL ? si_find_line(text, KEYS_KEY) : NULL;
	const char *data = line != NULL ? strrchr(line, ' ') : NULL;
	char *keys = data != NULL ? si_unbase64(data + 1) : strdup("");

	if (data != NULL)
		snprintf(place, size, "%.*s", (int)strcspn(line, " "), line);
	free(line);
	free(text);
	return keys;
}

/* KEYS and those of REQUEST, a line each. */
static char *merge_keys(const char *keys, const struct si_request *request)
{
	char *result = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&result, &size);

	if (out == NULL)
		return NULL;
	fputs(keys, out);
	if (*keys != '\0' && keys[strlen(keys) - 1] != '\n')
		fputc('\n', out);
	for (size_t i = 0; i < request->n_ssh_keys; i++)
		fprintf(out, "%s\n", request->ssh_keys[i]);
	return fclose(out) == 0 ? result : NULL;
}

/* Root's home differs from image to image: systemd-tmpfiles puts the keys into it. */
static bool add_keys(const char *deployment, const struct si_request *request,
		     struct si_failure *failure)
{
	char path[PATH_MAX], place[256];
	char *keys, *all, *encoded, *text = NULL;
	bool good;

	snprintf(path, sizeof(path), "%s/" KEYS_DIRECTORY, deployment);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/" KEYS_FILE, deployment);
	find_place(deployment, place, sizeof(place));
	keys = old_keys(path, place, sizeof(place));
	all = keys != NULL ? merge_keys(keys, request) : NULL;
	encoded = all != NULL ? si_base64(all) : NULL;
	good = encoded != NULL &&
	       asprintf(&text, KEYS_KEY " %s 600 root root - %s\n", place, encoded) > 0;
	if (good)
		good = si_replace_text(path, text, 0644, failure);
	else
		si_fail(failure, "file", "%s: the keys in it cannot be read", path);
	free(text);
	free(encoded);
	free(all);
	free(keys);
	return good;
}

/* The kernel arguments of REQUEST, a blank between two. */
static char *join_kargs(const struct si_request *request)
{
	char *result = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&result, &size);

	if (out == NULL)
		return NULL;
	for (size_t i = 0; i < request->n_kargs; i++)
		fprintf(out, "%s%s", i > 0 ? " " : "", request->kargs[i]);
	return fclose(out) == 0 ? result : NULL;
}

/* Appends the kernel arguments to the lines KEY of PATH. */
static bool add_kargs(const char *path, const char *key, const struct si_request *request,
		      struct si_failure *failure)
{
	char *text = si_read_text(path, failure);
	char *words = join_kargs(request);
	char *changed = text != NULL && words != NULL ? si_append_to_lines(text, key, words) : NULL;
	bool good = changed != NULL && si_replace_text(path, changed, 0644, failure);

	free(changed);
	free(words);
	free(text);
	return good || failure->id != NULL || si_fail(failure, "memory", "there is no memory left");
}

bool si_configure(const struct si_request *request, const char *root, const char *boot,
		  struct si_failure *failure)
{
	char entry[PATH_MAX], deployment[PATH_MAX - 256], syslinux[PATH_MAX];
	char *text = read_entry(boot, entry, sizeof(entry), failure);
	bool good = text != NULL &&
		    find_deployment(text, root, deployment, sizeof(deployment), failure);

	free(text);
	if (!good ||
	    (request->hostname != NULL && !set_hostname(deployment, request->hostname, failure)) ||
	    (request->n_ssh_keys > 0 && !add_keys(deployment, request, failure)))
		return false;
	if (request->n_kargs == 0)
		return true;
	/* What libostree writes for syslinux is where Debian's GRUB has its menu from. */
	snprintf(syslinux, sizeof(syslinux), "%s/loader/syslinux.cfg", boot);
	return add_kargs(entry, "options", request, failure) &&
	       (access(syslinux, F_OK) < 0 || add_kargs(syslinux, "APPEND", request, failure));
}
