/* SPDX-License-Identifier: Apache-2.0 */
#include "wording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sink/words.h"

/* --- paths, the way rules see them ------------------------------------------------------------- */

static size_t own_proc(const struct process *process, const char *path)
{
	char own[32];
	int len = snprintf(own, sizeof(own), "/proc/%u", process ? process->pid : 0);
	bool is_own = process && !strncmp(path, own, (size_t)len) &&
		      (!path[len] || path[len] == '/');
	return is_own ? (size_t)len : 0;
}

/* Directories of the system are not somebody's home, whatever /etc/passwd says. */
static size_t home_length(const struct process *process, const char *path)
{
	static const char *const places[] = {"/usr", "/bin", "/sbin", "/lib", "/etc", "/var",
					     "/proc", "/dev", "/run", "/sys", NULL};
	const char *home = process ? process->home : NULL;
	size_t len = home ? strlen(home) : 0;
	while (len && home[len - 1] == '/')
		len--;
	if (len < 2 || *home != '/' || strncmp(path, home, len) || path[len] != '/' ||
	    !path[len + 1])
		return 0;
	for (unsigned i = 0; places[i]; i++) {
		size_t place = strlen(places[i]);
		if (!strncmp(home, places[i], place) && (len == place || home[place] == '/'))
			return 0;
	}
	return len;
}

/* Into out, which has room for the path and 16 bytes. */
static size_t put_path(const struct process *process, struct str path, char *out)
{
	static const char deleted[] = " (deleted)";
	memcpy(out, path.data ? path.data : "", path.len);
	out[path.len] = 0;
	size_t len = path.len, own = own_proc(process, out), home = home_length(process, out);
	if (!strncmp(out, "/memfd:", 7)) {
		memmove(out, out + 1, len);
		len--;
		if (len > sizeof(deleted) - 1 && !strcmp(out + len - sizeof(deleted) + 1, deleted))
			out[len -= sizeof(deleted) - 1] = 0;
	} else if (own) {
		char *rest = strdup(out + own);
		len = (size_t)sprintf(out, "/proc/self%s", rest ? rest : "");
		free(rest);
	} else if (home) {
		memmove(out + 1, out + home, len - home + 1);
		out[0] = '~';
		len = len - home + 1;
	}
	return len;
}

/* --- collecting -------------------------------------------------------------------------------- */

static void add_part(struct event_words *words, char **at, size_t len)
{
	if (words->count == EVENT_WORDS_MAX)
		return;
	words->parts[words->count++] = *at;
	*at += len + 1;
}

static void add_str(struct event_words *words, char **at, struct str str)
{
	if (str.len)
		memcpy(*at, str.data, str.len);
	(*at)[str.len] = 0;
	for (uint32_t i = 0; i < str.len; i++)
		if (!(*at)[i])
			(*at)[i] = ' ';
	add_part(words, at, str.len);
}

static void add_arguments(struct event_words *words, char **at, struct str argv)
{
	uint32_t from = 0;
	for (bool is_first = true; from < argv.len; is_first = false) {
		uint32_t len = (uint32_t)strnlen(argv.data + from, argv.len - from);
		if (!is_first && words->count == EVENT_WORDS_MAX)
			words->is_cut = true;
		else if (!is_first)
			add_str(words, at, (struct str){argv.data + from, len});
		from += len + 1;
	}
}

static bool is_host_name(const char *name)
{
	size_t len = strlen(name);
	bool is_number = true;
	if (!len || len > 255)
		return false;
	for (const char *c = name; *c; c++) {
		bool is_digit = *c >= '0' && *c <= '9';
		is_number &= is_digit || *c == '.';
		if (!is_digit && !(*c >= 'a' && *c <= 'z') && !strchr("-_.", *c))
			return false;
	}
	return !is_number;
}

