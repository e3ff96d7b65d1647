/* SPDX-License-Identifier: Apache-2.0
 *
 * Distributions and their files. Sites are directories with dist-info or egg-info in them; of the
 * sites above a file the outermost that lists it decides, so that a package cannot bring along a
 * directory of its own that makes it somebody else. A file that two distributions list is neither's.
 */
#include "python_dist.h"

#include <ctype.h>
#include <dirent.h>
#include <strings.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "map.h"

#define SITES_MAX 4096u
#define SITE_DISTS_MAX 20000u
#define SITE_ENTRIES_MAX 200000u
#define LIST_BYTES_MAX (32u << 20)
#define HEADER_BYTES_MAX (64u << 10)
#define OWNER_SHARED UINT32_MAX

struct dist {
	char *name, *version, *info; /* info: path */
	char *tops;		     /* top_level.txt, or NULL */
	bool lists_files;
};

struct site {
	char *path;
	struct timespec changed;
	bool is_site, has_lists; /* has_lists: the files' lists were read */
	struct dist *dists;
	uint32_t count;
	struct map owners; /* path -> index of the distribution + 1 */
};

struct dists {
	uint64_t seed;
	struct map index; /* path -> index of the site + 1 */
	struct site *sites;
	uint32_t count;
};

struct dists *dists_new(uint64_t seed)
{
	struct dists *dists = calloc(1, sizeof(*dists));

	if (dists)
		dists->seed = seed;
	return dists;
}

static void site_clear(struct site *site)
{
	for (uint32_t i = 0; i < site->count; i++) {
		free(site->dists[i].name);
		free(site->dists[i].version);
		free(site->dists[i].info);
		free(site->dists[i].tops);
	}
	free(site->dists);
	map_done(&site->owners);
	site->dists = NULL;
	site->count = 0;
	site->is_site = site->has_lists = false;
}

void dists_free(struct dists *dists)
{
	if (!dists)
		return;
	for (uint32_t i = 0; i < dists->count; i++) {
		site_clear(&dists->sites[i]);
		free(dists->sites[i].path);
	}
	free(dists->sites);
	map_done(&dists->index);
	free(dists);
}

/* --- reading --------------------------------------------------------------------------------- */
static char *text_read(const char *path, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text = NULL;
	size_t len = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		goto done;
	if ((size_t)st.st_size < max)
		max = (size_t)st.st_size;
	text = malloc(max + 1);
	while (text && len < max) {
		ssize_t got = read(fd, text + len, max - len);

		if (got <= 0)
			break;
		len += (size_t)got;
	}
	if (text)
		text[len] = '\0';
done:
	close(fd);
	return text;
}

static char *text_read_in(const char *directory, const char *name, size_t max)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return NULL;
	return text_read(path, max);
}

/* "Name: x" of a metadata file's head. */
static char *header_find(const char *text, const char *name)
{
	size_t len = strlen(name);

	while (text && *text && *text != '\n' && *text != '\r') {
		const char *end = strchrnul(text, '\n');

		if ((size_t)(end - text) > len && !strncasecmp(text, name, len)) {
			text += len + strspn(text + len, " \t");
			while (end > text && isspace((unsigned char)end[-1]))
				end--;
			return end > text ? strndup(text, (size_t)(end - text)) : NULL;
		}
		text = *end ? end + 1 : end;
	}
	return NULL;
}

static void name_normalise(const char *name, char *ret, size_t bytes)
{
	size_t len = 0;

	for (; *name && len + 1 < bytes; name++) {
		bool is_joint = *name == '-' || *name == '_' || *name == '.';

		if (is_joint && len && ret[len - 1] == '-')
			continue;
		ret[len++] = is_joint ? '-' : (char)tolower((unsigned char)*name);
	}
	ret[len] = '\0';
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), bytes = strlen(end);

	return len > bytes && !strcmp(text + len - bytes, end);
}

/* "requests-2.28.1.dist-info": where there is no metadata the name has to do. */
static void dist_name(struct dist *dist, const char *file)
{
	const char *suffix = strrchr(file, '.'), *dash = strchr(file, '-');
	size_t len = suffix ? (size_t)(suffix - file) : strlen(file);

	if (dash && dash < file + len) {
		const char *version = dash + 1;
		size_t rest = (size_t)(file + len - version);
		const char *tag = memmem(version, rest, "-py", 3);

		if (!dist->version)
			dist->version = strndup(version, tag ? (size_t)(tag - version) : rest);
		len = (size_t)(dash - file);
	}
	if (!dist->name)
		dist->name = strndup(file, len);
}

