/* SPDX-License-Identifier: Apache-2.0
 *
 * Distributions that are installed as their source tree: the site says where, by direct_url.json and
 * what a .pth file or an import finder of theirs names (PEP 660), or by an egg-link. Both are the
 * author's word as much as the installer's, so the tree has to say as well that it is that project's:
 * else a distribution could call somebody else's application its own.
 */
#include <ctype.h>
#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "python_dist_inner.h"

#define EDITABLES_MAX 4096u
#define ENTRIES_MAX 20000u

void editables_forget(struct dists *dists, uint32_t site)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < dists->editable_count; i++) {
		struct editable *editable = &dists->editables[i];

		if (editable->site != site) {
			dists->editables[kept++] = *editable;
			continue;
		}
		free(editable->path);
		free(editable->name);
		free(editable->version);
		free(editable->info);
	}
	dists->editable_count = kept;
}

void editables_free(struct dists *dists)
{
	for (uint32_t i = 0; i < dists->count; i++)
		editables_forget(dists, i);
	free(dists->editables);
}

static bool is_at_or_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return len > 1 && !strncmp(path, directory, len) && (!path[len] || path[len] == '/');
}

/* Real, below the tree, and not all of the file system. NULL: no. */
static char *real_in(const char *path, const char *tree)
{
	char *real = realpath(path, NULL);

	if (real && is_at_or_below(real, tree))
		return real;
	free(real);
	return NULL;
}

static void editable_add(struct dists *dists, struct site *site, const struct dist *dist, char *path,
			 bool is_module)
{
	struct editable *all = path && dists->editable_count < EDITABLES_MAX ?
				       realloc(dists->editables,
					       (dists->editable_count + 1) * sizeof(*all)) :
				       NULL;

	if (!all) {
		free(path);
		return;
	}
	dists->editables = all;
	all[dists->editable_count++] = (struct editable){
		.path = path,
		.is_module = is_module,
		.site = (uint32_t)(site - dists->sites),
		.name = strdup(dist->name ? dist->name : ""),
		.version = strdup(dist->version ? dist->version : ""),
		.info = strdup(dist->info),
	};
}

/* --- does the tree say so, too? ------------------------------------------------------------------ */
static bool is_same_name(const char *name, size_t len, const struct dist *dist)
{
	char one[128], other[128], text[128];

	snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) ? len : sizeof(text) - 1), name);
	dist_name_normalise(text, one, sizeof(one));
	dist_name_normalise(dist->name ? dist->name : "", other, sizeof(other));
	return one[0] && !strcmp(one, other);
}

/* name = "x" in one of the sections that may say it. */
static bool toml_names(const char *text, const struct dist *dist)
{
	static const char *const sections[] = { "[project]", "[tool.poetry]", "[metadata]",
						"[tool.flit.metadata]" };
	bool is_in = false;

	for (const char *line = text; line && *line;) {
		size_t len = strcspn(line, "\r\n"), blank = strspn(line, " \t");

		if (line[blank] == '[') {
			is_in = false;
			for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
				is_in |= !strncmp(line + blank, sections[i], strlen(sections[i]));
		} else if (is_in && len > blank + 4 && !strncmp(line + blank, "name", 4)) {
			const char *value = line + blank + 4;

			value += strspn(value, " \t");
			if (*value == '=') {
				value += 1 + strspn(value + 1, " \t\"'");
				return is_same_name(value, strcspn(value, "\"'# \t\r\n"), dist);
			}
		}
		line += len + strspn(line + len, "\r\n");
	}
	return false;
}

static bool file_names(const char *tree, const char *file, const struct dist *dist)
{
	char *text = dist_text_in(tree, file, DIST_HEADER_BYTES_MAX);
	char *name = dist_header(text, "Name:");
	bool is_named = name ? is_same_name(name, strlen(name), dist) : toml_names(text, dist);

	free(name);
	free(text);
	return is_named;
}

/* An egg-info in the directory that has the name; its path into ret when that is not NULL. */
static bool egg_info_names(const char *directory, const struct dist *dist, char *ret, size_t bytes)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;
	uint32_t seen = 0;
	char path[PATH_MAX];
	bool is_named = false;

	while (entries && !is_named && seen++ < ENTRIES_MAX && (entry = readdir(entries))) {
		if (!dist_ends_with(entry->d_name, ".egg-info") ||
		    snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) >=
			    (int)sizeof(path))
			continue;
		is_named = file_names(path, "PKG-INFO", dist);
		if (is_named && ret)
			is_named = snprintf(ret, bytes, "%s", path) < (int)bytes;
	}
	if (entries)
		closedir(entries);
	return is_named;
}

