/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the interpreter's structures have what we read. Frames and thread states are laid out
 * differently in every version; what is known of a version is tried, on the first frames there
 * are, against what the interpreter itself answers for the same frames. Nothing is read at a hook
 * before the two agree; where they do not, the Python frames of that process stay untold and the
 * collector hears why. The offsets inside code objects are not known beforehand at all: they are
 * where the interpreter's own answers are found.
 */
#include "python.h"

static const struct {
	uint32_t version;
	struct python_layout layout;
} known[] = {
	{ 0x0308, { .kind = PYTHON_OBJECTS, .tstate_frame = 24, .frame_code = 32, .frame_previous = 24,
		    .frame_coroutine = 96, .coroutine_frame = 16, .frame_locals = 360 } },
	{ 0x0309, { .kind = PYTHON_OBJECTS, .tstate_frame = 24, .frame_code = 32, .frame_previous = 24,
		    .frame_coroutine = 96, .coroutine_frame = 16, .frame_locals = 360 } },
	{ 0x030a, { .kind = PYTHON_OBJECTS, .tstate_frame = 24, .frame_code = 32, .frame_previous = 24,
		    .frame_coroutine = 88, .coroutine_frame = 16, .frame_locals = 352 } },
	{ 0x030b, { .kind = PYTHON_CFRAMES, .tstate_frame = 56, .cframe_frame = 8, .cframe_previous = 16,
		    .frame_code = 32, .frame_previous = 48, .frame_coroutine = 69, .coroutine_frame = 80,
		    .frame_locals = 72 } },
	{ 0x030c, { .kind = PYTHON_CFRAMES, .tstate_frame = 56, .cframe_frame = 0, .cframe_previous = 8,
		    .frame_code = 0, .frame_previous = 8, .frame_owner = 70, .frame_coroutine = 70,
		    .coroutine_frame = 72, .frame_locals = 72 } },
	{ 0x030d, { .kind = PYTHON_ENTRIES, .tstate_frame = 72, .frame_code = 0, .frame_previous = 8,
		    .frame_owner = 70, .frame_coroutine = 70, .coroutine_frame = 72,
		    .frame_locals = 72 } },
};

#define WORDS 22u /* of a code object: the smallest has 176 bytes */
#define DEPTH 64u

/* Bit i: found at that place in every code object so far. */
struct found {
	uint64_t filename, name, consts, line;
	uint64_t text_data;
	unsigned frames;
};

/* "3.11.2 (main, ...": 0 when it reads otherwise. */
static uint32_t version_parse(const char *text)
{
	uint32_t parts[2] = { 0, 0 };
	unsigned part = 0;

	for (; *text && part < 2; text++) {
		if (*text >= '0' && *text <= '9')
			parts[part] = parts[part] * 10 + (uint32_t)(*text - '0');
		else if (*text == '.')
			part++;
		else
			break;
	}
	return parts[0] < 256 && parts[1] < 256 ? parts[0] << 8 | parts[1] : 0;
}

bool python_layout_known(void)
{
	python.version = version_parse(python.api.Py_GetVersion());
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].version == python.version) {
			python.layout = known[i].layout;
			return true;
		}
	}
	return false;
}

static uint64_t places_of(uint64_t code, uint64_t value)
{
	uint64_t places = 0;

	for (unsigned i = 2; i < WORDS; i++)
		places |= (uint64_t)(python_load(code + i * 8) == value) << i;
	return places;
}

static uint64_t places_of_int(uint64_t code, uint32_t value)
{
	uint64_t places = 0;

	for (unsigned i = 4; i < WORDS * 2; i++)
		places |= (uint64_t)(*(const uint32_t *)(code + i * 4) == value) << i;
	return places;
}

/* An attribute that is a member of the object: what is answered is what lies in it. */
static uint64_t attribute_places(PyObject *code, const char *name, PyObject **ret_value)
{
	*ret_value = python.api.PyObject_GetAttrString(code, name);
	if (!*ret_value) {
		python.api.PyErr_Clear();
		return 0;
	}
	return places_of((uint64_t)code, (uint64_t)*ret_value);
}

