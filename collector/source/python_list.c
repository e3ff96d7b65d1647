/* SPDX-License-Identifier: Apache-2.0
 *
 * What distributions list as theirs: RECORD of a dist-info, installed-files.txt of an egg-info. A list
 * is its author's word. It says whose code a file is; a file to be read as one's own has to be
 * what the author knew, by its digest, or a list could claim the user's secrets.
 */
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "python_dist_inner.h"

/* Above that the size alone has to do. */
#define CHECK_BYTES_MAX (16u << 20)

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

static void claim_add(struct dists *dists, struct site *site, const struct claim *claim,
		      const char *base, const char *name, size_t len)
{
	char path[PATH_MAX];
	struct map_entry *entry;
	struct claim *claims = site->claims;

	if (!len || !path_join(base, name, len, path, sizeof(path)))
		return;
	entry = map_add(&site->owners, key_of(dists->seed, path, strlen(path)));
	if (!entry)
		return;
	if (entry->value) {
		if (claims[entry->value - 1].dist != claim->dist)
			claims[entry->value - 1].dist = CLAIM_SHARED;
		return;
	}
	/* Room for a power of two of them. */
	if (!(site->claim_count & (site->claim_count - 1))) {
		claims = realloc(claims, (site->claim_count ? 2 * site->claim_count : 1) *
						 sizeof(*claims));
		if (!claims)
			return;
		site->claims = claims;
	}
	claims[site->claim_count] = *claim;
	entry->value = ++site->claim_count;
}

/* The path in a line of RECORD: path,hash,size; one with a comma stands in quotes. */
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

/* sha256=BASE64,SIZE: what follows the path, up to end. */
static void record_hash(const char *rest, const char *end, struct claim *claim)
{
	static const char kind[] = "sha256=";
	const char *comma;
	char *after;
	size_t bytes;

	rest += rest < end && *rest == '"';
	if (end - rest < (ptrdiff_t)sizeof(kind) || *rest != ',' ||
	    memcmp(rest + 1, kind, sizeof(kind) - 1) != 0)
		return;
	rest += sizeof(kind);
	comma = memchr(rest, ',', (size_t)(end - rest));
	if (!comma || sodium_base642bin(claim->sha256, sizeof(claim->sha256), rest,
					(size_t)(comma - rest), "=", &bytes, NULL,
					sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return;
	claim->size = strtoull(comma + 1, &after, 10);
	claim->has_hash = bytes == sizeof(claim->sha256) && after > comma + 1;
}

static void list_read(struct dists *dists, struct site *site, uint32_t at)
{
	struct dist *dist = &site->dists[at];
	char *text = dist_text_in(dist->info, "RECORD", DIST_LIST_BYTES_MAX);
	const char *base = text ? site->path : dist->info;
	bool is_record = text;

	if (!text)
		text = dist_text_in(dist->info, "installed-files.txt", DIST_LIST_BYTES_MAX);
	if (!text)
		return;
	dist->lists_files = true;
	dist->has_hashes = is_record;
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\r\n");
		const char *name = line, *next = line + len;
		size_t bytes = is_record ? record_name(&name, len) : len;
		struct claim claim = { .dist = at };

		if (is_record)
			record_hash(name + bytes, next, &claim);
		claim_add(dists, site, &claim, base, name, bytes);
		line = next + strspn(next, "\r\n");
	}
	free(text);
}

void lists_read(struct dists *dists, struct site *site)
{
	if (site->has_lists)
		return;
	site->has_lists = true;
	for (uint32_t i = 0; i < site->count; i++)
		list_read(dists, site, i);
}

struct claim *claim_find(const struct dists *dists, const struct site *site, const char *path)
{
	const struct map_entry *entry =
		map_find(&site->owners, key_of(dists->seed, path, strlen(path)));

	return entry && entry->value ? &site->claims[entry->value - 1] : NULL;
}

/* --- what it says ------------------------------------------------------------------------------ */
static bool is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return !strncmp(path, directory, len) && path[len] == '/';
}

/* Without a digest: what the installer makes, and the files of old lists, where they belong. */
static bool is_in_place(const struct site *site, const struct dist *dist, const char *path)
{
	const char *top = path + strlen(site->path) + 1;

	if (is_below(path, dist->info))
		return true;
	if (!is_below(path, site->path))
		return false;
	if (dist->has_hashes)
		return strstr(top, "/__pycache__/") && dist_ends_with(path, ".pyc");
	return dist_has_top(dist, top, top[strcspn(top, "/")] ? strcspn(top, "/") : strcspn(top, "."));
}

static bool hash_is(int fd, const uint8_t *sha256)
{
	uint8_t digest[crypto_hash_sha256_BYTES], buffer[16384];
	crypto_hash_sha256_state state;
	ssize_t got;
	size_t left = CHECK_BYTES_MAX;

	crypto_hash_sha256_init(&state);
	while (left && (got = read(fd, buffer, sizeof(buffer) < left ? sizeof(buffer) : left)) > 0) {
		crypto_hash_sha256_update(&state, buffer, (size_t)got);
		left -= (size_t)got;
	}
	crypto_hash_sha256_final(&state, digest);
	return !memcmp(digest, sha256, sizeof(digest));
}

bool claim_holds(const struct site *site, struct claim *claim, const char *path)
{
	struct stat st;
	bool holds = false;
	int fd;

	if (claim->dist == CLAIM_SHARED)
		return false;
	if (!claim->has_hash)
		return is_in_place(site, &site->dists[claim->dist], path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != claim->size)
		goto done;
	holds = st.st_size > CHECK_BYTES_MAX ||
		!memcmp(&claim->checked, &st.st_ctim, sizeof(st.st_ctim)) || hash_is(fd, claim->sha256);
	if (holds)
		claim->checked = st.st_ctim;
done:
	close(fd);
	return holds;
}
