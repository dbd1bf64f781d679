// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>
#include <exception>
#include <gio/gio.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <toml++/toml.h>

extern "C" {
#include "image/toml.h"

#include "core/text.h"
}

namespace
{

constexpr int max_depth = 16;

/* A dotted key makes a table a dot, and the parser's tables are destroyed by recursion. */
constexpr std::ptrdiff_t max_dots = 4096;

GVariant *convert(const toml::node &node, int depth);

GVariant *convert_text(const std::string &text)
{
	if (text.find('\0') != std::string::npos)
		throw std::runtime_error("a text holds a NUL");
	return g_variant_new_string(text.c_str());
}

GVariant *convert_table(const toml::table &table, int depth)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

	for (auto &&[key, value] : table) {
		const std::string name{ key.str() };
		g_autoptr(GVariant) label = g_variant_ref_sink(convert_text(name));
		g_autoptr(GVariant) child = g_variant_ref_sink(convert(value, depth + 1));

		g_variant_builder_add(&builder, "{@sv}", label, child);
	}
	return g_variant_builder_end(&builder);
}

GVariant *convert_array(const toml::array &array, int depth)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("av"));

	for (auto &&value : array) {
		g_autoptr(GVariant) child = g_variant_ref_sink(convert(value, depth + 1));

		g_variant_builder_add(&builder, "v", child);
	}
	return g_variant_builder_end(&builder);
}

template <typename T> GVariant *convert_time(const T &time)
{
	std::ostringstream text;

	text << time;
	return g_variant_new_string(text.str().c_str());
}

GVariant *convert(const toml::node &node, int depth)
{
	if (depth > max_depth)
		throw std::runtime_error("nested too deeply");
	if (auto table = node.as_table())
		return convert_table(*table, depth);
	if (auto array = node.as_array())
		return convert_array(*array, depth);
	if (auto text = node.as_string())
		return convert_text(text->get());
	if (auto integer = node.as_integer())
		return g_variant_new_int64(integer->get());
	if (auto number = node.as_floating_point())
		return g_variant_new_double(number->get());
	if (auto boolean = node.as_boolean())
		return g_variant_new_boolean(boolean->get());
	if (auto date = node.as_date())
		return convert_time(date->get());
	if (auto time = node.as_time())
		return convert_time(time->get());
	return convert_time(node.as_date_time()->get());
}

} // namespace

/*
 * The parser's text ends where it met the error: one line of it, without its own markup, is enough.
 */
gboolean sw_toml_parse(const char *text, size_t length, const char *name, enum sw_error code,
		       const char *id, GVariant **ret_table, GError **error)
{
	if (length > SW_TOML_LIMIT)
		return sw_fail(error, code, id, "%s: larger than 64 KiB", name);
	if (std::count(text, text + length, '.') > max_dots)
		return sw_fail(error, code, id, "%s: more than %td dots", name, max_dots);
	try {
		const toml::table table = toml::parse(std::string_view(text, length));

		*ret_table = g_variant_ref_sink(convert_table(table, 0));
		return TRUE;
	} catch (const toml::parse_error &failure) {
		const toml::source_position at = failure.source().begin;
		const std::string what{ failure.description() };
		g_autofree char *line = sw_text_line(what.c_str());

		return sw_fail(error, code, id, "%s:%u:%u: %s", name, at.line, at.column, line);
	} catch (const std::exception &failure) {
		return sw_fail(error, code, id, "%s: %s", name, failure.what());
	} catch (...) {
		return sw_fail(error, code, id, "%s: not readable as TOML", name);
	}
}
