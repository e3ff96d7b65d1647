/* SPDX-License-Identifier: Apache-2.0 */
#include "python.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "python_dist.h"
#include "script.h"

/* What everybody's Python code stands on: a subject of its own, and a conduit by shipped profile. */
#define STDLIB_NAME "python-stdlib"

struct python {
	char *stdlib; /* as the process sees it, "" not known */
	char version[16];
	uint8_t reason;
	bool has_hole;
	char *cwd; /* where the process was when it was told of */
};

static const char *const reasons[WIRE_PYTHON_REASONS] = {
	[WIRE_PYTHON_GOOD] = "a stack of another interpreter's or thread state's",
	[WIRE_PYTHON_VERSION] = "a version whose frames cannot be read",
	[WIRE_PYTHON_SYMBOLS] = "it does not export what is needed to read its frames",
	[WIRE_PYTHON_LAYOUT] = "what was read of its frames is not what it says",
	[WIRE_PYTHON_LATE] = "it was running before the shim came",
	[WIRE_PYTHON_MEMORY] = "there was no memory to note code in",
	[WIRE_PYTHON_ENDED] = "it was shut down and went on, or another was started",
	[WIRE_PYTHON_FOUND] = "it never let itself be checked",
};

void python_forget(struct proc *proc)
{
	if (proc->python)
		free(proc->python->stdlib);
	if (proc->python)
		free(proc->python->cwd);
	free(proc->python);
	proc->python = NULL;
}

static struct str text_of(const char *text)
{
	return (struct str){ text, (uint32_t)strlen(text) };
}

void python_untold(struct live *live, struct proc *proc)
{
	struct item_hole hole = { .kind = HOLE_PYTHON, .family = WIRE_FAMILIES,
				  .process = proc->id, .what = text_of(proc->exe),
				  .reason = STR_LIT("no interpreter was told of") };

	if (proc->python && proc->python->has_hole)
		return;
	if (proc->python) {
		proc->python->has_hole = true;
		hole.reason = text_of(reasons[proc->python->reason]);
	}
	emit_hole(live, &hole);
}

/* python, python3, python3.11 */
static bool is_python(const char *exe)
{
	const char *base = strrchr(exe, '/');

	base = base ? base + 1 : exe;
	return !strncmp(base, "python", 6) && !base[6 + strspn(base + 6, "0123456789.")];
}

void python_over(struct live *live, struct proc *proc)
{
	struct item_hole hole = { .kind = HOLE_PYTHON, .family = WIRE_FAMILIES,
				  .process = proc->id, .what = text_of(proc->exe) };

	if (proc->python || !proc->id || proc->how == PROCESS_FORK || !is_python(proc->exe))
		return;
	hole.reason = proc->is_covered ? STR_LIT("it does not export what is needed to read its frames") :
					 STR_LIT("no shim is in it to tell of them");
	emit_hole(live, &hole);
}

static void version_put(struct python *python, uint32_t version)
{
	unsigned major = version >> 8 & 0xff, minor = version & 0xff;

	python->version[0] = '\0';
	if (version)
		snprintf(python->version, sizeof(python->version), "%u.%u", major, minor);
}

int python_tell(struct live *live, struct proc *proc, const struct wire_python *record,
		struct str stdlib)
{
	if (record->head.flags >= WIRE_PYTHON_REASONS || memchr(stdlib.data, 0, stdlib.len) ||
	    (stdlib.len && stdlib.data[0] != '/'))
		return -EINVAL;
	if (!proc->python)
		proc->python = calloc(1, sizeof(*proc->python));
	if (!proc->python)
		return 0;
	proc->python->reason = (uint8_t)record->head.flags;
	if (!proc->python->cwd)
		proc->python->cwd = strdup(proc->cwd);
	version_put(proc->python, record->version);
	free(proc->python->stdlib);
	proc->python->stdlib = strndup(stdlib.data, stdlib.len);
	python_sites(live, proc, proc->python->version, proc->python->stdlib);
	switch (record->head.flags) {
	case WIRE_PYTHON_GOOD:
	case WIRE_PYTHON_FOUND:
	case WIRE_PYTHON_ENDED:
		break;
	default:
		python_untold(live, proc);
	}
	return 0;
}

