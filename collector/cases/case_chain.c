/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is on a chain: `libcurl.so.4`, `/usr/bin/curl`, `app`, or a mapping that says more. What is
 * not said is as on a Debian machine: a bare soname lies in the system's directory and belongs to a
 * package; what lies elsewhere belongs to none.
 */
#include <string.h>

#include "cases_inner.h"

#define LIBRARY_DIRECTORY "/usr/lib/x86_64-linux-gnu"
#define PYTHON_DIRECTORY "/usr/lib/python3/dist-packages"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool is_library_name(const char *text)
{
	const char *so = strstr(base_name(text), ".so");
	return so && (!so[3] || so[3] == '.');
}

/* Where packages put their files, and nobody else. */
static bool is_system_path(const char *path)
{
	static const char *const below[] = {
		"/usr/lib/",   "/usr/bin/", "/usr/sbin/", "/usr/share/", "/usr/libexec/",
		"/usr/lib64/", "/lib/",	    "/lib64/",	  "/bin/",	 "/sbin/"};
	for (size_t i = 0; i < sizeof(below) / sizeof(below[0]); i++)
		if (!strncmp(path, below[i], strlen(below[i])))
			return true;
	return false;
}

/* name or path, from one text. */
static void place_file(struct cases *cases, const char *text, struct case_subject *subject)
{
	subject->name = base_name(text);
	if (*text == '/' || *subject->path)
		subject->path = *subject->path ? subject->path : text;
	else if (subject->kind == SUBJECT_PYTHON)
		subject->path = pool_print(&cases->pool, PYTHON_DIRECTORY "/%s.dist-info", text);
	else if (subject->kind == SUBJECT_LIBRARY)
		subject->path = pool_print(&cases->pool, LIBRARY_DIRECTORY "/%s", text);
	else
		subject->path = pool_print(&cases->pool, "/usr/bin/%s", text);
}

/* Package names are lower case without ".so": not compared with real ones unless it is said. */
static void guess_package(struct case_subject *subject)
{
	if (!*subject->package && subject->kind == SUBJECT_PYTHON &&
	    !strcmp(subject->name, "python-stdlib"))
		subject->package = "python"; /* nobody else's is called so */
	if (!*subject->package && subject->kind != SUBJECT_SCRIPT && is_system_path(subject->path))
		subject->package = subject->name;
	if (!strcmp(subject->package, "none"))
		subject->package = "";
}

static void read_short(struct cases *cases, const struct node *node, struct case_subject *subject)
{
	subject->text = node->text;
	if (!strcmp(node->text, "app")) {
		subject->kind = SUBJECT_EXECUTABLE;
		subject->name = "app";
		subject->path = "/opt/app/app";
		subject->profile = "none";
		subject->is_plain_app = true;
		return;
	}
	if (is_library_name(node->text)) {
		subject->kind = SUBJECT_LIBRARY;
	} else if (*node->text == '/') {
		subject->kind = SUBJECT_EXECUTABLE;
	} else {
		report_error(&cases->loader->reports, node->place,
			     "\"%s\": a soname, a program's path, or a mapping with library, "
			     "executable, script or python",
			     report_quote(&cases->pool, node->text, node->len));
		return;
	}
	place_file(cases, node->text, subject);
	guess_package(subject);
}

static void read_long(struct cases *cases, const struct node *node, struct case_subject *subject)
{
	static const struct {
		const char *key;
		enum subject_kind kind;
	} kinds[] = {{"library", SUBJECT_LIBRARY},
		     {"executable", SUBJECT_EXECUTABLE},
		     {"script", SUBJECT_SCRIPT},
		     {"python", SUBJECT_PYTHON}};
	const char *text = "";
	unsigned count = 0;
	if (!case_check_keys(cases, node, IN_SUBJECT))
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!case_get(node, kinds[i].key))
			continue;
		count++;
		subject->kind = kinds[i].kind;
		text = case_text(cases, node, kinds[i].key);
	}
	if (count != 1) {
		report_error(&cases->loader->reports, node->place,
			     "one of library, executable, script and python");
		subject->kind = 0;
		return;
	}
	subject->text = text;
	subject->path = case_text(cases, node, "path");
	subject->package = case_text(cases, node, "package");
	subject->version = case_text(cases, node, "version");
	subject->build_id = case_text(cases, node, "build-id");
	subject->sha256 = case_text(cases, node, "sha256");
	subject->origin = case_text(cases, node, "origin");
	subject->profile = case_text(cases, node, "profile");
	if (subject->kind == SUBJECT_SCRIPT && *text && *text != '/')
		report_error(&cases->loader->reports, node->place, "a script needs its whole path");
	place_file(cases, text, subject);
	guess_package(subject);
}

static void read_subject(struct cases *cases, const struct node *node, struct case_subject *subject)
{
	*subject = (struct case_subject){.node = node,
					 .text = "",
					 .name = "",
					 .path = "",
					 .package = "",
					 .version = "",
					 .build_id = "",
					 .sha256 = "",
					 .origin = "",
					 .profile = ""};
	if (node->is_broken)
		return;
	if (node->kind == NODE_SCALAR && node->len)
		read_short(cases, node, subject);
	else if (node->kind == NODE_MAPPING)
		read_long(cases, node, subject);
	else
		report_error(&cases->loader->reports, node->place, "expected a subject");
}

/* [libraries and the executable in any order, the script last]: one process. */
static void check_order(struct cases *cases, const struct case_chain *chain)
{
	const struct case_subject *program = NULL;
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct case_subject *subject = &chain->subjects[i];
		bool is_script = subject->kind == SUBJECT_SCRIPT;
		if (is_script && (i + 1 < chain->count || !program))
			report_error(&cases->loader->reports, subject->node->place,
				     "a script stands last, behind its interpreter");
		if (subject->kind != SUBJECT_EXECUTABLE)
			continue;
		if (program && strcmp(program->path, subject->path))
			report_error(&cases->loader->reports, subject->node->place,
				     "a second program; who started the process belongs into "
				     "started-by");
		program = subject;
	}
}

void case_read_chain(struct cases *cases, struct node *node, struct case_chain *ret_chain)
{
	bool is_list = node->kind == NODE_LIST;
	uint32_t count = is_list ? node->count : 1;
	*ret_chain = (struct case_chain){0};
	if (!count || count > CASE_LINKS_MAX) {
		report_error(&cases->loader->reports, node->place,
			     "a chain has from 1 to %u subjects", CASE_LINKS_MAX);
		return;
	}
	ret_chain->subjects = pool_alloc(&cases->pool, count * sizeof(*ret_chain->subjects));
	for (struct node *item = is_list ? node->first : node; ret_chain->count < count;
	     item = is_list ? item->next : NULL)
		read_subject(cases, item, &ret_chain->subjects[ret_chain->count++]);
	check_order(cases, ret_chain);
}
