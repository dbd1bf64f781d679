/* SPDX-License-Identifier: MIT */
#pragma once

#include "verify/examined.h"

/* What DISK has not as bootc's install would: bits 1 << enum sw_deviation (disk/deviations.h). */
guint sw_examined_deviations(const struct sw_examined *disk);
