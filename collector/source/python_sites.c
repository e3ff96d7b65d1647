/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an interpreter takes packages from, before its code runs: a source tree that is installed
 * there belongs to its distribution from the first line on.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "python.h"
#include "python_dist.h"

/* What site goes through there. directory: as the process sees it. */
static void site_note(struct live *live, const struct proc *proc, const char *directory)
{
	struct path_buffer real, host;

	if (paths_real(&live->paths, &proc->view, "", 0, directory, strlen(directory), true, &real) !=
	    PATH_REAL)
		return;
	paths_record(&proc->view, &real);
	paths_host_recorded(&proc->view, real.text, &host);
	dists_note(live->dists, host.text);
}

/* Is that the directory of a virtual environment's programs? Its packages are noted. */
static void venv_note(struct live *live, const struct proc *proc, const char *directory, size_t len,
		      const char *version)
{
	struct path_buffer config, host;
	char path[PATH_MAX];

	if (!len || directory[0] != '/' ||
	    snprintf(path, sizeof(path), "%.*s/../pyvenv.cfg", (int)len, directory) >=
		    (int)sizeof(path) ||
	    paths_real(&live->paths, &proc->view, "", 0, path, strlen(path), true, &config) !=
		    PATH_REAL)
		return;
	paths_host(&proc->view, config.text, &host);
	if (!access(host.text, F_OK) &&
	    snprintf(path, sizeof(path), "%.*s/../lib/python%s/site-packages", (int)len, directory,
		     version) < (int)sizeof(path))
		site_note(live, proc, path);
}

static bool is_executable_in(const struct proc *proc, struct str directory, const char *name)
{
	struct path_buffer host;
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%.*s/%s", (int)directory.len, directory.data, name) >=
	    (int)sizeof(path))
		return false;
	paths_host(&proc->view, path, &host);
	return !access(host.text, X_OK);
}

/* The environment is known by how the interpreter was called: through a link in it. */
static void environment_note(struct live *live, const struct proc *proc, const char *version)
{
	char name[PATH_MAX];
	const char *slash;

	if (snprintf(name, sizeof(name), "%.*s", (int)proc->argv_len, proc->argv ? proc->argv : "") >=
	    (int)sizeof(name))
		return;
	slash = strrchr(name, '/');
	if (slash) {
		struct path_buffer whole;
		char joined[PATH_MAX];
		bool is_absolute = name[0] == '/';

		if (snprintf(joined, sizeof(joined), "%s%s%s", is_absolute ? "" : proc->cwd,
			     is_absolute ? "" : "/", name) >= (int)sizeof(joined))
			return;
		paths_normalise(joined, strlen(joined), &whole);
		slash = strrchr(whole.text, '/');
		venv_note(live, proc, whole.text, (size_t)(slash - whole.text), version);
		return;
	}
	for (const char *directory = proc->path ? proc->path : ""; *directory;) {
		struct str here = { directory, (uint32_t)strcspn(directory, ":") };

		if (here.len && is_executable_in(proc, here, name)) {
			venv_note(live, proc, here.data, here.len, version);
			return;
		}
		directory += here.len + (directory[here.len] == ':');
	}
}

void python_sites(struct live *live, const struct proc *proc, const char *version,
		  const char *stdlib)
{
	const char *home = proc->home ? proc->home : "";
	char path[PATH_MAX];

	if (!live->dists || !version[0] || !stdlib)
		return;
	environment_note(live, proc, version);
	if (snprintf(path, sizeof(path), "%s/site-packages", stdlib) < (int)sizeof(path))
		site_note(live, proc, path);
	if (snprintf(path, sizeof(path), "/usr/local/lib/python%s/dist-packages", version) <
	     (int)sizeof(path))
		site_note(live, proc, path);
	if (home[0] == '/' &&
	    snprintf(path, sizeof(path), "%s/.local/lib/python%s/site-packages", home,
		     version) < (int)sizeof(path))
		site_note(live, proc, path);
}
