/* SPDX-License-Identifier: MIT */
#include "disk/sink.h"

#include "core/error.h"

gboolean sw_sink_add(struct sw_sink *sink, const struct sw_sink_node *node,
		     GCancellable *cancellable, GError **error)
{
	return sw_check_cancelled(cancellable, error) && sink->add(sink, node, error);
}
