/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding a Python interpreter in the process and listening to its audit hook (PEP 578), which
 * costs some 20 ns an event and is there from the first line of Python on: it is put in before the
 * interpreter starts. It tells which code was run and by whom; see python_origin.c for what becomes
 * of that. Nothing the program can see changes.
 */
#include "python.h"
#include "unwind.h"

struct python python;

static uint32_t checks_left = 64;
static uint32_t execs;
static bool is_checking;

void python_tell(void)
{
	uint32_t bytes = ring_round((uint32_t)sizeof(struct wire_python) + python.stdlib_len);
	struct wire_python *record;

	if (python.state == PYTHON_NONE || python.told == session.generation)
		return;
	record = ring_reserve(bytes, WIRE_FAMILY_META);
	if (!record)
		return;
	python.told = session.generation;
	record->version = python.version;
	record->stdlib_len = (uint16_t)python.stdlib_len;
	record->pad = 0;
	memcpy(record + 1, python.stdlib, python.stdlib_len);
	ring_commit(record, bytes, WIRE_PYTHON, python.reason);
}

static void python_now(enum python_state state, enum wire_python_reason reason)
{
	python.reason = reason;
	__atomic_store_n(&python.state, state, __ATOMIC_RELEASE);
	python.told = 0;
	python_tell();
}

static void python_off(enum wire_python_reason reason)
{
	python_now(PYTHON_OFF, reason);
}

static PyObject *argument(PyObject *args, unsigned index, unsigned count)
{
	if (python_load((uint64_t)args + OBJECT_TYPE) != (uint64_t)python.api.PyTuple_Type ||
	    python_load((uint64_t)args + TEXT_LENGTH) < count)
		return NULL;
	return (PyObject *)python_load((uint64_t)args + TUPLE_ITEMS + index * 8ull);
}

static bool is_code_object(PyObject *object)
{
	return object &&
	       python_load((uint64_t)object + OBJECT_TYPE) == (uint64_t)python.api.PyCode_Type;
}

/* Every power of two of runs the reading is checked again, while new kinds of stacks come up. */
static void audit_recheck(void)
{
	execs++;
	if (execs & (execs - 1) || execs > 4096)
		return;
	is_checking = true;
	if (python_check() == PYTHON_CHECK_BAD)
		python_off(WIRE_PYTHON_LAYOUT);
	is_checking = false;
}

static void audit_exec(PyObject *args)
{
	PyObject *code = argument(args, 0, 1);

	if (!is_code_object(code))
		return;
	audit_recheck();
	if (python_is_on())
		python_ran((uint64_t)code);
}

/* A function made of a code object by hand, or given one. */
static void audit_function(PyObject *code)
{
	if (is_code_object(code) && !code_unit_known((uint64_t)code))
		python_ran((uint64_t)code);
}

static void audit_setattr(PyObject *args)
{
	PyObject *name = argument(args, 1, 3);

	if (name &&
	    python_load((uint64_t)name + OBJECT_TYPE) == (uint64_t)python.api.PyUnicode_Type &&
	    python_load((uint64_t)name + TEXT_LENGTH) == 8 &&
	    !memcmp((const char *)name + python.layout.text_data, "__code__", 8))
		audit_function(argument(args, 2, 3));
}

static void audit_open(PyObject *args)
{
	PyObject *path = argument(args, 0, 2), *mode = argument(args, 1, 2);

	/* os.open has no mode: with it the import system writes what it has compiled. */
	if (path && mode &&
	    python_load((uint64_t)path + OBJECT_TYPE) == (uint64_t)python.api.PyUnicode_Type &&
	    python_load((uint64_t)mode + OBJECT_TYPE) == (uint64_t)python.api.PyUnicode_Type)
		python_opened(path);
}

