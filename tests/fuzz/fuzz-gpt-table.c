/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

#include "verify/gpt-table.h"

/* A partition table: what comes out lies within the disk. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree guint8 *bytes = g_malloc0(8 + SW_GPT_HEAD + SW_GPT_TAIL);
	g_autoptr(SwGptTable) table = NULL;
	guint64 disk_size;

	memcpy(bytes, data, MIN(size, 8 + SW_GPT_HEAD + SW_GPT_TAIL));
	memcpy(&disk_size, bytes, sizeof disk_size);
	table = sw_gpt_table_parse(bytes + 8, bytes + 8 + SW_GPT_HEAD, disk_size);
	for (guint i = 0; i < table->partitions->len; i++) {
		const struct sw_gpt_partition *partition = table->partitions->pdata[i];

		g_assert_cmpuint(partition->offset, <, disk_size);
		g_assert_cmpuint(partition->size, <=, disk_size - partition->offset);
		g_assert_true(g_utf8_validate(partition->name, -1, NULL));
	}
	return 0;
}
