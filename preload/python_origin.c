/* SPDX-License-Identifier: Apache-2.0
 *
 * Where code came from, when it is run: through the import system, out of a .pth file, or by
 * somebody's own hand. Called by the audit hook, with the interpreter's lock.
 */
#include "python.h"

#include <limits.h>

/* The unit named by an str object. */
static uint32_t unit_of_text(PyObject *text, uint32_t flags)
{
	ssize_t len = 0;
	const char *data = python.api.PyUnicode_AsUTF8AndSize(text, &len);
	PyObject *bytes;
	uint32_t unit = 0;
	char *raw;

	if (data)
		return unit_of(data, (size_t)len, flags);
	/* A name that is not UTF-8 is bytes with surrogates. */
	python.api.PyErr_Clear();
	bytes = python.api.PyUnicode_EncodeFSDefault(text);
	if (bytes && !python.api.PyBytes_AsStringAndSize(bytes, &raw, &len))
		unit = unit_of(raw, (size_t)len, flags);
	else
		python.api.PyErr_Clear();
	if (bytes)
		python.api.Py_DecRef(bytes);
	return unit;
}

static PyObject *code_text(uint64_t code, unsigned place)
{
	uint64_t text = python_load(code + place);

	return python_is_pointer(text) &&
			       python_load(text + OBJECT_TYPE) ==
				       (uint64_t)python.api.PyUnicode_Type ?
		       (PyObject *)text :
		       NULL;
}

static uint32_t unit_of_code(uint64_t code, uint32_t flags)
{
	PyObject *name = code_text(code, python.layout.code_filename);

	return name ? unit_of_text(name, flags) : UNIT_NOBODY;
}

static bool code_is_named(uint64_t code, const char *name)
{
	PyObject *text = code_text(code, python.layout.code_name);
	size_t len = strlen(name);

	return text && python_load((uint64_t)text + TEXT_LENGTH) == len &&
	       !memcmp((const char *)text + python.layout.text_data, name, len);
}

/* .pth files being read: the frame of site.addpackage that opened one says which line is whose. */
#define PTHS 8
static struct pth {
	uint64_t frame;
	uint32_t unit;
} pths[PTHS];
static unsigned next_pth;

static uint32_t pth_unit(uint64_t frame)
{
	for (unsigned i = 1; i <= PTHS; i++) {
		const struct pth *pth = &pths[(next_pth - i) % PTHS];

		if (pth->frame == frame)
			return pth->unit;
	}
	return 0;
}

/* The file that the import system opened last, by thread: what a .pyc says it was compiled from is
 * its maker's word, where it was read from is not. */
#define OPENED 16
static struct opened {
	void *tstate;
	uint32_t len;
} opened[OPENED];
static TABLE char opened_paths[OPENED][PATH_MAX];
static unsigned next_opened;

static struct opened *opened_by(void *tstate)
{
	for (unsigned i = 0; i < OPENED; i++)
		if (opened[i].tstate == tstate)
			return &opened[i];
	return NULL;
}

static char *opened_path(const struct opened *at)
{
	return opened_paths[at - opened];
}

static void opened_set(const char *path, size_t len)
{
	void *tstate = thread_self.python_tstate;
	struct opened *at = opened_by(tstate);

	if (len > PATH_MAX)
		return;
	if (!at)
		at = &opened[next_opened++ % OPENED];
	at->tstate = tstate;
	at->len = (uint32_t)len;
	memcpy(opened_path(at), path, len);
}

static bool ends_with(const char *text, size_t len, const char *end, size_t bytes)
{
	return len >= bytes && !memcmp(text + len - bytes, end, bytes);
}

/* Whether a file that was opened is the one code says it is from: itself, what is cached of it, or
 * the archive it is in. */
static bool is_opened_for(const char *from, size_t from_len, const char *name, size_t len)
{
	static const char cache[] = "/__pycache__/";
	const char *slash = memrchr(name, '/', len), *tag;
	size_t stem;

	if (from_len == len && !memcmp(from, name, len))
		return true;
	if (from_len < len && name[from_len] == '/' && !memcmp(from, name, from_len))
		return true;
	if (!slash || !ends_with(name, len, ".py", 3) || !ends_with(from, from_len, ".pyc", 4))
		return false;
	/* dir/__pycache__/stem.TAG.pyc, or below a cache prefix /prefix/dir/stem.TAG.pyc */
	stem = (size_t)(name + len - 3 - slash - 1);
	tag = memmem(from, from_len, cache, sizeof(cache) - 1);
	if (tag)
		return tag - from == slash - name && !memcmp(from, name, (size_t)(slash - name)) &&
		       !memcmp(tag + sizeof(cache) - 1, slash + 1, stem) &&
		       tag[sizeof(cache) - 1 + stem] == '.';
	tag = memmem(from, from_len, name, len - 3);
	return tag && tag[len - 3] == '.' && memmem(tag + len - 3, from_len - (size_t)(tag - from) -
						     (len - 3), ".cpython-", 9);
}