static void dist_read(struct dist *dist, const char *file)
{
	char *head = text_read_in(dist->info, "METADATA", HEADER_BYTES_MAX);

	if (!head)
		head = text_read_in(dist->info, "PKG-INFO", HEADER_BYTES_MAX);
	if (!head)
		head = text_read(dist->info, HEADER_BYTES_MAX);
	dist->name = header_find(head, "Name:");
	dist->version = header_find(head, "Version:");
	free(head);
	if (!dist->name || !dist->version)
		dist_name(dist, file);
	dist->tops = text_read_in(dist->info, "top_level.txt", HEADER_BYTES_MAX);
}

static bool is_info(const char *name)
{
	return ends_with(name, ".dist-info") || ends_with(name, ".egg-info") ||
	       !strcmp(name, "EGG-INFO");
}

static void site_add(struct site *site, const char *file)
{
	char path[PATH_MAX];
	struct dist *dists, *dist;

	if (site->count == SITE_DISTS_MAX ||
	    snprintf(path, sizeof(path), "%s/%s", site->path, file) >= (int)sizeof(path))
		return;
	dists = realloc(site->dists, (site->count + 1) * sizeof(*dists));
	if (!dists)
		return;
	site->dists = dists;
	dist = &dists[site->count];
	*dist = (struct dist){ .info = strdup(path) };
	if (!dist->info)
		return;
	site->count++;
	site->is_site = true;
	dist_read(dist, file);
}

static void site_read(struct site *site)
{
	DIR *directory = opendir(site->path);
	struct dirent *entry;
	uint32_t seen = 0;

	while (directory && seen++ < SITE_ENTRIES_MAX && (entry = readdir(directory)))
		if (is_info(entry->d_name))
			site_add(site, entry->d_name);
	if (directory)
		closedir(directory);
}

/* NULL: not a directory that has distributions in it. */
static struct site *site_get(struct dists *dists, const char *path)
{
	struct map_entry *entry;
	struct site *site;
	struct stat st;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return NULL;
	entry = map_add(&dists->index, key_of(dists->seed, path, strlen(path)));
	if (!entry)
		return NULL;
	if (!entry->value) {
		struct site *sites = dists->count < SITES_MAX ?
					     realloc(dists->sites, (dists->count + 1) * sizeof(*sites)) :
					     NULL;

		if (!sites)
			return NULL;
		dists->sites = sites;
		sites[dists->count] = (struct site){ .path = strdup(path) };
		if (!sites[dists->count].path)
			return NULL;
		entry->value = ++dists->count;
	}
	site = &dists->sites[entry->value - 1];
	if (memcmp(&site->changed, &st.st_mtim, sizeof(st.st_mtim))) {
		site_clear(site);
		site->changed = st.st_mtim;
		site_read(site);
	}
	return site->is_site ? site : NULL;
}

/* --- the files' lists ------------------------------------------------------------------------- */
/* base/name with . and .. taken out; false: too long. */
static bool path_join(const char *base, const char *name, size_t len, char *ret, size_t bytes)
{
	size_t at = 0;

	if (len && name[0] == '/')
		base = "";
	at = strlen(base);
	if (at + len + 2 > bytes)
		return false;
	memcpy(ret, base, at);
	while (len) {
		size_t part = strcspn(name, "/");

		part = part < len ? part : len;
		if (part == 2 && !memcmp(name, "..", 2)) {
			while (at && ret[--at] != '/')
				;
		} else if (part && !(part == 1 && name[0] == '.')) {
			ret[at++] = '/';
			memcpy(ret + at, name, part);
			at += part;
		}
		name += part;
		len -= part;
		if (len) {
			name++;
			len--;
		}
	}
	ret[at] = '\0';
	return true;
}

static void owner_add(struct dists *dists, struct site *site, uint32_t dist, const char *base,
		      const char *name, size_t len)
{
	char path[PATH_MAX];
	struct map_entry *entry;

	if (!len || !path_join(base, name, len, path, sizeof(path)))
		return;
	entry = map_add(&site->owners, key_of(dists->seed, path, strlen(path)));
	if (entry)
		entry->value = !entry->value || entry->value == dist + 1 ? dist + 1 : OWNER_SHARED;
}

