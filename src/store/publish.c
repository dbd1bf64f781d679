/* SPDX-License-Identifier: MIT */
#include "store/publish.h"

#include <string.h>

#include "core/each.h"
#include "store/locations.h"
#include "store/records.h"

/* A destination being filled, in a thread of its own. */
struct job {
	struct sw_destination *destination;
	const struct sw_publication *publication;
	struct sw_progress *progress;
	const char *manifest; /* with the places that hold the artifacts */
	GCancellable *cancellable;
	guint64 total;	/* bytes */
	gboolean *same; /* of each artifact: it is there already */
	GMutex lock;	/* of DONE */
	guint64 done;	/* bytes */
};

/* WORK for all artifacts, as many at once as the place likes. */
static gboolean for_each(struct job *job, sw_each_work work, GError **error)
{
	const struct sw_store *store = job->destination->store;
	guint likes = store->storage->at_once == NULL ? 1 : store->storage->at_once(store->state);

	return sw_each(job->publication->artifacts->len, likes, job->destination->name, work, job,
		       error);
}

static void destination_free(void *data)
{
	struct sw_destination *destination = data;

	sw_store_free(destination->store);
	g_strfreev(destination->keys);
	g_ptr_array_unref(destination->tags);
	g_clear_error(&destination->error);
	g_free(destination->record);
	g_free(destination->name);
	g_free(destination);
}

static char *progress_name(GPtrArray *destinations, const struct sw_storage *storage)
{
	guint same = 1;

	for (guint i = 0; i < destinations->len; i++) {
		const struct sw_destination *destination = destinations->pdata[i];

		same += destination->store->storage == storage;
	}
	return same == 1 ? g_strdup(storage->name) : g_strdup_printf("%s-%u", storage->name, same);
}

static gboolean add_destination(GPtrArray *destinations, const char *text, char *const *options,
				GCancellable *cancellable, GError **error)
{
	g_autoptr(SwStoreUri) uri = NULL;
	struct sw_destination *destination;
	struct sw_store *store = NULL;

	for (guint i = 0; i < destinations->len; i++) {
		destination = destinations->pdata[i];
		if (g_str_equal(destination->store->text, text))
			return sw_fail(error, SW_ERROR_USAGE, "store-twice", "%s is given twice",
				       text);
	}
	if (!sw_store_uri_parse(text, &uri, error) ||
	    !sw_store_open(uri, NULL, options, &store, cancellable, error))
		return FALSE;
	destination = g_new0(struct sw_destination, 1);
	destination->store = store;
	destination->name = progress_name(destinations, store->storage);
	destination->tags = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(destinations, destination);
	return TRUE;
}

gboolean sw_publish_open(char *const *stores, char *const *options, GPtrArray **ret_destinations,
			 GCancellable *cancellable, GError **error)
{
	g_autoptr(GPtrArray) destinations = g_ptr_array_new_with_free_func(destination_free);

	for (; *stores != NULL; stores++)
		if (!add_destination(destinations, *stores, options, cancellable, error))
			return FALSE;
	*ret_destinations = g_steal_pointer(&destinations);
	return TRUE;
}

static void report(const char *name, const GError *error, void *data)
{
	const struct sw_destination *destination = data;

	g_debug("%s: %s: %s", destination->store->text, name,
		error == NULL ? "good" : error->message);
}

gboolean sw_publish_check(GPtrArray *destinations, guint64 bytes, struct sw_progress *progress,
			  GCancellable *cancellable, GError **error)
{
	GError *first = NULL;

	for (guint i = 0; i < destinations->len; i++) {
		struct sw_destination *destination = destinations->pdata[i];
		struct sw_store *store = destination->store;
		GError *problem = NULL;

		if (store->storage->check(store->state, bytes, report, destination, cancellable,
					  &problem))
			continue;
		sw_fail_prefix(&problem, SW_ERROR_STORAGE, "storage", "%s", store->text);
		if (destinations->len > 1)
			sw_progress_note(progress, "%s", problem->message);
		if (first == NULL)
			first = g_steal_pointer(&problem);
		g_clear_error(&problem);
	}
	if (first != NULL)
		g_propagate_error(error, first);
	return first == NULL;
}