/* --- whose file ------------------------------------------------------------------------------------ */
static uint32_t define_stdlib(struct live *live, const struct proc *proc, struct str path)
{
	const struct python *python = proc->python;
	struct item_object object = { .kind = OBJECT_PYTHON, .path = path,
				      .soname = STR_LIT(STDLIB_NAME),
				      .package = STR_LIT("python") };

	if (python) {
		object.package_version = text_of(python->version);
		object.root = text_of(python->stdlib ? python->stdlib : "");
	}
	return define_object(live, &object);
}

/* Below the directory that something is in. */
static bool is_beside(const char *path, const char *something)
{
	const char *slash = strrchr(something, '/');
	size_t len = slash ? (size_t)(slash - something) + 1 : 0;

	return len > 1 && !strncmp(path, something, len);
}

static bool is_below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return len > 1 && !strncmp(path, directory, len) && path[len] == '/';
}

static bool is_temporary(const char *path)
{
	return is_below(path, "/tmp") || is_below(path, "/var/tmp") || is_below(path, "/dev/shm");
}

/* A file that nobody installed, away from the application's directories, that a distribution's code
 * loaded by hand or from where anybody can write: that code's doing. */
static uint32_t loaded_by(const struct proc *proc, const struct wire_object *record,
			  const char *path)
{
	const char *cwd = proc->python && proc->python->cwd ? proc->python->cwd : "";
	uint32_t importer = 0;

	if (is_below(path, cwd) ||
	    (!(record->head.flags & WIRE_OBJECT_BY_HAND) && !is_temporary(path)) ||
	    record->base > UINT32_MAX ||
	    !ids_get(&proc->objects, (uint32_t)record->base, &importer) ||
	    importer == OBJECT_OURS)
		return 0;
	return importer;
}

static uint32_t define_script(struct live *live, struct str path)
{
	struct item_object object = { .kind = OBJECT_SCRIPT, .path = path };

	return define_object(live, &object);
}

/* python -c, python - : what was given is called by that. NULL: a script file, or no python. */
static const char *given_as(const struct proc *proc)
{
	return script_given(proc->exe, (struct str){ proc->argv, proc->argv_len });
}

/* The package that a file of the application is in: its outermost directory with an __init__.py, or
 * the file itself. */
static uint32_t define_application(struct live *live, const struct proc *proc,
				   struct path_buffer *path)
{
	struct path_buffer init, host;
	size_t keep = path->len;

	for (size_t at = path->len; at > 1;) {
		while (at > 1 && path->text[at - 1] != '/')
			at--;
		if (at < 2 || at + sizeof("__init__.py") > sizeof(init.text))
			break;
		memcpy(init.text, path->text, at);
		memcpy(init.text + at, "__init__.py", sizeof("__init__.py"));
		init.len = at + sizeof("__init__.py") - 1;
		paths_host_recorded(&proc->view, init.text, &host);
		if (access(host.text, F_OK))
			break;
		keep = --at;
	}
	return define_script(live, (struct str){ path->text, (uint32_t)keep });
}

/* What was found through /proc/PID/root, as the process sees it: others of its container, too. */
static const char *inside_root(const struct proc *proc, const char *path)
{
	size_t len = strlen(proc->view.root);

	return len && !strncmp(path, proc->view.root, len) && path[len] == '/' ? path + len : path;
}

static bool is_in_stdlib(const struct proc *proc, const char *path)
{
	const char *stdlib = proc->python && proc->python->stdlib ? proc->python->stdlib : "";
	size_t len = strlen(stdlib);

	if (!len || strncmp(path, stdlib, len) || path[len] != '/')
		return false;
	path += len + 1;
	return strncmp(path, "site-packages/", 14) && strncmp(path, "dist-packages/", 14);
}

static uint32_t define_file(struct live *live, const struct proc *proc,
			    const struct wire_object *record, struct str told)
{
	uint32_t importer;
	struct item_object object = { .kind = OBJECT_PYTHON };
	struct path_buffer real, host;
	struct dist_owner owner;
	struct path_buffer seen;

	paths_normalise(told.data, told.len, &seen);
	if (told.data[0] == '/' && is_in_stdlib(proc, seen.text) &&
	    mounts_is_ours(live, proc, seen.text))
		return define_stdlib(live, proc, told);
	object_locate(live, proc, told, false, &object, &real);
	if (proc->script && !strcmp(proc->script, real.text))
		return define_script(live, (struct str){ real.text, (uint32_t)real.len });
	if (is_in_stdlib(proc, real.text))
		return define_stdlib(live, proc, (struct str){ real.text, (uint32_t)real.len });
	paths_host_recorded(&proc->view, real.text, &host);
	if (live->dists &&
	    dists_find(live->dists, proc->view.root[0] ? NULL : live->packages, host.text, &owner)) {
		object.soname = text_of(owner.name);
		object.package = text_of(owner.package);
		object.package_version = text_of(owner.version);
		object.root = text_of(inside_root(proc, owner.root));
		object.is_deleted = false; /* in an archive it is no file */
		return define_object(live, &object);
	}
	if (proc->script && proc->script[0] == '/' && is_beside(real.text, proc->script))
		return define_script(live, text_of(proc->script));
	importer = loaded_by(proc, record, real.text);
	if (importer)
		return importer;
	return define_application(live, proc, &real);
}

