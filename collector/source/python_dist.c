/* SPDX-License-Identifier: Apache-2.0
 *
 * Distributions and their files. Of the sites above a file the outermost that lists it decides, so
 * that a package cannot bring along a directory of its own that makes it somebody else. A file that
 * two distributions list is neither's.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "python_dist_inner.h"

#define WHEEL_BYTES_MAX (16 << 20)

struct dists *dists_new(uint64_t seed)
{
	struct dists *dists = calloc(1, sizeof(*dists));

	if (dists)
		dists->seed = seed;
	return dists;
}

void dists_free(struct dists *dists)
{
	if (!dists)
		return;
	for (uint32_t i = 0; i < dists->count; i++) {
		site_clear(dists, &dists->sites[i]);
		free(dists->sites[i].path);
	}
	editables_free(dists);
	free(dists->sites);
	free(dists->copy);
	map_done(&dists->index);
	free(dists);
}

/* --- answers ------------------------------------------------------------------------------------- */
static void text_copy(char *ret, size_t bytes, const char *text)
{
	snprintf(ret, bytes, "%s", text ? text : "");
}

static bool answer(const struct dist *dist, const char *package, struct dist_owner *ret)
{
	dist_name_normalise(dist->name ? dist->name : "", ret->name, sizeof(ret->name));
	text_copy(ret->version, sizeof(ret->version), dist->version);
	text_copy(ret->package, sizeof(ret->package), package ? package : ret->name);
	text_copy(ret->root, sizeof(ret->root), dist->info);
	return ret->name[0];
}

/* The name a file is imported by, outermost: "requests" of requests/api.py, "six" of six.py. */
static size_t top_of(const struct site *site, const char *path, const char **ret)
{
	const char *rest = path + strlen(site->path) + 1;
	size_t len = strcspn(rest, "/");

	*ret = rest;
	return rest[len] ? len : strcspn(rest, ".");
}

bool dist_has_top(const struct dist *dist, const char *top, size_t len)
{
	for (const char *line = dist->tops; line && *line;) {
		size_t bytes = strcspn(line, "\r\n");

		if (bytes == len && !memcmp(line, top, len))
			return true;
		line += bytes + strspn(line + bytes, "\r\n");
	}
	return false;
}

static bool is_named(const struct dist *dist, const char *top, size_t len)
{
	char name[128], own[128], text[128];

	snprintf(text, sizeof(text), "%.*s", (int)len, top);
	dist_name_normalise(text, name, sizeof(name));
	dist_name_normalise(dist->name ? dist->name : "", own, sizeof(own));
	return !strcmp(name, own);
}

/* dpkg brought the file: of the distributions dpkg brought, that of the same package, before one
 * that says it has this module. */
static const struct dist *debian_dist(const struct site *site, const struct packages *packages,
				      const struct package *package, const char *path)
{
	const struct dist *best = NULL;
	const char *top;
	size_t len = top_of(site, path, &top);
	int best_rank = 0;

	for (uint32_t i = 0; i < site->count; i++) {
		const struct dist *dist = &site->dists[i];
		const struct package *owner = packages_find(packages, dist->info);
		bool is_same = owner && !strcmp(owner->name, package->name);
		int rank = 2 * dist_has_top(dist, top, len) + is_named(dist, top, len);

		rank = !owner ? 0 : is_same ? 4 + rank : rank;
		if (rank > best_rank) {
			best = dist;
			best_rank = rank;
		}
	}
	return best;
}

static bool site_find(struct dists *dists, struct site *site, const struct packages *packages,
		      const struct package *package, const char *path, struct dist_owner *ret)
{
	const struct claim *claim;
	const struct dist *dist;
	const char *top;
	size_t len;

	if (package) {
		dist = debian_dist(site, packages, package, path);
		return dist && answer(dist, package->name, ret);
	}
	lists_read(dists, site);
	claim = claim_find(dists, site, path);
	if (claim && claim->dist != CLAIM_SHARED)
		return answer(&site->dists[claim->dist], NULL, ret);
	/* A source tree, or installed without a list: known by what it says it has, vouched for by
	 * nobody. */
	len = top_of(site, path, &top);
	for (uint32_t i = 0; i < site->count && !claim; i++) {
		dist = &site->dists[i];
		if (!dist->lists_files && !packages_find(packages, dist->info) &&
		    (dist_has_top(dist, top, len) || dist_ends_with(dist->info, "/EGG-INFO")))
			return answer(dist, "", ret);
	}
	return false;
}

