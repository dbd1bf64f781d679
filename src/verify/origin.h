/* SPDX-License-Identifier: MIT */
#pragma once

#include "source/reference.h"
#include "verify/examined.h"

/*
 * What the deployment's origin file says the machine updates from (contract 1.9, 3.1), to be freed;
 * NULL with ERROR (SW_ERROR_DEPLOY "origin") where bootc would not understand it.
 */
struct sw_target *sw_origin_read(const struct sw_examined *disk, GError **error);
