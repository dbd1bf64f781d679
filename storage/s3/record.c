/* SPDX-License-Identifier: MIT */
#include "storage/s3/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/hash.h"
#include "core/size.h"

#define HEAD "slipway upload 1"
#define FILE_MAX (8 * 1024 * 1024)
#define PARTS_MAX 10000
#define NAME_LENGTH 32 /* hexadecimal digits of the place, and of the artifact */

struct sw_s3_record {
	char *path;
	int fd;
};

void sw_s3_parts_free(struct sw_s3_part *parts, guint count)
{
	for (guint i = 0; parts != NULL && i < count; i++) {
		g_free(parts[i].etag);
		g_free(parts[i].checksum);
	}
	g_free(parts);
}

void sw_s3_broken_clear(struct sw_s3_broken *broken)
{
	sw_s3_parts_free(broken->parts, broken->count);
	g_free(broken->place);
	g_free(broken->id);
	*broken = (struct sw_s3_broken){ 0 };
}

/* What follows "NAME " in LINE; NULL: it is another line. */
static const char *value_of(const char *line, const char *name)
{
	size_t length = strlen(name);

	return g_str_has_prefix(line, name) && line[length] == ' ' && line[length + 1] != '\0'
		       ? line + length + 1
		       : NULL;
}

/* "part NUMBER ETAG CHECKSUM", the last "-" for none. */
static void take_part(const char *line, struct sw_s3_broken *broken)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 4);
	struct sw_s3_part *part;
	guint64 number = 0;

	if (g_strv_length(words) != 4 || !g_str_equal(words[0], "part") || *words[2] == '\0' ||
	    !sw_number_parse(words[1], 1, broken->count, &number, NULL))
		return;
	part = &broken->parts[number - 1];
	g_free(part->etag);
	g_free(part->checksum);
	part->etag = g_strdup(words[2]);
	part->checksum = g_strdup(g_str_equal(words[3], "-") ? "" : words[3]);
}

gboolean sw_s3_broken_parse(const char *text, struct sw_s3_broken *ret)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", PARTS_MAX * 2);
	guint count = g_strv_length(lines);
	const char *place, *id, *size, *parts, *checksums;
	struct sw_s3_broken broken = { 0 };
	guint64 number = 0;

	if (count < 7 || !g_utf8_validate(text, -1, NULL) || !g_str_equal(lines[0], HEAD))
		return FALSE;
	place = value_of(lines[1], "place");
	id = value_of(lines[2], "id");
	size = value_of(lines[3], "part-size");
	parts = value_of(lines[4], "parts");
	checksums = value_of(lines[5], "checksums");
	if (place == NULL || id == NULL || size == NULL || parts == NULL || checksums == NULL ||
	    !sw_number_parse(size, 1, G_MAXINT64, &broken.part_size, NULL) ||
	    !sw_number_parse(parts, 1, PARTS_MAX, &number, NULL))
		return FALSE;
	broken.place = g_strdup(place);
	broken.id = g_strdup(id);
	broken.checksums = g_str_equal(checksums, "1");
	broken.count = (guint)number;
	broken.parts = g_new0(struct sw_s3_part, broken.count);
	/* What follows the last line end is torn, or nothing. */
	for (guint i = 6; i + 1 < count; i++)
		take_part(lines[i], &broken);
	*ret = broken;
	return TRUE;
}

/* NULL: there is none, and none can be made. */
static char *state_directory(void)
{
	g_autofree char *path =
		geteuid() == 0 && g_getenv("XDG_STATE_HOME") == NULL
			? g_strdup("/var/lib/slipway/uploads")
			: g_build_filename(g_get_user_state_dir(), "slipway", "uploads", NULL);

	return sw_mkdirs(path, 0700, NULL) ? g_steal_pointer(&path) : NULL;
}

