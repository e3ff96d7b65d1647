/* SPDX-License-Identifier: Apache-2.0
 *
 * Files and directories of cases. All or nothing, as policies are loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases_inner.h"

#define DEPTH_MAX 8u

static struct origin *add_origin(struct cases *cases, const char *path, const char *text,
				 size_t len)
{
	struct origin *origin = pool_alloc(&cases->pool, sizeof(*origin));
	origin->path = pool_copy(&cases->pool, path, strlen(path));
	origin->text = pool_copy(&cases->pool, text, len);
	origin->len = len;
	origin->order = ++cases->loader->files;
	return origin;
}

static void fail_path(struct cases *cases, const char *path, const char *problem)
{
	struct origin *origin = add_origin(cases, path, "", 0);
	report_error(&cases->loader->reports, (struct place){origin, 0, 0}, "%s", problem);
}

static void read_text(struct cases *cases, const char *path, const char *text, size_t len)
{
	cases->loader->reader = (struct yaml_reader){.pool = &cases->pool,
						     .reports = &cases->loader->reports,
						     .origin = add_origin(cases, path, text, len)};
	const struct node *root = yaml_read(&cases->loader->reader);
	if (root)
		case_read_file(cases, root);
}

static void load_file(struct cases *cases, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t len = fd < 0 || fstat(fd, &status) ? -errno : 0;
	if (!len && !S_ISREG(status.st_mode))
		fail_path(cases, path, YAML_FILE_NOT_REGULAR);
	else if (!len)
		len = yaml_files_read(&cases->loader->file_reader, fd);
	if (fd >= 0)
		close(fd);
	if (len == -EFBIG)
		fail_path(cases, path, YAML_FILE_TOO_LARGE);
	else if (len < 0)
		fail_path(cases, path,
			  pool_print(&cases->pool, "cannot be read: %s", strerror((int)-len)));
	else if (fd >= 0 && S_ISREG(status.st_mode))
		read_text(cases, path, cases->loader->file_reader.buffer, (size_t)len);
}

static void scan(struct cases *cases, const char *path, unsigned depth, struct yaml_paths *found)
{
	struct yaml_paths names = {0};
	int error =
		depth < DEPTH_MAX ? yaml_files_list(&cases->loader->file_reader, path, &names) : 0;
	if (depth >= DEPTH_MAX)
		fail_path(cases, path, "is nested too deeply");
	else if (error)
		fail_path(cases, path, error == -E2BIG ? "too many files" : strerror(-error));
	for (uint32_t i = 0; i < names.count; i++) {
		struct stat status;
		if (!stat(names.paths[i], &status) && S_ISDIR(status.st_mode))
			scan(cases, names.paths[i], depth + 1, found);
		else if (yaml_files_is_name(names.paths[i]) &&
			 !yaml_files_add(&cases->loader->file_reader, found, names.paths[i]))
			fail_path(cases, names.paths[i], "too many files");
	}
}

static void load_path(struct cases *cases, const char *path)
{
	struct stat status;
	struct yaml_paths found = {0};
	if (!*path || stat(path, &status)) {
		fail_path(cases, path,
			  pool_print(&cases->pool, "cannot be read: %s",
				     strerror(*path ? errno : ENOENT)));
		return;
	}
	if (!S_ISDIR(status.st_mode)) {
		load_file(cases, path);
		return;
	}
	unsigned errors = cases->loader->reports.errors;
	scan(cases, path, 0, &found);
	if (!found.count && cases->loader->reports.errors == errors)
		fail_path(cases, path, "holds no *.yaml file");
	for (uint32_t i = 0; i < found.count; i++)
		load_file(cases, found.paths[i]);
}

static void loader_done(struct cases *cases)
{
	if (!cases->loader)
		return;
	yaml_reader_done(&cases->loader->reader);
	yaml_files_done(&cases->loader->file_reader);
	free(cases->loader);
	cases->loader = NULL;
}

void cases_free(struct cases *cases)
{
	if (!cases)
		return;
	loader_done(cases);
	pool_done(&cases->pool);
	free(cases);
}

/* paths, or one text. */
static int load(const char *const *paths, unsigned count, const char *text, size_t len,
		FILE *errors, struct cases **ret_cases)
{
	struct cases *cases = calloc(1, sizeof(*cases));
	*ret_cases = NULL;
	if (cases)
		cases->loader = calloc(1, sizeof(*cases->loader));
	if (!cases || !cases->loader) {
		cases_free(cases);
		return 1;
	}
	cases->pool.escape = &cases->escape;
	cases->loader->reports.pool = &cases->pool;
	cases->loader->file_reader.pool = &cases->pool;
	if (setjmp(cases->escape)) {
		if (errors)
			fprintf(errors, "error: out of memory while loading the cases\n");
		cases_free(cases);
		return 1;
	}
	for (unsigned i = 0; i < count; i++) {
		if (text)
			read_text(cases, paths[i], text, len);
		else
			load_path(cases, paths[i]);
	}
	reports_print(&cases->loader->reports, errors);
	int wrong = (int)cases->loader->reports.errors;
	loader_done(cases);
	if (wrong)
		cases_free(cases);
	else
		*ret_cases = cases;
	return wrong;
}

int cases_load(const char *const *paths, unsigned count, FILE *errors, struct cases **ret_cases)
{
	return load(paths, count, NULL, 0, errors, ret_cases);
}

int cases_load_text(const char *path, const char *text, size_t len, FILE *errors,
		    struct cases **ret_cases)
{
	return load(&path, 1, text, len, errors, ret_cases);
}
