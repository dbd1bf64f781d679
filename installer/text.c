/* SPDX-License-Identifier: MIT */
#include "installer/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TEXT_MAX (1024 * 1024)
#define LABEL "security.selinux"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *si_read_text(const char *path, struct si_failure *failure)
{
	FILE *file = fopen(path, "re");
	char *text = file != NULL ? malloc(TEXT_MAX + 1) : NULL;
	size_t length = text != NULL ? fread(text, 1, TEXT_MAX, file) : 0;

	if (text == NULL || ferror(file)) {
		si_fail_errno(failure, "file", "%s cannot be read", path);
		free(text);
		text = NULL;
	} else {
		text[length] = '\0';
	}
	if (file != NULL)
		fclose(file);
	return text;
}

static void copy_label(int fd, const char *path)
{
	char parent[PATH_MAX], label[256];
	ssize_t n = getxattr(path, LABEL, label, sizeof(label));

	if (n < 0) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(strrchr(path, '/') - path), path);
		n = getxattr(parent, LABEL, label, sizeof(label));
	}
	/* Without a policy there is nothing to label. */
	if (n > 0 && fsetxattr(fd, LABEL, label, (size_t)n, 0) < 0)
		return;
}

static bool write_all(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t n = write(fd, text, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		left -= (size_t)n;
	}
	return fsync(fd) == 0;
}

bool si_replace_text(const char *path, const char *text, unsigned mode, struct si_failure *failure)
{
	char name[PATH_MAX];
	struct stat st;
	bool good;
	int fd;

	if (snprintf(name, sizeof(name), "%s.new", path) >= (int)sizeof(name))
		return si_fail(failure, "file", "%s: the path is too long", path);
	if (stat(path, &st) == 0)
		mode = st.st_mode & 07777;
	unlink(name);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return si_fail_errno(failure, "file", "%s cannot be made", name);
	copy_label(fd, path);
	good = fchmod(fd, mode) == 0 && write_all(fd, text) && rename(name, path) == 0;
	if (!good)
		si_fail_errno(failure, "file", "%s cannot be written", path);
	close(fd);
	return good;
}

static bool begins(const char *line, const char *key)
{
	line += strspn(line, " \t");
	return strncmp(line, key, strlen(key)) == 0 && strchr(" \t", line[strlen(key)]) != NULL &&
	       line[strlen(key)] != '\0';
}

char *si_append_to_lines(const char *text, const char *key, const char *words)
{
	char *result = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&result, &size);

	if (out == NULL)
		return NULL;
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		fwrite(text, 1, length, out);
		if (begins(text, key))
			fprintf(out, " %s", words);
		text += length;
		if (*text == '\n')
			fputc(*text++, out);
	}
	return fclose(out) == 0 ? result : NULL;
}

char *si_find_line(const char *text, const char *key)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		if (begins(text, key)) {
			const char *value = text + strspn(text, " \t") + strlen(key);

			value += strspn(value, " \t");
			return strndup(value, strcspn(value, "\n"));
		}
		text += length + (text[length] == '\n');
	}
	return NULL;
}

char *si_base64(const char *text)
{
	size_t length = strlen(text);
	char *result = malloc((length + 2) / 3 * 4 + 1), *at = result;

	if (result == NULL)
		return NULL;
	for (size_t i = 0; i < length; i += 3) {
		unsigned bits = (unsigned)(unsigned char)text[i] << 16;

		if (i + 1 < length)
			bits |= (unsigned)(unsigned char)text[i + 1] << 8;
		if (i + 2 < length)
			bits |= (unsigned char)text[i + 2];
		*at++ = digits[bits >> 18];
		*at++ = digits[bits >> 12 & 63];
		*at++ = i + 1 < length ? digits[bits >> 6 & 63] : '=';
		*at++ = i + 2 < length ? digits[bits & 63] : '=';
	}
	*at = '\0';
	return result;
}

char *si_unbase64(const char *text)
{
	char *result = malloc(strlen(text) + 1), *at = result;
	unsigned bits = 0, count = 0;

	if (result == NULL)
		return NULL;
	for (; *text != '\0' && strchr("= \t\n", *text) == NULL; text++) {
		const char *digit = strchr(digits, *text);

		if (digit == NULL) {
			free(result);
			return NULL;
		}
		bits = bits << 6 | (unsigned)(digit - digits);
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		*at++ = (char)(bits >> count);
	}
	*at = '\0';
	return result;
}
