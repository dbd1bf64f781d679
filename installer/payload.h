/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "installer/failure.h"
#include "installer/payload-format.h"

/* A stretch of the disk. */
struct si_frame {
	uint64_t offset; /* in the disk */
	uint64_t place;	 /* in the payload */
	uint32_t length;
	uint32_t stored; /* 0: zeros */
	unsigned char sum[SI_SHA256];
};

/* A payload whose header and index are whole. */
struct si_payload {
	int fd;
	uint64_t base; /* where it begins in FD */
	uint64_t size; /* of the room for it; the index and all frames are inside */
	uint64_t disk_size;
	uint64_t content; /* bytes that all frames cover */
	unsigned char id[SI_ID_SIZE];
	uint32_t count;
	struct si_frame *frames;
};

/*
 * Reads header and index at BASE of FD, where there is room for SIZE bytes (hostile).  FD stays the
 * caller's and must outlive PAYLOAD; WHERE names it.  False: "payload", and there is nothing to free.
 */
bool si_payload_open(struct si_payload *payload, int fd, uint64_t base, uint64_t size,
		     const char *where, struct si_failure *failure);

/* Frees the index; a payload of zeros is fine. */
void si_payload_free(struct si_payload *payload);

/* What one thread reads frames with. */
struct si_reader {
	const struct si_payload *payload;
	void *context;
	unsigned char *stored;
};

/* Makes READER; false: no memory. */
bool si_reader_init(struct si_reader *reader, const struct si_payload *payload,
		    struct si_failure *failure);

/* Frees what READER has; one of zeros is fine. */
void si_reader_clear(struct si_reader *reader);

/*
 * Reads the frame NUMBER into BUFFER (SI_FRAME_SIZE bytes) after its SHA-256 was checked.  False:
 * "payload-read", or "payload-corrupted" with the number of the frame.
 */
bool si_reader_read(struct si_reader *reader, uint32_t number, unsigned char *buffer,
		    struct si_failure *failure);

/* Reads exactly LENGTH bytes at OFFSET of FD; false with errno set (EIO when the file ends before). */
bool si_read_at(int fd, void *buffer, size_t length, uint64_t offset);
