/* SPDX-License-Identifier: MIT */
#include "core/size.h"
#include "formats/shared/stream.h"

const struct sw_stream_kind sw_stream_xz = {
	.name = "xz",
	.suffix = ".xz",
	.media_type = "application/x-xz",
	.chunk_size = 512 * SW_KIB,
	.codec = &sw_codec_xz_stream,
};
