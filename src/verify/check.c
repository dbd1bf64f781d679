/* SPDX-License-Identifier: MIT */
#include "verify/check.h"

#define DETAILS_MAX 20

const char *const sw_finding_states[] = {
	[SW_FOUND_OK] = "ok",
	[SW_FOUND_WARNING] = "warning",
	[SW_FOUND_FAILED] = "failed",
	[SW_FOUND_SKIPPED] = "skipped",
};

const struct sw_check *const sw_checks[] = {
	sw_checks_table,
	sw_checks_filesystems,
	sw_checks_repository,
	sw_checks_deployment,
	sw_checks_loader,
	sw_checks_bootloader,
	sw_checks_bootupd,
	sw_checks_labels,
	sw_checks_store,
	sw_checks_machine,
	NULL,
};

static void add(struct sw_finding *finding, enum sw_finding_state state, const char *format,
		va_list args) G_GNUC_PRINTF(3, 0);
static void add(struct sw_finding *finding, enum sw_finding_state state, const char *format,
		va_list args)
{
	/* What was seen before is of no interest beside what is wrong. */
	if (finding->state == SW_FOUND_OK && state != SW_FOUND_OK)
		g_ptr_array_set_size(finding->details, 0);
	if (state != SW_FOUND_OK)
		finding->count++;
	if (finding->details->len < DETAILS_MAX &&
	    (state != SW_FOUND_OK || finding->state == SW_FOUND_OK))
		g_ptr_array_add(finding->details, g_strdup_vprintf(format, args));
	finding->state = MAX(finding->state, state);
}

void sw_found_problem(struct sw_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(finding, SW_FOUND_FAILED, format, args);
	va_end(args);
}

void sw_found_warning(struct sw_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(finding, SW_FOUND_WARNING, format, args);
	va_end(args);
}

void sw_found(struct sw_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(finding, SW_FOUND_OK, format, args);
	va_end(args);
}

/* What of NEEDS is not there; NULL: nothing. */
static const char *missing(const struct sw_examined *disk, unsigned int needs)
{
	if ((needs & SW_NEED_ROOT) != 0 && disk->root.tree == NULL)
		return "the root filesystem cannot be read";
	if ((needs & SW_NEED_BOOT) != 0 && disk->bootfs == NULL)
		return "the filesystem of /boot cannot be read";
	if ((needs & SW_NEED_ESP) != 0 && disk->esp.tree == NULL)
		return "the EFI system partition cannot be read";
	if ((needs & SW_NEED_DEPLOYMENT & ~SW_NEED_ROOT) != 0 && disk->deployment == NULL)
		return "there is no deployment";
	if ((needs & SW_NEED_IMAGE & ~SW_NEED_DEPLOYMENT) != 0 && disk->image == NULL)
		return "the deployment's commit does not tell its image";
	if ((needs & SW_NEED_ENTRY & ~SW_NEED_BOOT) != 0 && disk->entries->len == 0)
		return "there is no boot loader entry";
	return NULL;
}

static void finding_free(struct sw_finding *finding)
{
	g_ptr_array_unref(finding->details);
	g_free(finding);
}

GPtrArray *sw_checks_run(const struct sw_examined *disk)
{
	GPtrArray *findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);

	for (guint i = 0; sw_checks[i] != NULL; i++)
		for (const struct sw_check *check = sw_checks[i]; check->id != NULL; check++) {
			struct sw_finding *finding = g_new0(struct sw_finding, 1);
			const char *lacks = missing(disk, check->needs);

			finding->check = check;
			finding->details = g_ptr_array_new_with_free_func(g_free);
			g_ptr_array_add(findings, finding);
			if (lacks == NULL) {
				check->run(disk, finding);
				continue;
			}
			finding->state = SW_FOUND_SKIPPED;
			g_ptr_array_add(finding->details, g_strdup(lacks));
		}
	return findings;
}
