/* SPDX-License-Identifier: Apache-2.0 */
#include "paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 40
#define OWN_PROC "/proc/self"
#define OWN_PROC_LEN (sizeof(OWN_PROC) - 1)

struct walk {
	const struct path_view *view;
	struct path_buffer *out;
	struct path_buffer todo;
	bool is_missing, is_unresolved;
	bool follow;
	unsigned links;
};

void paths_done(struct paths *paths)
{
	map_done(&paths->directories);
	free(paths->text);
	memset(paths, 0, sizeof(*paths));
}

static void buffer_set(struct path_buffer *buffer, const char *text, size_t len)
{
	if (len >= sizeof(buffer->text))
		len = sizeof(buffer->text) - 1;
	len = strnlen(text, len); /* no path has a NUL inside, what looks like one is hostile */
	memcpy(buffer->text, text, len);
	buffer->text[len] = '\0';
	buffer->len = len;
}

static bool is_within(const char *path, size_t len, const char *directory, size_t directory_len)
{
	return len >= directory_len && !memcmp(path, directory, directory_len) &&
	       (len == directory_len || path[directory_len] == '/');
}

void paths_host(const struct path_view *view, const char *path, struct path_buffer *ret)
{
	size_t len = strlen(path);
	int written;

	if (view->pid && is_within(path, len, OWN_PROC, OWN_PROC_LEN))
		written = snprintf(ret->text, sizeof(ret->text), "/proc/%u%s", view->pid,
				   path + OWN_PROC_LEN);
	else
		written = snprintf(ret->text, sizeof(ret->text), "%s%s", view->root, path);
	ret->len = written < 0 ? 0 : (size_t)written;
	if (ret->len >= sizeof(ret->text))
		ret->len = sizeof(ret->text) - 1;
}

void paths_host_recorded(const struct path_view *view, const char *path, struct path_buffer *ret)
{
	if (view->outside)
		buffer_set(ret, path, strlen(path));
	else
		paths_host(view, path, ret);
}

size_t paths_outside(const struct path_view *view, const struct path_buffer *path)
{
	size_t len = view->outside ? strlen(view->outside) : 0;

	return len && is_within(path->text, path->len, view->outside, len) ? len : 0;
}

bool paths_record(const struct path_view *view, struct path_buffer *path)
{
	size_t len = view->outside ? strlen(view->outside) : 0, keep = path->len;
	bool is_whole = len + keep < sizeof(path->text);

	if (!len || path->text[0] != '/')
		return true;
	if (len >= sizeof(path->text))
		len = sizeof(path->text) - 1;
	if (!is_whole)
		keep = sizeof(path->text) - 1 - len;
	memmove(path->text + len, path->text, keep);
	memcpy(path->text, view->outside, len);
	path->len = len + keep;
	if (keep == 1 && len > 1) /* the root itself */
		path->len--;
	path->text[path->len] = '\0';
	return is_whole;
}

bool paths_strip_deleted(struct path_buffer *path)
{
	static const char deleted[] = " (deleted)";
	size_t suffix = sizeof(deleted) - 1;

	if (path->len <= suffix || memcmp(path->text + path->len - suffix, deleted, suffix) != 0)
		return false;
	path->len -= suffix;
	path->text[path->len] = '\0';
	return true;
}

static void out_up(struct path_buffer *out)
{
	while (out->len && out->text[out->len - 1] != '/')
		out->len--;
	if (out->len)
		out->len--;
	out->text[out->len] = '\0';
}

static int out_append(struct path_buffer *out, const char *name, size_t len)
{
	if (out->len + 1 + len >= sizeof(out->text))
		return -ENAMETOOLONG;
	out->text[out->len++] = '/';
	memcpy(out->text + out->len, name, len);
	out->len += len;
	out->text[out->len] = '\0';
	return 0;
}

/* "self" and its own number are the same directory; keep the name that is the same in every run. */
static bool walk_own_proc(struct walk *walk, const char *name, size_t len)
{
	char own[16];
	int own_len;

	if (walk->out->len != 5 || memcmp(walk->out->text, "/proc", 5) != 0)
		return false;
	if (len == 11 && !memcmp(name, "thread-self", 11))
		return out_append(walk->out, name, len) == 0;
	own_len = snprintf(own, sizeof(own), "%u", walk->view->own_pid);
	if (!(len == 4 && !memcmp(name, "self", 4)) &&
	    !(walk->view->own_pid && len == (size_t)own_len && !memcmp(name, own, len)))
		return false;
	return out_append(walk->out, "self", 4) == 0;
}

