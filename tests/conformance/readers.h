/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/size.h"

/*
 * How programs that are not ours make a raw disk of what a format wrote: a line a format, and one
 * more for options that change the kind of file.  Words are separated by blanks; IMAGE is what was
 * written, DISK the raw disk to make, DIR a directory for both, in which anything may be left.
 */
struct reader {
	const char *format;
	const char *option;  /* "name=value" of the rows that it is for; NULL: all others */
	const char *check;   /* is the file sound?  NULL: nobody can tell */
	const char *read[3]; /* one after another; NULL ends them */
	guint64 granule;     /* the format rounds a disk's size up to this */
	guint64 most;	     /* the largest disk that is read in a sensible time; 0: any */
	gboolean appends;    /* the writer never sets the size of its file */
};

static const struct reader readers[] = {
	{ .format = "qcow2",
	  .check = "qemu-img check -q -f qcow2 IMAGE",
	  .read = { "qemu-img convert -f qcow2 -O raw IMAGE DISK" },
	  .granule = 512 },
	{ .format = "vmdk",
	  .check = "qemu-img check -q -f vmdk IMAGE",
	  .read = { "qemu-img convert -f vmdk -O raw IMAGE DISK" },
	  .granule = 64 * SW_KIB,
	  .appends = TRUE },
	{ .format = "ova",
	  .read = { "tar -C DIR -x -f IMAGE image.vmdk",
		    "qemu-img convert -f vmdk -O raw DIR/image.vmdk DISK" },
	  .granule = 64 * SW_KIB,
	  .most = SW_GIB },
	{ .format = "vhd",
	  .read = { "qemu-img convert -f vpc -O raw IMAGE DISK" },
	  .granule = SW_MIB,
	  .most = SW_GIB },
	{ .format = "vhdx",
	  .check = "qemu-img check -q -f vhdx IMAGE",
	  .read = { "qemu-img convert -f vhdx -O raw IMAGE DISK" },
	  .granule = 512,
	  .most = SW_GIB },
	{ .format = "vdi",
	  .check = "qemu-img check -q -f vdi IMAGE",
	  .read = { "qemu-img convert -f vdi -O raw IMAGE DISK" },
	  .granule = 512 },
	{ .format = "raw", .read = { "ln IMAGE DISK" }, .granule = 1 },
	{ .format = "raw",
	  .option = "compression=zstd",
	  .check = "zstd -q -t IMAGE",
	  .read = { "zstd -q -d IMAGE -o DISK" },
	  .granule = 1 },
	{ .format = "raw",
	  .option = "compression=gzip",
	  .read = { "zstd -q -d IMAGE -o DISK" },
	  .granule = 1 },
	{ .format = "raw",
	  .option = "compression=xz",
	  .read = { "zstd -q -d IMAGE -o DISK" },
	  .granule = 1 },
	{ .format = "ami", .read = { "ln IMAGE DISK" }, .granule = 1 },
	{ .format = "gce",
	  .check = "tar -tzf IMAGE",
	  .read = { "tar -C DIR -xzf IMAGE" },
	  .granule = 1,
	  .most = 20 * SW_GIB,
	  .appends = TRUE },
};
