/* SPDX-License-Identifier: Apache-2.0
 *
 * Who can be charged. One subject per (kind, path, build-id, package): the same library mapped by
 * many processes is one subject, two files of one soname are two.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "model_inner.h"

static uint64_t hash_str(uint64_t seed, const char *data, size_t len)
{
	return XXH3_64bits_withSeed(data ? data : "", len, seed + len);
}

static uint64_t key_hash(const struct subject_key *key)
{
	uint64_t hash = (uint64_t)key->kind + (key->maker ? (uint64_t)key->maker->id << 8 : 0);
	hash = hash_str(hash, key->path.data, key->path.len);
	hash = hash_str(hash, key->build_id.data, key->build_id.len);
	hash = hash_str(hash, key->sha256.data, key->sha256.len);
	hash = hash_str(hash, key->origin.data, key->origin.len);
	return hash_str(hash, key->package.data, key->package.len);
}

static struct str str_of(const char *string)
{
	return (struct str){string, (uint32_t)strlen(string)};
}

static struct subject_key key_of(const struct subject *subject)
{
	return (struct subject_key){subject->kind, str_of(subject->path), str_of(subject->build_id),
				    str_of(subject->package), subject->maker,
				    str_of(subject->sha256), str_of(subject->origin)};
}

static uint64_t subject_hash(const struct model *model, uint32_t id)
{
	struct subject_key key = key_of(table_at(&model->subjects, id));
	return key_hash(&key);
}

static bool is_str(const char *string, struct str key)
{
	return strlen(string) == key.len && (!key.len || !memcmp(string, key.data, key.len));
}

static bool subject_is_same(const struct model *model, uint32_t id, const void *arg)
{
	const struct subject_key *key = arg;
	const struct subject *subject = table_at(&model->subjects, id);
	return subject->kind == key->kind && subject->maker == key->maker &&
	       is_str(subject->path, key->path) && is_str(subject->build_id, key->build_id) &&
	       is_str(subject->package, key->package) && is_str(subject->sha256, key->sha256) &&
	       is_str(subject->origin, key->origin);
}

/* Behind the last slash; all of it when that leaves nothing. */
static struct str base_name(struct str path)
{
	uint32_t from = path.len;
	while (from && path.data[from - 1] != '/')
		from--;
	if (from == path.len)
		return path;
	return (struct str){path.data + from, path.len - from};
}

static struct subject *subject_make(struct model *model, const struct subject_key *key,
				    struct str name)
{
	if (index_reserve(model, &model->subject_index, subject_hash))
		return NULL;
	struct subject *subject = store_alloc(&model->store, sizeof(*subject));
	if (!subject)
		return NULL;
	if (!name.len)
		name = STR_LIT("unknown");
	subject->kind = key->kind;
	subject->name = store_string(&model->store, name);
	subject->path = store_string(&model->store, key->path);
	subject->build_id = store_string(&model->store, key->build_id);
	subject->package = store_string(&model->store, key->package);
	subject->package_version = store_string(&model->store, STR_LIT(""));
	subject->sha256 = store_string(&model->store, key->sha256);
	subject->origin = store_string(&model->store, key->origin);
	subject->maker = (struct subject *)key->maker;
	if (!subject->name || !subject->path || !subject->build_id || !subject->package ||
	    !subject->package_version || !subject->sha256 || !subject->origin ||
	    table_push(&model->subjects, subject))
		return NULL;
	subject->id = model->subjects.count;
	/* Hash what was kept, not what was asked: an embedded NUL was replaced. */
	index_put(&model->subject_index, subject_hash(model, subject->id), subject->id);
	return subject;
}

static struct subject *subject_get(struct model *model, const struct subject_key *key,
				   struct str name)
{
	uint32_t id = index_find(model, &model->subject_index, key_hash(key), subject_is_same, key);
	return id ? table_at(&model->subjects, id) : subject_make(model, key, name);
}

struct subject *subject_for_path(struct model *model, enum subject_kind kind, struct str path,
				 struct str sha256, struct str origin)
{
	struct subject_key key = {.kind = kind, .path = path, .sha256 = sha256, .origin = origin};
	return subject_get(model, &key, base_name(path));
}

/* What it came from is its name: the number of its descriptor says nothing. */
struct subject *subject_for_piped(struct model *model, struct str path, struct str origin,
				  bool has_peer)
{
	struct subject_key key = {.kind = SUBJECT_SCRIPT, .path = path, .origin = origin};
	return subject_get(model, &key, has_peer ? origin : STR_LIT("-"));
}

struct subject *subject_for_code(struct model *model, struct subject *maker)
{
	struct subject_key key = {.kind = SUBJECT_CODE, .maker = maker};
	return subject_get(model, &key, STR_LIT("code"));
}

/* All files of a distribution are one subject, known by its name. */
static struct subject *subject_for_python(struct model *model, const struct item_object *object)
{
	struct subject_key key = {
		.kind = SUBJECT_PYTHON, .path = object->root, .package = object->package};
	uint32_t known = model->subjects.count;
	struct subject *subject = subject_get(model, &key, object->soname);
	if (subject && model->subjects.count != known) {
		char *version = store_string(&model->store, object->package_version);
		subject->package_version = version ? version : subject->package_version;
		subject->object = object->id;
	}
	return subject;
}

struct subject *subject_for_object(struct model *model, const struct item_object *object)
{
	if (object->kind == OBJECT_PYTHON)
		return subject_for_python(model, object);
	if (object->kind == OBJECT_SCRIPT)
		return subject_for_path(model, SUBJECT_SCRIPT, object->path, STR_LIT(""),
					STR_LIT(""));
	struct subject_key key = {.kind = object->is_main ? SUBJECT_EXECUTABLE : SUBJECT_LIBRARY,
				  .path = object->path,
				  .build_id = object->build_id,
				  .package = object->package,
				  .sha256 = object->sha256};
	struct str name = base_name(object->path);
	if (!object->is_main && object->soname.len)
		name = object->soname;
	uint32_t known = model->subjects.count;
	struct subject *subject = subject_get(model, &key, name);
	if (!subject || model->subjects.count == known)
		return subject;
	subject->package_version = store_string(&model->store, object->package_version);
	if (!subject->package_version)
		subject->package_version = subject->package + strlen(subject->package);
	subject->device = object->device;
	subject->inode = object->inode;
	subject->object = object->id;
	return subject;
}
