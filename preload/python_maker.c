/* SPDX-License-Identifier: Apache-2.0
 *
 * Who asked for what an event loop or a pool runs. On the stack there is only the runner then, and it
 * runs for everybody. So whoever makes a task, a callback of a loop or a piece of work is kept with
 * it: a table leads from the address to an origin. Where a stack has come out of what was made, it
 * ends, and goes on with that origin.
 *
 * A task is known by the frame of its coroutine, a callback by its handle, work by its future. All of
 * them are entered anew whenever one is made, so an address that is used again never has the maker of
 * who was there before. An entry that had to give way to others is not known any more: the stack is
 * then not whole, and says so.
 */
#include "python.h"

#define MAKERS 16384u /* power of two */
#define PROBES 8u
#define CLIMB_MAX 256u
#define SAME_ROLE 4u /* as many interpreters of a process have code of their own for it */

/* Two words that check each other. */
static TABLE struct maker {
	uint64_t check; /* what ^ value, mixed; 0: free */
	uint64_t value; /* origin << 32 | generation << 16 | age */
} makers[MAKERS];
static uint32_t made_count;

static struct {
	uint32_t origin, generation;
} inherited;

static uint64_t roles[ROLES][SAME_ROLE];
static uint32_t next_role[ROLES];

/* --- the table ----------------------------------------------------------------------------------- */
static inline uint64_t maker_check(uint64_t what, uint64_t value)
{
	return (what ^ value * 0xff51afd7ed558ccdull) | 1;
}

static struct maker *maker_first(uint64_t what)
{
	return &makers[((what >> 4) * 0x9e3779b97f4a7c15ull >> 40) % (MAKERS - PROBES)];
}

static struct maker *maker_find(uint64_t what, uint64_t *ret_value)
{
	struct maker *at = maker_first(what);

	for (unsigned i = 0; i < PROBES; i++, at++) {
		uint64_t value = __atomic_load_n(&at->value, __ATOMIC_RELAXED);

		if (__atomic_load_n(&at->check, __ATOMIC_RELAXED) == maker_check(what, value)) {
			*ret_value = value;
			return at;
		}
	}
	return NULL;
}

static void maker_write(struct maker *at, uint64_t what, uint32_t origin)
{
	uint64_t value = (uint64_t)origin << 32 | (uint64_t)(uint16_t)session.generation << 16 |
			 (uint16_t)(made_count / (MAKERS / 64));

	__atomic_store_n(&at->value, value, __ATOMIC_RELAXED);
	__atomic_store_n(&at->check, maker_check(what, value), __ATOMIC_RELAXED);
}

/* Its own place, a free one, or that of the oldest. */
static struct maker *maker_place(uint64_t what)
{
	struct maker *at = maker_first(what), *best = at;
	uint16_t now = (uint16_t)(made_count / (MAKERS / 64)), most = 0;
	uint64_t value;

	if ((best = maker_find(what, &value)))
		return best;
	best = at;
	for (unsigned i = 0; i < PROBES; i++, at++) {
		uint16_t age = (uint16_t)(now - (uint16_t)at->value);

		if (!at->check)
			return at;
		if (age >= most) {
			most = age;
			best = at;
		}
	}
	return best;
}

/* 0: not known. */
static uint32_t maker_of(uint64_t what)
{
	uint64_t value;
	struct maker *at = maker_find(what, &value);

	if (!at || !(value >> 32))
		return 0;
	if ((uint16_t)(value >> 16) == (uint16_t)session.generation) {
		maker_write(at, what, (uint32_t)(value >> 32)); /* still young */
		return (uint32_t)(value >> 32);
	}
	/* Before a fork: origins of the parent's, but for the one we go on with. */
	return inherited.generation == session.generation && inherited.origin == value >> 32 ?
		       inherited.origin :
		       0;
}

void python_made(uint64_t what, void **frame)
{
	struct call call = { .is_on = shim_state == SHIM_ACTIVE };
	int saved = errno;

	if (!call.is_on)
		return;
	if (unlikely(!*session_fork_guard))
		session_after_fork();
	call.stack = stack_capture(frame, HOOK_NONE, &call.origin);
	made_count++;
	maker_write(maker_place(what), what, origin_of_start(&call));
	errno = saved;
}

void python_made_by_nobody(uint64_t what)
{
	uint64_t value;
	struct maker *at = maker_find(what, &value);

	if (at)
		maker_write(at, what, 0);
}

void python_inherit(uint32_t origin, uint32_t generation)
{
	inherited.origin = origin;
	inherited.generation = generation;
}

/* --- who is who ----------------------------------------------------------------------------------- */
static bool is_named(uint64_t code, const char *name)
{
	uint64_t text = python_load(code + python.layout.code_name);
	size_t len = strlen(name);

	return python_is_pointer(text) &&
	       python_load(text + OBJECT_TYPE) == (uint64_t)python.api.PyUnicode_Type &&
	       python_load(text + TEXT_LENGTH) == len &&
	       !memcmp((const char *)text + python.layout.text_data, name, len);
}