/* A line of RECORD: path,hash,size; a path with a comma stands in quotes. */
static size_t record_name(const char **line, size_t len)
{
	const char *end;

	if (len && **line == '"') {
		(*line)++;
		end = memchr(*line, '"', len - 1);
	} else {
		end = memchr(*line, ',', len);
	}
	return end ? (size_t)(end - *line) : len;
}

static void lists_read(struct dists *dists, struct site *site, uint32_t at)
{
	struct dist *dist = &site->dists[at];
	char *text = text_read_in(dist->info, "RECORD", LIST_BYTES_MAX);
	const char *base = text ? site->path : dist->info;
	bool is_record = text;

	if (!text)
		text = text_read_in(dist->info, "installed-files.txt", LIST_BYTES_MAX);
	if (!text)
		return;
	dist->lists_files = true;
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\r\n");
		const char *name = line, *next = line + len;
		size_t bytes = is_record ? record_name(&name, len) : len;

		owner_add(dists, site, at, base, name, bytes);
		line = next + strspn(next, "\r\n");
	}
	free(text);
}

/* --- answers ------------------------------------------------------------------------------------- */
static void text_copy(char *ret, size_t bytes, const char *text)
{
	snprintf(ret, bytes, "%s", text ? text : "");
}

static bool answer(const struct dist *dist, const char *package, struct dist_owner *ret)
{
	name_normalise(dist->name ? dist->name : "", ret->name, sizeof(ret->name));
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

static bool has_top(const struct dist *dist, const char *top, size_t len)
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
	name_normalise(text, name, sizeof(name));
	name_normalise(dist->name ? dist->name : "", own, sizeof(own));
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
		int rank = 2 * has_top(dist, top, len) + is_named(dist, top, len);

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
	const struct map_entry *entry;
	const struct dist *dist;
	const char *top;
	size_t len;

	if (package) {
		dist = debian_dist(site, packages, package, path);
		return dist && answer(dist, package->name, ret);
	}
	if (!site->has_lists) {
		site->has_lists = true;
		for (uint32_t i = 0; i < site->count; i++)
			lists_read(dists, site, i);
	}
	entry = map_find(&site->owners, key_of(dists->seed, path, strlen(path)));
	if (entry && entry->value != OWNER_SHARED)
		return answer(&site->dists[entry->value - 1], NULL, ret);
	/* A source tree, or installed without a list: known by what it says it has, vouched for by
	 * nobody. */
	len = top_of(site, path, &top);
	for (uint32_t i = 0; i < site->count && !entry; i++) {
		dist = &site->dists[i];
		if (!dist->lists_files && !packages_find(packages, dist->info) &&
		    (has_top(dist, top, len) || ends_with(dist->info, "/EGG-INFO")))
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
	name_normalise(text, ret->name, sizeof(ret->name));
	ret->version[0] = '\0';
	text_copy(ret->package, sizeof(ret->package), package ? package->name : "");
	return ret->name[0];
}

/* /x/name-1.0-py3-none-any.whl/name/file.py: an archive that is a distribution. */
static bool archived(const struct packages *packages, const char *path, struct dist_owner *ret)
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
		base = strrchr(archive, '/');
		dist_name(&dist, base ? base + 1 : archive);
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

bool dists_find(struct dists *dists, const struct packages *packages, const char *path,
		struct dist_owner *ret)
{
	const struct package *package = packages_find(packages, path);
	char directory[PATH_MAX];

	*ret = (struct dist_owner){ .name = "" };
	if (path[0] != '/' || strlen(path) >= sizeof(directory))
		return false;
	if (archived(packages, path, ret))
		return true;
	/* Directories that are meant for installed things first. */
	for (int is_any = 0; is_any < 2; is_any++) {
		for (const char *slash = strchr(path + 1, '/'); slash;
		     slash = strchr(slash + 1, '/')) {
			struct site *site;

			memcpy(directory, path, (size_t)(slash - path));
			directory[slash - path] = '\0';
			if (is_any == (ends_with(directory, "/site-packages") ||
				       ends_with(directory, "/dist-packages")))
				continue;
			site = site_get(dists, directory);
			if (site && site_find(dists, site, packages, package, path, ret))
				return true;
		}
	}
	return unlisted(path, package, ret);
}
