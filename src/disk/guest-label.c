/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>

#include "disk/guest-handle.h"

typedef struct guestfs_dirent_list GuestDirents;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuestDirents, guestfs_free_dirent_list)
typedef struct guestfs_xattr_list GuestXattrs;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuestXattrs, guestfs_free_xattr_list)

struct labelling {
	struct sw_guest *self;
	const char *const *except;
	sw_guest_label_func func;
	void *data;
};

/*
 * Does the file whose attributes begin at INDEX of XATTRS have a label?  First comes an entry without
 * a name that counts them.
 */
static gboolean has_label(const struct guestfs_xattr_list *xattrs, guint32 *index)
{
	g_autofree char *text = NULL;
	guint64 count = 0;
	gboolean found = FALSE;

	if (*index >= xattrs->len)
		return FALSE;
	text = g_strndup(xattrs->val[*index].attrval, xattrs->val[*index].attrval_len);
	count = g_ascii_strtoull(text, NULL, 10);
	for ((*index)++; count > 0 && *index < xattrs->len; count--, (*index)++)
		found = found || g_str_equal(xattrs->val[*index].attrname, "security.selinux");
	return found;
}

/* The file type of what guestfs_readdir() says. */
static guint32 type_bits(char type)
{
	switch (type) {
	case 'd':
		return S_IFDIR;
	case 'l':
		return S_IFLNK;
	case 'c': /* in an image store: what a layer deletes */
		return S_IFCHR;
	case 'b':
		return S_IFBLK;
	case 'f':
		return S_IFIFO;
	default:
		return S_IFREG;
	}
}

static gboolean label_entry(struct labelling *labelling, const char *path, char type,
			    GError **error)
{
	struct sw_guest *self = labelling->self;
	g_autofree char *label = NULL;

	if (!labelling->func(path, type_bits(type), &label, labelling->data, error))
		return FALSE;
	return label == NULL ||
	       guestfs_lsetxattr(self->handle, "security.selinux", label, (int)strlen(label) + 1,
				 path) == 0 ||
	       sw_guest_fail(self, path, error);
}

static gboolean label_directory(struct labelling *labelling, const char *directory, GError **error)
{
	struct sw_guest *self = labelling->self;
	g_autoptr(GuestDirents) entries = guestfs_readdir(self->handle, directory);
	g_autoptr(GuestXattrs) xattrs = NULL;
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	guint32 index = 0;

	if (entries == NULL)
		return sw_guest_fail(self, directory, error);
	for (guint32 i = 0; i < entries->len; i++)
		g_ptr_array_add(names, entries->val[i].name);
	g_ptr_array_add(names, NULL);
	xattrs = guestfs_lxattrlist(self->handle, directory, (char **)names->pdata);
	if (xattrs == NULL)
		return sw_guest_fail(self, directory, error);
	for (guint32 i = 0; i < entries->len; i++) {
		const char *name = entries->val[i].name;
		char type = entries->val[i].ftyp;
		g_autofree char *path = g_build_filename("/", directory, name, NULL);
		gboolean is_labelled = has_label(xattrs, &index);

		if (g_str_equal(name, ".") || g_str_equal(name, ".."))
			continue;
		if ((!is_labelled && !label_entry(labelling, path, type, error)) ||
		    (type == 'd' && labelling->except != NULL &&
		     !g_strv_contains(labelling->except, path) &&
		     !label_directory(labelling, path, error)))
			return FALSE;
	}
	return TRUE;
}

gboolean sw_guest_label(struct sw_guest *guest, const char *directory, const char *const *except,
			sw_guest_label_func func, void *data, GError **error)
{
	struct labelling labelling = { guest, except, func, data };
	gboolean ok;

	sw_guest_arm(guest, SW_GUEST_CALL_SECONDS);
	ok = label_directory(&labelling, directory, error);
	sw_watchdog_disarm(guest->watchdog);
	return ok;
}
