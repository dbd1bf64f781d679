/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The payload: a disk as frames of zstd that can be decompressed each by itself.  What writes it
 * (formats/iso) and what installs it share this header.  All numbers are little-endian.
 *
 *   header   SI_HEADER_SIZE bytes
 *   frames   one behind the other, in the order of the disk
 *   index    SI_ENTRY_SIZE bytes a frame, in the order of the disk
 *
 * What no frame covers need not be written.  A frame whose stored size is 0 is zeros that a
 * filesystem relies on.  The first frame begins at the disk's first byte: it holds the partition
 * table.
 */
#define SI_MAGIC "SLIPPAY1"
#define SI_HEADER_SIZE 512
#define SI_ENTRY_SIZE 64
#define SI_SHA256 32
#define SI_ID_SIZE 16

/* A frame is at most so many bytes of the disk, and begins at a multiple of it. */
#define SI_FRAME_SIZE (1024 * 1024)
/* What SI_FRAME_SIZE bytes are at most when they are stored (ZSTD_COMPRESSBOUND). */
#define SI_STORED_MAX (SI_FRAME_SIZE + SI_FRAME_SIZE / 256)
/* A disk of 16 TiB. */
#define SI_FRAMES_MAX (16 * 1024 * 1024)

/* Places in the header. */
#define SI_AT_MAGIC 0
#define SI_AT_FRAMES 8	    /* u32: how many */
#define SI_AT_DISK_SIZE 16  /* u64: bytes */
#define SI_AT_INDEX 24	    /* u64: where it begins */
#define SI_AT_CONTENT 32    /* u64: the bytes of the disk that all frames cover */
#define SI_AT_ID 40	    /* of the medium, SI_ID_SIZE bytes */
#define SI_AT_INDEX_SUM 56  /* SHA-256 of the index: of all, as it has that of each frame */
#define SI_AT_HEADER_SUM 88 /* SHA-256 of the bytes before it */

/* Places in an entry of the index. */
#define SI_ENTRY_OFFSET 0  /* u64: in the disk */
#define SI_ENTRY_PLACE 8   /* u64: in the payload */
#define SI_ENTRY_LENGTH 16 /* u32: bytes of the disk */
#define SI_ENTRY_STORED 20 /* u32: bytes in the payload; 0: zeros */
#define SI_ENTRY_SUM 24	   /* SHA-256 of what is stored */

/*
 * The payload lies in a partition of this type on the medium, raw: the installer needs no filesystem to
 * read it.
 */
#define SI_PARTITION_TYPE "b5a1a4c8-0d0b-4c0e-9e1a-6f3b2f2f6d51"

/* Where the installer lies in the initramfs. */
#define SI_INSTALLER_PATH "usr/lib/slipway/installer"
