/* SPDX-License-Identifier: Apache-2.0
 *
 * Files, directories or stored texts into a policy. Each path given is a layer; in a directory the
 * *.learned.yaml files lie below the others. All or nothing: one error and there is no policy.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy_inner.h"

#define TOTAL_BYTES_MAX (64u << 20)
#define DEPTH_MAX 16u

static struct place whole(struct origin *origin)
{
	return (struct place){origin, 0, 0};
}

/* Text is taken as it is; path is shown in messages. */
static struct origin *add_origin(struct loader *loader, const char *path, const char *text,
				 size_t len)
{
	struct pool *pool = &loader->policy->pool;
	struct origin *origin = pool_alloc(pool, sizeof(*origin));
	size_t path_len = strlen(path);
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	origin->path = pool_copy(pool, path, path_len);
	origin->text = pool_copy(pool, text, len);
	origin->len = len;
	origin->layer = loader->layers;
	origin->is_learned = strstr(base, ".learned.y");
	loader->origins = pool_grow(&loader->scratch, loader->origins, loader->origin_count,
				    sizeof(*loader->origins));
	loader->origins[loader->origin_count++] = origin;
	origin->order = loader->origin_count;
	return origin;
}

static void fail_path(struct loader *loader, const char *path, const char *problem)
{
	struct origin *origin = add_origin(loader, path, "", 0);
	origin->is_unread = true;
	report_error(&loader->reports, whole(origin), "%s", problem);
}

static const char *error_text(struct loader *loader, int error)
{
	return pool_print(&loader->scratch, "cannot be read: %s", strerror(error));
}

static void fail_full(struct loader *loader, const char *path)
{
	if (!loader->is_full)
		fail_path(loader, path, "too many policy files");
	loader->is_full = true;
}

static void load_file(struct loader *loader, const char *path)
{
	if (loader->origin_count >= YAML_FILES_MAX || loader->total_bytes > TOTAL_BYTES_MAX) {
		fail_full(loader, path);
		return;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		fail_path(loader, path, error_text(loader, errno));
		return;
	}
	ssize_t len = yaml_files_read(&loader->files, fd);
	close(fd);
	if (len == -ENOMEM)
		longjmp(loader->policy->escape, 1);
	if (len == -EFBIG) {
		fail_path(loader, path, YAML_FILE_TOO_LARGE);
	} else if (len < 0) {
		fail_path(loader, path, error_text(loader, (int)-len));
	} else {
		const char *text = loader->files.buffer;
		size_t mark = len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
		loader->total_bytes += (size_t)len;
		add_origin(loader, path, text + mark, (size_t)len - mark);
	}
}

/* --- directories -------------------------------------------------------------------------------
 */

static void scan_directory(struct loader *loader, const char *path, unsigned depth,
			   struct yaml_paths *found);

static void scan_entry(struct loader *loader, const char *path, unsigned depth,
		       struct yaml_paths *found)
{
	struct stat status;
	const char *name = strrchr(path, '/') + 1;
	if (stat(path, &status)) {
		if (yaml_files_is_name(name))
			fail_path(loader, path, error_text(loader, errno));
		return;
	}
	if (S_ISDIR(status.st_mode)) {
		if (strcmp(name, "tests"))
			scan_directory(loader, path, depth + 1, found);
	} else if (yaml_files_is_name(name) && !S_ISREG(status.st_mode)) {
		fail_path(loader, path, YAML_FILE_NOT_REGULAR);
	} else if (yaml_files_is_name(name) && !yaml_files_add(&loader->files, found, path)) {
		fail_full(loader, path);
	}
}

static void scan_directory(struct loader *loader, const char *path, unsigned depth,
			   struct yaml_paths *found)
{
	struct yaml_paths names = {0};
	int error = depth < DEPTH_MAX ? yaml_files_list(&loader->files, path, &names) : 0;
	if (depth >= DEPTH_MAX)
		fail_path(loader, path, "is nested too deeply");
	else if (error == -E2BIG)
		fail_full(loader, path);
	else if (error)
		fail_path(loader, path, error_text(loader, -error));
	for (uint32_t i = 0; i < names.count; i++)
		scan_entry(loader, names.paths[i], depth, found);
}

static bool is_learned(const char *path)
{
	return strstr(strrchr(path, '/') + 1, ".learned.y");
}

