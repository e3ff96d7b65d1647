/* SPDX-License-Identifier: Apache-2.0
 *
 * Being told of new tasks and callbacks of asyncio. There is no audit event for them, no call into
 * libc, and nothing in them says who made them. So the function that initialises one (tp_init of its
 * type, a pointer) is ours, which notes the maker and calls the interpreter's. Nothing written in Python
 * can see that: the attributes of the type, its identity and what its calls do stay as they are.
 *
 * It is done once a type, when the module is there, with the interpreter's lock, and only where the type
 * is what we take it for: its name, and the wrapper that stands for __init__ leading to the same
 * function. A program that sets another __init__ undoes it, and its tasks are without makers.
 */
#include "python.h"

typedef int (*init_function)(PyObject *self, PyObject *args, PyObject *kwargs);

#define TYPE_NAME 24
#define TYPE_DICT 264
#define TYPE_INIT 296
#define WRAPPER_FUNCTION 48
#define HANDLES 8u /* types: two an interpreter */

uint32_t python_types_left;

static init_function task_init_real, handle_init_real;
static uint64_t handles[HANDLES];
static uint32_t next_handle;

/* --- instead of theirs ---------------------------------------------------------------------------- */
static uint64_t tuple_item(PyObject *args, unsigned index)
{
	return python_load((uint64_t)args + TEXT_LENGTH) > index ?
		       python_load((uint64_t)args + TUPLE_ITEMS + index * 8ull) :
		       0;
}

static uint64_t coroutine_frame(uint64_t coroutine)
{
	uint64_t type = coroutine ? python_load(coroutine + OBJECT_TYPE) : 0;
	uint64_t frame = coroutine + python.layout.coroutine_frame;

	if (!type || (type != (uint64_t)python.api.PyCoro_Type &&
		      type != (uint64_t)python.api.PyGen_Type))
		return 0;
	return python.layout.kind == PYTHON_OBJECTS ? python_load(frame) : frame;
}

static int task_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	uint64_t frame = python_is_on() && args ? coroutine_frame(tuple_item(args, 0)) : 0;
	PyObject *by_name = NULL;

	if (unlikely(!frame) && python_is_on() && kwargs) {
		by_name = python.api.PyDict_GetItemString(kwargs, "coro");
		frame = coroutine_frame((uint64_t)by_name);
	}
	/* Before it is made: it may run at once. */
	if (frame)
		python_made(frame, __builtin_frame_address(0));
	return task_init_real(self, args, kwargs);
}

/* (callback, args, loop, context), of timers (when, callback, args, loop, context). What brings a context
 * goes on with something older: a step of a task, what waits for a future. */
static int handle_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
	if (python_is_on() && args) {
		uint64_t type = python_load((uint64_t)self + OBJECT_TYPE);
		bool is_timer = !strcmp((const char *)python_load(type + TYPE_NAME), "TimerHandle");
		uint64_t context = tuple_item(args, is_timer ? 4 : 3);

		if (kwargs || (context && context != (uint64_t)python.api._Py_NoneStruct))
			python_made_by_nobody((uint64_t)self);
		else
			python_made((uint64_t)self, __builtin_frame_address(0));
	}
	return handle_init_real(self, args, kwargs);
}

bool python_is_handle(uint64_t type)
{
	for (unsigned i = 0; i < HANDLES; i++)
		if (handles[i] == type)
			return true;
	return false;
}

/* --- finding the types ------------------------------------------------------------------------------ */
static uint64_t type_of(uint64_t object)
{
	return object ? python_load(object + OBJECT_TYPE) : 0;
}

static uint64_t module_item(const char *module, const char *name)
{
	PyObject *modules = python.api.PySys_GetObject("modules"), *found;

	if (type_of((uint64_t)modules) != (uint64_t)python.api.PyDict_Type)
		return 0;
	found = python.api.PyDict_GetItemString(modules, module);
	/* Others may run code of the program's when they are asked. */
	if (type_of((uint64_t)found) != (uint64_t)python.api.PyModule_Type)
		return 0;
	return (uint64_t)python.api.PyDict_GetItemString(python.api.PyModule_GetDict(found), name);
}

static uint64_t type_item(uint64_t type, const char *name)
{
	PyObject *dict = (PyObject *)python_load(type + TYPE_DICT);

	return type_of((uint64_t)dict) == (uint64_t)python.api.PyDict_Type ?
		       (uint64_t)python.api.PyDict_GetItemString(dict, name) :
		       0;
}

static bool type_is_named(uint64_t type, const char *name)
{
	const char *text = (const char *)python_load(type + TYPE_NAME);

	return text && !strcmp(text, name);
}

static void function_put(uint64_t place, init_function function)
{
	__atomic_store_n((init_function *)place, function, __ATOMIC_RELEASE);
}

/* True when there is nothing more to be done. */
static bool task_look(void)
{
	uint64_t task = module_item("_asyncio", "Task"), wrapper, init;
	struct dl_find_object object;

	if (!task)
		return false;
	wrapper = type_item(task, "__init__");
	init = python_load(task + TYPE_INIT);
	if (init == (uint64_t)task_init)
		return true;
	if (!type_is_named(task, "_asyncio.Task") ||
	    type_of(wrapper) != (uint64_t)python.api.PyWrapperDescr_Type ||
	    python_load(wrapper + WRAPPER_FUNCTION) != init ||
	    (task_init_real && init != (uint64_t)task_init_real) ||
	    _dl_find_object((void *)init, &object))
		return true;
	task_init_real = (init_function)init;
	if (!python_is_inside(init)) {
		python.task_size = (uint64_t)object.dlfo_map_end - (uint64_t)object.dlfo_map_start;
		python.task_start = (uint64_t)object.dlfo_map_start;
	}
	function_put(wrapper + WRAPPER_FUNCTION, task_init);
	function_put(task + TYPE_INIT, task_init);
	return true;
}

static bool handle_look(void)
{
	uint64_t types[2] = { module_item("asyncio.events", "Handle"),
			      module_item("asyncio.events", "TimerHandle") };
	uint64_t init;

	if (!types[0] || !types[1])
		return false;
	init = python_load(types[0] + TYPE_INIT);
	if (init == (uint64_t)handle_init)
		return true;
	if (!type_is_named(types[0], "Handle") || !type_is_named(types[1], "TimerHandle") ||
	    python_load(types[1] + TYPE_INIT) != init || !python_is_inside(init) ||
	    (handle_init_real && init != (uint64_t)handle_init_real))
		return true;
	for (unsigned i = 0; i < 2; i++)
		if (type_of(type_item(types[i], "__init__")) != (uint64_t)python.api.PyFunction_Type)
			return true;
	handle_init_real = (init_function)init;
	for (unsigned i = 0; i < 2; i++) {
		handles[next_handle++ % HANDLES] = types[i];
		function_put(types[i] + TYPE_INIT, handle_init);
	}
	return true;
}

void python_types_wanted(void)
{
	const struct python_api *api = &python.api;

	if (api->PyModule_Type && api->PyDict_Type && api->PyCoro_Type && api->PyGen_Type &&
	    api->PyFunction_Type && api->PyWrapperDescr_Type && api->_Py_NoneStruct)
		python_types_left = 256;
}

void python_types_look(void)
{
	bool is_done;

	python_types_left--;
	is_done = task_look();
	if (handle_look() && is_done)
		python_types_left = 0;
}
