/* SPDX-License-Identifier: MIT */
#include "source/reference.h"

#include <gio/gio.h>
#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "core/text.h"

#define TEXT_MAX 4096 /* a path's length; registry names are far shorter */
#define NAME_MAX_REGISTRY 255
#define TAG_MAX 128
#define SHOWN_MAX 200 /* of a refused text, characters */
#define TRANSPORTS                                                                                 \
	"docker://NAME, oci:PATH, oci-archive:FILE, docker-archive:FILE, containers-storage:NAME " \
	"or dir:PATH"

/* How the transports are spelt; the first row of each is the canonical one. */
static const struct spelling {
	enum sw_transport transport;
	const char *prefix;
} spellings[] = {
	{ SW_TRANSPORT_REGISTRY, "docker://" },
	{ SW_TRANSPORT_REGISTRY, "registry:" },
	{ SW_TRANSPORT_OCI, "oci:" },
	{ SW_TRANSPORT_OCI_ARCHIVE, "oci-archive:" },
	{ SW_TRANSPORT_DOCKER_ARCHIVE, "docker-archive:" },
	{ SW_TRANSPORT_CONTAINERS_STORAGE, "containers-storage:" },
	{ SW_TRANSPORT_DIR, "dir:" },
};

/* Words of skopeo's that would otherwise pass for a name with a tag. */
static const char *const foreign[] = { "docker:",  "docker-daemon:", "ostree:", "ostree-remote-",
				       "tarball:", "sif:",	     "atomic:", NULL };

#define TARGET_REGISTRY "ostree-unverified-registry:"
#define TARGET_UNVERIFIED "ostree-unverified-image:"
#define TARGET_SIGNED "ostree-image-signed:"

static gboolean fail_reference(const char *text, const char *what, GError **error)
{
	g_autofree char *line = sw_text_line(text);
	g_autofree char *shown = g_utf8_substring(line, 0, MIN(g_utf8_strlen(line, -1), SHOWN_MAX));

	return sw_fail(error, SW_ERROR_USAGE, "image-reference", "image reference '%s' %s", shown,
		       what);
}

static gboolean check_text(const char *text, GError **error)
{
	if (*text == '\0')
		return fail_reference(text, "is empty: give one like quay.io/name/image:tag",
				      error);
	if (strlen(text) > TEXT_MAX)
		return fail_reference(text, "is too long", error);
	if (!g_utf8_validate(text, -1, NULL))
		return fail_reference(text, "is not valid UTF-8", error);
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (g_unichar_isspace(c) || !g_unichar_isprint(c))
			return fail_reference(text, "has a blank or a control character in it",
					      error);
	}
	return TRUE;
}

/* Does TEXT, LENGTH bytes, consist of ASCII alphanumerics and the characters of ALSO? */
static gboolean consists_of(const char *text, size_t length, const char *also)
{
	for (size_t i = 0; i < length; i++) {
		if (!g_ascii_isalnum(text[i]) && strchr(also, text[i]) == NULL)
			return FALSE;
	}
	return TRUE;
}

static gboolean is_port(const char *text, size_t length)
{
	guint64 port = 0;

	if (length == 0 || length > 5)
		return FALSE;
	for (size_t i = 0; i < length; i++) {
		if (!g_ascii_isdigit(text[i]))
			return FALSE;
		port = port * 10 + (guint64)(text[i] - '0');
	}
	return port >= 1 && port <= G_MAXUINT16;
}

/* host[:port]; the host may be an IPv6 address in brackets. */
static gboolean is_domain(const char *text, size_t length)
{
	g_autofree char *host = g_strndup(text, length);
	g_auto(GStrv) labels = NULL;
	char *colon = strrchr(host, ':');
	size_t end = 0;

	if (colon != NULL && strchr(colon, ']') == NULL) {
		if (!is_port(colon + 1, strlen(colon + 1)))
			return FALSE;
		*colon = '\0';
	}
	end = strlen(host);
	if (host[0] == '[' && host[end - 1] == ']') {
		host[end - 1] = '\0';
		return strchr(host, ':') != NULL && g_hostname_is_ip_address(host + 1);
	}
	labels = g_strsplit(host, ".", -1);
	for (char **label = labels; *label != NULL; label++) {
		end = strlen(*label);
		if (end == 0 || !consists_of(*label, end, "-") || **label == '-' ||
		    (*label)[end - 1] == '-')
			return FALSE;
	}
	return labels[0] != NULL;
}