/* In layouts with {tag}, the first tag is that of the publication itself. */
static const char *own_tag(const struct sw_publication *publication)
{
	gboolean has_tag = strstr(publication->layout, "{tag}") != NULL ||
			   g_str_equal(publication->layout, "openchami");

	return has_tag && publication->tags != NULL ? publication->tags[0] : NULL;
}

static gboolean keys_for(const struct sw_publication *publication, const char *tag,
			 char ***ret_keys, char **ret_record, GError **error)
{
	return sw_layout_keys(publication->layout, &publication->naming,
			      tag != NULL ? tag : own_tag(publication), publication->artifacts,
			      ret_keys, ret_record, error);
}

/* The tags to be made after the publication, "latest" last; the texts are not copied. */
static GPtrArray *further_tags(const struct sw_publication *publication)
{
	GPtrArray *tags = g_ptr_array_new();

	for (guint i = 0; publication->tags != NULL && publication->tags[i] != NULL; i++)
		if (g_strcmp0(publication->tags[i], own_tag(publication)) != 0 &&
		    !g_str_equal(publication->tags[i], "latest"))
			g_ptr_array_add(tags, publication->tags[i]);
	if (publication->latest ||
	    (publication->tags != NULL &&
	     g_strv_contains((const char *const *)publication->tags, "latest")))
		g_ptr_array_add(tags, (gpointer) "latest");
	return tags;
}

static gboolean check_record_free(char *const *keys, const char *record, GError **error)
{
	static const char *const names[] = { SW_RECORD_SUMS, SW_RECORD_MANIFEST };

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *key = g_strconcat(record, names[i], NULL);

		if (g_strv_contains((const char *const *)keys, key))
			return sw_fail(error, SW_ERROR_USAGE, "layout",
				       "an artifact would be stored as %s, which is the name of "
				       "the record: choose another layout",
				       key);
	}
	return TRUE;
}

gboolean sw_publish_check_keys(const struct sw_publication *publication, GError **error)
{
	g_autoptr(GPtrArray) tags = further_tags(publication);

	if (tags->len > 0 && !sw_layout_has_tags(publication->layout))
		return sw_fail(error, SW_ERROR_USAGE, "layout",
			       "the layout %s has no {version} or {tag}, so tags cannot be told "
			       "apart: choose another layout",
			       publication->layout);
	for (guint i = 0; i <= tags->len; i++) {
		const char *tag = i == 0 ? NULL : tags->pdata[i - 1];
		g_auto(GStrv) keys = NULL;
		g_autofree char *record = NULL;

		if (!keys_for(publication, tag, &keys, &record, error) ||
		    !check_record_free(keys, record, error))
			return FALSE;
	}
	return TRUE;
}

/* Makes the SHA-256 that artifact I has not as yet. */
static gboolean hash_one(GPtrArray *artifacts, guint i, GCancellable *cancellable, GError **error)
{
	struct sw_artifact *artifact = artifacts->pdata[i];

	return artifact->sha256[0] != '\0' || sw_artifact_hash(artifact, cancellable, error);
}

struct hashing {
	GPtrArray *artifacts;
	GCancellable *cancellable;
};

static gboolean hash_next(guint i, void *data, GError **error)
{
	struct hashing *hashing = data;

	return hash_one(hashing->artifacts, i, hashing->cancellable, error);
}

