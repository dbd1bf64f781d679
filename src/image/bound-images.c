/* SPDX-License-Identifier: MIT */
#include "image/bound-images.h"

#include <string.h>

#include "core/text.h"
#include "source/reference.h"

#define ID "bound-images"
#define DIRECTORY "/usr/lib/bootc/bound-images.d"
#define FILE_LIMIT ((size_t)64 * 1024)

/* TEXT without systemd's specifiers: "%%" is "%", any other is refused, as nobody expands it. */
static gboolean unescape(const char *text, const char *name, char **ret_text, GError **error)
{
	g_autoptr(GString) plain = g_string_new(NULL);

	for (; *text != '\0'; text++) {
		if (*text == '%' && *++text != '%')
			return sw_fail(error, SW_ERROR_IMAGE, ID,
				       "%s: Image= has a specifier (%%x) of systemd", name);
		g_string_append_c(plain, *text);
	}
	*ret_text = g_strdup(plain->str);
	return TRUE;
}

/* The value of KEY= on LINE; NULL: the line is about something else. */
static const char *value_of(char *line, const char *key)
{
	size_t length = strlen(key);
	char *value = line + length;

	if (strncmp(line, key, length) != 0)
		return NULL;
	value += strspn(value, " \t");
	return *value == '=' ? g_strstrip(value + 1) : NULL;
}

gboolean sw_bound_image_parse(const char *text, size_t length, const char *section,
			      const char *name, char **ret_image, GError **error)
{
	g_autofree char *copy = g_strndup(text, length);
	g_autofree char *heading = g_strdup_printf("[%s]", section);
	g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
	g_autoptr(SwReference) reference = NULL;
	g_autofree char *image = NULL;
	const char *found = NULL;
	gboolean inside = FALSE;

	for (char **next = lines; *next != NULL; next++) {
		char *line = g_strstrip(*next);
		const char *value;

		if (*line == '[')
			inside = g_str_equal(line, heading);
		if (!inside)
			continue;
		if (value_of(line, "AuthFile") != NULL)
			return sw_fail(error, SW_ERROR_IMAGE, ID,
				       "%s: AuthFile= does not go with bound images", name);
		value = value_of(line, "Image");
		if (value != NULL)
			found = value;
	}
	if (found == NULL)
		return sw_fail(error, SW_ERROR_IMAGE, ID, "%s: there is no Image= in [%s]", name,
			       section);
	if (!unescape(found, name, &image, error))
		return FALSE;
	if (!sw_reference_parse(image, &reference, error) ||
	    reference->transport != SW_TRANSPORT_REGISTRY) {
		g_autofree char *line = sw_text_line(image);

		g_clear_error(error);
		return sw_fail(error, SW_ERROR_IMAGE, ID,
			       "%s: Image=%.200s is no image of a registry", name, line);
	}
	*ret_image = g_steal_pointer(&image);
	return TRUE;
}

static gboolean read_entry(const struct sw_tree *tree, const char *entry, GPtrArray *images,
			   GError **error)
{
	g_autofree char *name = sw_text_line(entry);
	g_autofree char *path = g_build_filename(DIRECTORY, entry, NULL);
	g_autofree char *shown = g_build_filename(DIRECTORY, name, NULL);
	g_autofree char *target = NULL;
	g_autofree char *text = NULL;
	g_autofree char *image = NULL;
	gboolean is_image;
	size_t length;

	if (!sw_tree_read_link(tree, path, &target, error))
		return FALSE;
	if (target == NULL)
		return sw_fail(error, SW_ERROR_IMAGE, ID, "%s: must be a symbolic link", shown);
	is_image = g_str_has_suffix(target, ".image");
	if (!is_image && !g_str_has_suffix(target, ".container"))
		return sw_fail(error, SW_ERROR_IMAGE, ID,
			       "%s: must lead to a .image or .container file", shown);
	if (!sw_tree_read(tree, path, FILE_LIMIT, &text, &length, error))
		return FALSE;
	if (text == NULL)
		return sw_fail(error, SW_ERROR_IMAGE, ID, "%s: leads to no file", shown);
	if (!sw_bound_image_parse(text, length, is_image ? "Image" : "Container", shown, &image,
				  error))
		return FALSE;
	if (!g_ptr_array_find_with_equal_func(images, image, g_str_equal, NULL))
		g_ptr_array_add(images, g_steal_pointer(&image));
	return TRUE;
}

gboolean sw_bound_images_read(const struct sw_tree *tree, char ***ret_images, GError **error)
{
	g_autoptr(GPtrArray) images = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) entries = NULL;

	if (!sw_tree_list(tree, DIRECTORY, &entries, error))
		return FALSE;
	for (char **entry = entries; *entry != NULL; entry++)
		if (!read_entry(tree, *entry, images, error))
			return FALSE;
	g_ptr_array_add(images, NULL);
	*ret_images = (char **)g_ptr_array_free(g_steal_pointer(&images), FALSE);
	return TRUE;
}
