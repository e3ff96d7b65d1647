/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose code a code object is. Units are what code can come from (a file, a .pth, what the
 * interpreter was started with); a table leads from code objects to them. One word an entry, so a
 * hook that reads it while the audit hook writes never sees half of one. Entries are not taken
 * out: an address that is used again belongs to code that somebody ran, and who ran it was told
 * to the audit hook, which then enters it anew.
 *
 * Memory is one mapping, made when an interpreter is found and touched as it is needed; a larger
 * table replaces a full one, which is left where it is because somebody may be reading it.
 */
#include "python.h"

#define UNITS 16384u
#define UNIT_INDEX 2048u /* power of two */
#define UNIT_TEXT (2u << 20)
#define UNIT_BITS 20
#define TABLE_FIRST (1u << 14)
#define TABLE_LAST (1u << 22)
#define PROBES 24u
#define DEPTH_MAX 48u
#define NAME_MAX_BYTES 4000u

struct unit {
	uint64_t hash;
	uint64_t published; /* session.generation << 32 | object id */
	uint32_t text, len;
	uint32_t flags;
	uint32_t next; /* of the same index place */
	uint32_t importer;
	bool is_by_hand;
};

/* What every start touches lies together. */
struct units {
	uint32_t index[UNIT_INDEX];
	struct unit units[UNITS];
	char text[UNIT_TEXT];
};
#define UNITS_FIRST 128u /* of them */

struct table {
	uint64_t mask;
	uint64_t words[];
};

static struct units *units;
static struct table *table;
static uint32_t unit_count, unit_text;
static uint32_t table_used, is_growing;

static void *memory_map(size_t bytes)
{
	long at = sys_call6(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at < 0 && at > -4096 ? NULL : (void *)at;
}

/* Pages that will be written all over, in one go: one by one each is a fault to read and another to
 * write. Where the kernel cannot (before 5.14), nothing is lost. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
void python_touch(const void *memory, size_t bytes)
{
	uint64_t start = (uint64_t)memory & ~4095ull;

	if (session.has_seccomp)
		return; /* a filter may kill for what the program never calls */
	sys_call3(SYS_madvise, start, ((uint64_t)memory + bytes + 4095 - start) & ~4095ull,
		  MADV_POPULATE_WRITE);
}

static struct table *table_map(uint32_t entries)
{
	size_t bytes = sizeof(struct table) + entries * sizeof(uint64_t);
	struct table *made = memory_map(bytes);

	if (!made)
		return NULL;
	python_touch(made, bytes);
	made->mask = entries - 1;
	return made;
}

bool python_code_init(void)
{
	struct units *made = units ? units : memory_map(sizeof(*units));

	if (!made)
		return false;
	if (!units)
		python_touch(made, offsetof(struct units, units[UNITS_FIRST]));
	units = made;
	if (!table)
		table = table_map(TABLE_FIRST);
	unit_count = UNIT_NOBODY + 1;
	return table != NULL;
}

