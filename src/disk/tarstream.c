/* SPDX-License-Identifier: MIT */
#include "disk/tarstream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"

#define BLOCK 512
#define BUFFER_SIZE (256 * 1024)
/* The largest numbers that seven and eleven octal digits hold. */
#define MAX_ID 07777777
#define MAX_SIZE 077777777777

/* POSIX.1-2017, pax: the ustar header block. */
struct header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[8];
	char rest[247];
};

G_STATIC_ASSERT(sizeof(struct header) == BLOCK);

struct sw_tarstream {
	struct sw_sink sink;
	int fd;
	char *buffer; /* collects what is written */
	size_t used;
};

static gboolean flush(struct sw_tarstream *self, GError **error)
{
	for (size_t done = 0; done < self->used;) {
		ssize_t n = write(self->fd, self->buffer + done, self->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sw_fail_errno(error, SW_ERROR_DEPLOY, "tar",
					     "cannot write the stream");
		done += (size_t)n;
	}
	self->used = 0;
	return TRUE;
}

static gboolean append(struct sw_tarstream *self, const void *data, size_t length, GError **error)
{
	const char *bytes = data;

	while (length > 0) {
		size_t n = MIN(length, BUFFER_SIZE - self->used);

		memcpy(self->buffer + self->used, bytes, n);
		self->used += n;
		bytes += n;
		length -= n;
		if (self->used == BUFFER_SIZE && !flush(self, error))
			return FALSE;
	}
	return TRUE;
}

/* Fills the last block of LENGTH bytes up. */
static gboolean pad(struct sw_tarstream *self, guint64 length, GError **error)
{
	static const char zeros[BLOCK];

	return append(self, zeros, (size_t)(-length & (BLOCK - 1)), error);
}

static void set_octal(char *field, size_t width, guint64 value)
{
	g_snprintf(field, (gulong)width, "%0*" G_GINT64_MODIFIER "o", (int)width - 1, value);
}

static void finish_header(struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	unsigned int sum = 0;

	memcpy(header->magic, "ustar\00000", 8);
	memset(header->checksum, ' ', sizeof header->checksum);
	for (size_t i = 0; i < sizeof *header; i++)
		sum += bytes[i];
	g_snprintf(header->checksum, 7, "%06o", sum);
}

/* A pax record counts its own length: "LENGTH KEY=VALUE\n". */
static void add_record(GString *records, const char *key, const void *value, size_t length)
{
	size_t body = strlen(key) + length + 3;
	size_t total = 0;
	g_autofree char *number = g_strdup("");

	while (total != body + strlen(number)) {
		total = body + strlen(number);
		g_free(number);
		number = g_strdup_printf("%" G_GSIZE_FORMAT, total);
	}
	g_string_append_printf(records, "%s %s=", number, key);
	g_string_append_len(records, value, (gssize)length);
	g_string_append_c(records, '\n');
}

static void add_number(GString *records, const char *key, guint64 value)
{
	g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);

	add_record(records, key, text, strlen(text));
}

static void add_xattrs(GString *records, GVariant *xattrs)
{
	gsize count = xattrs == NULL ? 0 : g_variant_n_children(xattrs);

	for (gsize i = 0; i < count; i++) {
		g_autoptr(GVariant) pair = g_variant_get_child_value(xattrs, i);
		g_autoptr(GVariant) name = g_variant_get_child_value(pair, 0);
		g_autoptr(GVariant) value = g_variant_get_child_value(pair, 1);
		g_autofree char *key =
			g_strconcat("SCHILY.xattr.", g_variant_get_bytestring(name), NULL);
		gsize length = 0;
		const void *bytes = g_variant_get_fixed_array(value, &length, 1);

		add_record(records, key, bytes, length);
	}
}

/* What the header block cannot hold goes before it, into a block of its own. */
static GString *make_records(const struct sw_sink_node *node, const char *path)
{
	GString *records = g_string_new(NULL);

	if (strlen(path) > sizeof((struct header *)NULL)->name)
		add_record(records, "path", path, strlen(path));
	if (node->target != NULL && strlen(node->target) > sizeof((struct header *)NULL)->link)
		add_record(records, "linkpath", node->target, strlen(node->target));
	if (node->uid > MAX_ID)
		add_number(records, "uid", node->uid);
	if (node->gid > MAX_ID)
		add_number(records, "gid", node->gid);
	if (node->size > MAX_SIZE)
		add_number(records, "size", node->size);
	add_xattrs(records, node->xattrs);
	return records;
}