/* The component just appended to out is a link: put its text before what is left to do. */
static int walk_link(struct walk *walk, const char *target, size_t len)
{
	struct path_buffer rest;

	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	/* pipe:[1], anon_inode:..: there is no path behind it, the link itself is the name. */
	if (target[0] != '/' && is_within(walk->out->text, walk->out->len, OWN_PROC, OWN_PROC_LEN))
		return 0;
	if (len + 1 + walk->todo.len >= sizeof(rest.text))
		return -ENAMETOOLONG;
	if (target[0] == '/')
		walk->out->len = 0;
	else
		out_up(walk->out);
	walk->out->text[walk->out->len] = '\0';
	memcpy(rest.text, target, len);
	rest.text[len] = '/';
	memcpy(rest.text + len + 1, walk->todo.text, walk->todo.len);
	buffer_set(&walk->todo, rest.text, len + 1 + walk->todo.len);
	return 0;
}

static int walk_name(struct walk *walk, const char *name, size_t len, bool is_last)
{
	struct path_buffer host;
	char target[PATH_MAX];
	ssize_t target_len;

	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		out_up(walk->out);
		return 0;
	}
	if (walk_own_proc(walk, name, len))
		return 0;
	if (out_append(walk->out, name, len) < 0)
		return -ENAMETOOLONG;
	if (walk->is_missing || walk->is_unresolved)
		return 0;
	paths_host(walk->view, walk->out->text, &host);
	target_len = readlink(host.text, target, sizeof(target) - 1);
	if (target_len > 0)
		return is_last && !walk->follow ? 0 : walk_link(walk, target, (size_t)target_len);
	if (errno == ENOENT || errno == ENOTDIR)
		walk->is_missing = true;
	else if (errno != EINVAL)
		walk->is_unresolved = true;
	return 0;
}

static void walk_on(struct walk *walk)
{
	char name[NAME_MAX + 1];

	while (walk->todo.len) {
		const char *start = walk->todo.text;
		size_t skip = strspn(start, "/");
		size_t len = strcspn(start + skip, "/");
		size_t used = skip + len;

		while (used < walk->todo.len && start[used] == '/')
			used++;
		if (len > NAME_MAX) {
			walk->is_unresolved = true;
			return;
		}
		memcpy(name, start + skip, len);
		memmove(walk->todo.text, start + used, walk->todo.len - used + 1);
		walk->todo.len -= used;
		if (len && walk_name(walk, name, len, !walk->todo.len) < 0) {
			walk->is_unresolved = true;
			return;
		}
	}
}

static enum path_result walk_result(const struct walk *walk)
{
	if (walk->is_unresolved)
		return PATH_UNRESOLVED;
	return walk->is_missing ? PATH_MISSING : PATH_REAL;
}

void paths_normalise(const char *path, size_t len, struct path_buffer *ret)
{
	struct path_view nobody = { .root = "" };
	struct walk walk = { .view = &nobody, .out = ret, .is_missing = true };

	ret->len = 0;
	ret->text[0] = '\0';
	buffer_set(&walk.todo, path, len);
	walk_on(&walk);
	if (!ret->len)
		buffer_set(ret, "/", 1);
}

struct directory_key {
	char root[32];
	uint32_t pid, own_pid;
	char path[PATH_MAX];
};

static struct key directory_key(const struct paths *paths, const struct path_view *view,
				const char *path, size_t len)
{
	struct directory_key facts;

	memcpy(facts.root, view->root, sizeof(facts.root));
	facts.pid = facts.own_pid = 0;
	/* Only below /proc does it matter who looks. */
	if (len >= 4 && !memcmp(path, "/pro", 4)) {
		facts.pid = view->pid;
		facts.own_pid = view->own_pid;
	}
	memcpy(facts.path, path, len);
	return key_of(paths->seed, &facts, offsetof(struct directory_key, path) + len);
}

