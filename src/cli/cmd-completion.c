/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/verbs.h"
#include "core/format.h"

const char **sw_completion_words(void)
{
	static const char *const words[] = { "bash", "zsh", "fish", NULL };

	return g_memdup2(words, sizeof(words));
}

static char *joined(const char **words, const char *separator)
{
	return words == NULL ? g_strdup("") : g_strjoinv(separator, (char **)words);
}

/* --- bash ---------------------------------------------------------------- */

static void bash_value(GString *out, const char *flag)
{
	const struct sw_setting *row = sw_option_find(flag);
	g_autofree const char **words = sw_setting_words(row);
	g_autofree char *all = joined(words, " ");

	if (row->type == SW_SETTING_SWITCH)
		return;
	g_string_append_printf(out, "\t--%s", row->flag);
	if (row->letter != '\0')
		g_string_append_printf(out, "|-%c", row->letter);
	if (row->kind == SW_KIND_OPTION)
		g_string_append_printf(out, ") words='%s' action=option ;;\n", all);
	else if (words != NULL)
		g_string_append_printf(out, ") words='%s' ;;\n", all);
	else if (row->kind == SW_KIND_FILE)
		g_string_append(out, ") action=file ;;\n");
	else if (row->kind == SW_KIND_DIRECTORY || row->kind == SW_KIND_STORE)
		g_string_append(out, ") action=directory ;;\n");
	else
		g_string_append(out, ") return ;;\n");
}

/* Behind its "=" the value of an option is a word of its own. */
static void bash_options(GString *out)
{
	for (guint i = 0; sw_formats[i] != NULL; i++) {
		const struct sw_param *p = sw_formats[i]->params;

		for (; p != NULL && p->name != NULL; p++) {
			g_autofree char *all =
				p->choices == NULL ? NULL : g_strjoinv(" ", (char **)p->choices);

			if (all != NULL)
				g_string_append_printf(out, "\t%s.%s) words='%s' ;;\n",
						       sw_formats[i]->name, p->name, all);
		}
	}
}

static void bash_values(GString *out)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (const struct sw_verb *v = sw_verb_next(NULL); v != NULL; v = sw_verb_next(v))
		for (const char *const *flag = v->options; *flag != NULL; flag++)
			if (g_hash_table_add(seen, (gpointer)*flag))
				bash_value(out, *flag);
	for (const char *const *flag = sw_global_options; *flag != NULL; flag++)
		bash_value(out, *flag);
	bash_options(out);
}

static void bash_flags(GString *out, const char *const *flags)
{
	for (; *flags != NULL; flags++)
		g_string_append_printf(out, " --%s", *flags);
}

/* What the next word can be where no value is wanted: by verb and whether it begins with "-". */
static void bash_words(GString *out)
{
	g_autofree const char **names = sw_verb_names();
	g_autofree char *verbs = joined(names, " ");

	for (const struct sw_verb *v = sw_verb_next(NULL); v != NULL; v = sw_verb_next(v)) {
		g_autofree const char **words = v->words == NULL ? NULL : v->words();
		g_autofree char *all = joined(words, " ");

		g_string_append_printf(out, "\t\t%s:-*) words='", v->name);
		bash_flags(out, v->options);
		bash_flags(out, sw_global_options);
		g_string_append(out, "' ;;\n");
		if (words != NULL)
			g_string_append_printf(out, "\t\t%s:*) words='%s' ;;\n", v->name, all);
		else if (v->is_file)
			g_string_append_printf(out, "\t\t%s:*) action=file ;;\n", v->name);
	}
	g_string_append(out, "\t\t:-*) words='");
	bash_flags(out, sw_global_options);
	g_string_append_printf(out, "' ;;\n\t\t:*) words='%s' ;;\n", verbs);
}

