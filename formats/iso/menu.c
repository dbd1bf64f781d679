/* SPDX-License-Identifier: MIT */
#include "formats/iso/menu.h"

#include "formats/iso/initramfs.h"

char *sw_iso_print_stub(const char *medium)
{
	return g_strdup_printf("search --no-floppy --set=root --file " SW_ISO_MARK "%s\n"
			       "set prefix=($root)/boot/grub\n"
			       "configfile ($root)" SW_ISO_MENU "\n",
			       medium);
}

static void add_entry(GString *text, const struct sw_iso_menu *menu, const char *title,
		      const char *console, const char *more)
{
	g_string_append_printf(text,
			       "menuentry '%s' {\n"
			       "\tlinux " SW_ISO_KERNEL " %s%srd.systemd.unit=" SW_ISO_TARGET
			       " systemd.show_status=0 quiet plymouth.enable=0%s"
			       " slipway.medium=%s%s%s\n"
			       "\tinitrd " SW_ISO_INITRAMFS " " SW_ISO_INSTALLER "\n"
			       "}\n",
			       title, menu->options, *menu->options == '\0' ? "" : " ", console,
			       menu->medium, menu->arguments, more);
}

char *sw_iso_print_menu(const struct sw_iso_menu *menu)
{
	GString *text = g_string_new(NULL);
	g_autofree char *install = g_strconcat("Install ", menu->title, NULL);
	g_autofree char *check = g_strconcat("Test this medium, then install ", menu->title, NULL);
	g_autofree char *serial =
		g_strconcat("Install ", menu->title, " over the serial console", NULL);

	g_string_append_printf(text,
			       "set timeout=%d\n"
			       "set default=0\n"
			       "if serial --unit=0 --speed=115200; then\n"
			       "\tterminal_input --append serial\n"
			       "\tterminal_output --append serial\n"
			       "fi\n",
			       menu->timeout);
	add_entry(text, menu, install, "", "");
	add_entry(text, menu, check, "", " slipway.check");
	add_entry(text, menu, serial, " console=ttyS0,115200", "");
	add_entry(text, menu, "A shell on this medium", "", " slipway.shell");
	g_string_append(text, "menuentry 'Boot the local disk' {\n"
			      "\tif [ \"$grub_platform\" = efi ]; then exit; fi\n"
			      "\tset disk=hd0\n"
			      "\tif [ \"$root\" = hd0 ]; then set disk=hd1; fi\n"
			      "\tset root=$disk\n"
			      "\tchainloader +1\n"
			      "}\n");
	return g_string_free(text, FALSE);
}
