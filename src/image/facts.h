/* SPDX-License-Identifier: MIT */
#pragma once

#include <ostree.h>

#include "image/install-config.h"
#include "source/oci.h"

/* How the image's prepare-root.conf wants its root (contract 5.1). */
enum sw_composefs {
	SW_COMPOSEFS_NO,
	SW_COMPOSEFS_MAYBE,
	SW_COMPOSEFS_YES,
	SW_COMPOSEFS_VERITY,
	SW_COMPOSEFS_SIGNED,
};

/* The words of enum sw_composefs ("no", "maybe", ...), in its order. */
extern const char *const sw_composefs_names[];

/* What the image brings to boot with. */
enum sw_bootloader {
	SW_BOOTLOADER_NONE,
	SW_BOOTLOADER_BOOTUPD,	   /* bootupctl and its payload */
	SW_BOOTLOADER_GRUB_DEBIAN, /* Debian's signed shim and GRUB packages */
	SW_BOOTLOADER_SYSTEMD,	   /* systemd-boot's EFI program */
};

/* The words of enum sw_bootloader ("none", "bootupd", "grub", "systemd-boot"), in its order. */
extern const char *const sw_bootloader_names[];

/* How an image stands to a requirement. */
enum sw_requirement_state {
	SW_MET,
	SW_UNMET,   /* a disk of it would not work: the build refuses */
	SW_WARNING, /* a disk of it works, less well than it could */
};

/* One requirement of contract 3.4 and whether the image meets it. */
struct sw_requirement {
	const char *id;	  /* "kernel": stable, for scripts; also the id of the error */
	const char *what; /* "exactly one kernel with an initramfs" */
	enum sw_requirement_state state;
	char *detail; /* what was found; never NULL */
	char *remedy; /* what to do; NULL when met */
};

/* What the image says about itself, read from its merge commit. */
struct sw_facts {
	char *kernel_version; /* directory under usr/lib/modules; NULL: not exactly one */
	char *kernel;	      /* "/usr/lib/modules/VERSION/vmlinuz"; NULL: none */
	char *initramfs;      /* path of the initramfs; NULL: none */
	char *os_id;	      /* os-release ID; NULL: none */
	char *os_version_id;  /* os-release VERSION_ID; NULL: none */
	char *os_name;	      /* os-release PRETTY_NAME, else ID; NULL: neither */
	enum sw_composefs composefs;
	enum sw_bootloader bootloader;
	gboolean has_bios_grub;		   /* usr/lib/grub/i386-pc and a grub-install */
	gboolean has_selinux;		   /* a policy: etc/selinux/config exists */
	gboolean has_ostree;		   /* the program usr/bin/ostree */
	struct sw_install_config *install; /* the install configuration, all of it; never NULL */
	char **bound_images;  /* references of the images it is bound to (contract 2.13) */
	gboolean has_podman;  /* the program usr/bin/podman */
	gboolean has_skopeo;  /* the program usr/bin/skopeo */
	gboolean has_policy;  /* etc/containers/policy.json does not accept anything by default */
	char *rootfs;	      /* install configuration: root filesystem; NULL: none given */
	char *stateroot;      /* install configuration, else "default" */
	char **install_kargs; /* install configuration: kargs, merge order, split */
	char **install_karg_deletes;
	char **image_kargs; /* usr/lib/bootc/kargs.d for this architecture, in order, split */
	char *root_home; /* what /root is: "var/roothome" or "root" (contract 2.10); only letters,
				    digits and "._-/", no ".." */
	guint64 content_bytes;	 /* sizes of the merge commit's files, equal ones once */
	guint64 content_files;	 /* their number, directories and links included */
	guint64 etc_bytes;	 /* what the copy of usr/etc as /etc takes, in blocks of 4 KiB */
	guint64 var_bytes;	 /* what the copy of var in the stateroot takes, likewise */
	guint64 boot_bytes;	 /* what the kernel's directory on /boot will hold */
	GPtrArray *requirements; /* struct sw_requirement, in the contract's order */
};

/*
 * Reads the facts of COMMIT in REPO, the merge commit of OCI.  What is merely unsuitable becomes an
 * unmet requirement, not an error; ROOTFS (NULL: none) is the root filesystem that the user asked
 * for, for the requirement about it.  Errors: the repository cannot be read (SW_ERROR_ENVIRONMENT),
 * a configuration file of the image does not parse (SW_ERROR_IMAGE).
 */
gboolean sw_facts_read(OstreeRepo *repo, const char *commit, const struct sw_oci_image *oci,
		       const char *rootfs, struct sw_facts **ret_facts, GCancellable *cancellable,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Frees; NULL is fine. */
void sw_facts_free(struct sw_facts *facts);
typedef struct sw_facts SwFacts;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwFacts, sw_facts_free)

/*
 * Takes account of the user's kernel arguments KARGS (NULL at the end): one of them overrides the
 * image's composefs mode.  ROOTFS as in sw_facts_read().
 */
gboolean sw_facts_apply_kargs(struct sw_facts *facts, char *const *kargs, const char *rootfs,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * FALSE with SW_ERROR_IMAGE when a requirement is unmet: names the first (whose id is the error's),
 * with its remedy, and counts the others.
 */
gboolean sw_facts_check(const struct sw_facts *facts, GError **error) G_GNUC_WARN_UNUSED_RESULT;
