/* SPDX-License-Identifier: MIT */
#include "source/proxy.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/file.h"
#include "core/json.h"
#include "core/size.h"
#include "core/text.h"

#define MESSAGE_MAX (32 * 1024)
#define FDS_MAX 4
#define PROTOCOL_SERIES "0.2."
#define PROTOCOL_MIN 3
#define TAIL_MAX 2048
#define GRACE_MS 2000 /* between Shutdown and SIGKILL */

struct sw_proxy {
	GPid child;
	GThread *keeper; /* NULL: there is no child, or it has been reaped */
	int fd;		 /* our end of the socket */
	int log;	 /* the child's stderr, a memfd */
	guint protocol;
	guint idle_limit_ms;
	gboolean waiting; /* a request has no reply yet */
};

static const struct sw_json_subject of_reply = { "skopeo's image proxy", SW_ERROR_SOURCE,
						 "source" };

void sw_reply_clear(struct sw_reply *reply)
{
	g_clear_pointer(&reply->error, g_free);
	g_clear_pointer(&reply->value, json_node_unref);
	sw_close_fd(&reply->fd);
	*reply = SW_REPLY_INIT;
}

/* The last line that skopeo wrote to stderr, "" if none. */
static char *last_words(const struct sw_proxy *proxy)
{
	char data[TAIL_MAX + 1] = "";
	off_t end = lseek(proxy->log, 0, SEEK_END);
	ssize_t n = pread(proxy->log, data, TAIL_MAX, MAX(end - TAIL_MAX, 0));
	char *line = NULL;

	data[MAX(n, 0)] = '\0';
	g_strchomp(data);
	line = strrchr(data, '\n');
	return sw_text_line(line != NULL ? line + 1 : data);
}