gboolean sw_publish_hash(GPtrArray *artifacts, struct sw_progress *progress,
			 GCancellable *cancellable, GError **error)
{
	struct hashing hashing = { artifacts, cancellable };
	gint64 begin = g_get_monotonic_time();

	sw_progress_stage(progress, "read", "reading the files");
	if (!sw_each(artifacts->len, g_get_num_processors(), "read", hash_next, &hashing, error))
		return FALSE;
	sw_progress_done(progress, "read",
			 (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC);
	return TRUE;
}

/* Has KEY the bytes of artifact I?  Not when there is nothing. */
static gboolean holds_same(struct job *job, const char *key, guint i, gboolean *ret_there,
			   gboolean *ret_same, GError **error)
{
	const struct sw_artifact *artifact = job->publication->artifacts->pdata[i];
	struct sw_store *store = job->destination->store;
	struct sw_stored stored = { 0 };
	guint64 size = 0;

	*ret_same = FALSE;
	if (!sw_store_has(store, key, ret_there, &stored, job->cancellable, error))
		return FALSE;
	if (!*ret_there || stored.size != artifact->size)
		return TRUE;
	if (!hash_one(job->publication->artifacts, i, job->cancellable, error))
		return FALSE;
	if (stored.sha256[0] == '\0' &&
	    !sw_store_hash(store, key, stored.sha256, &size, job->cancellable, error))
		return FALSE;
	*ret_same = g_str_equal(stored.sha256, artifact->sha256);
	return TRUE;
}

/* Refuses what would be overwritten, before anything is sent. */
static gboolean look_first(guint i, void *data, GError **error)
{
	struct job *job = data;
	const char *key = job->destination->keys[i];
	gboolean there = FALSE;

	if (!holds_same(job, key, i, &there, &job->same[i], error))
		return FALSE;
	return !there || job->same[i] || job->publication->overwrite ||
	       sw_fail(error, SW_ERROR_STORAGE, "key-exists",
		       "%s is there already and holds something else: choose another version, or "
		       "say --overwrite",
		       key);
}

/* A record is there only while all that it names is, but where nothing can be removed. */
static gboolean remove_record(struct job *job, const char *record, GError **error)
{
	static const char *const names[] = { SW_RECORD_MANIFEST, SW_RECORD_SUMS };
	struct sw_store *store = job->destination->store;

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *key = g_strconcat(record, names[i], NULL);
		g_autoptr(GError) inner = NULL;

		if (!store->storage->remove(store->state, key, job->cancellable, &inner) &&
		    !sw_error_is(inner, "no-delete")) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return FALSE;
		}
	}
	return TRUE;
}

/* Does the record that is there, if any, list just these artifacts? */
static gboolean check_record(struct job *job, gboolean *ret_same, GError **error)
{
	GPtrArray *artifacts = job->publication->artifacts;
	struct sw_store *store = job->destination->store;
	g_autofree char *key = g_strconcat(job->destination->record, SW_RECORD_SUMS, NULL);
	g_autofree char *manifest = g_strconcat(job->destination->record, SW_RECORD_MANIFEST, NULL);
	struct sw_stored stored = { 0 };
	g_autofree char *sums = NULL;
	g_autofree char *text = NULL;
	gboolean there = FALSE;

	*ret_same = FALSE;
	if (!sw_store_has(store, key, &there, &stored, job->cancellable, error))
		return FALSE;
	if (!there)
		return TRUE;
	for (guint i = 0; i < artifacts->len; i++)
		if (!hash_one(artifacts, i, job->cancellable, error))
			return FALSE;
	sums = sw_sums_text(job->destination->record, artifacts, job->destination->keys);
	if (!sw_store_read(store, key, SW_RECORD_LIMIT, &text, job->cancellable, error) ||
	    !sw_store_has(store, manifest, ret_same, &stored, job->cancellable, error))
		return FALSE;
	*ret_same = *ret_same && g_str_equal(text, sums);
	if (*ret_same || g_str_equal(text, sums) || job->publication->overwrite)
		return TRUE;
	return sw_fail(error, SW_ERROR_STORAGE, "key-exists",
		       "%s is there already and lists other files: choose another version, or say "
		       "--overwrite",
		       key);
}

/* How far one artifact is. */
struct sent {
	struct job *job;
	guint64 done;
};

static void advance(struct job *job, guint64 bytes)
{
	guint64 done;

	g_mutex_lock(&job->lock);
	done = job->done += bytes;
	g_mutex_unlock(&job->lock);
	sw_progress_bytes(job->progress, job->destination->name, done, job->total);
}

/* What has to be sent again comes as less than before, and wraps around to it. */
static void on_progress(guint64 done, void *data)
{
	struct sent *sent = data;
	guint64 before;

	g_mutex_lock(&sent->job->lock);
	before = sent->done;
	sent->done = done;
	g_mutex_unlock(&sent->job->lock);
	advance(sent->job, done - before);
}

/* What a place may keep beside an artifact. */
static GHashTable *metadata_of(const struct sw_naming *naming, const struct sw_artifact *artifact)
{
	const struct {
		const char *name, *value;
	} all[] = {
		{ "image-name", naming->name },	      { "image-type", artifact->format },
		{ "image-version", naming->version }, { "filename", artifact->name },
		{ "architecture", naming->arch },     { "source-digest", naming->digest },
		{ "build-id", naming->build },	      { "sha256", artifact->sha256 },
	};
	GHashTable *metadata = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);

	for (guint i = 0; i < G_N_ELEMENTS(all); i++)
		if (all[i].value != NULL)
			g_hash_table_insert(metadata, (gpointer)all[i].name,
					    g_strdup(all[i].value));
	return metadata;
}