/* Lower-case words joined by ".", "_", "__" or any number of "-". */
static gboolean is_path_component(const char *text, size_t length)
{
	size_t run = 0;

	for (size_t i = 0; i < length; i++) {
		if (g_ascii_islower(text[i]) || g_ascii_isdigit(text[i])) {
			run = 0;
			continue;
		}
		if (strchr("._-", text[i]) == NULL || i == 0 || i + 1 == length)
			return FALSE;
		if (run++ == 0)
			continue;
		if (text[i] != text[i - 1] || text[i] == '.' || (text[i] == '_' && run > 2))
			return FALSE;
	}
	return length > 0;
}

static gboolean is_tag(const char *text, size_t length)
{
	return length >= 1 && length <= TAG_MAX && consists_of(text, length, "_.-") &&
	       *text != '.' && *text != '-';
}

/* As the reference grammar does it: only such a first component can be a host. */
static gboolean looks_like_domain(const char *text, size_t length)
{
	return memchr(text, '.', length) != NULL || memchr(text, ':', length) != NULL ||
	       (length == strlen("localhost") && memcmp(text, "localhost", length) == 0);
}

static gboolean is_repository(const char *text, size_t length)
{
	const char *end = text + length;
	gboolean first = TRUE;

	if (length == 0 || length > NAME_MAX_REGISTRY)
		return FALSE;
	for (const char *p = text;; first = FALSE) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		size_t component = (size_t)((slash != NULL ? slash : end) - p);

		if (first && slash != NULL && looks_like_domain(p, component)) {
			if (!is_domain(p, component))
				return FALSE;
		} else if (!is_path_component(p, component)) {
			return FALSE;
		}
		if (slash == NULL)
			return TRUE;
		p = slash + 1;
	}
}

/*
 * [HOST[:PORT]/]PATH[:TAG] or [HOST[:PORT]/]PATH@DIGEST; "latest" is added where neither is given.
 */
static gboolean complete_registry(const char *text, const char *name, char **ret_name,
				  GError **error)
{
	const char *at = strchr(name, '@');
	size_t length = at != NULL ? (size_t)(at - name) : strlen(name);
	const char *slash = memrchr(name, '/', length);
	const char *last = slash != NULL ? slash + 1 : name;
	const char *colon = memchr(last, ':', length - (size_t)(last - name));
	size_t repository = colon != NULL ? (size_t)(colon - name) : length;

	if (!is_repository(name, repository))
		return fail_reference(text,
				      "is not an image's name: give HOST/NAME[:TAG] in lower case, "
				      "or one of " TRANSPORTS,
				      error);
	if (colon != NULL && !is_tag(colon + 1, length - repository - 1))
		return fail_reference(text, "has a tag that cannot be", error);
	if (at != NULL && !sw_digest_valid(at + 1))
		return fail_reference(
			text, "has a digest that is not sha256: and 64 hexadecimal digits", error);
	if (at != NULL && colon != NULL)
		return fail_reference(text, "has a tag and a digest: give one of them", error);
	*ret_name =
		at == NULL && colon == NULL ? g_strconcat(name, ":latest", NULL) : g_strdup(name);
	return TRUE;
}

/* PATH[:TAG], as skopeo splits it: at the first colon. */
static gboolean check_path_and_tag(const char *text, const char *name, GError **error)
{
	const char *colon = strchr(name, ':');

	if (colon == name)
		return fail_reference(text, "has no path", error);
	if (colon != NULL &&
	    (colon[1] == '\0' || !consists_of(colon + 1, strlen(colon + 1), "._-+:@/")))
		return fail_reference(text, "has a tag that cannot be", error);
	return TRUE;
}

/* [SPECIFIER]NAME; the rest of its grammar is the storage library's. */
static gboolean check_storage_name(const char *text, const char *name, GError **error)
{
	const char *rest = *name == '[' ? strchr(name, ']') : name;

	if (rest == NULL || *rest == '\0' || (rest != name && rest[1] == '\0'))
		return fail_reference(text, "has no name", error);
	return TRUE;
}

static gboolean complete_name(const char *text, enum sw_transport transport, const char *name,
			      char **ret_name, GError **error)
{
	gboolean good = TRUE;

	if (*name == '\0')
		return fail_reference(text, "has no name", error);
	switch (transport) {
	case SW_TRANSPORT_REGISTRY:
		return complete_registry(text, name, ret_name, error);
	case SW_TRANSPORT_OCI:
	case SW_TRANSPORT_OCI_ARCHIVE:
	case SW_TRANSPORT_DOCKER_ARCHIVE:
		good = check_path_and_tag(text, name, error);
		break;
	case SW_TRANSPORT_CONTAINERS_STORAGE:
		good = check_storage_name(text, name, error);
		break;
	case SW_TRANSPORT_DIR:
		break;
	}
	if (good)
		*ret_name = g_strdup(name);
	return good;
}