/* "--type=ra" is three words to readline, hence the look at "=". */
static void print_bash(GString *out)
{
	g_autofree const char **names = sw_verb_names();
	g_autofree char *pattern = joined(names, "|");

	g_string_append_printf(
		out,
		"# slipway(1) completion for bash\n"
		"_slipway() {\n"
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
		"\tlocal verb= words= action= i\n"
		"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		"\t\tcase ${COMP_WORDS[i]} in\n"
		"\t\t%s) verb=${COMP_WORDS[i]}; break ;;\n"
		"\t\tesac\n"
		"\tdone\n"
		"\tif [[ $cur == = ]]; then\n"
		"\t\tcur=\n"
		"\telif [[ $prev == = ]]; then\n"
		"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
		"\tfi\n"
		"\tCOMPREPLY=()\n"
		"\tcase $prev in\n",
		pattern);
	bash_values(out);
	g_string_append(out, "\t*)\n\t\tcase $verb:$cur in\n");
	bash_words(out);
	g_string_append(out, "\t\tesac\n"
			     "\t\t;;\n"
			     "\tesac\n"
			     "\tcase $action in\n"
			     "\tfile) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
			     "\tdirectory) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
			     "\t*) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n"
			     "\tesac\n"
			     "\tcase $action in\n"
			     "\tfile|directory) compopt -o filenames 2> /dev/null ;;\n"
			     "\toption) compopt -o nospace 2> /dev/null ;;\n"
			     "\tesac\n"
			     "}\n"
			     "complete -F _slipway slipway\n");
}

/* --- zsh ----------------------------------------------------------------- */

/* TEXT within single quotes, with a backslash before what _arguments would take as its own. */
static void zsh_text(GString *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			g_string_append(out, "'\\''");
		else if (strchr("[]:\\", *text) != NULL)
			g_string_append_printf(out, "\\%c", *text);
		else
			g_string_append_c(out, *text);
	}
}

static void zsh_option(GString *out, const char *flag)
{
	const struct sw_setting *row = sw_option_find(flag);
	g_autofree const char **words = sw_setting_words(row);
	g_autofree char *all = joined(words, " ");
	gboolean is_switch = row->type == SW_SETTING_SWITCH;

	g_string_append(out, " \\\n\t\t\t");
	if (row->type == SW_SETTING_LIST)
		g_string_append(out, "'*'");
	else if (row->letter != '\0')
		g_string_append_printf(out, "'(-%c --%s)'", row->letter, row->flag);
	if (row->letter != '\0')
		g_string_append_printf(out, "{-%c%s,--%s%s}'[", row->letter, is_switch ? "" : "+",
				       row->flag, is_switch ? "" : "=");
	else
		g_string_append_printf(out, "'--%s%s[", row->flag, is_switch ? "" : "=");
	zsh_text(out, row->help);
	g_string_append_c(out, ']');
	if (words != NULL)
		g_string_append_printf(out, ":%s:(%s)", row->value, all);
	else if (row->kind == SW_KIND_FILE)
		g_string_append_printf(out, ":%s:_files", row->value);
	else if (row->kind == SW_KIND_DIRECTORY || row->kind == SW_KIND_STORE)
		g_string_append_printf(out, ":%s:_files -/", row->value);
	else if (!is_switch)
		g_string_append_printf(out, ":%s:", row->value);
	g_string_append_c(out, '\'');
}

static void zsh_verb(GString *out, const struct sw_verb *verb)
{
	g_autofree const char **words = verb->words == NULL ? NULL : verb->words();
	g_autofree char *all = joined(words, " ");

	g_string_append_printf(out, "\t\t%s)\n\t\t\t_arguments", verb->name);
	for (const char *const *flag = verb->options; *flag != NULL; flag++)
		zsh_option(out, *flag);
	for (const char *const *flag = sw_global_options; *flag != NULL; flag++)
		zsh_option(out, *flag);
	if (words != NULL)
		g_string_append_printf(out, " \\\n\t\t\t'1:%s:(%s)'", verb->argument, all);
	else if (verb->argument != NULL)
		g_string_append_printf(out, " \\\n\t\t\t'%s:%s:%s'", verb->several ? "*" : "1",
				       verb->argument, verb->is_file ? "_files" : "");
	g_string_append(out, "\n\t\t\t;;\n");
}

