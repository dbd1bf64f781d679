/* SPDX-License-Identifier: MIT */
#pragma once

#include "build/plan.h"
#include "core/format.h"

/* The tree of PLAN's merge commit, for the formats; PLAN must outlive it. */
struct sw_format_tree *sw_root_tree_new(const struct sw_plan *plan);

/* Frees; NULL is fine. */
void sw_root_tree_free(struct sw_format_tree *tree);
typedef struct sw_format_tree SwRootTree;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SwRootTree, sw_root_tree_free)