/* Learned files first, so that the others can extend what is in them; then by name. */
static int path_compare(const void *left, const void *right)
{
	const char *a = *(const char *const *)left, *b = *(const char *const *)right;
	if (is_learned(a) != is_learned(b))
		return is_learned(a) ? -1 : 1;
	return strcmp(a, b);
}

static void load_path(struct loader *loader, const char *path)
{
	struct stat status;
	struct yaml_paths found = {0};
	if (!*path || stat(path, &status)) {
		fail_path(loader, path, error_text(loader, *path ? errno : ENOENT));
		return;
	}
	if (!S_ISDIR(status.st_mode)) {
		load_file(loader, path);
		return;
	}
	unsigned errors = loader->reports.errors;
	scan_directory(loader, path, 0, &found);
	if (!found.count && loader->reports.errors == errors)
		fail_path(loader, path, "holds no *.yaml file");
	if (found.count)
		qsort(found.paths, found.count, sizeof(*found.paths), path_compare);
	for (uint32_t i = 0; i < found.count; i++)
		load_file(loader, found.paths[i]);
}

/* --- after reading -------------------------------------------------------------------------------
 */

/* What replay needs. Between two layers stands an entry with an empty path. */
static void keep_texts(struct loader *loader)
{
	struct policy *policy = loader->policy;
	policy->texts = pool_alloc(&policy->pool, (loader->origin_count + loader->layers + 1) *
							  sizeof(*policy->texts));
	for (uint32_t i = 0; i < loader->origin_count; i++) {
		const struct origin *origin = loader->origins[i];
		unsigned before = i ? loader->origins[i - 1]->layer : 0;
		for (; before < origin->layer; before++)
			policy->texts[policy->text_count++] =
				(struct policy_text){pool_copy(&policy->pool, "", 0),
						     pool_copy(&policy->pool, "", 0), 0};
		policy->texts[policy->text_count++] = (struct policy_text){
			(char *)origin->path, (char *)origin->text, origin->len};
	}
}

static void hash_part(crypto_generichash_state *state, const char *data, size_t len)
{
	uint8_t bytes[8];
	for (unsigned i = 0; i < 8; i++)
		bytes[i] = (uint8_t)((uint64_t)len >> (8 * i));
	crypto_generichash_update(state, bytes, sizeof(bytes));
	crypto_generichash_update(state, (const unsigned char *)data, len);
}

/* Where the files lay does not count, what they say does. */
static void hash_policy(struct policy *policy)
{
	crypto_generichash_state state;
	unsigned char digest[16];
	crypto_generichash_init(&state, NULL, 0, sizeof(digest));
	for (uint32_t i = 0; i < policy->text_count; i++)
		hash_part(&state, policy->texts[i].text, policy->texts[i].len);
	for (uint32_t i = 0; i < policy->variable_count; i++) {
		const struct policy_variable *variable = &policy->variables[i];
		hash_part(&state, variable->name, strlen(variable->name));
		hash_part(&state, variable->value, strlen(variable->value));
	}
	crypto_generichash_final(&state, digest, sizeof(digest));
	sodium_bin2hex(policy->hash, sizeof(policy->hash), digest, sizeof(digest));
}

static int number_compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return a < b ? -1 : a > b;
}

static void compile_all(struct loader *loader)
{
	struct policy *policy = loader->policy;
	for (uint32_t i = 0; i < loader->origin_count; i++) {
		loader->reader = (struct yaml_reader){.pool = &loader->scratch,
						      .reports = &loader->reports,
						      .origin = loader->origins[i]};
		if (loader->origins[i]->is_unread)
			continue;
		const struct node *root = yaml_read(&loader->reader);
		if (root)
			compile_origin(loader, root);
	}
	layer_finish(loader);
	secrets_finish(policy);
	if (loader->options->is_warning)
		check_policy(loader);
	if (loader->reports.errors)
		return;
	phrase_lists(policy, &loader->scratch);
	policy->grant_words = policy->grant_count / 64 + 1;
	if (policy->expiry_count)
		qsort(policy->expiries, policy->expiry_count, sizeof(*policy->expiries),
		      number_compare);
	keep_texts(loader);
	hash_policy(policy);
	for (uint32_t i = 0; i < loader->origin_count; i++)
		loader->origins[i]->lines = NULL; /* scratch memory */
}