/* --- units --------------------------------------------------------------------------------------- */
static uint64_t text_hash(const char *text, size_t len)
{
	uint64_t hash = len * 0x9e3779b97f4a7c15ull;

	for (; len >= 8; len -= 8, text += 8) {
		uint64_t word;

		memcpy(&word, text, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	for (; len; len--, text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3ull;
	return hash ^ hash >> 32;
}

static bool is_text(const char *text, size_t len, const char *other)
{
	return strlen(other) == len && !memcmp(text, other, len);
}

static bool starts_with(const char *text, size_t len, const char *start)
{
	size_t bytes = strlen(start);

	return len >= bytes && !memcmp(text, start, bytes);
}

/* What is installed below the standard library's directory is not part of it. */
static bool is_installed(const char *rest, size_t len)
{
	return starts_with(rest, len, "site-packages/") || starts_with(rest, len, "dist-packages/");
}

static uint32_t flags_of(const char *path, size_t len, uint32_t flags)
{
	static const char frozen[] = "<frozen ";

	if (flags & (UNIT_TOP | UNIT_PTH))
		return flags;
	if (starts_with(path, len, frozen)) {
		const char *name = path + sizeof(frozen) - 1;
		size_t bytes = len - (sizeof(frozen) - 1);

		flags |= UNIT_FROZEN | UNIT_STDLIB;
		if (starts_with(name, bytes, "importlib._bootstrap") ||
		    is_text(name, bytes, "zipimport>"))
			flags |= UNIT_IMPORT;
		if (is_text(name, bytes, "site>"))
			flags |= UNIT_SITE;
		if (is_text(name, bytes, "runpy>"))
			flags |= UNIT_RUNPY;
	} else if (python.stdlib_len && len > python.stdlib_len &&
		   path[python.stdlib_len] == '/' && starts_with(path, len, python.stdlib)) {
		const char *rest = path + python.stdlib_len + 1;
		size_t bytes = len - python.stdlib_len - 1;

		if (!is_installed(rest, bytes))
			flags |= UNIT_STDLIB;
		if (is_text(rest, bytes, "site.py"))
			flags |= UNIT_SITE;
		if (is_text(rest, bytes, "runpy.py"))
			flags |= UNIT_RUNPY;
		if (is_text(rest, bytes, "asyncio/events.py") ||
		    is_text(rest, bytes, "concurrent/futures/_base.py") ||
		    is_text(rest, bytes, "concurrent/futures/thread.py"))
			flags |= UNIT_RUNNER;
	}
	return flags;
}

uint32_t unit_of(const char *path, size_t len, uint32_t flags)
{
	uint64_t hash;
	uint32_t *first, id, text;
	struct unit *unit;

	if (len > NAME_MAX_BYTES)
		len = NAME_MAX_BYTES;
	flags = flags_of(path, len, flags);
	hash = text_hash(path, len) + flags;
	first = &units->index[hash % UNIT_INDEX];
	for (id = __atomic_load_n(first, __ATOMIC_ACQUIRE); id; id = unit->next) {
		unit = &units->units[id];
		if (unit->hash == hash && unit->len == len && unit->flags == flags &&
		    !memcmp(units->text + unit->text, path, len))
			return id;
	}
	text = __atomic_fetch_add(&unit_text, (uint32_t)len, __ATOMIC_RELAXED);
	id = __atomic_fetch_add(&unit_count, 1, __ATOMIC_RELAXED);
	if (id >= UNITS || text + len > UNIT_TEXT) {
		/* No longer counted: what comes now is nobody's. */
		__atomic_store_n(&unit_count, UNITS, __ATOMIC_RELAXED);
		return 0;
	}
	unit = &units->units[id];
	memcpy(units->text + text, path, len);
	unit->hash = hash;
	unit->text = text;
	unit->len = (uint32_t)len;
	unit->flags = flags;
	unit->next = __atomic_load_n(first, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(first, &unit->next, id, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
	return id;
}

uint32_t unit_flags(uint32_t unit)
{
	return unit > UNIT_NOBODY && unit < UNITS ? units->units[unit].flags : 0;
}

void unit_set_importer(uint32_t unit, uint32_t importer, bool is_by_hand)
{
	struct unit *at = &units->units[unit];

	if (unit <= UNIT_NOBODY || at->importer || unit == importer)
		return;
	at->is_by_hand = is_by_hand;
	__atomic_store_n(&at->importer, importer, __ATOMIC_RELEASE);
}

bool unit_is(uint32_t unit, const char *path, size_t len)
{
	return unit > UNIT_NOBODY && unit < UNITS && units->units[unit].len == len &&
	       !memcmp(units->text + units->units[unit].text, path, len);
}

static uint32_t unit_object_from(uint32_t unit, bool may_define, unsigned depth);

static bool unit_publish(const struct unit *unit, uint32_t id, unsigned depth)
{
	uint32_t bytes = ring_round((uint32_t)sizeof(struct wire_object) + unit->len);
	unsigned flags = WIRE_OBJECT_PYTHON;
	struct wire_object *record;

	uint32_t importer = __atomic_load_n(&unit->importer, __ATOMIC_ACQUIRE);

	python_tell();
	/* Each was imported by somebody who was imported: so far, but not for ever. */
	importer = importer && depth < 4 ? unit_object_from(importer, true, depth + 1) : 0;
	record = ring_reserve(bytes, WIRE_FAMILY_META);
	if (!record)
		return false;
	memset(record + 1, 0, bytes - sizeof(*record));
	record->base = importer;
	record->start = record->end = 0;
	record->id = id;
	record->path_len = (uint16_t)unit->len;
	record->soname_len = record->build_id_len = 0;
	memset(record->pad, 0, sizeof(record->pad));
	memcpy(record + 1, units->text + unit->text, unit->len);
	if (unit->flags & UNIT_FROZEN)
		flags |= WIRE_OBJECT_FROZEN;
	if (unit->flags & UNIT_TOP)
		flags |= WIRE_OBJECT_TOP;
	if (unit->is_by_hand)
		flags |= WIRE_OBJECT_BY_HAND;
	ring_commit(record, bytes, WIRE_OBJECT, flags);
	return true;
}

static uint32_t unit_object_from(uint32_t unit, bool may_define, unsigned depth)
{
	struct unit *at = &units->units[unit];
	uint64_t published = __atomic_load_n(&at->published, __ATOMIC_RELAXED);
	uint32_t id;

	if (published >> 32 == session.generation)
		return (uint32_t)published;
	id = may_define ? object_next_id() : 0;
	if (!id || !unit_publish(at, id, depth))
		return 0;
	__atomic_store_n(&at->published, (uint64_t)session.generation << 32 | id, __ATOMIC_RELAXED);
	return id;
}

uint32_t unit_object(uint32_t unit, bool may_define)
{
	return unit_object_from(unit, may_define, 0);
}

/* --- code objects -> units ---------------------------------------------------------------------- */
static inline uint64_t code_tag(uint64_t code)
{
	return code >> 3 << UNIT_BITS;
}

static inline uint64_t code_hash(uint64_t code)
{
	/* What is loaded together lies together, here as there: an import fills few lines of the cache. */
	return (code >> 6) + ((code >> 20) * 0x9e3779b97f4a7c15ull >> 32);
}

/* Where it is, or where it may be put; NULL: no place near enough. */
static uint64_t *table_place(struct table *t, uint64_t code)
{
	uint64_t tag = code_tag(code), hash = code_hash(code);

	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t *at = &t->words[(hash + i) & t->mask];
		uint64_t word = __atomic_load_n(at, __ATOMIC_RELAXED);

		if (!word || word >> UNIT_BITS << UNIT_BITS == tag)
			return at;
	}
	return NULL;
}

uint32_t code_unit_known(uint64_t code)
{
	struct table *t = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
	uint64_t *at = table_place(t, code);

	return at ? (uint32_t)*at & ((1u << UNIT_BITS) - 1) : 0;
}

static bool table_put(struct table *t, uint64_t code, uint32_t unit)
{
	uint64_t word = code_tag(code) | unit;

	for (;;) {
		uint64_t *at = table_place(t, code), there;

		if (!at)
			return false;
		there = __atomic_load_n(at, __ATOMIC_RELAXED);
		if (there && there >> UNIT_BITS << UNIT_BITS != code_tag(code))
			continue; /* somebody took the place in between */
		if (!__atomic_compare_exchange_n(at, &there, word, false, __ATOMIC_RELEASE,
						 __ATOMIC_RELAXED))
			continue;
		/* Nearly always with the interpreter's lock; it need not be exact. */
		if (!there)
			__atomic_store_n(&table_used, table_used + 1, __ATOMIC_RELAXED);
		return true;
	}
}

/* Only in the audit hook. Under a filter there is no more memory: what no longer fits is nobody's. */
static bool table_grow(void)
{
	struct table *old = table, *made;
	uint32_t is_busy = 0;
	bool is_whole = true;

	if (session.has_seccomp || (old->mask + 1) * 2 > TABLE_LAST ||
	    !__atomic_compare_exchange_n(&is_growing, &is_busy, 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	made = table_map((uint32_t)(old->mask + 1) * 2);
	for (uint64_t i = 0; made && i <= old->mask; i++)
		if (old->words[i])
			is_whole &= table_put(made, old->words[i] >> UNIT_BITS << 3,
					      (uint32_t)old->words[i] & ((1u << UNIT_BITS) - 1));
	if (made)
		__atomic_store_n(&table, made, __ATOMIC_RELEASE);
	__atomic_store_n(&is_growing, 0, __ATOMIC_RELEASE);
	return made && is_whole;
}

static void code_put(uint64_t code, uint32_t unit)
{
	if (table_used * 2 > table->mask)
		table_grow();
	for (unsigned i = 0; i < 4 && !table_put(table, code, unit); i++)
		if (!table_grow())
			break;
}

/* A code object nobody ran through Python: C code had it made. That of the interpreter's own
 * bootstrap says so by its name, which only what C made can still choose here. */
static NOINLINE uint32_t code_meet(uint64_t code)
{
	const struct python_layout *at = &python.layout;
	uint64_t text = python_load(code + at->code_filename), len;
	uint32_t unit = UNIT_NOBODY;
	const char *name;

	if (!python_is_pointer(text))
		return UNIT_NOBODY;
	len = python_load(text + TEXT_LENGTH);
	name = (const char *)(text + at->text_data);
	if (len > 8 && len < 256 && !memcmp(name, "<frozen ", 8))
		unit = unit_of(name, len, UNIT_FROZEN);
	if (unit)
		table_put(__atomic_load_n(&table, __ATOMIC_ACQUIRE), code, unit);
	return unit ? unit : UNIT_NOBODY;
}

uint32_t code_unit(uint64_t code)
{
	uint32_t unit = code_unit_known(code);

	return likely(unit) ? unit : code_meet(code);
}

static bool is_code(uint64_t object)
{
	return python_is_pointer(object) &&
	       python_load(object + OBJECT_TYPE) == (uint64_t)python.api.PyCode_Type;
}

static void code_set_within(uint64_t code, uint32_t unit, bool is_runner, unsigned depth)
{
	uint64_t consts = python_load(code + python.layout.code_consts), count;

	code_put(code, unit);
	if (!python_is_pointer(consts) || depth == DEPTH_MAX ||
	    python_load(consts + OBJECT_TYPE) != (uint64_t)python.api.PyTuple_Type)
		return;
	count = python_load(consts + TEXT_LENGTH);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t constant = python_load(consts + TUPLE_ITEMS + i * 8);

		if (!is_code(constant))
			continue;
		if (unlikely(is_runner))
			python_role_note(constant, code);
		code_set_within(constant, unit, is_runner, depth + 1);
	}
}

void code_set(uint64_t code, uint32_t unit)
{
	if (unit && is_code(code))
		code_set_within(code, unit, unit_flags(unit) & UNIT_RUNNER, 0);
}