uint32_t python_object(struct live *live, struct proc *proc, const struct wire_object *record,
		       struct str path)
{
	const char *given;

	if (!path.len || memchr(path.data, 0, path.len))
		return OBJECT_OURS;
	if (record->head.flags & WIRE_OBJECT_FROZEN)
		return define_stdlib(live, proc, path);
	if (path.data[0] != '<')
		return define_file(live, proc, record, path);
	/* Text: of the command line, of the standard input, or of a host that has an interpreter. */
	given = record->head.flags & WIRE_OBJECT_TOP ? given_as(proc) : NULL;
	return given ? define_script(live, text_of(given)) : OBJECT_OURS;
}

/* The source that path is or was compiled from: that is what distributions list. */
static bool source_of(struct str path, struct path_buffer *ret)
{
	static const char cache[] = "/__pycache__/";
	const size_t cache_len = sizeof(cache) - 1;
	size_t base = path.len, stem, len = path.len;
	bool is_source = len > 3 && !memcmp(path.data + len - 3, ".py", 3);

	if (len >= sizeof(ret->text) || memchr(path.data, 0, len) ||
	    (!is_source && (len < 5 || memcmp(path.data + len - 4, ".pyc", 4) != 0)))
		return false;
	memcpy(ret->text, path.data, len);
	while (base && path.data[base - 1] != '/')
		base--;
	if (!is_source && base >= cache_len &&
	    !memcmp(path.data + base - cache_len, cache, cache_len)) {
		stem = strcspn(path.data + base, "."); /* there is one: it ends in .pyc */
		memmove(ret->text + base - cache_len + 1, ret->text + base, stem);
		len = base - cache_len + 1 + stem;
		memcpy(ret->text + len, ".py", 3);
		len += 3;
	} else if (!is_source) {
		len--;
	}
	ret->len = len;
	ret->text[len] = '\0';
	return true;
}

void python_opened(struct live *live, struct proc *proc, struct str path)
{
	struct item_object object = { .kind = OBJECT_PYTHON };
	struct path_buffer source, host;
	struct dist_owner owner;

	if (!proc->python || !live->dists || !path.len || path.data[0] != '/' ||
	    !source_of(path, &source) || is_in_stdlib(proc, source.text) ||
	    !mounts_is_ours(live, proc, source.text))
		return;
	paths_host_recorded(&proc->view, source.text, &host);
	if (!dists_find(live->dists, proc->view.root[0] ? NULL : live->packages, host.text, &owner))
		return;
	object.soname = text_of(owner.name);
	object.package = text_of(owner.package);
	object.package_version = text_of(owner.version);
	object.root = object.path = text_of(inside_root(proc, owner.root)); /* one object, however many files */
	define_object(live, &object);
}

bool python_own(struct live *live, const struct proc *proc, struct str path, struct path_buffer *ret)
{
	struct path_buffer text, host;
	const char *root;

	if (!proc->python || !live->dists || path.len >= sizeof(text.text) || !path.len ||
	    path.data[0] != '/' || memchr(path.data, 0, path.len))
		return false;
	memcpy(text.text, path.data, path.len);
	text.len = path.len;
	text.text[path.len] = '\0';
	if (is_in_stdlib(proc, text.text) ||
	    (!proc->view.root[0] && !mounts_is_ours(live, proc, text.text)))
		return false;
	paths_host_recorded(&proc->view, text.text, &host);
	if (!dists_own(live->dists, host.text, ret->text, sizeof(ret->text)))
		return false;
	root = inside_root(proc, ret->text);
	ret->len = strlen(root);
	memmove(ret->text, root, ret->len + 1);
	return true;
}