static bool tree_names(const char *tree, const struct dist *dist)
{
	char src[PATH_MAX];

	return file_names(tree, "pyproject.toml", dist) || file_names(tree, "setup.cfg", dist) ||
	       file_names(tree, "PKG-INFO", dist) || egg_info_names(tree, dist, NULL, 0) ||
	       (snprintf(src, sizeof(src), "%s/src", tree) < (int)sizeof(src) &&
		egg_info_names(src, dist, NULL, 0));
}

/* --- PEP 660 -------------------------------------------------------------------------------------- */
static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' :
	       isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* file:///path, or NULL. */
static char *url_path(const char *url)
{
	char path[PATH_MAX];
	size_t len = 0;

	if (!url || strncmp(url, "file:///", 8) != 0)
		return NULL;
	for (url += 7; *url && *url != '#' && *url != '?'; url++) {
		char c = *url;

		if (c == '%' && hex(url[1]) >= 0 && hex(url[2]) >= 0) {
			c = (char)(hex(url[1]) << 4 | hex(url[2]));
			url += 2;
		}
		if (!c || len + 1 >= sizeof(path))
			return NULL;
		path[len++] = c;
	}
	path[len] = '\0';
	return realpath(path, NULL);
}

/* The source tree of an editable installation, to be freed; NULL: it is none. */
static char *tree_of(const struct dist *dist)
{
	char *text = dist_text_in(dist->info, "direct_url.json", DIST_HEADER_BYTES_MAX);
	json_t *root = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	char *tree = NULL;

	if (json_is_true(json_object_get(json_object_get(root, "dir_info"), "editable")))
		tree = url_path(json_string_value(json_object_get(root, "url")));
	if (tree && !tree_names(tree, dist)) {
		free(tree);
		tree = NULL;
	}
	json_decref(root);
	free(text);
	return tree;
}

/* Directories a .pth file adds. */
static void pth_read(struct dists *dists, struct site *site, const struct dist *dist,
		     const char *file, const char *tree)
{
	char *text = dist_text_in(site->path, file, DIST_HEADER_BYTES_MAX), path[PATH_MAX];

	for (char *line = text; line && *line;) {
		size_t len = strcspn(line, "\r\n");

		if (len && *line != '#' && strncmp(line, "import", 6) != 0 &&
		    snprintf(path, sizeof(path), "%s%s%.*s", *line == '/' ? "" : site->path,
			     *line == '/' ? "" : "/", (int)len, line) < (int)sizeof(path))
			editable_add(dists, site, dist, real_in(path, tree), false);
		line += len + strspn(line + len, "\r\n");
	}
	free(text);
}

/* A module without its .py: the directory it is in is real. */
static char *module_in(const char *path, const char *tree)
{
	char file[PATH_MAX], *real = real_in(path, tree);

	if (real || snprintf(file, sizeof(file), "%s.py", path) >= (int)sizeof(file))
		return real;
	real = real_in(file, tree);
	if (real)
		real[strlen(real) - 3] = '\0';
	return real;
}

/* MAPPING = {'name': '/path', ...}: of every pair of quoted texts the second. */
static void finder_read(struct dists *dists, struct site *site, const struct dist *dist,
			const char *file, const char *tree)
{
	char *text = dist_text_in(site->path, file, DIST_LIST_BYTES_MAX);
	char *at = text ? strstr(text, "\nMAPPING") : NULL;
	char *end = at ? strchr(at + 1, '\n') : NULL;

	if (end)
		*end = '\0';
	at = at ? strchr(at, '{') : NULL;
	for (unsigned i = 0; at && (at = strpbrk(at, "'\"")); i++) {
		char *close = strchr(at + 1, *at);

		if (!close)
			break;
		*close = '\0';
		if (i % 2)
			editable_add(dists, site, dist, module_in(at + 1, tree), true);
		at = close + 1;
	}
	free(text);
}