/* --- the hook -------------------------------------------------------------------------------------- */
/* Asked early, before any of the program's code could have changed it. */
static void stdlib_find(void)
{
	PyObject *path = python.api.PySys_GetObject("_stdlib_dir"); /* since 3.11 */
	ssize_t len = 0;
	const char *text;
	bool is_prefix = false;

	if (!path || python_load((uint64_t)path + OBJECT_TYPE) != (uint64_t)python.api.PyUnicode_Type) {
		path = python.api.PySys_GetObject("base_prefix");
		is_prefix = true;
	}
	if (!path || python_load((uint64_t)path + OBJECT_TYPE) != (uint64_t)python.api.PyUnicode_Type)
		return;
	text = python.api.PyUnicode_AsUTF8AndSize(path, &len);
	if (!text)
		python.api.PyErr_Clear();
	if (!text || len < 1 || len > (ssize_t)sizeof(python.stdlib) - 24)
		return;
	memcpy(python.stdlib, text, (size_t)len);
	if (is_prefix) {
		char *at = mempcpy(python.stdlib + len, "/lib/python3.", 13);
		unsigned minor = python.version & 0xff;

		if (minor >= 10)
			*at++ = (char)('0' + minor / 10);
		*at++ = (char)('0' + minor % 10);
		len = at - python.stdlib;
	}
	python.stdlib_len = (uint32_t)len;
}

static void audit_first(void)
{
	is_checking = true;
	switch (python_check()) {
	case PYTHON_CHECK_GOOD:
		stdlib_find();
		python_now(PYTHON_ON, WIRE_PYTHON_GOOD);
		break;
	case PYTHON_CHECK_BAD:
		python_off(WIRE_PYTHON_LAYOUT);
		break;
	case PYTHON_CHECK_LATER:
		if (!checks_left--)
			python_off(WIRE_PYTHON_LAYOUT);
		break;
	}
	is_checking = false;
}

static void hook_take_out(void);

static void audit_end(void)
{
	hook_take_out();
	python_off(WIRE_PYTHON_ENDED);
}

static void audit_event(const char *event, PyObject *args)
{
	switch (event[0]) {
	case 'e':
		if (!strcmp(event, "exec"))
			audit_exec(args);
		break;
	case 'f':
		if (!strcmp(event, "function.__new__"))
			audit_function(argument(args, 0, 1));
		break;
	case 'o':
		if (!strcmp(event, "open"))
			audit_open(args);
		else if (!strcmp(event, "object.__setattr__"))
			audit_setattr(args);
		break;
	case 'c':
		/* The end of the interpreter; should another begin, it is not listened to. */
		if (!strcmp(event, "cpython._PySys_ClearAuditHooks"))
			audit_end();
		break;
	}
}

static int python_audit(const char *event, PyObject *args, void *data)
{
	int saved = errno;

	(void)data;
	if (shim_state != SHIM_ACTIVE || is_checking || !args)
		return 0;
	if (unlikely(!*session_fork_guard))
		session_after_fork();
	if (unlikely(python.state == PYTHON_FOUND) && python.api.PyEval_GetFrame())
		audit_first();
	if (likely(python.state == PYTHON_ON)) {
		thread_self.python_tstate = python.api.PyThreadState_Get();
		audit_event(event, args);
		if (unlikely(python_types_left))
			python_types_look();
	}
	errno = saved;
	return 0;
}

/* --- our entry in the interpreter's list of hooks ---------------------------------------------------- */
/* It is allocated before the interpreter has chosen its allocators, and freed by the ones it chose: with
 * -X dev or PYTHONMALLOC=debug that ends the program. So it is taken out of the list when the list
 * is about to be freed. */
struct hook_entry {
	struct hook_entry *next;
	int (*function)(const char *event, PyObject *args, void *data);
	void *data;
};
static struct hook_entry **hook_place; /* what points to our entry */
static struct hook_entry *hook_own;    /* kept reachable, for those who look for leaks */
#define RUNTIME_BYTES_MAX (1u << 20)
#define HOOKS_MAX 8

static bool hook_search(struct hook_entry **place)
{
	for (unsigned i = 0; i < HOOKS_MAX; i++) {
		struct hook_entry *entry = *place;

		if (!python_is_pointer((uint64_t)entry) ||
		    !memory_is_readable(entry, sizeof(*entry)) || !entry->function)
			return false;
		if (entry->function == python_audit && entry->data == &python) {
			hook_place = place;
			hook_own = entry;
			return true;
		}
		place = &entry->next;
	}
	return false;
}