static gboolean append_records(struct sw_tarstream *self, const GString *records, GError **error)
{
	struct header header = { .name = "pax", .type = 'x' };

	if (records->len == 0)
		return TRUE;
	set_octal(header.mode, sizeof header.mode, 0644);
	set_octal(header.uid, sizeof header.uid, 0);
	set_octal(header.gid, sizeof header.gid, 0);
	set_octal(header.size, sizeof header.size, records->len);
	set_octal(header.mtime, sizeof header.mtime, 0);
	finish_header(&header);
	return append(self, &header, sizeof header, error) &&
	       append(self, records->str, records->len, error) && pad(self, records->len, error);
}

static gboolean append_header(struct sw_tarstream *self, const struct sw_sink_node *node,
			      const char *path, GError **error)
{
	static const char types[] = { [SW_SINK_DIRECTORY] = '5',
				      [SW_SINK_FILE] = '0',
				      [SW_SINK_SYMLINK] = '2',
				      [SW_SINK_HARDLINK] = '1' };
	struct header header = { .type = types[node->type] };

	memcpy(header.name, path, MIN(strlen(path), sizeof header.name));
	if (node->target != NULL)
		memcpy(header.link, node->target, MIN(strlen(node->target), sizeof header.link));
	set_octal(header.mode, sizeof header.mode, node->mode);
	set_octal(header.uid, sizeof header.uid, MIN(node->uid, MAX_ID));
	set_octal(header.gid, sizeof header.gid, MIN(node->gid, MAX_ID));
	set_octal(header.size, sizeof header.size, MIN(node->size, MAX_SIZE));
	set_octal(header.mtime, sizeof header.mtime, (guint64)node->mtime);
	finish_header(&header);
	return append(self, &header, sizeof header, error);
}

static gboolean append_data(struct sw_tarstream *self, const struct sw_sink_node *node,
			    GError **error)
{
	g_autofree char *piece = NULL;

	if (node->fd < 0)
		return append(self, node->data, node->size, error) && pad(self, node->size, error);
	piece = g_malloc(BUFFER_SIZE);
	for (guint64 done = 0; done < node->size;) {
		size_t n = MIN(node->size - done, BUFFER_SIZE);

		if (!sw_read_at(node->fd, piece, n, done, node->path, SW_ERROR_DEPLOY, "tar",
				error) ||
		    !append(self, piece, n, error))
			return FALSE;
		done += n;
	}
	return pad(self, node->size, error);
}

static gboolean tarstream_add(struct sw_sink *sink, const struct sw_sink_node *node, GError **error)
{
	struct sw_tarstream *self = (struct sw_tarstream *)sink;
	const char *path = *node->path == '\0' ? "./" : node->path;
	GString *records = make_records(node, path);
	gboolean ok = append_records(self, records, error) &&
		      append_header(self, node, path, error) &&
		      (node->type != SW_SINK_FILE || append_data(self, node, error));

	g_string_free(records, TRUE);
	return ok;
}

struct sw_tarstream *sw_tarstream_new(int fd)
{
	struct sw_tarstream *self = g_new0(struct sw_tarstream, 1);

	self->sink.add = tarstream_add;
	self->fd = fd;
	self->buffer = g_malloc(BUFFER_SIZE);
	return self;
}

struct sw_sink *sw_tarstream_sink(struct sw_tarstream *tar)
{
	return &tar->sink;
}

gboolean sw_tarstream_close(struct sw_tarstream *tar, GError **error)
{
	static const char end[2 * BLOCK];

	return append(tar, end, sizeof end, error) && flush(tar, error);
}

void sw_tarstream_free(struct sw_tarstream *tar)
{
	if (tar == NULL)
		return;
	g_free(tar->buffer);
	g_free(tar);
}
