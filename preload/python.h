/* SPDX-License-Identifier: Apache-2.0
 *
 * Python frames between the native ones. Natively all Python code is the interpreter's; whose code
 * it interprets is read from the interpreter's own chain of frames, at the hook, on the thread
 * that acts (no lock of Python's is needed to read one's own frames), and only after what we read
 * was found to agree with what the interpreter itself says (python_check.c).
 *
 * Where a code object came from is not believed from its file name, which anybody may choose: the
 * interpreter's audit hook says which code the import system ran (python_origin.c). Code that came
 * another way belongs to whoever brought it in.
 *
 *   python.c        finding an interpreter, the audit hook
 *   python_check.c  where its structures have what, and whether that is so
 *   python_origin.c where code came from that is run
 *   python_code.c   code object -> unit (a file, a .pth, ...)
 *   python_types.c  being told of new tasks
 *   python_maker.c  who made a task, a callback of an event loop, work for a pool
 *   python_walk.c   frames at their places on the native stack
 */
#ifndef SOWATCH_PYTHON_H
#define SOWATCH_PYTHON_H

#include "hook.h"

typedef struct _object PyObject;

/* What we call of the interpreter. All but the first two groups only inside the audit hook, which
 * holds its lock. */
#define PYTHON_FUNCTIONS(FUNCTION)                                                                 \
	FUNCTION(int, PySys_AddAuditHook, (int (*)(const char *, PyObject *, void *), void *))     \
	FUNCTION(int, Py_IsInitialized, (void))                                                    \
	FUNCTION(void *, PyGILState_GetThisThreadState, (void))                                    \
	FUNCTION(void *, PyThreadState_Get, (void))                                                \
	FUNCTION(const char *, Py_GetVersion, (void))                                              \
	FUNCTION(PyObject *, PyEval_GetFrame, (void))                                              \
	FUNCTION(PyObject *, PyObject_GetAttrString, (PyObject *, const char *))                   \
	FUNCTION(PyObject *, PyTuple_GetItem, (PyObject *, ssize_t))                               \
	FUNCTION(ssize_t, PyTuple_Size, (PyObject *))                                              \
	FUNCTION(long, PyLong_AsLong, (PyObject *))                                                \
	FUNCTION(const char *, PyUnicode_AsUTF8AndSize, (PyObject *, ssize_t *))                   \
	FUNCTION(PyObject *, PyUnicode_EncodeFSDefault, (PyObject *))                              \
	FUNCTION(int, PyBytes_AsStringAndSize, (PyObject *, char **, ssize_t *))                   \
	FUNCTION(PyObject *, PySys_GetObject, (const char *))                                      \
	FUNCTION(PyObject *, PyDict_GetItemString, (PyObject *, const char *))                     \
	FUNCTION(PyObject *, PyModule_GetDict, (PyObject *))                                       \
	FUNCTION(void, PyErr_Clear, (void))                                                        \
	FUNCTION(void, Py_IncRef, (PyObject *))                                                    \
	FUNCTION(void, Py_DecRef, (PyObject *))

struct python_api {
#define FUNCTION(ret, name, params) ret(*name) params;
	PYTHON_FUNCTIONS(FUNCTION)
#undef FUNCTION
	void *PyCode_Type, *PyUnicode_Type, *PyTuple_Type;
	void *PyModule_Type, *PyDict_Type, *PyCoro_Type, *PyGen_Type, *PyFunction_Type,
		*PyWrapperDescr_Type, *_Py_NoneStruct; /* NULL: then nobody is told of new tasks */
	uint64_t eval_start, eval_end; /* _PyEval_EvalFrameDefault */
	uint64_t object_start, object_end; /* the interpreter's */
};

enum python_kind {
	PYTHON_OBJECTS, /* 3.8 to 3.10: a frame object a call, each run by a native call */
	PYTHON_CFRAMES, /* 3.11, 3.12: a note on the native stack for each native call */
	PYTHON_ENTRIES, /* 3.13: a frame on the native stack for each native call */
};