static bool check_text(struct found *found, PyObject *text)
{
	ssize_t len = 0;
	const char *data = python.api.PyUnicode_AsUTF8AndSize(text, &len);

	if (!data) {
		python.api.PyErr_Clear();
		return true;
	}
	/* Not ASCII: the bytes are elsewhere. */
	if ((uint64_t)(data - (const char *)text) > 64)
		return true;
	if (found->text_data && found->text_data != (uint64_t)(data - (const char *)text))
		return false;
	found->text_data = (uint64_t)(data - (const char *)text);
	return python_load((uint64_t)text + TEXT_LENGTH) == (uint64_t)len;
}

static bool check_code(struct found *found, PyObject *code)
{
	PyObject *filename, *name, *consts, *line;
	bool is_good;

	if (python_load((uint64_t)code + OBJECT_TYPE) != (uint64_t)python.api.PyCode_Type)
		return false;
	found->filename &= attribute_places(code, "co_filename", &filename);
	found->name &= attribute_places(code, "co_name", &name);
	found->consts &= attribute_places(code, "co_consts", &consts);
	line = python.api.PyObject_GetAttrString(code, "co_firstlineno");
	is_good = filename && name && consts && line && check_text(found, filename);
	if (line)
		found->line &= places_of_int((uint64_t)code,
					     (uint32_t)python.api.PyLong_AsLong(line));
	PyObject *all[] = { filename, name, consts, line };
	for (unsigned i = 0; i < 4; i++)
		if (all[i])
			python.api.Py_DecRef(all[i]);
	found->frames++;
	return is_good;
}

/* The interpreter's own answers, frame by frame, against ours. */
static bool check_frames(struct found *found, PyObject *frame, uint64_t tstate)
{
	uint64_t type = python_load((uint64_t)frame + OBJECT_TYPE), unused;
	struct python_codes codes;
	bool is_good = true;

	python_codes_begin(&codes, tstate);
	python.api.Py_IncRef(frame);
	while (is_good && python_load((uint64_t)frame + OBJECT_TYPE) == type &&
	       found->frames < DEPTH) {
		PyObject *code = python.api.PyObject_GetAttrString(frame, "f_code");
		PyObject *back = python.api.PyObject_GetAttrString(frame, "f_back");

		is_good = code && back &&
			  python_codes_next(&codes, &unused) == (uint64_t)code &&
			  check_code(found, code);
		python.api.Py_DecRef(frame);
		if (code)
			python.api.Py_DecRef(code);
		frame = back;
		if (!back)
			break;
	}
	if (!frame) {
		python.api.PyErr_Clear();
		return false;
	}
	/* Both must end here. */
	if (is_good && found->frames < DEPTH)
		is_good = !python_codes_next(&codes, &unused);
	python.api.Py_DecRef(frame);
	return is_good;
}

static bool check_once(uint64_t tstate, struct found *found)
{
	PyObject *frame = python.api.PyEval_GetFrame();

	*found = (struct found){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, 0, 0 };
	return frame && check_frames(found, frame, tstate) && found->filename && found->name &&
	       found->consts && found->line && found->text_data;
}

enum python_checked python_check(void)
{
	struct python_layout *layout = &python.layout;
	uint64_t tstate = (uint64_t)python.api.PyThreadState_Get();
	struct found found = { 0 };
	bool is_good = check_once(tstate, &found);

	/* 3.13: looked for in the neighbourhood, the fields before it depend on the build. */
	for (unsigned at = 24; !is_good && layout->kind == PYTHON_ENTRIES && at < 200; at += 8) {
		layout->tstate_frame = (uint8_t)at;
		is_good = check_once(tstate, &found);
	}
	if (found.frames < 2)
		return PYTHON_CHECK_LATER;
	if (!is_good)
		return PYTHON_CHECK_BAD;
	layout->code_filename = (uint16_t)(__builtin_ctzll(found.filename) * 8);
	layout->code_name = (uint16_t)(__builtin_ctzll(found.name) * 8);
	layout->code_consts = (uint16_t)(__builtin_ctzll(found.consts) * 8);
	layout->code_line = (uint16_t)(__builtin_ctzll(found.line) * 4);
	layout->text_data = (uint16_t)found.text_data;
	return PYTHON_CHECK_GOOD;
}