static void loader_done(struct loader *loader)
{
	yaml_reader_done(&loader->reader);
	yaml_files_done(&loader->files);
	pool_done(&loader->scratch);
}

/* The same to who asked for it otherwise than in words. */
static void tell_problems(struct loader *loader)
{
	const struct policy_options *options = loader->options;
	for (uint32_t i = 0; options->problem && i < loader->reports.count; i++) {
		const struct report *report = &loader->reports.list[i];
		const struct origin *origin = report->place.origin;
		struct policy_problem problem = {
			.file = origin ? origin->path : NULL,
			.line = report->place.line,
			.column = report->place.column,
			.is_warning = report->is_warning,
			.id = report->is_warning ? warning_name(report->warning) : "error",
			.message = report->message};
		options->problem(options->problem_arg, &problem);
	}
	if (options->problem && loader->reports.left_out)
		options->problem(options->problem_arg,
				 &(struct policy_problem){
					 .id = "error",
					 .message = pool_print(&loader->scratch, "and %u more",
							       loader->reports.left_out)});
}

/* Everything after set-up: paths when given, else texts. May unwind to the caller. */
static void load_all(struct loader *loader, const char *const *paths,
		     const struct policy_text *texts, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (paths) {
			load_path(loader, paths[i]);
			loader->layers++;
		} else if (!texts[i].path || !*texts[i].path) {
			loader->layers++;
		} else if (texts[i].len > YAML_FILE_BYTES_MAX) {
			fail_path(loader, texts[i].path, YAML_FILE_TOO_LARGE);
		} else {
			add_origin(loader, texts[i].path, texts[i].text, texts[i].len);
		}
	}
	if (!loader->origin_count)
		report_error(&loader->reports, (struct place){0}, "there is no policy");
	compile_all(loader);
	reports_sort(&loader->reports);
	reports_print(&loader->reports, loader->options->errors);
	tell_problems(loader);
}

static int load(const char *const *paths, const struct policy_text *texts, unsigned count,
		const struct policy_options *options, struct policy **ret_policy)
{
	*ret_policy = NULL;
	struct policy *policy = sodium_init() < 0 ? NULL : calloc(1, sizeof(*policy));
	struct loader *loader = policy ? calloc(1, sizeof(*loader)) : NULL;
	int errors = 1;
	if (!loader)
		goto out_of_memory;
	policy->pool.escape = &policy->escape;
	loader->policy = policy;
	loader->options = options;
	loader->scratch.escape = &policy->escape;
	loader->files.pool = &loader->scratch;
	loader->reports.pool = &loader->scratch;
	loader->reports.wants_warnings = options->is_warning;
	if (setjmp(policy->escape)) {
		loader_done(loader);
		goto out_of_memory;
	}
	load_all(loader, paths, texts, count);
	errors = (int)loader->reports.errors;
	loader_done(loader);
	free(loader);
	if (errors) {
		policy_free(policy);
		return errors;
	}
	*ret_policy = policy;
	return 0;
out_of_memory:
	free(loader);
	policy_free(policy);
	if (options->errors)
		fprintf(options->errors, "error: out of memory while loading the policy\n");
	return 1;
}

int policy_load(const char *const *paths, unsigned count, const struct policy_options *options,
		struct policy **ret_policy)
{
	return load(paths, NULL, count, options, ret_policy);
}

int policy_load_texts(const struct policy_text *texts, unsigned count,
		      const struct policy_options *options, struct policy **ret_policy)
{
	return load(NULL, texts, count, options, ret_policy);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	judge_done(policy);
	pool_done(&policy->pool);
	free(policy);
}

unsigned policy_texts(const struct policy *policy, const struct policy_text **ret_texts)
{
	*ret_texts = policy->texts;
	return policy->text_count;
}

unsigned policy_variables(const struct policy *policy, const struct policy_variable **ret_vars)
{
	*ret_vars = policy->variables;
	return policy->variable_count;
}

const char *policy_hash(const struct policy *policy)
{
	return policy->hash;
}

const char *policy_accepts(const struct policy *policy, const char *hole, uint64_t realtime_ns)
{
	for (uint32_t i = policy->accept_count; i-- > 0;)
		if (!strcmp(policy->accepts[i].hole, hole) &&
		    realtime_ns < policy->accepts[i].expires_ns)
			return policy->accepts[i].reason;
	return NULL;
}
