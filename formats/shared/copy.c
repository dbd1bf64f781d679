/* SPDX-License-Identifier: MIT */
#include "formats/shared/copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/file.h"
#include "core/size.h"

#define ID "raw-write"
#define BUFFER_SIZE SW_MIB
/* Each has a buffer; the page cache takes no more. */
#define THREADS_MAX 16
/* Zeros of this size and place become holes: the blocks of most filesystems. */
#define HOLE_SIZE (4 * SW_KIB)

struct copy {
	int fd;
	const char *path;
	const struct sw_format_input *input;
	GCancellable *cancellable;
	GMutex lock;   /* for all below */
	guint64 start; /* what is left of the current stretch of data */
	guint64 end;
	guint64 done;
	gboolean stop;
	GError *error; /* the first one */
};

static size_t zeros_at(const guint8 *bytes, size_t length)
{
	size_t n = 0;

	while (n < length && sw_is_zero(bytes + n, MIN(HOLE_SIZE, length - n)))
		n += MIN(HOLE_SIZE, length - n);
	return n;
}

static size_t data_at(const guint8 *bytes, size_t length)
{
	size_t n = 0;

	while (n < length && !sw_is_zero(bytes + n, MIN(HOLE_SIZE, length - n)))
		n += MIN(HOLE_SIZE, length - n);
	return n;
}

/* OFFSET is a multiple of HOLE_SIZE but at the beginning of a stretch of data. */
static gboolean copy_block(const struct copy *copy, guint8 *buffer, guint64 offset, size_t length,
			   GError **error)
{
	if (!sw_sparse_read(copy->input->disk, buffer, length, offset, error))
		return FALSE;
	for (size_t at = 0; at < length;) {
		size_t data;

		at += zeros_at(buffer + at, length - at);
		data = data_at(buffer + at, length - at);
		if (!sw_write_at(copy->fd, buffer + at, data, offset + at, copy->path,
				 SW_ERROR_FORMAT, ID, error))
			return FALSE;
		at += data;
	}
	return TRUE;
}

/* Claims the next block; *RET_LENGTH is 0 when there is none. */
static gboolean claim(struct copy *copy, guint64 *ret_offset, size_t *ret_length, GError **error)
{
	G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&copy->lock);
	struct sw_sparse *disk = copy->input->disk;

	*ret_length = 0;
	if (copy->stop)
		return TRUE;
	if (copy->start >= copy->end &&
	    !sw_sparse_next(disk, copy->end, &copy->start, &copy->end, error))
		return FALSE;
	*ret_offset = copy->start;
	*ret_length = (size_t)MIN(BUFFER_SIZE - copy->start % BUFFER_SIZE, copy->end - copy->start);
	copy->start += *ret_length;
	return TRUE;
}

static void tell(struct copy *copy, guint64 done)
{
	G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&copy->lock);

	copy->done = MAX(copy->done, done);
	if (copy->input->progress != NULL)
		copy->input->progress(copy->done, copy->input->progress_data);
}

static gboolean copy_blocks(struct copy *copy, GError **error)
{
	g_autofree guint8 *buffer = g_malloc(BUFFER_SIZE);
	guint64 offset;
	size_t length;

	for (;;) {
		if (!sw_check_cancelled(copy->cancellable, error) ||
		    !claim(copy, &offset, &length, error))
			return FALSE;
		if (length == 0)
			return TRUE;
		if (!copy_block(copy, buffer, offset, length, error))
			return FALSE;
		tell(copy, offset + length);
	}
}

static gpointer worker(gpointer data)
{
	struct copy *copy = data;
	GError *error = NULL;

	if (copy_blocks(copy, &error))
		return NULL;
	g_mutex_lock(&copy->lock);
	copy->stop = TRUE;
	if (copy->error == NULL)
		copy->error = g_steal_pointer(&error);
	g_mutex_unlock(&copy->lock);
	g_clear_error(&error);
	return NULL;
}

/* The caller's thread is one of them; fewer than wanted will do. */
static void run_workers(struct copy *copy)
{
	guint others = (guint)MIN(copy->input->threads, THREADS_MAX) - 1;
	GThread *threads[THREADS_MAX];
	guint started = 0;

	while (started < others &&
	       (threads[started] = g_thread_try_new("copy", worker, copy, NULL)) != NULL)
		started++;
	worker(copy);
	while (started > 0)
		g_thread_join(threads[--started]);
}

/* Sharing the disk's blocks takes no time and no space, where the filesystem can. */
gboolean sw_copy_disk(const struct sw_format_input *input, const struct sw_output_file *file,
		      GCancellable *cancellable, GError **error)
{
	struct copy copy = {
		.fd = file->fd, .path = file->path, .input = input, .cancellable = cancellable
	};

	if (ioctl(file->fd, FICLONE, sw_sparse_fd(input->disk)) == 0)
		return TRUE;
	if (ftruncate(file->fd, (off_t)sw_sparse_size(input->disk)) < 0)
		return sw_fail_errno(error, SW_ERROR_FORMAT, ID, "cannot write %s", file->path);
	g_mutex_init(&copy.lock);
	run_workers(&copy);
	g_mutex_clear(&copy.lock);
	if (copy.error == NULL)
		return TRUE;
	g_propagate_error(error, copy.error);
	return FALSE;
}
