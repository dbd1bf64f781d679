/* SPDX-License-Identifier: MIT */
#include "core/artifact.h"

void sw_artifact_free(struct sw_artifact *artifact)
{
	if (artifact == NULL)
		return;
	g_free(artifact->path);
	g_free(artifact->name);
	g_free(artifact);
}