static bool hook_locate(uint64_t runtime)
{
	struct dl_find_object object;
	uint64_t start, end;

	if (_dl_find_object((void *)runtime, &object))
		return false;
	runtime &= ~511ull;
	start = (uint64_t)object.dlfo_map_start;
	end = (uint64_t)object.dlfo_map_end;
	if (end - runtime > RUNTIME_BYTES_MAX)
		end = runtime + RUNTIME_BYTES_MAX;
	for (; runtime + 8 <= end; runtime += 8) {
		uint64_t word;

		if (runtime % 512 == 0 && !object_holds(runtime, 512))
			break;
		word = python_load(runtime);
		if (word && (word < start || word >= (uint64_t)object.dlfo_map_end) &&
		    hook_search((struct hook_entry **)runtime))
			return true;
	}
	return false;
}

static void hook_take_out(void)
{
	if (hook_place && *hook_place == hook_own)
		*hook_place = hook_own->next;
}

/* --- finding one ------------------------------------------------------------------------------------ */
static bool api_find(void *(*find)(void *where, const char *name), void *where)
{
	struct dl_find_object object;
	uint64_t eval;
	bool is_whole = true;

#define FUNCTION(ret, name, params)                                                                \
	python.api.name = (ret(*) params)find(where, #name);                                       \
	is_whole &= python.api.name != NULL;
	PYTHON_FUNCTIONS(FUNCTION)
#undef FUNCTION
	python.api.PyCode_Type = find(where, "PyCode_Type");
	python.api.PyUnicode_Type = find(where, "PyUnicode_Type");
	python.api.PyTuple_Type = find(where, "PyTuple_Type");
	python.api.PyModule_Type = find(where, "PyModule_Type");
	python.api.PyDict_Type = find(where, "PyDict_Type");
	python.api.PyCoro_Type = find(where, "PyCoro_Type");
	python.api.PyGen_Type = find(where, "PyGen_Type");
	python.api.PyFunction_Type = find(where, "PyFunction_Type");
	python.api.PyWrapperDescr_Type = find(where, "PyWrapperDescr_Type");
	python.api._Py_NoneStruct = find(where, "_Py_NoneStruct");
	eval = (uint64_t)find(where, "_PyEval_EvalFrameDefault");
	python.api.eval_start = eval ? unwind_function(eval, &python.api.eval_end) : 0;
	if (eval && !_dl_find_object((void *)eval, &object)) {
		python.api.object_start = (uint64_t)object.dlfo_map_start;
		python.api.object_end = (uint64_t)object.dlfo_map_end;
	}
	return is_whole && python.api.PyCode_Type && python.api.PyUnicode_Type &&
	       python.api.PyTuple_Type;
}

static void python_found(void *(*find)(void *where, const char *name), void *where)
{
	uint64_t runtime = (uint64_t)find(where, "_PyRuntime");

	if (!api_find(find, where)) {
		python_off(WIRE_PYTHON_SYMBOLS);
		return;
	}
	if (!python_layout_known() ||
	    (python.layout.kind == PYTHON_OBJECTS && !python.api.eval_start)) {
		python_off(WIRE_PYTHON_VERSION);
		return;
	}
	if (python.api.Py_IsInitialized()) {
		python_off(WIRE_PYTHON_LATE);
		return;
	}
	python_touch(unwind_cache, sizeof(unwind_cache));
	stack_touch();
	if (!python_code_init()) {
		python_off(WIRE_PYTHON_MEMORY);
		return;
	}
	python_now(PYTHON_FOUND, WIRE_PYTHON_FOUND);
	if (!runtime || python.api.PySys_AddAuditHook(python_audit, &python) ||
	    !hook_locate(runtime))
		python_off(WIRE_PYTHON_SYMBOLS);
}

static void *find_anywhere(void *where, const char *name)
{
	(void)where;
	return real_find_anywhere(name);
}

static void *find_in(void *where, const char *name)
{
	return dlsym(where, name);
}

void python_init(void)
{
	if (real_find_anywhere("Py_GetVersion"))
		python_found(find_anywhere, NULL);
}

void python_loaded(void *handle)
{
	static uint32_t is_looking;

	/* One at a time; who comes second loads something else. */
	if (likely(python.state != PYTHON_NONE) ||
	    __atomic_exchange_n(&is_looking, 1, __ATOMIC_ACQUIRE))
		return;
	if (dlsym(handle, "Py_GetVersion"))
		python_found(find_in, handle);
	else
		dlerror(); /* ours, nobody is to find it */
	__atomic_store_n(&is_looking, 0, __ATOMIC_RELEASE);
}