/* The nearest frame that is not the standard library's; 0: there is none. */
static uint32_t unit_outward(struct python_codes *codes, uint64_t outer, uint64_t *ret_base)
{
	uint64_t frame;

	for (; outer; outer = python_codes_next(codes, &frame)) {
		uint32_t unit = code_unit(outer);

		if (unit > UNIT_NOBODY && !(unit_flags(unit) & UNIT_STDLIB))
			return unit;
		if (unit > UNIT_NOBODY)
			*ret_base = outer;
	}
	return 0;
}

/* Code that did not come by import belongs to whoever ran it. With nobody but the standard library
 * it is the program that the interpreter was started for (-m, a profiler's), or nobody's. */
static uint32_t unit_of_runner(struct python_codes *codes, uint64_t inner, uint64_t code)
{
	uint64_t base = 0;
	uint32_t unit = unit_outward(codes, inner, &base);

	if (unit)
		return unit;
	if (base && unit_flags(code_unit(base)) & UNIT_RUNPY &&
	    code_is_named(base, "_run_module_as_main"))
		return unit_of_code(code, UNIT_TOP);
	return UNIT_NOBODY;
}

/* What the import system runs. 0: it was given code that it did not read from a file. codes: the
 * frames from the loader's on outward. */
static uint32_t unit_of_import(uint64_t inner, uint64_t code, struct python_codes codes)
{
	uint64_t frame, loader = python_codes_next(&codes, &frame), base;
	struct opened *from = opened_by(thread_self.python_tstate);
	PyObject *name = code_text(code, python.layout.code_filename);
	uint32_t unit = 0;
	ssize_t len = 0;
	const char *text;

	/* The loader of what is built in calls exec itself, all others through a helper. */
	if (code_is_named(inner, "exec_module"))
		return unit_of_code(code, UNIT_FROZEN);
	if (!from || !from->len || !name)
		return 0;
	text = python.api.PyUnicode_AsUTF8AndSize(name, &len);
	if (!text)
		python.api.PyErr_Clear();
	if (text && is_opened_for(opened_path(from), from->len, text, (size_t)len))
		unit = unit_of(text, (size_t)len, 0);
	else
		unit = unit_of(opened_path(from), from->len, 0);
	from->len = 0;
	loader = python_codes_next(&codes, &frame);
	unit_set_importer(unit, unit_outward(&codes, loader, &base),
			  loader && !(unit_flags(code_unit(loader)) & UNIT_IMPORT));
	return unit;
}

/* The import system calls exec from within itself; calling its helper from elsewhere is not import. */
static uint32_t unit_of_run(uint64_t code)
{
	struct python_codes codes, outward;
	uint64_t frame, frame2, inner, second;
	uint32_t flags, unit = 0;

	python_codes_begin(&codes, (uint64_t)thread_self.python_tstate);
	inner = python_codes_next(&codes, &frame);
	if (!inner)
		return unit_of_code(code, UNIT_TOP);
	flags = unit_flags(code_unit(inner));
	outward = codes;
	second = python_codes_next(&outward, &frame2);
	if (flags & UNIT_IMPORT && second && unit_flags(code_unit(second)) & UNIT_IMPORT)
		unit = unit_of_import(inner, code, codes);
	else if (flags & UNIT_SITE)
		unit = pth_unit(frame);
	return unit ? unit : unit_of_runner(&codes, inner, code);
}

/* Running code again that was imported does not make it the runner's. */
static bool is_imported(uint64_t code)
{
	uint32_t unit = code_unit_known(code);
	PyObject *name = code_text(code, python.layout.code_filename);
	const char *text = (const char *)name + python.layout.text_data;

	return unit > UNIT_NOBODY && name && !code_is_named(code, "<module>") &&
	       unit_is(unit, text, python_load((uint64_t)name + TEXT_LENGTH));
}

void python_ran(uint64_t code)
{
	if (!is_imported(code))
		code_set(code, unit_of_run(code));
}

void python_opened(PyObject *path)
{
	struct python_codes codes;
	uint64_t frame, code;
	uint32_t flags;
	const char *text;
	ssize_t len = 0;

	python_codes_begin(&codes, (uint64_t)thread_self.python_tstate);
	code = python_codes_next(&codes, &frame);
	flags = code ? unit_flags(code_unit(code)) : 0;
	if (flags & UNIT_IMPORT) {
		text = python.api.PyUnicode_AsUTF8AndSize(path, &len);
		if (text)
			opened_set(text, (size_t)len);
		else
			python.api.PyErr_Clear();
	} else if (flags & UNIT_SITE) {
		pths[next_pth % PTHS] = (struct pth){ frame, unit_of_text(path, UNIT_PTH) };
		next_pth++;
	}
}