static void kill_child(struct sw_proxy *proxy)
{
	if (proxy->keeper == NULL)
		return;
	kill(proxy->child, SIGKILL);
	g_thread_join(g_steal_pointer(&proxy->keeper));
	while (waitpid(proxy->child, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* The socket is closed: skopeo is about to end, or has. */
static gboolean fail_ended(struct sw_proxy *proxy, GError **error)
{
	enum sw_error code = proxy->protocol == 0 ? SW_ERROR_ENVIRONMENT : SW_ERROR_SOURCE;
	const char *id = proxy->protocol == 0 ? "skopeo" : "source";
	g_autofree char *words = NULL;

	kill_child(proxy);
	words = last_words(proxy);
	if (*words != '\0')
		return sw_fail(error, code, id, "skopeo's image proxy ended: %s", words);
	return sw_fail(error, code, id, "skopeo's image proxy ended without a word: try again");
}

gboolean sw_proxy_fail_idle(const struct sw_proxy *proxy, GError **error)
{
	return sw_fail(error, SW_ERROR_SOURCE, "unreachable", "no answer within %u s",
		       MAX(proxy->idle_limit_ms / 1000, 1));
}

gboolean sw_proxy_send(struct sw_proxy *proxy, const char *method, JsonArray *args, GError **error)
{
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
	JsonObject *request = json_object_new();
	g_autofree char *text = NULL;

	json_object_set_string_member(request, "method", method);
	json_object_set_array_member(request, "args", args != NULL ? args : json_array_new());
	json_node_take_object(root, request);
	text = json_to_string(root, FALSE);
	g_debug("proxy: %s", text);
	if (send(proxy->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return fail_ended(proxy, error);
	proxy->waiting = TRUE;
	return TRUE;
}

/* Takes the first descriptor, closes the others. */
static int take_fd(struct msghdr *message)
{
	int taken = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd = -1;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (taken < 0)
				taken = fd;
			else
				close(fd);
		}
	}
	return taken;
}

static gboolean parse_reply(const char *text, size_t length, struct sw_reply *reply, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	JsonObject *object = NULL;
	const char *fault = NULL;
	gint64 pipe_id = 0;

	if (!sw_json_parse(text, length, &of_reply, &root, error))
		return FALSE;
	object = json_node_get_object(root);
	if (!sw_json_get_string(object, "error", FALSE, &of_reply, &fault, error) ||
	    !sw_json_get_int(object, "pipeid", FALSE, &of_reply, &pipe_id, error))
		return FALSE;
	if (!json_object_get_boolean_member_with_default(object, "success", FALSE))
		reply->error = g_strdup(fault != NULL && *fault != '\0' ? fault : "it failed");
	reply->pipe_id = (guint64)MAX(pipe_id, 0);
	if (json_object_has_member(object, "value"))
		reply->value = json_object_dup_member(object, "value");
	return TRUE;
}

gboolean sw_proxy_receive(struct sw_proxy *proxy, struct sw_reply *ret_reply, GError **error)
{
	union {
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	g_autofree char *data = g_malloc(MESSAGE_MAX);
	struct iovec part = { data, MESSAGE_MAX };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof control };
	g_auto(SwReply) reply = SW_REPLY_INIT;
	ssize_t n = recvmsg(proxy->fd, &message, MSG_CMSG_CLOEXEC);

	if (n <= 0)
		return fail_ended(proxy, error);
	reply.fd = take_fd(&message);
	if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return sw_fail(error, SW_ERROR_SOURCE, "source",
			       "skopeo's image proxy sent a message that is too long");
	g_debug("proxy: %.*s", (int)n, data);
	if (!parse_reply(data, (size_t)n, &reply, error))
		return FALSE;
	proxy->waiting = FALSE;
	*ret_reply = reply;
	reply = SW_REPLY_INIT;
	return TRUE;
}

/* Until FD can be read, is at its end, or the limit is over. */
static gboolean wait_for(const struct sw_proxy *proxy, int fd, GCancellable *cancellable,
			 GError **error)
{
	GPollFD fds[2] = { { .fd = fd, .events = G_IO_IN } };
	gboolean cancels = g_cancellable_make_pollfd(cancellable, &fds[1]);
	int timeout = proxy->idle_limit_ms != 0 ? (int)proxy->idle_limit_ms : -1;
	int n = 0;

	do {
		n = g_poll(fds, cancels ? 2 : 1, timeout);
	} while (n < 0 && errno == EINTR);
	if (cancels)
		g_cancellable_release_fd(cancellable);
	if (!sw_check_cancelled(cancellable, error))
		return FALSE;
	return n != 0 || sw_proxy_fail_idle(proxy, error);
}

gboolean sw_proxy_call(struct sw_proxy *proxy, const char *method, JsonArray *args,
		       struct sw_reply *ret_reply, GCancellable *cancellable, GError **error)
{
	return sw_proxy_send(proxy, method, args, error) &&
	       wait_for(proxy, proxy->fd, cancellable, error) &&
	       sw_proxy_receive(proxy, ret_reply, error);
}

/* To the end of FD; sets *RET_WHOLE to FALSE instead when there is more than LIMIT. */
static gboolean read_all(const struct sw_proxy *proxy, int fd, size_t limit, GByteArray *data,
			 gboolean *ret_whole, GCancellable *cancellable, GError **error)
{
	for (;;) {
		guint8 buffer[16 * 1024];
		ssize_t n = 0;

		if (!wait_for(proxy, fd, cancellable, error))
			return FALSE;
		n = read(fd, buffer, sizeof buffer);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return sw_fail_errno(error, SW_ERROR_SOURCE, "source",
					     "cannot read from skopeo's image proxy");
		*ret_whole = data->len + (size_t)n <= limit;
		if (n == 0 || !*ret_whole)
			return TRUE;
		g_byte_array_append(data, buffer, (guint)n);
	}
}

/*
 * The pipe ends only by FinishPipe, which waits until all is written: so it is asked for first, and
 * answered last.
 */
gboolean sw_proxy_read(struct sw_proxy *proxy, const char *method, gint64 image, size_t limit,
		       struct sw_reply *ret_reply, GByteArray **ret_data, GCancellable *cancellable,
		       GError **error)
{
	g_autoptr(GByteArray) data = g_byte_array_new();
	g_auto(SwReply) reply = SW_REPLY_INIT;
	g_auto(SwReply) finish = SW_REPLY_INIT;
	JsonArray *args = json_array_new();
	gboolean whole = TRUE;

	json_array_add_int_element(args, image);
	if (!sw_proxy_call(proxy, method, args, &reply, cancellable, error))
		return FALSE;
	if (reply.error == NULL && reply.fd < 0)
		reply.error = g_strdup("it gave no pipe");
	if (reply.error == NULL) {
		args = json_array_new();
		json_array_add_int_element(args, (gint64)reply.pipe_id);
		if (!sw_proxy_send(proxy, "FinishPipe", args, error) ||
		    !read_all(proxy, reply.fd, limit, data, &whole, cancellable, error))
			return FALSE;
		sw_close_fd(&reply.fd);
		reply.fd = -1;
		if (!wait_for(proxy, proxy->fd, cancellable, error) ||
		    !sw_proxy_receive(proxy, &finish, error))
			return FALSE;
		reply.error = whole ? g_steal_pointer(&finish.error)
				    : g_strdup("exceeded maximum allowed size");
	}
	*ret_data = reply.error == NULL ? g_steal_pointer(&data) : NULL;
	*ret_reply = reply;
	reply = SW_REPLY_INIT;
	return TRUE;
}

int sw_proxy_fd(const struct sw_proxy *proxy)
{
	return proxy->fd;
}

guint sw_proxy_protocol(const struct sw_proxy *proxy)
{
	return proxy->protocol;
}

static GPtrArray *make_argv(const struct sw_proxy_options *options)
{
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);

	if (options->in_userns) {
		g_ptr_array_add(argv, g_strdup("unshare"));
		g_ptr_array_add(argv, g_strdup("--mount"));
		g_ptr_array_add(argv, g_strdup("--map-auto"));
		g_ptr_array_add(argv, g_strdup("--map-root-user"));
	}
	g_ptr_array_add(argv, g_strdup("skopeo"));
	g_ptr_array_add(argv, g_strdup_printf("--override-arch=%s", options->architecture));
	if (options->tmpdir != NULL)
		g_ptr_array_add(argv, g_strdup_printf("--tmpdir=%s", options->tmpdir));
	g_ptr_array_add(argv, g_strdup("experimental-image-proxy"));
	g_ptr_array_add(argv, g_strdup("--sockfd=0"));
	if (options->authfile != NULL)
		g_ptr_array_add(argv, g_strdup_printf("--authfile=%s", options->authfile));
	if (!options->tls_verify)
		g_ptr_array_add(argv, g_strdup("--tls-verify=false"));
	g_ptr_array_add(argv, NULL);
	return argv;
}

/* Runs in the child: Ctrl-C on the terminal reaches it only through us, and it dies with us. */
static void set_up_child(G_GNUC_UNUSED gpointer data)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* What containers/storage sets for itself when it enters a user namespace. */
static char **add_userns_environment(char **environment)
{
	g_autofree char *uid = g_strdup_printf("%u", geteuid());
	g_autofree char *gid = g_strdup_printf("%u", getegid());

	environment = g_environ_setenv(environment, "_CONTAINERS_USERNS_CONFIGURED", "done", TRUE);
	environment = g_environ_setenv(environment, "_CONTAINERS_ROOTLESS_UID", uid, TRUE);
	return g_environ_setenv(environment, "_CONTAINERS_ROOTLESS_GID", gid, TRUE);
}

/*
 * Without XDG_RUNTIME_DIR, skopeo's first place for credentials is /run/containers/UID, and where
 * root has closed that directory it gives up before the others (containers-auth.json(5)).  A
 * directory that never holds any sends it on.
 */
static char **add_auth_environment(char **environment)
{
	const char *runtime = g_getenv("XDG_RUNTIME_DIR");

	if ((runtime == NULL || *runtime == '\0') && access("/run/containers", X_OK) < 0 &&
	    errno == EACCES)
		return g_environ_setenv(environment, "XDG_RUNTIME_DIR", "/proc", TRUE);
	return environment;
}

/* Between the keeper and who starts it; what it made is in CHILD or ERROR once DONE is set. */
struct launch {
	char **argv;
	char **environment;
	int stdin_fd;
	int stderr_fd;
	GMutex lock;
	GCond changed;
	gboolean done;
	GPid child; /* 0: none */
	GError *error;
};

/*
 * The death signal is bound to the thread that forks: so one lives as long as the child.  It does
 * not reap it, so that the process id stays the child's until kill_child().
 */
static gpointer keep_child(gpointer data)
{
	struct launch *launch = data;
	siginfo_t info;
	GPid child = 0;

	g_spawn_async_with_pipes_and_fds(
		NULL, (const char *const *)launch->argv, (const char *const *)launch->environment,
		G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
		set_up_child, NULL, launch->stdin_fd, -1, launch->stderr_fd, NULL, NULL, 0, &child,
		NULL, NULL, NULL, &launch->error);
	g_mutex_lock(&launch->lock);
	launch->child = child;
	launch->done = TRUE;
	g_cond_signal(&launch->changed);
	g_mutex_unlock(&launch->lock);
	while (child != 0 && waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) < 0 &&
	       errno == EINTR)
		continue;
	return NULL;
}

static gboolean launch_child(struct sw_proxy *proxy, struct launch *launch, GError **error)
{
	g_mutex_init(&launch->lock);
	g_cond_init(&launch->changed);
	g_mutex_lock(&launch->lock);
	proxy->keeper = g_thread_new("skopeo", keep_child, launch);
	while (!launch->done)
		g_cond_wait(&launch->changed, &launch->lock);
	g_mutex_unlock(&launch->lock);
	proxy->child = launch->child;
	if (proxy->child == 0)
		g_thread_join(g_steal_pointer(&proxy->keeper));
	g_cond_clear(&launch->changed);
	g_mutex_clear(&launch->lock);
	if (proxy->child != 0)
		return TRUE;
	g_propagate_error(error, launch->error);
	return sw_fail_prefix(error, SW_ERROR_ENVIRONMENT, "skopeo", "cannot run skopeo");
}

static gboolean spawn(struct sw_proxy *proxy, const struct sw_proxy_options *options, int stdin_fd,
		      GError **error)
{
	g_autoptr(GPtrArray) argv = make_argv(options);
	g_autofree char *line = g_strjoinv(" ", (char **)argv->pdata);
	g_auto(GStrv) environment = g_get_environ();
	struct launch launch = { .argv = (char **)argv->pdata,
				 .stdin_fd = stdin_fd,
				 .stderr_fd = proxy->log };

	g_debug("run: %s", line);
	environment = options->in_userns ? add_userns_environment(environment)
					 : add_auth_environment(environment);
	launch.environment = environment;
	return launch_child(proxy, &launch, error);
}

static gboolean open_proxy(struct sw_proxy *proxy, const struct sw_proxy_options *options,
			   GError **error)
{
	g_autofree char *program = g_find_program_in_path("skopeo");
	sw_autofd int theirs = -1;
	int pair[2] = { -1, -1 };

	if (program == NULL)
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "program-missing",
			       "the program skopeo is missing: install the package skopeo");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "skopeo", "cannot run skopeo");
	proxy->fd = pair[0];
	theirs = pair[1];
	proxy->log = memfd_create("skopeo", MFD_CLOEXEC);
	if (proxy->log < 0)
		return sw_fail_errno(error, SW_ERROR_ENVIRONMENT, "skopeo", "cannot run skopeo");
	return spawn(proxy, options, theirs, error);
}

