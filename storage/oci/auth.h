/* SPDX-License-Identifier: MIT */
#pragma once

#include "core/error.h"

/* A login.  Never shown. */
struct sw_oci_login {
	char *user; /* NULL: none */
	char *password;
	char *identity; /* a token to get tokens with, instead of a password; NULL: none */
};

/* Wipes and frees what LOGIN holds. */
void sw_oci_login_clear(struct sw_oci_login *login);

/*
 * What TEXT (containers-auth.json(5), hostile) has for REPOSITORY of REGISTRY: the entry of the
 * repository itself, else of what it lies in, else of the registry.  LOGIN stays empty where there
 * is none.  SW_ERROR_STORAGE "authfile" for what is no such file; no message repeats any of it.
 */
gboolean sw_oci_login_parse(const char *text, size_t length, const char *registry,
			    const char *repository, struct sw_oci_login *ret_login,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/*
 * The login for REPOSITORY of REGISTRY in FILE; NULL: in that of REGISTRY_AUTH_FILE, else in the
 * first of the usual places that has one.  Empty where there is none.  SW_ERROR_USAGE "authfile" for
 * a named file that cannot be read.
 */
gboolean sw_oci_login_find(const char *file, const char *registry, const char *repository,
			   struct sw_oci_login *ret_login,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a registry wants before it answers. */
struct sw_oci_challenge {
	gboolean basic; /* user and password */
	char *realm;	/* URL of who gives tokens; NULL: it wants none */
	char *service;	/* NULL: none */
};

/* Frees what CHALLENGE holds. */
void sw_oci_challenge_clear(struct sw_oci_challenge *challenge);

/* Reads a WWW-Authenticate line, hostile; FALSE: neither Basic nor Bearer with a realm. */
gboolean sw_oci_challenge_parse(const char *line, struct sw_oci_challenge *ret_challenge);

/*
 * Reads the answer of who gives tokens, hostile: the token, fit for a header, and for how many
 * seconds it is good.  SW_ERROR_STORAGE "bad-answer".
 */
gboolean sw_oci_token_parse(const char *text, size_t length, char **ret_token, guint64 *ret_seconds,
			    GError **error) G_GNUC_WARN_UNUSED_RESULT;