static void directory_remember(struct paths *paths, struct key key, const struct walk *walk)
{
	size_t needed = walk->out->len + 2;
	struct map_entry *entry;

	if (paths->text_len + needed > paths->text_bytes) {
		size_t bytes = paths->text_bytes ? paths->text_bytes * 2 : 1u << 16;
		char *text = bytes > (64u << 20) ? NULL : realloc(paths->text, bytes);

		if (!text) {
			map_clear(&paths->directories);
			paths->text_len = 0;
			return;
		}
		paths->text = text;
		paths->text_bytes = bytes;
	}
	if (paths->directories.count >= PATHS_MAX) {
		map_clear(&paths->directories);
		paths->text_len = 0;
	}
	entry = map_add(&paths->directories, key);
	if (!entry)
		return;
	entry->value = (uint32_t)paths->text_len;
	entry->stamp = paths->now_ms;
	paths->text[paths->text_len] = (char)walk_result(walk);
	memcpy(paths->text + paths->text_len + 1, walk->out->text, walk->out->len + 1);
	paths->text_len += needed;
}

/* The directory part of walk->todo (len bytes), from memory when it was looked up lately. */
static void walk_directory(struct paths *paths, struct walk *walk, const char *path, size_t len)
{
	struct key key = directory_key(paths, walk->view, path, len);
	const struct map_entry *entry = map_find(&paths->directories, key);
	bool follow = walk->follow;

	if (entry && paths->now_ms - entry->stamp <= PATHS_TTL_MS) {
		const char *text = paths->text + entry->value;

		walk->is_missing = text[0] == PATH_MISSING;
		walk->is_unresolved = text[0] == PATH_UNRESOLVED;
		buffer_set(walk->out, text + 1, strlen(text + 1));
		return;
	}
	walk->follow = true;
	buffer_set(&walk->todo, path, len);
	walk_on(walk);
	walk->follow = follow;
	directory_remember(paths, key, walk);
}

bool paths_is_anchored(const struct path_view *view, const char *base, size_t base_len,
		       const char *path, size_t path_len)
{
	if (!path_len || view->is_lost)
		return !view->is_lost;
	return path[0] == '/' || (base_len && base_len < PATH_MAX && base[0] == '/');
}

enum path_result paths_real(struct paths *paths, const struct path_view *view, const char *base,
			    size_t base_len, const char *path, size_t path_len, bool follow,
			    struct path_buffer *ret)
{
	struct walk walk = { .view = view, .out = ret, .follow = follow,
			     .is_unresolved = view->is_lost };
	struct path_buffer whole;
	size_t directory;

	ret->len = whole.len = 0;
	ret->text[0] = '\0';
	if (path_len && path[0] != '/' &&
	    !paths_is_anchored(view, base, base_len, path, path_len)) {
		/* Never as /name: that may be the name of something else. */
		buffer_set(ret, path, path_len);
		return PATH_UNRESOLVED;
	}
	if (path_len && path[0] != '/') {
		buffer_set(&whole, base, base_len);
		if (whole.len + 1 < sizeof(whole.text))
			whole.text[whole.len++] = '/';
	}
	if (whole.len + path_len >= sizeof(whole.text)) {
		path_len = sizeof(whole.text) - 1 - whole.len;
		walk.is_unresolved = true;
	}
	memcpy(whole.text + whole.len, path, path_len);
	whole.len += path_len;
	while (whole.len > 1 && whole.text[whole.len - 1] == '/')
		whole.len--;
	whole.text[whole.len] = '\0';
	/* A NUL inside would hide the rest. */
	if (strlen(whole.text) != whole.len) {
		whole.len = strlen(whole.text);
		walk.is_unresolved = true;
	}
	directory = whole.len;
	while (directory && whole.text[directory - 1] != '/')
		directory--;
	if (!walk.is_unresolved)
		walk_directory(paths, &walk, whole.text, directory);
	else
		directory = 0;
	if (walk.is_unresolved) {
		paths_normalise(whole.text, whole.len, ret);
		return PATH_UNRESOLVED;
	}
	buffer_set(&walk.todo, whole.text + directory, whole.len - directory);
	walk_on(&walk);
	if (!ret->len)
		buffer_set(ret, "/", 1);
	if (walk.is_unresolved)
		paths_normalise(whole.text, whole.len, ret);
	return walk_result(&walk);
}