/* Sets the protocol; a refusal of skopeo's (a broken auth file, say) is an error here. */
static gboolean agree(struct sw_proxy *proxy, GCancellable *cancellable, GError **error)
{
	g_auto(SwReply) reply = SW_REPLY_INIT;
	const char *version = NULL;
	guint64 protocol = 0;

	if (!sw_proxy_call(proxy, "Initialize", NULL, &reply, cancellable, error))
		return FALSE;
	if (reply.error != NULL)
		return sw_fail(error, SW_ERROR_ENVIRONMENT, "skopeo", "skopeo cannot start: %s",
			       reply.error);
	if (reply.value != NULL && json_node_get_value_type(reply.value) == G_TYPE_STRING)
		version = json_node_get_string(reply.value);
	if (version == NULL || !g_str_has_prefix(version, PROTOCOL_SERIES) ||
	    !sw_number_parse(version + strlen(PROTOCOL_SERIES), PROTOCOL_MIN, 9999, &protocol,
			     NULL))
		return sw_fail(
			error, SW_ERROR_ENVIRONMENT, "skopeo-version",
			"skopeo's image proxy speaks protocol %.20s, slipway needs 0.2.%d or "
			"a later 0.2: install skopeo 1.9 or later",
			version != NULL ? version : "?", PROTOCOL_MIN);
	proxy->protocol = (guint)protocol;
	return TRUE;
}

gboolean sw_proxy_start(const struct sw_proxy_options *options, struct sw_proxy **ret_proxy,
			GCancellable *cancellable, GError **error)
{
	g_autoptr(SwProxy) proxy = g_new0(struct sw_proxy, 1);

	proxy->fd = -1;
	proxy->log = -1;
	proxy->idle_limit_ms = options->idle_limit_ms;
	if (!open_proxy(proxy, options, error) || !agree(proxy, cancellable, error))
		return FALSE;
	*ret_proxy = g_steal_pointer(&proxy);
	return TRUE;
}

/* It can end of itself only when it is not at work on a request. */
static void end_child(struct sw_proxy *proxy)
{
	GPollFD fd = { .fd = proxy->fd, .events = 0 };

	if (!proxy->waiting && sw_proxy_send(proxy, "Shutdown", NULL, NULL))
		g_poll(&fd, 1, GRACE_MS);
	kill_child(proxy);
}

void sw_proxy_free(struct sw_proxy *proxy)
{
	if (proxy == NULL)
		return;
	if (proxy->keeper != NULL)
		end_child(proxy);
	sw_close_fd(&proxy->fd);
	sw_close_fd(&proxy->log);
	g_free(proxy);
}