/* Offsets in bytes. */
struct python_layout {
	uint8_t kind;
	uint8_t tstate_frame;			/* current frame, or CFRAMES: the note */
	uint8_t cframe_frame, cframe_previous;	/* of a note */
	uint8_t frame_code, frame_previous, frame_owner;
	uint8_t frame_coroutine; /* OBJECTS: its coroutine, or NULL; else the byte that says it is one */
	uint8_t coroutine_frame; /* of a coroutine. OBJECTS: a pointer; else the frame itself */
	uint16_t frame_locals;
	uint16_t code_filename, code_name, code_consts, code_line; /* found out, 0: not yet */
	uint16_t text_data;			/* of an ASCII string */
};
#define PYTHON_OWNED_BY_COROUTINE 1
#define PYTHON_OWNED_BY_STACK 3
#define TEXT_LENGTH 16 /* of every string object */
#define OBJECT_TYPE 8
#define TUPLE_ITEMS 24

enum python_state {
	PYTHON_NONE,  /* no interpreter here */
	PYTHON_FOUND, /* its audit hook is ours, nothing was checked yet */
	PYTHON_ON,
	PYTHON_OFF, /* there is one, and its frames cannot be told */
};

struct python {
	uint32_t state;	   /* enum python_state */
	uint32_t reason;   /* enum wire_python_reason */
	uint32_t version;  /* 0x030b: 3.11 */
	uint32_t told;	   /* session.generation it was told in */
	struct python_layout layout;
	struct python_api api;
	char stdlib[512];
	uint32_t stdlib_len;
	uint64_t task_start, task_size; /* the object whose code runs tasks; 0: none, or in the interpreter */
};
extern struct python python;

/* --- python.c -------------------------------------------------------------------------------- */
/* Looks whether the program is one, or brings one along. */
void python_init(void);
/* An object was loaded at run time. */
void python_loaded(void *handle);
/* Says what interpreter there is, once per ring. */
void python_tell(void);

static inline bool python_is_on(void)
{
	return unlikely(__atomic_load_n(&python.state, __ATOMIC_RELAXED) == PYTHON_ON);
}

/* In stack.c: an interpreter will use the whole table. */
void stack_touch(void);

/* --- python_check.c -------------------------------------------------------------------------- */
enum python_checked { PYTHON_CHECK_GOOD, PYTHON_CHECK_BAD, PYTHON_CHECK_LATER };
/* What is known of the version that is running; false: nothing. */
bool python_layout_known(void);
/* With the interpreter's lock. Compares our reading of this thread's frames with the interpreter's
 * own words. LATER: there are too few frames to tell. */
enum python_checked python_check(void);

/* --- python_origin.c: for the audit hook ------------------------------------------------------------ */
/* A code object is run, or made a function. */
void python_ran(uint64_t code);
/* A file is opened; path: a str object. */
void python_opened(PyObject *path);

/* --- python_code.c --------------------------------------------------------------------------- */
enum unit_flags {
	UNIT_FROZEN = 1, /* built into the interpreter */
	UNIT_STDLIB = 2,
	UNIT_IMPORT = 4, /* the import system itself */
	UNIT_SITE = 8,	 /* the site module: start-up */
	UNIT_TOP = 16,	 /* what the interpreter was started with, or a host handed it */
	UNIT_PTH = 32,	 /* a line of a .pth file */
	UNIT_RUNPY = 64,
	UNIT_BY_HAND = 128, /* loaded by a call to its loader */
	UNIT_RUNNER = 256,  /* of the standard library's: runs what somebody else has made */
};
#define UNIT_NOBODY 1u /* belongs to whoever calls it */

bool python_code_init(void);
void python_touch(const void *memory, size_t bytes);
/* The unit of that name, made if need be. 0: no room. */
uint32_t unit_of(const char *path, size_t len, uint32_t flags);
uint32_t unit_flags(uint32_t unit);
/* Who imported it; the first one counts. */
void unit_set_importer(uint32_t unit, uint32_t importer, bool is_by_hand);
bool unit_is(uint32_t unit, const char *path, size_t len);
/* Its object in the wire, defined if need be and allowed. 0: it has none. */
uint32_t unit_object(uint32_t unit, bool may_define);
/* Whose a code object is; one that nobody brought in is the interpreter's own or nobody's. */
uint32_t code_unit(uint64_t code);
uint32_t code_unit_known(uint64_t code); /* 0: never seen */
/* The code object and all that is inside of it. With the interpreter's lock. */
void code_set(uint64_t code, uint32_t unit);

