/* SPDX-License-Identifier: Apache-2.0
 *
 * Which pipes a program was started with: what an interpreter is fed through one came from whoever
 * writes it, and the collector puts the two ends together.
 *
 * And which line a bash is at. It exports its variables to the builtins that it can load, and we
 * read them as memory; none of its code is called. What they mean is asked of them: the name of
 * the outermost source must be $0, or nothing is said.
 */
#include <sys/stat.h>

#include "hook.h"
#include "script.h"
#include "sys.h"
#include "wire/kernel.h"

#define WORDS_MAX 16
#define FD_DIGITS 7

static uint64_t pipe_of(long fd)
{
	struct stat st;

	if (sys_call2(SYS_fstat, fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		return 0;
	return WIRE_PIPE(st.st_dev, st.st_ino);
}

/* /dev/fd/63 -> 63; -1: it is no such name. */
static long fd_of(const char *word)
{
	static const char *const places[] = { "/dev/fd/", "/proc/self/fd/" };
	const char *at = NULL;
	long fd = 0;

	for (unsigned i = 0; !at && i < 2; i++)
		at = strncmp(word, places[i], strlen(places[i])) ? NULL : word + strlen(places[i]);
	if (!at || !*at || strnlen(at, FD_DIGITS + 1) > FD_DIGITS)
		return -1;
	for (; *at >= '0' && *at <= '9'; at++)
		fd = fd * 10 + (*at - '0');
	return *at ? -1 : fd;
}

uint32_t script_pipes(const char *words, uint32_t bytes, struct wire_pipes *ret)
{
	const char *end = words + bytes;

	*ret = (struct wire_pipes){ pipe_of(0), pipe_of(1), 0 };
	/* The last word may be cut: then it has no end here. */
	for (unsigned i = 0; i < WORDS_MAX && words < end; i++) {
		size_t len = strnlen(words, (size_t)(end - words));
		long fd = words + len < end ? fd_of(words) : -1;

		if (fd >= 0) {
			ret->script = pipe_of(fd);
			break;
		}
		words += len + 1;
	}
	return ret->input || ret->output || ret->script ? sizeof(*ret) : 0;
}

/* --- the line ------------------------------------------------------------------------------------- */
#define SOURCES_MAX 256u
#define BUCKETS_MAX 65536u

/* bash's structures, the same since 4.0; where an array has its first element is looked for. */
#define CONTEXT_TABLE 32   /* VAR_CONTEXT: name, scope, flags, up, down, table */
#define TABLE_BUCKETS 8	   /* HASH_TABLE: buckets, their number, entries */
#define BUCKET_KEY 8	   /* next, key, data */
#define BUCKET_DATA 16
#define VARIABLE_VALUE 8   /* name, value */
#define ELEMENT_VALUE 8	   /* index, value, next */
#define ELEMENT_NEXT 16

static struct shell {
	const int *line;
	const uint64_t *globals, *dollars; /* global_variables, dollar_vars */
	uint64_t sources, lines;	   /* BASH_SOURCE and BASH_LINENO, once found */
	uint64_t object;		   /* session generation above, id below */
} shell;

static uint64_t load(uint64_t address)
{
	return address % 8 || !memory_is_readable((const void *)address, 8) ?
		       0 :
		       *(const uint64_t *)address;
}

static bool is_text(uint64_t text, uint64_t other)
{
	return text && other && string_is_readable((const char *)text) &&
	       string_is_readable((const char *)other) &&
	       !strcmp((const char *)text, (const char *)other);
}

static bool is_of_program(const void *variable, size_t bytes)
{
	struct dl_find_object object;

	return variable && !_dl_find_object((void *)variable, &object) &&
	       !object.dlfo_link_map->l_name[0] && memory_is_readable(variable, bytes);
}

void script_init(void)
{
	const void *line;

	if (!real_find_anywhere("executing_line_number"))
		return;
	line = real_find_anywhere("line_number");
	shell.globals = real_find_anywhere("global_variables");
	shell.dollars = real_find_anywhere("dollar_vars");
	if (is_of_program(line, sizeof(int)) && is_of_program(shell.globals, 8) &&
	    is_of_program(shell.dollars, 8))
		shell.line = line;
}

static uint64_t variable_search(const char *name)
{
	uint64_t table = load(load((uint64_t)shell.globals) + CONTEXT_TABLE);
	uint64_t buckets = table ? load(table) : 0;
	uint32_t count = buckets ? (uint32_t)load(table + TABLE_BUCKETS) : 0;

	for (uint32_t i = 0; i < count && count <= BUCKETS_MAX; i++) {
		uint64_t bucket = load(buckets + i * 8ull);

		for (unsigned depth = 0; bucket && depth < 64; depth++) {
			if (is_text(load(bucket + BUCKET_KEY), (uint64_t)name))
				return load(bucket + BUCKET_DATA);
			bucket = load(bucket);
		}
	}
	return 0;
}

/* The head of the array's ring of elements: it has no index and no value. */
static uint64_t array_head(uint64_t *variable, const char *name)
{
	uint64_t array, head;

	if (!*variable)
		*variable = variable_search(name);
	if (!*variable || !is_text(load(*variable), (uint64_t)name)) {
		*variable = 0;
		return 0;
	}
	array = load(*variable + VARIABLE_VALUE);
	for (unsigned at = 16; array && at <= 24; at += 8) {
		head = load(array + at);
		if (head && load(head) == UINT64_MAX && !load(head + ELEMENT_VALUE))
			return head;
	}
	return 0;
}

static uint64_t array_last(uint64_t head)
{
	uint64_t at = load(head + ELEMENT_NEXT), last = 0;

	for (unsigned i = 0; at && at != head && i < SOURCES_MAX; i++) {
		last = at;
		at = load(at + ELEMENT_NEXT);
	}
	return at == head && last ? load(last + ELEMENT_VALUE) : 0;
}

static uint32_t number_of(uint64_t text)
{
	uint64_t value = 0;

	if (!text || !string_is_readable((const char *)text))
		return 0;
	for (const char *at = (const char *)text; *at; at++) {
		if (*at < '0' || *at > '9' || value > INT32_MAX)
			return 0;
		value = value * 10 + (uint64_t)(*at - '0');
	}
	return value <= INT32_MAX ? (uint32_t)value : 0;
}

/* Functions count the lines of the file they are written in, sourced files their own: the innermost
 * one that is the script itself, and where it went on from there. */
uint32_t script_line(void)
{
	uint64_t sources, lines, source, line, script;
	int now;

	if (likely(!shell.line))
		return 0;
	now = *shell.line;
	sources = array_head(&shell.sources, "BASH_SOURCE");
	lines = sources ? array_head(&shell.lines, "BASH_LINENO") : 0;
	script = lines ? array_last(sources) : 0;
	if (!script || !is_text(script, load((uint64_t)shell.dollars)))
		return 0;
	source = load(sources + ELEMENT_NEXT);
	line = 0;
	for (unsigned i = 0; source && source != sources && i < SOURCES_MAX; i++) {
		if (is_text(load(source + ELEMENT_VALUE), script))
			return line ? number_of(load(line + ELEMENT_VALUE)) : now > 0 ? (uint32_t)now : 0;
		source = load(source + ELEMENT_NEXT);
		line = load((line ? line : lines) + ELEMENT_NEXT);
		if (line == lines)
			return 0;
	}
	return 0;
}

uint32_t script_object(bool may_define)
{
	struct wire_object *record;
	uint32_t id;

	if (shell.object >> 32 == session.generation)
		return (uint32_t)shell.object;
	id = may_define ? object_next_id() : 0;
	record = id ? ring_reserve(sizeof(*record), WIRE_FAMILY_META) : NULL;
	if (!record)
		return 0;
	memset((char *)record + sizeof(record->head), 0, sizeof(*record) - sizeof(record->head));
	record->id = id;
	ring_commit(record, sizeof(*record), WIRE_OBJECT, WIRE_OBJECT_SHELL);
	shell.object = (uint64_t)session.generation << 32 | id;
	return id;
}
