/* SPDX-License-Identifier: MIT */
#include "storage/directory/temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/file.h"
#include "core/hash.h"
#include "core/size.h"

/* Also the beginning of the scratch directories of builds, which are nobody's artifacts either. */
#define HIDDEN ".slipway-"
#define PREFIX ".slipway-put-"
#define NODE_DIGITS 16
#define ABANDONED (24 * 60 * 60) /* seconds */

/* Who can tell by kill() whether a process of ours lives: the same boot, the same processes. */
static void get_node(char node[NODE_DIGITS + 1])
{
	g_autofree char *boot = NULL;
	g_autofree char *processes = g_file_read_link("/proc/self/ns/pid", NULL);
	g_autofree char *both = NULL;
	char hex[SW_SHA256_SIZE];

	if (!g_file_get_contents("/proc/sys/kernel/random/boot_id", &boot, NULL, NULL))
		boot = g_strdup(g_get_host_name());
	both = g_strconcat(boot, processes, NULL);
	sw_sha256_data(both, strlen(both), hex);
	g_strlcpy(node, hex, NODE_DIGITS + 1);
}

char *sw_temporary_name(void)
{
	char node[NODE_DIGITS + 1];

	get_node(node);
	return g_strdup_printf(PREFIX "%s-%d-%08x%08x", node, (int)getpid(), g_random_int(),
			       g_random_int());
}

gboolean sw_temporary_in_key(const char *key)
{
	return g_str_has_prefix(key, HIDDEN) || strstr(key, "/" HIDDEN) != NULL;
}

/* A process that nobody has waited for, as in a container without an init, writes no more. */
static gboolean is_zombie(guint64 pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%" G_GUINT64_FORMAT "/stat", pid);
	g_autofree char *stat = NULL;
	const char *name_end;

	if (!g_file_get_contents(path, &stat, NULL, NULL))
		return FALSE;
	name_end = strrchr(stat, ')');
	return name_end != NULL &&
	       (g_str_has_prefix(name_end, ") Z") || g_str_has_prefix(name_end, ") X"));
}

/* Is the writer of NAME of this node, and no more?  *RET_OURS: it is of this node. */
static gboolean is_dead(const char *name, const char *node, gboolean *ret_ours)
{
	g_auto(GStrv) parts = g_strsplit(name + strlen(PREFIX), "-", 3);
	guint64 pid = 0;

	*ret_ours = parts[0] != NULL && g_str_equal(parts[0], node);
	return *ret_ours && parts[1] != NULL &&
	       sw_number_parse(parts[1], 1, G_MAXINT, &pid, NULL) &&
	       ((kill((pid_t)pid, 0) < 0 && errno == ESRCH) || is_zombie(pid));
}

static void sweep_file(int fd, const char *name, const char *node)
{
	gboolean ours = FALSE;
	struct stat st;

	if (!is_dead(name, node, &ours) &&
	    (ours || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	     time(NULL) - st.st_mtime < ABANDONED))
		return;
	g_debug("removing %s, which a killed writer left", name);
	unlinkat(fd, name, 0);
}

void sw_temporary_sweep(int fd)
{
	sw_autofd int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = own < 0 ? NULL : fdopendir(own);
	const struct dirent *entry;
	char node[NODE_DIGITS + 1];

	if (entries == NULL)
		return;
	own = -1;
	get_node(node);
	while ((entry = readdir(entries)) != NULL)
		if (g_str_has_prefix(entry->d_name, PREFIX))
			sweep_file(fd, entry->d_name, node);
	closedir(entries);
}