/* --- python_walk.c --------------------------------------------------------------------------- */
struct python_cursor {
	uint64_t place;	 /* on the native stack: of the next native call of the interpreter */
	uint64_t frame;	 /* next Python frame */
	uint64_t stop;	 /* CFRAMES: first frame of the outer native call */
	uint64_t note;	 /* CFRAMES: the note at place */
};
struct python_walk {
	uint64_t place; /* the nearer of the two, UINT64_MAX: none left */
	struct python_cursor cursors[2]; /* this thread's, and that of a sub-interpreter on it */
	uint32_t left;	/* frames that may still be looked at */
	uint32_t last;	/* unit of the frame before, while no native frame came between */
	uint64_t call;	/* OBJECTS: the native call whose frame was told */
	uint32_t flags; /* enum wire_stack_flags, so far */
	uint32_t calls; /* of the evaluation loop, whose frames were gone through */
	bool is_careful; /* interrupted at any instruction: nothing is believed */
	bool is_cut;	 /* what is further out runs this, and did not ask for it */
	uint32_t origin; /* then: who did; 0 not known */
	uint64_t inner;	 /* the frame before, 0: none */
};
struct python_frame {
	uint32_t unit, line;
};

void python_walk_begin_on(struct python_walk *walk, uint64_t sp);
bool python_walk_next_on(struct python_walk *walk, uint64_t pc, uint64_t end,
			 struct python_frame *ret);
/* For the audit hook: code objects of all frames of a thread, innermost first. */
struct python_codes {
	uint64_t frame;
	uint32_t left;
	bool is_careful;
};
void python_codes_begin(struct python_codes *codes, uint64_t tstate);
uint64_t python_codes_next(struct python_codes *codes, uint64_t *ret_frame); /* 0: no more */

/* --- python_maker.c ---------------------------------------------------------------------------- */
enum python_role {
	ROLE_FUTURE, /* Future.__init__ of concurrent.futures */
	ROLE_WORK,   /* _WorkItem.run */
	ROLE_HANDLE, /* Handle._run of asyncio */
	ROLES,
};
/* A code object of a unit that is a runner, and the one it is inside of: may be one of them. */
void python_role_note(uint64_t code, uint64_t outer);
/* Made by the current call, from now on. frame: of our own function that was called. */
void python_made(uint64_t what, void **frame);
void python_made_by_nobody(uint64_t what);
/* A lock is made, perhaps that of a piece of work. */
void python_lock_made(void **frame);
/* The innermost frame of what the walk has left is a task's; a frame of a runner. */
void python_walk_task(struct python_walk *walk);
void python_walk_runner(struct python_walk *walk, uint64_t frame, uint64_t code);
bool python_is_coroutine(uint64_t frame, bool is_careful);
/* In a fork's child: it goes on under that origin's number of its parent's. */
void python_inherit(uint32_t origin, uint32_t generation);

/* --- python_types.c: for the audit hook, with the interpreter's lock ------------------------------ */
/* An event loop is being imported. */
void python_types_wanted(void);
/* At any event while they are. */
void python_types_look(void);
extern uint32_t python_types_left;
bool python_is_handle(uint64_t type);

static inline void python_walk_begin(struct python_walk *walk, uint64_t sp)
{
	walk->place = UINT64_MAX;
	walk->flags = walk->calls = 0;
	walk->is_cut = false;
	walk->inner = 0;
	if (python_is_on())
		python_walk_begin_on(walk, sp);
}

/* The next Python frame that the native frame which ends at `end` and was at pc runs; false: none. */
static inline bool python_walk_next(struct python_walk *walk, uint64_t pc, uint64_t end,
				    struct python_frame *ret)
{
	return unlikely(walk->place < end) && python_walk_next_on(walk, pc, end, ret);
}

/* The native frame that was at pc was left. */
static inline void python_walk_left(struct python_walk *walk, uint64_t pc)
{
	if (unlikely(walk->inner) && pc - python.task_start < python.task_size)
		python_walk_task(walk);
}

static inline uint32_t python_walk_origin(const struct python_walk *walk)
{
	return unlikely(walk->is_cut && walk->origin) ? walk->origin : thread_self.origin;
}

/* Whether this is a native call of the evaluation loop. */
static inline bool python_is_eval(uint64_t pc)
{
	return pc - python.api.eval_start < python.api.eval_end - python.api.eval_start;
}

static inline bool python_is_inside(uint64_t address)
{
	return address - python.api.object_start < python.api.object_end - python.api.object_start;
}

static inline uint64_t python_load(uint64_t address)
{
	return *(const uint64_t *)address;
}

static inline bool python_is_pointer(uint64_t address)
{
	return address >= 4096 && address >> 47 == 0 && address % 8 == 0;
}

#endif