/* --- egg-link --------------------------------------------------------------------------------------- */
static void egg_link_read(struct dists *dists, struct site *site, const char *file)
{
	char *text = dist_text_in(site->path, file, DIST_HEADER_BYTES_MAX), name[NAME_MAX + 1];
	char path[PATH_MAX], info[PATH_MAX], *tree = NULL;
	struct dist dist = { .name = name, .info = info };

	snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - strlen(".egg-link")), file);
	if (text && text[0] == '/') {
		text[strcspn(text, "\r\n")] = '\0';
		tree = realpath(text, NULL);
	}
	if (!tree || !egg_info_names(tree, &dist, info, sizeof(info)))
		goto done;
	char *head = dist_text_in(info, "PKG-INFO", DIST_HEADER_BYTES_MAX);
	char *tops = dist_text_in(info, "top_level.txt", DIST_HEADER_BYTES_MAX);

	dist.version = dist_header(head, "Version:");
	for (char *line = tops; line && *line;) {
		size_t len = strcspn(line, "\r\n");

		if (len && !memchr(line, '/', len) && line[0] != '.' &&
		    snprintf(path, sizeof(path), "%s/%.*s", tree, (int)len, line) < (int)sizeof(path))
			editable_add(dists, site, &dist, module_in(path, tree), true);
		line += len + strspn(line + len, "\r\n");
	}
	free(dist.version);
	free(head);
	free(tops);
done:
	free(tree);
	free(text);
}

/* Does that distribution list the file as its own? */
static bool is_listed(const struct dists *dists, const struct site *site, uint32_t dist,
		      const char *file)
{
	char path[PATH_MAX];
	const struct claim *claim;

	if (snprintf(path, sizeof(path), "%s/%s", site->path, file) >= (int)sizeof(path))
		return false;
	claim = claim_find(dists, site, path);
	return claim && claim->dist == dist;
}

static void site_file(struct dists *dists, struct site *site, char **trees, const char *file)
{
	bool is_finder = !strncmp(file, "__editable__", 12) && dist_ends_with(file, "_finder.py");

	if (dist_ends_with(file, ".egg-link"))
		egg_link_read(dists, site, file);
	if (!is_finder && !dist_ends_with(file, ".pth"))
		return;
	for (uint32_t i = 0; i < site->count; i++) {
		if (!trees[i] || !is_listed(dists, site, i, file))
			continue;
		if (is_finder)
			finder_read(dists, site, &site->dists[i], file, trees[i]);
		else
			pth_read(dists, site, &site->dists[i], file, trees[i]);
	}
}

void editables_read(struct dists *dists, struct site *site)
{
	char **trees = site->has_editables ? NULL : calloc(site->count + 1, sizeof(*trees));
	DIR *entries;
	struct dirent *entry;
	uint32_t seen = 0, count = 0;

	if (!trees)
		return;
	site->has_editables = true;
	for (uint32_t i = 0; i < site->count; i++) {
		trees[i] = tree_of(&site->dists[i]);
		count += trees[i] != NULL;
	}
	if (count)
		lists_read(dists, site);
	entries = opendir(site->path);
	while (entries && seen++ < ENTRIES_MAX && (entry = readdir(entries)))
		site_file(dists, site, trees, entry->d_name);
	if (entries)
		closedir(entries);
	for (uint32_t i = 0; i < site->count; i++)
		free(trees[i]);
	free(trees);
}

/* --- answers ----------------------------------------------------------------------------------------- */
static bool is_in(const struct editable *editable, const char *path)
{
	size_t len = strlen(editable->path);

	if (strncmp(path, editable->path, len) != 0)
		return false;
	return path[len] == '/' || (editable->is_module && path[len] == '.' && !strchr(path + len, '/'));
}

const struct editable *editable_find(const struct dists *dists, const char *path)
{
	const struct editable *best = NULL;
	size_t best_len = 0;

	for (uint32_t i = 0; i < dists->editable_count; i++) {
		const struct editable *editable = &dists->editables[i];
		size_t len = strlen(editable->path);

		if (len < best_len || !is_in(editable, path))
			continue;
		/* The same tree by two names is neither's; by two sites of one name it is theirs. */
		if (best && len == best_len) {
			if (strcmp(best->name, editable->name) != 0)
				return NULL;
			continue;
		}
		best = editable;
		best_len = len;
	}
	return best;
}