/* Lower case, without the root's dot. */
static void tidy_name(char *name)
{
	size_t len = strlen(name);
	for (char *c = name; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	if (len > 1 && name[len - 1] == '.')
		name[len - 1] = 0;
}

/* The first in the alphabet of the names the process has for this address. */
static bool host_of(struct model *model, uint32_t process, const struct item_target *target,
		    char ret_host[256])
{
	const char *names[64];
	unsigned count = model_names(model, process, target->address, target->address_len, names, 64);
	bool has_one = false;
	for (unsigned i = 0; i < count && i < 64; i++) {
		char name[256];
		if (strlen(names[i]) >= sizeof(name))
			continue;
		strcpy(name, names[i]);
		tidy_name(name);
		if (!is_host_name(name) || (has_one && strcmp(name, ret_host) >= 0))
			continue;
		strcpy(ret_host, name);
		has_one = true;
	}
	return has_one;
}

static bool is_loopback(const struct item_target *target)
{
	static const uint8_t v4[4] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
	return target->address_len == 4 ? !memcmp(target->address, v4, 4)
	       : target->address_len == 16 && !memcmp(target->address, v6, 16);
}

static void add_string(struct event_words *words, char **at, const char *string)
{
	strcpy(*at, string);
	add_part(words, at, strlen(string));
}

static void add_peer(struct model *model, const struct item_event *event,
		     const struct item_target *target, struct event_words *words, char **at)
{
	char host[256], port[16];
	struct text address = {0};
	bool is_ours = event->action == WIRE_NET_BIND || event->action == WIRE_NET_LISTEN;
	text_clear(&address);
	words_address(&address, target);
	if (is_loopback(target))
		add_string(words, at, "localhost");
	else if (!is_ours && host_of(model, event->process, target, host))
		add_string(words, at, host);
	else
		add_string(words, at, address.data ? address.data : "");
	text_done(&address);
	snprintf(port, sizeof(port), "%u", target->port);
	add_string(words, at, port);
	add_string(words, at, words_proto(target));
}

static void mark_pids(const struct process *process, struct event_words *words)
{
	unsigned run = 0;
	for (uint32_t i = 0; process && i < words->count; i++) {
		for (const char *at = words->parts[i]; *at && run < 64;) {
			size_t digits = strspn(at, "0123456789");
			unsigned long number = digits && digits < 10 ? strtoul(at, NULL, 10) : 0;
			bool is_pid = number > 1 && (number == process->pid ||
						     number == process->inner_pid ||
						     (process->parent &&
						      number == process->parent->pid));
			if (digits && is_pid)
				words->pids |= 1ull << run;
			run += digits != 0;
			at += digits ? digits : 1;
		}
	}
}

static void fill(struct model *model, const struct item_event *event,
		 const struct item_target *target, struct event_words *words)
{
	const struct process *process = model_process(model, event->process);
	char *at = words->memory;
	struct str path = target->path.len ? target->path : target->asked;
	switch (target->kind) {
	case TARGET_PEER:
		add_peer(model, event, target, words, &at);
		return;
	case TARGET_UNIX:
		memcpy(at, "unix:", 5);
		memcpy(at + 5, path.data ? path.data : "", path.len);
		at[5 + path.len] = 0;
		add_part(words, &at, 5 + path.len);
		add_string(words, &at, "0");
		add_string(words, &at, "unix");
		break;
	case TARGET_NAME:
		add_str(words, &at, path);
		tidy_name((char *)words->parts[0]);
		return;
	case TARGET_VARIABLE:
		add_str(words, &at, path);
		return;
	case TARGET_MEMORY:
	case TARGET_PROCESS:
		add_string(words, &at, "any");
		return;
	default:
		add_part(words, &at, put_path(process, path, at));
		if (target->kind == TARGET_PATHS)
			add_part(words, &at, put_path(process, target->to, at));
		if (target->kind == TARGET_PROGRAM)
			add_arguments(words, &at, target->argv);
	}
	mark_pids(process, words);
}

void wording_of(struct model *model, const struct item_event *event, struct event_words *ret)
{
	const struct item_target *target = model_target(model, event->target);
	ret->count = 0;
	ret->pids = 0;
	ret->is_cut = false;
	ret->memory = NULL;
	if (!target)
		return;
	size_t room = (size_t)target->path.len + target->asked.len + target->to.len +
		      target->argv.len + 1024;
	ret->memory = malloc(room);
	if (ret->memory)
		fill(model, event, target, ret);
}

void wording_done(struct event_words *words)
{
	free(words->memory);
}

void wording_show(struct text *text, uint32_t action, const char *const *parts, uint32_t count)
{
	bool is_peer = action >= WIRE_NET_CONNECT && action <= WIRE_NET_SEND && count == 3;
	bool is_unix = is_peer && !strcmp(parts[2], "unix");
	for (uint32_t i = 0; i < count && !(is_unix && i); i++) {
		bool is_pair = action == WIRE_FILE_RENAME || action == WIRE_FILE_LINK;
		bool has_colon = is_peer && i == 1;
		if (i)
			text_add(text, is_pair ? " to " : has_colon ? ":" : is_peer ? "/" : " ");
		bool is_v6 = is_peer && !i && strchr(parts[i], ':') && !is_unix;
		text_add(text, is_v6 ? "[" : "");
		text_escape_string(text, parts[i], ESCAPE_TERMINAL);
		text_add(text, is_v6 ? "]" : "");
	}
}
