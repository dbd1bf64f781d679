/* SPDX-License-Identifier: MIT */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_ALLOWED 99

static GMutex lock;
static enum fault current;
static int current_number;
static guint64 left;
static guint64 written;
static gboolean no_temporary;

void fault_set(enum fault fault, int number, guint64 after)
{
	g_mutex_lock(&lock);
	current = fault;
	current_number = number;
	left = after;
	written = 0;
	g_mutex_unlock(&lock);
}

void fault_no_temporary(gboolean no)
{
	no_temporary = no;
}

guint64 fault_written(void)
{
	return written;
}

/* How many of LENGTH bytes may still pass; 0 with errno set: none. */
static size_t allow(enum fault fault, size_t length)
{
	g_mutex_lock(&lock);
	if (current == fault) {
		length = MIN(length, left);
		left -= length;
		errno = current_number;
	}
	if (fault == FAULT_WRITE)
		written += length;
	g_mutex_unlock(&lock);
	return length;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
	size_t n = allow(FAULT_WRITE, length);

	return n == 0 && length > 0 ? -1 : syscall(SYS_pwrite64, fd, data, n, offset);
}

ssize_t pread(int fd, void *data, size_t length, off_t offset)
{
	size_t n = allow(FAULT_READ, length);

	return n == 0 && length > 0 ? -1 : syscall(SYS_pread64, fd, data, n, offset);
}

ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t length,
			unsigned flags)
{
	size_t n = allow(FAULT_WRITE, allow(FAULT_READ, length));

	return n == 0 && length > 0
		       ? -1
		       : syscall(SYS_copy_file_range, in, in_offset, out, out_offset, n, flags);
}

int ftruncate(int fd, off_t length)
{
	return length > 0 && allow(FAULT_TRUNCATE, 1) == 0
		       ? -1
		       : (int)syscall(SYS_ftruncate, fd, length);
}

int fsync(int fd)
{
	return allow(FAULT_SYNC, 1) == 0 ? -1 : (int)syscall(SYS_fsync, fd);
}

int openat(int fd, const char *path, int flags, ...)
{
	va_list args;
	int mode;

	va_start(args, flags);
	mode = va_arg(args, int);
	va_end(args);
	if (no_temporary && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, fd, path, flags, mode);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	long argument;

	va_start(args, request);
	argument = va_arg(args, long);
	va_end(args);
	if (request == FICLONE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

static gboolean write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	gboolean good = fd >= 0 && write(fd, text, strlen(text)) >= 0;

	if (fd >= 0)
		close(fd);
	return good;
}

/* Root needs no user namespace; for others it is the way to a mount of their own. */
gboolean fault_own_mounts(void)
{
	g_autofree char *uids = g_strdup_printf("0 %d 1", (int)getuid());
	g_autofree char *gids = g_strdup_printf("0 %d 1", (int)getgid());

	if (geteuid() == 0) {
		if (unshare(CLONE_NEWNS) < 0)
			return FALSE;
	} else if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
		   !write_text("/proc/self/setgroups", "deny") ||
		   !write_text("/proc/self/uid_map", uids) ||
		   !write_text("/proc/self/gid_map", gids)) {
		return FALSE;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void mount_small_disk(const char *directory, guint64 size)
{
	g_autofree char *options = g_strdup_printf("size=%" G_GUINT64_FORMAT, size);

	if (!fault_own_mounts() || mount("tmpfs", directory, "tmpfs", 0, options) < 0)
		_exit(NOT_ALLOWED);
}

static int wait_for(pid_t child, struct rusage *usage)
{
	int status = 0;

	g_assert_cmpint(wait4(child, &status, 0, usage), ==, child);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

gboolean fault_on_small_disk(const char *directory, guint64 size,
			     void (*test)(const char *directory, gconstpointer data),
			     gconstpointer data)
{
	pid_t child = fork();
	struct rusage usage;
	int status;

	g_assert_cmpint(child, >=, 0);
	if (child == 0) {
		mount_small_disk(directory, size);
		test(directory, data);
		_exit(0);
	}
	status = wait_for(child, &usage);
	g_assert_true(status == 0 || status == NOT_ALLOWED);
	return status == 0;
}

guint64 fault_peak_memory(void (*test)(gconstpointer data), gconstpointer data)
{
	pid_t child = fork();
	struct rusage usage;

	g_assert_cmpint(child, >=, 0);
	if (child == 0) {
		test(data);
		_exit(0);
	}
	g_assert_cmpint(wait_for(child, &usage), ==, 0);
	return (guint64)usage.ru_maxrss * 1024;
}
