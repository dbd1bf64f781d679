/* SPDX-License-Identifier: MIT */
#include "disk/bound-store.h"

/* What a compressed layer may become when it is unpacked. */
#define INFLATION 3
/* While an image goes into the store, it lies beside it twice: as it came, and as skopeo reads it. */
#define COPIES 2
#define STAGING "/.slipway-bound"

/*
 * In the appliance, the store lies where bootc has it when it calls podman; what it and skopeo write
 * to /var is thrown away.  What the image configures about stores, policies or engines is meant for
 * its services, and does not count here.
 */
static const char prepare[] =
	"mkdir -p /run/bootc/storage /run/bootc/run /sysroot" STAGING "/var/tmp\n"
	"mount --bind /sysroot" STAGING "/var /var\n"
	"mount --bind /sysroot/ostree/bootc/storage.tmp /run/bootc/storage\n"
	"printf '[storage]\\ndriver = \"overlay\"\\ngraphroot = \"%s\"\\nrunroot = \"%s\"\\n' \\\n"
	"\t/run/bootc/storage /run/bootc/run > /run/bootc/storage.conf\n"
	"printf '[engine]\\nevents_logger = \"none\"\\n' > /run/bootc/containers.conf\n"
	"printf '{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}' > "
	"/run/bootc/policy.json\n"
	"export CONTAINERS_STORAGE_CONF=/run/bootc/storage.conf\n"
	"export CONTAINERS_CONF=/run/bootc/containers.conf TMPDIR=/var/tmp\n";

/* podman must be the first in it; what it has noted of this place is of no use on the machine. */
static const char begin[] = "mkdir -p /sysroot/ostree/bootc/storage.tmp\n"
			    "%spodman images > /dev/null\n";
static const char add[] =
	"%s"
	"skopeo --policy /run/bootc/policy.json copy --quiet --remove-signatures \\\n"
	"\tdir:/sysroot" STAGING "/%s containers-storage:%s 2> /run/bootc/log || {\n"
	"\tcat /run/bootc/log >&2\n"
	"\t! grep -q 'no space left' /run/bootc/log || echo 'give a larger --size' >&2\n"
	"\texit 1; }\n"
	"podman image exists %s || {\n"
	"\techo podman does not find %s >&2; exit 1; }\n"
	"rm -rf /sysroot" STAGING "/%s\n";
static const char finish[] = "cd /sysroot/ostree/bootc\n"
			     "rm -rf storage.tmp/db.sql /sysroot" STAGING "\n"
			     "%s"
			     "mv storage.tmp storage\n";

void sw_bound_image_free(struct sw_bound_image *image)
{
	if (image == NULL)
		return;
	g_free(image->name);
	g_free(image->digest);
	g_free(image->directory);
	g_free(image);
}

static guint64 sum(const GPtrArray *images)
{
	guint64 bytes = 0;

	for (guint i = 0; i < images->len; i++)
		bytes += ((const struct sw_bound_image *)images->pdata[i])->bytes;
	return bytes;
}

guint64 sw_bound_store_bytes(const GPtrArray *images)
{
	return sum(images) * INFLATION;
}

guint64 sw_bound_store_transient(const GPtrArray *images)
{
	return sum(images) * COPIES;
}

static gboolean add_image(struct sw_guest *guest, const char *deployment,
			  const struct sw_bound_image *image, GError **error)
{
	g_autofree char *name = g_shell_quote(image->name);
	g_autofree char *what = g_strdup_printf("storing the bound image %s", image->name);
	g_autofree char *directory = g_path_get_basename(image->directory);
	g_autofree char *script =
		g_strdup_printf(add, prepare, directory, name, name, name, directory);

	return sw_guest_copy_in(guest, image->directory, STAGING, error) &&
	       sw_guest_run_long(guest, deployment, what, script, error);
}

gboolean sw_bound_store_make(struct sw_guest *guest, const char *deployment,
			     const GPtrArray *images, gboolean is_labelled, GError **error)
{
	static const char what[] = "making the image store";
	g_autofree char *first = g_strdup_printf(begin, prepare);
	g_autofree char *last =
		g_strdup_printf(finish, is_labelled ? "touch storage.tmp/.bootc_labeled\n" : "");

	if (!sw_guest_load_module(guest, "overlay", error) ||
	    !sw_guest_run(guest, deployment, what, first, error))
		return FALSE;
	for (guint i = 0; i < images->len; i++)
		if (!add_image(guest, deployment, images->pdata[i], error))
			return FALSE;
	return sw_guest_run(guest, deployment, what, last, error);
}