static void print_zsh(GString *out)
{
	g_string_append(out, "#compdef slipway\n"
			     "# slipway(1) completion for zsh\n"
			     "_slipway() {\n"
			     "\tlocal context state line\n"
			     "\tlocal -a verbs\n"
			     "\tverbs=(\n");
	for (const struct sw_verb *v = sw_verb_next(NULL); v != NULL; v = sw_verb_next(v)) {
		g_string_append_printf(out, "\t\t'%s:", v->name);
		zsh_text(out, v->summary);
		g_string_append(out, "'\n");
	}
	g_string_append(out, "\t)\n\t_arguments -C");
	for (const char *const *flag = sw_global_options; *flag != NULL; flag++)
		zsh_option(out, *flag);
	g_string_append(out, " \\\n\t\t\t'1:verb:->verb' '*::argument:->argument'\n"
			     "\tcase $state in\n"
			     "\tverb) _describe verb verbs ;;\n"
			     "\targument)\n"
			     "\t\tcase $words[1] in\n");
	for (const struct sw_verb *v = sw_verb_next(NULL); v != NULL; v = sw_verb_next(v))
		zsh_verb(out, v);
	g_string_append(out, "\t\tesac\n"
			     "\t\t;;\n"
			     "\tesac\n"
			     "}\n"
			     "if [[ $funcstack[1] == _slipway ]]; then\n"
			     "\t_slipway \"$@\"\n"
			     "else\n"
			     "\tcompdef _slipway slipway\n"
			     "fi\n");
}

/* --- fish ---------------------------------------------------------------- */

static void fish_text(GString *out, const char *text)
{
	g_string_append_c(out, '\'');
	for (; *text != '\0'; text++) {
		if (strchr("'\\", *text) != NULL)
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, '\'');
}

/* VERB NULL: the flag may stand anywhere. */
static void fish_option(GString *out, const char *verb, const char *flag)
{
	const struct sw_setting *row = sw_option_find(flag);
	g_autofree const char **words = sw_setting_words(row);
	g_autofree char *all = joined(words, " ");

	g_string_append(out, "complete -c slipway");
	if (verb != NULL)
		g_string_append_printf(out, " -n '__fish_seen_subcommand_from %s'", verb);
	g_string_append_printf(out, " -l %s", row->flag);
	if (row->letter != '\0')
		g_string_append_printf(out, " -s %c", row->letter);
	if (words != NULL)
		g_string_append_printf(out, " -x -a '%s'", all);
	else if (row->kind == SW_KIND_FILE)
		g_string_append(out, " -r -F");
	else if (row->kind == SW_KIND_DIRECTORY || row->kind == SW_KIND_STORE)
		g_string_append(out, " -x -a '(__fish_complete_directories)'");
	else if (row->type != SW_SETTING_SWITCH)
		g_string_append(out, " -x");
	g_string_append(out, " -d ");
	fish_text(out, row->help);
	g_string_append_c(out, '\n');
}

static void print_fish(GString *out)
{
	g_string_append(out, "# slipway(1) completion for fish\n"
			     "complete -c slipway -f\n");
	for (const char *const *flag = sw_global_options; *flag != NULL; flag++)
		fish_option(out, NULL, *flag);
	for (const struct sw_verb *v = sw_verb_next(NULL); v != NULL; v = sw_verb_next(v)) {
		g_autofree const char **words = v->words == NULL ? NULL : v->words();
		g_autofree char *all = joined(words, " ");

		g_string_append_printf(
			out, "complete -c slipway -n __fish_use_subcommand -a %s -d ", v->name);
		fish_text(out, v->summary);
		g_string_append_c(out, '\n');
		if (words != NULL)
			g_string_append_printf(out,
					       "complete -c slipway -n "
					       "'__fish_seen_subcommand_from %s' -a '%s'\n",
					       v->name, all);
		else if (v->is_file)
			g_string_append_printf(
				out, "complete -c slipway -n '__fish_seen_subcommand_from %s' -F\n",
				v->name);
		for (const char *const *flag = v->options; *flag != NULL; flag++)
			fish_option(out, v->name, *flag);
	}
}

gboolean sw_cmd_completion(const struct sw_call *call, GString *out,
			   G_GNUC_UNUSED GCancellable *cancellable, G_GNUC_UNUSED GError **error)
{
	if (g_str_equal(call->argument, "bash"))
		print_bash(out);
	else if (g_str_equal(call->argument, "zsh"))
		print_zsh(out);
	else
		print_fish(out);
	return TRUE;
}
