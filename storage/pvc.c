/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "storage/directory/directory.h"

#define ID "pvc-storage"
/* What KubeVirt boots from a claim, and whom it must belong to there. */
#define KUBEVIRT_DISK "disk.img"
#define KUBEVIRT_USER 107

struct pvc {
	struct sw_directory directory; /* first: its functions take this state */
	char *root;
	gboolean kubevirt;
};

static const struct sw_param params[] = {
	{ "root", SW_PARAM_STRING, "/mnt/pvc", NULL, G_STRUCT_OFFSET(struct pvc, root), FALSE,
	  "the directory below which the claims are mounted" },
	{ "kubevirt", SW_PARAM_BOOL, "false", NULL, G_STRUCT_OFFSET(struct pvc, kubevirt), FALSE,
	  "store the raw disk as disk.img as well, which KubeVirt boots" },
	{ 0 },
};

static gboolean pvc_open(void *state, const char *location, G_GNUC_UNUSED GCancellable *cancellable,
			 GError **error)
{
	struct pvc *pvc = state;
	g_autofree char *claim = g_strndup(location, strcspn(location, "/"));
	g_autofree char *mount = NULL;
	g_autofree char *path = NULL;

	if (!sw_key_check(claim, NULL))
		return sw_fail(error, SW_ERROR_STORAGE, ID, "pvc:// names no claim");
	if (!g_path_is_absolute(pvc->root))
		return sw_fail(error, SW_ERROR_USAGE, ID, "pvc.root must be an absolute path");
	mount = g_build_filename(pvc->root, claim, NULL);
	path = g_build_filename(pvc->root, location, NULL);
	return sw_directory_open(&pvc->directory, ID, mount, path, error);
}

/* The owner can be given away by root only; then the mode must do. */
static gboolean give_to_kubevirt(const struct pvc *pvc, GError **error)
{
	g_autofree char *path = g_build_filename(pvc->directory.location, KUBEVIRT_DISK, NULL);
	sw_autofd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || (fchown(fd, KUBEVIRT_USER, KUBEVIRT_USER) < 0 && errno != EPERM) ||
	    fchmod(fd, 0660) < 0 || fsync(fd) < 0)
		return sw_fail_errno(error, SW_ERROR_STORAGE, ID, "cannot give %s to KubeVirt",
				     path);
	return TRUE;
}

static gboolean is_raw(const struct sw_artifact *artifact)
{
	return g_strcmp0(artifact->format, "raw") == 0 && g_str_has_suffix(artifact->name, ".raw");
}

static gboolean is_there(const struct pvc *pvc, const char *name, GError **error)
{
	return sw_fail(error, SW_ERROR_STORAGE, "key-exists",
		       "%s/%s is there already: choose another path of the claim, or overwrite it",
		       pvc->directory.location, name);
}

/* Does disk.img hold ARTIFACT, as after a put that was killed?  RET_SHA256 (NULL: not wanted) is its. */
static gboolean is_disk_of(const struct pvc *pvc, const struct sw_artifact *artifact,
			   char *ret_sha256, GCancellable *cancellable)
{
	struct sw_artifact known = *artifact;
	g_autofree char *path = g_build_filename(pvc->directory.location, KUBEVIRT_DISK, NULL);
	sw_autofd int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	char sha256[SW_SHA256_SIZE];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (guint64)st.st_size != artifact->size ||
	    (known.sha256[0] == '\0' && !sw_artifact_hash(&known, cancellable, NULL)) ||
	    !sw_sha256_file(fd, path, sha256, cancellable, NULL) ||
	    !g_str_equal(sha256, known.sha256))
		return FALSE;
	if (ret_sha256 != NULL)
		memcpy(ret_sha256, sha256, sizeof sha256);
	return TRUE;
}

/* The key comes last: where it is, all is done. */
static gboolean put_disk(struct pvc *pvc, const char *key, const struct sw_artifact *artifact,
			 const struct sw_put *how, GCancellable *cancellable, GError **error)
{
	struct sw_stored stored;
	gboolean made = FALSE;

	if (!how->overwrite && sw_directory_stat(pvc, key, &stored, cancellable, NULL))
		return is_there(pvc, key, error);
	if (!how->overwrite && sw_directory_stat(pvc, KUBEVIRT_DISK, &stored, cancellable, NULL)) {
		made = is_disk_of(pvc, artifact, how->ret_sha256, cancellable);
		if (!made)
			return sw_check_cancelled(cancellable, error) &&
			       is_there(pvc, KUBEVIRT_DISK, error);
	}
	return (made || sw_directory_put(pvc, KUBEVIRT_DISK, artifact, how, cancellable, error)) &&
	       give_to_kubevirt(pvc, error) &&
	       sw_directory_link(pvc, KUBEVIRT_DISK, key, cancellable, error);
}

static gboolean pvc_put(void *state, const char *key, const struct sw_artifact *artifact,
			const struct sw_put *how, GCancellable *cancellable, GError **error)
{
	struct pvc *pvc = state;

	return pvc->kubevirt && is_raw(artifact)
		       ? put_disk(pvc, key, artifact, how, cancellable, error)
		       : sw_directory_put(pvc, key, artifact, how, cancellable, error);
}

const struct sw_storage sw_storage_pvc = {
	.name = "pvc",
	.scheme = "pvc",
	.summary = "a directory of a mounted Kubernetes persistent volume claim",
	.state_size = sizeof(struct pvc),
	.params = params,
	.hashes = TRUE,
	.open = pvc_open,
	.check = sw_directory_check,
	.put = pvc_put,
	.link = sw_directory_link,
	.stat = sw_directory_stat,
	.list = sw_directory_list,
	.get = sw_directory_get,
	.remove = sw_directory_remove,
	.url = sw_directory_url,
	.close = sw_directory_close,
};