static char *name_of(const char *place, const char *sha256)
{
	char hash[SW_SHA256_SIZE];

	sw_sha256_data(place, strlen(place), hash);
	return g_strdup_printf("%.*s-%.*s", NAME_LENGTH, hash, NAME_LENGTH, sha256);
}

static gboolean is_named(int fd, const char *path)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
	       held.st_ino == named.st_ino;
}

/* A locked record; NULL when another has it, or it cannot be. */
static struct sw_s3_record *lock_record(const char *path, int flags)
{
	sw_autofd int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	struct sw_s3_record *record;

	/* One that was removed between the two is no record any more. */
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_named(fd, path))
		return NULL;
	record = g_new0(struct sw_s3_record, 1);
	record->path = g_strdup(path);
	record->fd = g_steal_fd(&fd);
	return record;
}

static gboolean load(const struct sw_s3_record *record, struct sw_s3_broken *ret)
{
	g_autofree char *text = NULL;

	return sw_read_file(record->path, FILE_MAX, &text, NULL, SW_ERROR_STORAGE, "record",
			    NULL) &&
	       sw_s3_broken_parse(text, ret);
}

struct sw_s3_record *sw_s3_record_open(const char *place, const char *sha256,
				       struct sw_s3_broken *ret_broken)
{
	g_autofree char *directory = state_directory();
	g_autofree char *name = name_of(place, sha256);
	g_autofree char *path = NULL;
	struct sw_s3_record *record;

	*ret_broken = (struct sw_s3_broken){ 0 };
	if (directory == NULL)
		return NULL;
	path = g_build_filename(directory, name, NULL);
	record = lock_record(path, O_CREAT);
	if (record != NULL && load(record, ret_broken) && !g_str_equal(ret_broken->place, place))
		sw_s3_broken_clear(ret_broken);
	return record;
}

/* A record that cannot be written only costs a resumption. */
static void append(const struct sw_s3_record *record, const char *text)
{
	ssize_t written;

	do
		written = write(record->fd, text, strlen(text));
	while (written < 0 && errno == EINTR);
}

void sw_s3_record_begin(struct sw_s3_record *record, const struct sw_s3_broken *upload)
{
	g_autofree char *text = NULL;

	if (record == NULL || ftruncate(record->fd, 0) < 0)
		return;
	text = g_strdup_printf("%s\nplace %s\nid %s\npart-size %" G_GUINT64_FORMAT
			       "\nparts %u\nchecksums %d\n",
			       HEAD, upload->place, upload->id, upload->part_size, upload->count,
			       upload->checksums);
	append(record, text);
}

void sw_s3_record_part(struct sw_s3_record *record, guint number, const struct sw_s3_part *part)
{
	g_autofree char *text = NULL;

	if (record == NULL)
		return;
	text = g_strdup_printf("part %u %s %s\n", number, part->etag,
			       *part->checksum == '\0' ? "-" : part->checksum);
	append(record, text);
}

void sw_s3_record_close(struct sw_s3_record *record, gboolean done)
{
	if (record == NULL)
		return;
	if (done)
		unlink(record->path);
	close(record->fd);
	g_free(record->path);
	g_free(record);
}

void sw_s3_record_others(const char *place, const char *sha256,
			 gboolean (*forget)(const struct sw_s3_broken *broken, void *data),
			 void *data)
{
	g_autofree char *directory = state_directory();
	g_autofree char *own = name_of(place, sha256);
	g_autoptr(GDir) dir = directory == NULL ? NULL : g_dir_open(directory, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(directory, name, NULL);
		struct sw_s3_broken broken = { 0 };
		struct sw_s3_record *record;

		if (strncmp(name, own, NAME_LENGTH + 1) != 0 || g_str_equal(name, own))
			continue;
		record = lock_record(path, 0);
		if (record == NULL)
			continue;
		sw_s3_record_close(record, !load(record, &broken) || forget(&broken, data));
		sw_s3_broken_clear(&broken);
	}
}