static gboolean put_artifact(guint i, void *data, GError **error)
{
	struct job *job = data;
	struct sw_artifact *artifact = job->publication->artifacts->pdata[i];
	g_autoptr(GHashTable) metadata = metadata_of(&job->publication->naming, artifact);
	struct sw_store *store = job->destination->store;
	struct sent sent = { job, 0 };
	char sha256[SW_SHA256_SIZE];
	const struct sw_put how = {
		.overwrite = job->publication->overwrite,
		.looked = TRUE,
		.ret_sha256 = artifact->sha256[0] == '\0' ? sha256 : NULL,
		.metadata = metadata,
		.progress = on_progress,
		.progress_data = &sent,
	};

	if (job->same[i]) {
		advance(job, artifact->size);
		return TRUE;
	}
	if (!store->storage->put(store->state, job->destination->keys[i], artifact, &how,
				 job->cancellable, error))
		return FALSE;
	if (how.ret_sha256 != NULL)
		memcpy(artifact->sha256, sha256, sizeof sha256);
	return TRUE;
}

static gboolean send(struct job *job, GError **error)
{
	struct sw_destination *destination = job->destination;
	GPtrArray *artifacts = job->publication->artifacts;
	gboolean all = TRUE;

	if (!keys_for(job->publication, NULL, &destination->keys, &destination->record, error) ||
	    !for_each(job, look_first, error) || !check_record(job, &destination->all_old, error))
		return FALSE;
	for (guint i = 0; i < artifacts->len; i++) {
		const struct sw_artifact *artifact = artifacts->pdata[i];

		all &= job->same[i];
		destination->unsent += job->same[i] ? artifact->size : 0;
	}
	destination->all_old &= all;
	return (all || remove_record(job, destination->record, error)) &&
	       for_each(job, put_artifact, error);
}

static gboolean put_record(struct job *job, const char *record, char *const *keys, const char *tag,
			   GError **error)
{
	struct sw_store *store = job->destination->store;
	g_autofree char *sums = sw_sums_text(record, job->publication->artifacts, keys);
	g_autofree char *manifest = sw_locations_tagged(job->manifest, tag);
	g_autofree char *sums_key = g_strconcat(record, SW_RECORD_SUMS, NULL);
	g_autofree char *manifest_key = g_strconcat(record, SW_RECORD_MANIFEST, NULL);

	return sw_store_write(store, sums_key, sums, "text/plain", job->cancellable, error) &&
	       sw_store_write(store, manifest_key, manifest, "application/json", job->cancellable,
			      error);
}

static gboolean put_tag(struct job *job, const char *tag, GError **error)
{
	struct sw_store *store = job->destination->store;
	g_auto(GStrv) keys = NULL;
	g_autofree char *record = NULL;

	if (!keys_for(job->publication, tag, &keys, &record, error) ||
	    !remove_record(job, record, error))
		return FALSE;
	for (guint i = 0; keys[i] != NULL; i++)
		if (!g_str_equal(keys[i], job->destination->keys[i]) &&
		    !store->storage->link(store->state, job->destination->keys[i], keys[i],
					  job->cancellable, error))
			return FALSE;
	if (!put_record(job, record, keys, tag, error))
		return FALSE;
	g_ptr_array_add(job->destination->tags, g_strdup(tag));
	return TRUE;
}

static gboolean finish(struct job *job, GError **error)
{
	struct sw_destination *destination = job->destination;
	g_autoptr(GPtrArray) tags = further_tags(job->publication);

	if (!destination->all_old &&
	    !put_record(job, destination->record, destination->keys, NULL, error))
		return FALSE;
	destination->stored = TRUE;
	for (guint i = 0; i < tags->len; i++)
		if (!put_tag(job, tags->pdata[i], error))
			return sw_fail_prefix(error, SW_ERROR_STORAGE, "storage", "the tag %s",
					      (const char *)tags->pdata[i]);
	return TRUE;
}

static void *send_job(void *data)
{
	struct job *job = data;
	struct sw_destination *destination = job->destination;

	sw_progress_stage(job->progress, destination->name, destination->store->text);
	if (!send(job, &destination->error))
		g_debug("%s: %s", destination->store->text, destination->error->message);
	return NULL;
}

