/* SPDX-License-Identifier: Apache-2.0
 *
 * Sites: directories with dist-info or egg-info in them, read when first asked for and again when
 * they have changed.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "python_dist_inner.h"

#define SITES_MAX 4096u
#define SITE_DISTS_MAX 20000u
#define SITE_ENTRIES_MAX 200000u

void site_clear(struct dists *dists, struct site *site)
{
	for (uint32_t i = 0; i < site->count; i++) {
		free(site->dists[i].name);
		free(site->dists[i].version);
		free(site->dists[i].info);
		free(site->dists[i].tops);
	}
	free(site->dists);
	map_done(&site->owners);
	free(site->claims);
	site->dists = NULL;
	site->claims = NULL;
	site->count = site->claim_count = 0;
	site->is_site = site->has_lists = site->has_editables = false;
	editables_forget(dists, (uint32_t)(site - dists->sites));
}

char *dist_text(const char *path, size_t max)
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

char *dist_text_in(const char *directory, const char *name, size_t max)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return NULL;
	return dist_text(path, max);
}

char *dist_header(const char *text, const char *name)
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

void dist_name_normalise(const char *name, char *ret, size_t bytes)
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

bool dist_ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), bytes = strlen(end);

	return len > bytes && !strcmp(text + len - bytes, end);
}

void dist_name_of_file(struct dist *dist, const char *file)
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
	char *head = dist_text_in(dist->info, "METADATA", DIST_HEADER_BYTES_MAX);

	if (!head)
		head = dist_text_in(dist->info, "PKG-INFO", DIST_HEADER_BYTES_MAX);
	if (!head)
		head = dist_text(dist->info, DIST_HEADER_BYTES_MAX);
	dist->name = dist_header(head, "Name:");
	dist->version = dist_header(head, "Version:");
	free(head);
	if (!dist->name || !dist->version)
		dist_name_of_file(dist, file);
	dist->tops = dist_text_in(dist->info, "top_level.txt", DIST_HEADER_BYTES_MAX);
}

static bool is_info(const char *name)
{
	return dist_ends_with(name, ".dist-info") || dist_ends_with(name, ".egg-info") ||
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

	while (directory && seen++ < SITE_ENTRIES_MAX && (entry = readdir(directory))) {
		if (is_info(entry->d_name))
			site_add(site, entry->d_name);
		else if (dist_ends_with(entry->d_name, ".egg-link"))
			site->is_site = true;
	}
	if (directory)
		closedir(directory);
}

struct site *site_get(struct dists *dists, const char *path)
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
		site_clear(dists, site);
		site->changed = st.st_mtim;
		site_read(site);
	}
	return site->is_site ? site : NULL;
}