static gboolean is_foreign(const char *text)
{
	for (const char *const *word = foreign; *word != NULL; word++) {
		if (g_str_has_prefix(text, *word))
			return TRUE;
	}
	return strstr(text, "://") != NULL;
}

/* TEXT is what messages show, REFERENCE the part of it to parse.  BARE: a name alone will do. */
static gboolean parse(const char *text, const char *reference, gboolean bare,
		      struct sw_reference **ret_reference, GError **error)
{
	g_autoptr(SwReference) made = g_new0(struct sw_reference, 1);
	const char *name = reference;

	for (guint i = 0; i < G_N_ELEMENTS(spellings); i++) {
		if (!g_str_has_prefix(reference, spellings[i].prefix))
			continue;
		made->transport = spellings[i].transport;
		name = reference + strlen(spellings[i].prefix);
		break;
	}
	if (name == reference && (!bare || is_foreign(reference)))
		return fail_reference(text, "has no transport known here: use " TRANSPORTS, error);
	if (!complete_name(text, made->transport, name, &made->name, error))
		return FALSE;
	*ret_reference = g_steal_pointer(&made);
	return TRUE;
}

gboolean sw_reference_parse(const char *text, struct sw_reference **ret_reference, GError **error)
{
	return check_text(text, error) && parse(text, text, TRUE, ret_reference, error);
}

void sw_reference_free(struct sw_reference *reference)
{
	if (reference == NULL)
		return;
	g_free(reference->name);
	g_free(reference);
}

char *sw_reference_short_name(const struct sw_reference *reference)
{
	g_autofree char *name = g_strdup(reference->name);
	g_autofree char *base = NULL;
	char *digest = strchr(name, '@');
	char *tag = NULL;

	if (digest != NULL && reference->transport != SW_TRANSPORT_DIR)
		*digest = '\0';
	tag = strrchr(name, ':');
	if (tag != NULL && strchr(tag, '/') == NULL)
		*tag = '\0';
	base = g_path_get_basename(name);
	g_strcanon(base, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", '-');
	if (strspn(base, "-._") == strlen(base))
		return g_strdup("image");
	return g_steal_pointer(&base);
}

char *sw_reference_to_string(const struct sw_reference *reference)
{
	const char *prefix = NULL;

	for (guint i = 0; prefix == NULL && i < G_N_ELEMENTS(spellings); i++) {
		if (spellings[i].transport == reference->transport)
			prefix = spellings[i].prefix;
	}
	return g_strconcat(prefix, reference->name, NULL);
}

gboolean sw_target_parse(const char *text, struct sw_target **ret_target, GError **error)
{
	g_autoptr(SwTarget) target = g_new0(struct sw_target, 1);
	const char *rest = text;
	gboolean good = check_text(text, error);

	target->is_explicit = g_str_has_prefix(text, "ostree-");
	if (good && g_str_has_prefix(text, TARGET_REGISTRY)) {
		rest += strlen(TARGET_REGISTRY);
		target->image = g_new0(struct sw_reference, 1);
		target->image->transport = SW_TRANSPORT_REGISTRY;
		good = complete_name(text, SW_TRANSPORT_REGISTRY, rest, &target->image->name,
				     error);
	} else if (good && g_str_has_prefix(text, TARGET_UNVERIFIED)) {
		rest += strlen(TARGET_UNVERIFIED);
		good = parse(text, rest, FALSE, &target->image, error);
	} else if (good && g_str_has_prefix(text, TARGET_SIGNED)) {
		rest += strlen(TARGET_SIGNED);
		target->is_signed = TRUE;
		good = parse(text, rest, FALSE, &target->image, error);
	} else if (good) {
		good = parse(text, rest, TRUE, &target->image, error);
	}
	if (good)
		*ret_target = g_steal_pointer(&target);
	return good;
}

void sw_target_free(struct sw_target *target)
{
	if (target == NULL)
		return;
	sw_reference_free(target->image);
	g_free(target);
}

char *sw_target_to_origin(const struct sw_target *target)
{
	g_autofree char *image = sw_reference_to_string(target->image);

	if (target->is_signed)
		return g_strconcat(TARGET_SIGNED, image, NULL);
	if (target->image->transport == SW_TRANSPORT_REGISTRY)
		return g_strconcat(TARGET_REGISTRY, target->image->name, NULL);
	return g_strconcat(TARGET_UNVERIFIED, image, NULL);
}
