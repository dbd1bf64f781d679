/* SPDX-License-Identifier: MIT */
#pragma once

#include <json-glib/json-glib.h>

#include "image/tree.h"

/*
 * The install configuration of an image: bootc/install/NAME.toml below /usr/lib, /usr/local/lib and
 * /etc (contract 2.7; bootc's install/config.rs).  Errors about content are SW_ERROR_IMAGE with the
 * id "install-config"; unknown keys are warnings.  A field is NULL or FALSE where no file gives it.
 */
struct sw_install_config {
	char *root_fs_type;	    /* root-fs-type; see sw_install_config_rootfs() */
	char *filesystem_root_type; /* filesystem.root.type */
	char **block;		    /* block: "direct", "tpm2-luks"; the first is the default */
	GPtrArray *kargs;	    /* char *, split, of all files in order; never NULL */
	GPtrArray *karg_deletes;    /* likewise */
	char *bls_append_except_default; /* ostree.bls-append-except-default: for the repository */
	char *stateroot;		 /* fit to be a directory's name */
	char *root_mount_spec;		 /* the one word behind "root="; empty: no root= */
	char *boot_mount_spec;		 /* likewise for /boot, also in fstab; empty: neither */
	char *bootloader;		 /* "grub", "grub-cc", "systemd", "none" */
	gboolean skip_boot_uuid;	 /* bootupd.skip-boot-uuid */
	gboolean discoverable_partitions;
	gboolean enforce_container_sigpolicy;
	GPtrArray *warnings; /* char *, one an unknown key; never NULL */
	GHashTable *given;   /* keys that some file gives, with their values as JsonNode */
	gboolean is_found;   /* is there a file for this architecture? */
};

/* An empty one; never NULL. */
struct sw_install_config *sw_install_config_new(void);

/* Frees; NULL is fine. */
void sw_install_config_free(struct sw_install_config *config);
typedef struct sw_install_config SwInstallConfig;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwInstallConfig, sw_install_config_free)

/*
 * Merges one file, TEXT of LENGTH bytes (hostile), into CONFIG, which can only be freed after an
 * error.  NAME is its path, for errors; ARCHITECTURE is OCI's word: a file for others changes
 * nothing.
 */
gboolean sw_install_config_merge(struct sw_install_config *config, const char *text, size_t length,
				 const char *name, const char *architecture,
				 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Reads and merges all files of TREE. */
gboolean sw_install_config_read(const struct sw_tree *tree, const char *architecture,
				struct sw_install_config **ret_config,
				GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * CONFIG as `bootc install print-configuration --all` prints it: what the files give, merged, and
 * null or bootc's default for the rest.  Never NULL.
 */
JsonNode *sw_install_config_to_json(const struct sw_install_config *config);

/* The root filesystem that CONFIG asks for ("ext4", "xfs", "btrfs"); NULL: none. */
const char *sw_install_config_rootfs(const struct sw_install_config *config);