/* In a directory for installed things, and nobody lists it: called by the name it is imported by. */
static bool unlisted(const char *path, const struct package *package, struct dist_owner *ret)
{
	static const char *const sites[] = { "/site-packages/", "/dist-packages/" };
	const char *at = NULL;
	char text[128];
	size_t len;

	for (size_t i = 0; i < 2; i++) {
		const char *hit = strstr(path, sites[i]);

		if (hit && (!at || hit < at))
			at = hit + strlen(sites[i]);
	}
	if (!at)
		return false;
	len = strcspn(at, "/");
	snprintf(ret->root, sizeof(ret->root), "%.*s", (int)(at - path) + (int)len, path);
	if (!at[len])
		len = strcspn(at, ".");
	snprintf(text, sizeof(text), "%.*s", (int)len, at);
	dist_name_normalise(text, ret->name, sizeof(ret->name));
	ret->version[0] = '\0';
	text_copy(ret->package, sizeof(ret->package), package ? package->name : "");
	return ret->name[0];
}

static bool is_same_content(const char *path, const char *other)
{
	char *one = dist_text(path, WHEEL_BYTES_MAX), *two = dist_text(other, WHEEL_BYTES_MAX);
	struct stat st, st_other;
	bool is_same = one && two && !stat(path, &st) && !stat(other, &st_other) &&
		       st.st_size == st_other.st_size && st.st_size <= WHEEL_BYTES_MAX &&
		       !memcmp(one, two, (size_t)st.st_size);

	free(one);
	free(two);
	return is_same;
}

/* ensurepip runs copies of the wheels that Debian brought: the same bytes, the same voucher. */
static const struct package *copied_from(struct dists *dists, const struct packages *packages,
					 const char *archive, const struct stat *st)
{
	const char *base = strrchr(archive, '/');
	char original[PATH_MAX];

	if (dists->copy && !strcmp(dists->copy, archive) &&
	    !memcmp(&dists->copy_changed, &st->st_ctim, sizeof(st->st_ctim)))
		return dists->copy_package;
	free(dists->copy);
	dists->copy = strdup(archive);
	dists->copy_changed = st->st_ctim;
	dists->copy_package = NULL;
	if (snprintf(original, sizeof(original), "/usr/share/python-wheels%s", base) <
	    (int)sizeof(original))
		dists->copy_package = packages_find(packages, original);
	if (dists->copy_package && !is_same_content(archive, original))
		dists->copy_package = NULL;
	return dists->copy_package;
}

/* /x/name-1.0-py3-none-any.whl/name/file.py: an archive that is a distribution. */
static bool archived(struct dists *dists, const struct packages *packages, const char *path,
		     struct dist_owner *ret)
{
	static const char *const kinds[] = { ".whl/", ".egg/" };

	for (size_t i = 0; i < 2; i++) {
		const char *hit = strstr(path, kinds[i]);
		char archive[PATH_MAX], *base;
		struct dist dist = { 0 };
		const struct package *package;
		struct stat st;
		bool is_found;

		if (!hit || snprintf(archive, sizeof(archive), "%.*s", (int)(hit - path) + 4, path) >=
				    (int)sizeof(archive) ||
		    stat(archive, &st) || !S_ISREG(st.st_mode))
			continue;
		package = packages_find(packages, archive);
		if (!package)
			package = copied_from(dists, packages, archive, &st);
		base = strrchr(archive, '/');
		dist_name_of_file(&dist, base ? base + 1 : archive);
		if (dist.version && strchr(dist.version, '-'))
			*strchr(dist.version, '-') = '\0';
		dist.info = archive;
		is_found = answer(&dist, package ? package->name : "", ret);
		free(dist.name);
		free(dist.version);
		return is_found;
	}
	return false;
}