static void *finish_job(void *data)
{
	struct job *job = data;

	if (!finish(job, &job->destination->error))
		g_debug("%s: %s", job->destination->store->text, job->destination->error->message);
	return NULL;
}

/* Runs WORK for all jobs that have not failed, at once. */
static void run_all(struct job *jobs, guint count, void *(*work)(void *data))
{
	g_autofree GThread **threads = g_new0(GThread *, count);

	for (guint i = 0; i < count; i++)
		if (jobs[i].destination->error == NULL)
			threads[i] = g_thread_new(jobs[i].destination->name, work, &jobs[i]);
	for (guint i = 0; i < count; i++)
		if (threads[i] != NULL)
			g_thread_join(threads[i]);
}

static gboolean judge(GPtrArray *destinations, GError **error)
{
	const struct sw_destination *first = NULL;
	guint failed = 0;

	for (guint i = 0; i < destinations->len; i++) {
		const struct sw_destination *destination = destinations->pdata[i];

		failed += destination->error != NULL;
		if (first == NULL && destination->error != NULL)
			first = destination;
	}
	if (failed == 0)
		return TRUE;
	if (failed == 1 && destinations->len == 1)
		return sw_fail(error, SW_ERROR_STORAGE, sw_error_id(first->error), "%s: %s",
			       first->store->text, first->error->message);
	return sw_fail(error, SW_ERROR_STORAGE, sw_error_id(first->error),
		       "%u of %u places failed, the first %s: %s", failed, destinations->len,
		       first->store->text, first->error->message);
}

static guint64 total_size(GPtrArray *artifacts)
{
	guint64 total = 0;

	for (guint i = 0; i < artifacts->len; i++)
		total += ((const struct sw_artifact *)artifacts->pdata[i])->size;
	return total;
}

/* A single place that reads all anyway needs no SHA-256 before. */
static gboolean hashes_itself(GPtrArray *destinations)
{
	const struct sw_destination *first = destinations->pdata[0];

	return destinations->len == 1 && first->store->storage->hashes;
}

static void begin_jobs(struct job *jobs, GPtrArray *destinations,
		       const struct sw_publication *publication, struct sw_progress *progress,
		       GCancellable *cancellable)
{
	for (guint i = 0; i < destinations->len; i++) {
		jobs[i] = (struct job){
			.destination = destinations->pdata[i],
			.publication = publication,
			.progress = progress,
			.cancellable = cancellable,
			.total = total_size(publication->artifacts),
			.same = g_new0(gboolean, publication->artifacts->len),
		};
		g_mutex_init(&jobs[i].lock);
	}
}

static void end_jobs(struct job *jobs, GPtrArray *destinations, double seconds)
{
	for (guint i = 0; i < destinations->len; i++) {
		if (jobs[i].destination->error == NULL)
			sw_progress_done(jobs[i].progress, jobs[i].destination->name, seconds);
		g_mutex_clear(&jobs[i].lock);
		g_free(jobs[i].same);
	}
}

gboolean sw_publish(GPtrArray *destinations, const struct sw_publication *publication,
		    struct sw_progress *progress, char **ret_manifest, GCancellable *cancellable,
		    GError **error)
{
	g_autofree struct job *jobs = g_new0(struct job, destinations->len);
	gint64 begin = g_get_monotonic_time();
	g_autofree char *manifest = NULL;

	if (!sw_publish_check_keys(publication, error) ||
	    (!hashes_itself(destinations) &&
	     !sw_publish_hash(publication->artifacts, progress, cancellable, error)))
		return FALSE;
	begin_jobs(jobs, destinations, publication, progress, cancellable);
	run_all(jobs, destinations->len, send_job);
	if (!g_cancellable_is_cancelled(cancellable)) {
		manifest = sw_locations_add(publication, destinations, FALSE);
		for (guint i = 0; i < destinations->len; i++)
			jobs[i].manifest = manifest;
		run_all(jobs, destinations->len, finish_job);
	}
	end_jobs(jobs, destinations, (double)(g_get_monotonic_time() - begin) / G_USEC_PER_SEC);
	if (!sw_check_cancelled(cancellable, error))
		return FALSE;
	*ret_manifest = sw_locations_add(publication, destinations, TRUE);
	return judge(destinations, error);
}
