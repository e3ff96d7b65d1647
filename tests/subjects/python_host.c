/* SPDX-License-Identifier: Apache-2.0
 *
 * A C program with Python in it, as servers and editors have: its strings are run, a module is
 * imported and called, and a sub-interpreter does the same.
 *
 *	python_host WAY SITE PATH      WAY: string, call, sub, late (libpython by dlopen), twice
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *library;

static void *symbol(const char *name)
{
	void *found = dlsym(library, name);

	if (!found) {
		fprintf(stderr, "no %s\n", name);
		exit(1);
	}
	return found;
}

static int run(const char *site, const char *path, const char *rest)
{
	int (*run_string)(const char *, void *) = symbol("PyRun_SimpleStringFlags");
	char text[4096];

	snprintf(text, sizeof(text), "import sys; sys.path.insert(0, '%s'); path = '%s'\n%s\n", site,
		 path, rest);
	return run_string(text, NULL);
}

static int by_call(const char *site, const char *path)
{
	void *(*import)(const char *) = symbol("PyImport_ImportModule");
	void *(*call)(void *, const char *, const char *, ...) = symbol("PyObject_CallMethod");
	void *module;

	if (run(site, path, ""))
		return 1;
	module = import("flow_demo");
	return !module || !call(module, "read", "s", path);
}

static int in_sub(const char *site, const char *path)
{
	void *(*make)(void) = symbol("Py_NewInterpreter");
	void (*end)(void *) = symbol("Py_EndInterpreter");
	void *(*swap)(void *) = symbol("PyThreadState_Swap");
	void *(*get)(void) = symbol("PyThreadState_Get");
	void *main_state = get(), *sub = make();
	int result = run(site, path, "import flow_demo; flow_demo.read(path)");

	end(sub);
	swap(main_state);
	return result || run(site, path, "open(path).close()");
}

int main(int argc, char **argv)
{
	void (*begin)(int), (*end)(void);
	const char *file = argc > 4 ? argv[4] : "libpython3.11.so.1.0";
	int result;

	if (argc < 4)
		return 2;
	library = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 77;
	}
	begin = symbol("Py_InitializeEx");
	end = symbol("Py_Finalize");
	begin(0);
	if (!strcmp(argv[1], "call"))
		result = by_call(argv[2], argv[3]);
	else if (!strcmp(argv[1], "sub"))
		result = in_sub(argv[2], argv[3]);
	else
		result = run(argv[2], argv[3], "import flow_demo; flow_demo.read(path)");
	end();
	if (!strcmp(argv[1], "twice")) {
		begin(0);
		result = result || run(argv[2], argv[3], "import flow_demo; flow_demo.read(path)");
		end();
	}
	printf("%s: %d\n", argv[1], result);
	return result;
}