static bool is_for_installed(const char *directory)
{
	return dist_ends_with(directory, "/site-packages") || dist_ends_with(directory, "/dist-packages");
}

/* The sites above path, outermost first: the next one behind *at. is_any: also directories that are
 * not meant for installed things, else those that are. */
static struct site *site_above(struct dists *dists, const char *path, bool is_any, size_t *at)
{
	char directory[PATH_MAX];

	for (const char *slash = strchr(path + *at + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		struct site *site;

		*at = (size_t)(slash - path);
		memcpy(directory, path, *at);
		directory[*at] = '\0';
		if (is_any == is_for_installed(directory))
			continue;
		site = site_get(dists, directory);
		if (site && !is_any)
			editables_read(dists, site);
		if (site)
			return site;
	}
	return NULL;
}

static bool editable_answer(struct dists *dists, const char *path, struct dist_owner *ret)
{
	const struct editable *editable = editable_find(dists, path);

	return editable && answer(&(struct dist){ .name = editable->name, .version = editable->version,
						  .info = editable->info },
				  NULL, ret);
}

bool dists_find(struct dists *dists, const struct packages *packages, const char *path,
		struct dist_owner *ret)
{
	const struct package *package = packages_find(packages, path);

	*ret = (struct dist_owner){ .name = "" };
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return false;
	if (archived(dists, packages, path, ret))
		return true;
	/* Directories that are meant for installed things first. */
	for (int is_any = 0; is_any < 2; is_any++) {
		struct site *site;

		if (is_any && editable_answer(dists, path, ret))
			return true;
		for (size_t at = 0; (site = site_above(dists, path, is_any, &at));)
			if (site_find(dists, site, packages, package, path, ret))
				return true;
	}
	return unlisted(path, package, ret);
}

void dists_note(struct dists *dists, const char *directory)
{
	struct site *site = site_get(dists, directory);

	if (site)
		editables_read(dists, site);
}

static bool is_root(char *ret_root, size_t bytes, const char *info)
{
	return snprintf(ret_root, bytes, "%s", info) < (int)bytes;
}

/* In a package of the tree, not the project's own files around it. */
static bool is_package_data(const struct editable *editable, const char *path)
{
	const char *rest = path + strlen(editable->path);

	if (editable->is_module)
		return true;
	return rest[0] == '/' && rest[1] != '.' && strchr(rest + 1, '/');
}

/* A directory x.egg: all of it. */
static bool is_in_egg(struct dists *dists, const char *path, char *ret_root, size_t bytes)
{
	const char *hit = strstr(path, ".egg/");
	char egg[PATH_MAX];
	struct site *site;

	if (!hit || snprintf(egg, sizeof(egg), "%.*s", (int)(hit - path) + 4, path) >= (int)sizeof(egg))
		return false;
	site = site_get(dists, egg);
	return site && site->count == 1 && dist_ends_with(site->dists[0].info, "/EGG-INFO") &&
	       is_root(ret_root, bytes, site->dists[0].info);
}

bool dists_own(struct dists *dists, const char *path, char *ret_root, size_t bytes)
{
	const struct editable *editable;
	struct site *site;

	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return false;
	for (size_t at = 0; (site = site_above(dists, path, false, &at));) {
		struct claim *claim;

		lists_read(dists, site);
		claim = claim_find(dists, site, path);
		if (claim)
			return claim_holds(site, claim, path) &&
			       is_root(ret_root, bytes, site->dists[claim->dist].info);
		if (is_in_egg(dists, path, ret_root, bytes))
			return true;
	}
	editable = editable_find(dists, path);
	if (editable)
		return is_package_data(editable, path) && is_root(ret_root, bytes, editable->info);
	/* What a distribution put elsewhere, such as the share directory of an environment. */
	for (uint32_t i = 0; i < dists->count; i++) {
		struct claim *claim = claim_find(dists, &dists->sites[i], path);

		if (claim && claim->has_hash)
			return claim_holds(&dists->sites[i], claim, path) &&
			       is_root(ret_root, bytes, dists->sites[i].dists[claim->dist].info);
	}
	return false;
}
