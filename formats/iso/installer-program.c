/* SPDX-License-Identifier: MIT */
#include "formats/iso/initramfs.h"

/* SW_INSTALLER is the path of the program that was built before this file is compiled. */
__asm__(".pushsection .rodata\n"
	"sw_installer_first:\n"
	".incbin \"" SW_INSTALLER "\"\n"
	"sw_installer_end:\n"
	".byte 0\n"
	".popsection\n");

extern const guint8 sw_installer_first[];
extern const guint8 sw_installer_end[];

#if defined(__x86_64__)
const char *const sw_installer_arch = "amd64";
#elif defined(__aarch64__)
const char *const sw_installer_arch = "arm64";
#else
const char *const sw_installer_arch = "other";
#endif

GBytes *sw_installer_program(void)
{
	return g_bytes_new_static(sw_installer_first,
				  (gsize)(sw_installer_end - sw_installer_first));
}