void python_role_note(uint64_t code, uint64_t outer)
{
	static const struct {
		const char *class, *function;
	} names[ROLES] = {
		[ROLE_FUTURE] = { "Future", "__init__" },
		[ROLE_WORK] = { "_WorkItem", "run" },
		[ROLE_HANDLE] = { "Handle", "_run" },
	};

	for (unsigned i = 0; i < ROLES; i++) {
		if (!is_named(code, names[i].function) || !is_named(outer, names[i].class))
			continue;
		roles[i][next_role[i]++ % SAME_ROLE] = code;
		if (i == ROLE_HANDLE)
			python_types_wanted();
	}
}

static bool has_role(uint64_t code, enum python_role role)
{
	for (unsigned i = 0; i < SAME_ROLE; i++)
		if (roles[role][i] == code)
			return true;
	return false;
}

/* --- when something is made ------------------------------------------------------------------------ */
/* A future has a condition of its own, whose lock is the one thing libc is asked for while work is
 * handed to a pool: by Future.__init__, Condition.__init__ and RLock, innermost last. */
void python_lock_made(void **frame)
{
	struct python_codes codes;
	uint64_t at, code;

	python_codes_begin(&codes, (uint64_t)python.api.PyGILState_GetThisThreadState());
	for (unsigned i = 0; i < 4; i++) {
		code = python_codes_next(&codes, &at);
		if (!code)
			return;
		if (unlikely(has_role(code, ROLE_FUTURE))) {
			python_made(python_load(at + python.layout.frame_locals), frame);
			return;
		}
	}
}

/* --- when it runs ----------------------------------------------------------------------------------- */
static bool load(const struct python_walk *walk, uint64_t address, uint64_t *ret)
{
	if (!python_is_pointer(address) ||
	    (unlikely(walk->is_careful) && !memory_is_readable((const void *)address, 8)))
		return false;
	*ret = python_load(address);
	return true;
}

static void walk_cut(struct python_walk *walk, uint32_t origin)
{
	walk->is_cut = true;
	walk->origin = origin;
	walk->inner = 0;
	if (!origin)
		walk->flags |= WIRE_STACK_PARTIAL;
}

bool python_is_coroutine(uint64_t frame, bool is_careful)
{
	const struct python_layout *at = &python.layout;
	uint64_t place = frame + at->frame_coroutine, word;

	if (!python_is_pointer(place & ~7ull) ||
	    (unlikely(is_careful) && !memory_is_readable((const void *)(place & ~7ull), 8)))
		return false;
	word = python_load(place & ~7ull);
	return at->kind == PYTHON_OBJECTS ?
		       word != 0 :
		       (word >> place % 8 * 8 & 0xff) == PYTHON_OWNED_BY_COROUTINE;
}

/* The outermost of the coroutines that wait for this one. An exception that is thrown into a task goes
 * from one to the next without running them. */
static uint64_t task_frame(const struct python_walk *walk)
{
	const struct python_layout *at = &python.layout;
	uint64_t frame = walk->inner, next = frame, owner;

	for (unsigned i = 0; i < CLIMB_MAX; i++) {
		if (!load(walk, next + at->frame_previous, &next) || !next)
			break;
		if (at->frame_owner && load(walk, (next + at->frame_owner) & ~7ull, &owner) &&
		    (owner >> (next + at->frame_owner) % 8 * 8 & 0xff) == PYTHON_OWNED_BY_STACK)
			continue;
		if (!python_is_coroutine(next, walk->is_careful))
			break;
		frame = next;
	}
	return frame;
}

void python_walk_task(struct python_walk *walk)
{
	if (!walk->is_cut && python_is_coroutine(walk->inner, walk->is_careful))
		walk_cut(walk, maker_of(task_frame(walk)));
}

/* The first value of an instance of a class written in Python: what its __init__ set first. */
static uint64_t first_value(const struct python_walk *walk, uint64_t object)
{
	uint64_t type, size, dict, values, value = 0;

	switch (python.version) {
	case 0x030d: /* in the object, behind four bytes about themselves */
		return load(walk, object + OBJECT_TYPE, &type) && load(walk, type + 32, &size) &&
				       load(walk, object + size + 8, &value) ?
			       value :
			       0;
	case 0x030c: /* values or a dictionary, told apart by the lowest bit */
		if (!load(walk, object - 24, &dict))
			return 0;
		if (dict & 1)
			return load(walk, dict + 1, &value) ? value : 0;
		break;
	case 0x030b:
		if (!load(walk, object - 32, &values))
			return 0;
		if (values)
			return load(walk, values, &value) ? value : 0;
		if (!load(walk, object - 24, &dict))
			return 0;
		break;
	default:
		if (!load(walk, object + 16, &dict))
			return 0;
	}
	return load(walk, dict + 40, &values) && load(walk, values, &value) ? value : 0;
}

void python_walk_runner(struct python_walk *walk, uint64_t frame, uint64_t code)
{
	uint64_t self, type;
	uint32_t origin;

	if (walk->is_cut || !load(walk, frame + python.layout.frame_locals, &self))
		return;
	if (has_role(code, ROLE_WORK)) {
		walk_cut(walk, maker_of(first_value(walk, self)));
	} else if (has_role(code, ROLE_HANDLE)) {
		/* Tasks that the interpreter itself brings along. */
		if (walk->inner && python_is_coroutine(walk->inner, walk->is_careful) &&
		    !python.task_size) {
			python_walk_task(walk);
			return;
		}
		origin = load(walk, self + OBJECT_TYPE, &type) && python_is_handle(type) ?
				 maker_of(self) :
				 0;
		if (origin)
			walk_cut(walk, origin);
	}
}
