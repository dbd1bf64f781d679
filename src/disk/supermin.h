/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Removes what supermin, which makes libguestfs's appliance, leaves in CACHEDIR when it is ended
 * in the middle: CACHEDIR/.guestfs-UID/appliance.d.XXXXXXXX, hundreds of MiB each that nobody else
 * ever removes.  It works under the lock beside them (supermin --lock), so that while we have it,
 * all of them are dead.
 */
void sw_supermin_reclaim(const char *cachedir);
