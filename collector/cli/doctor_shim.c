/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run with the shim needs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../preload/wire/ring.h"
#include "../source/source.h"
#include "doctor.h"
#include "run.h"

#define SELF_TEST_MS 3000

bool doctor_glibc(void)
{
	const char *version = gnu_get_libc_version();

	if (dlsym(RTLD_DEFAULT, "_dl_find_object")) {
		doctor_say(DOCTOR_OK, "glibc", NULL, NULL, "%s has _dl_find_object", version);
		return true;
	}
	doctor_say(DOCTOR_NO, "glibc", "the shim finds objects by _dl_find_object",
		   "2.35 or later is needed (Debian 12 has 2.36)", "%s", version);
	return false;
}

bool doctor_memfd(void)
{
	int fd = memfd_create("sowatch-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	bool is_good = fd >= 0 && ftruncate(fd, 4096) == 0 &&
		       fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0;
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (is_good)
		doctor_say(DOCTOR_OK, "memfd", NULL, NULL, "can be made and sealed");
	else
		doctor_say(DOCTOR_NO, "memfd", strerror(error),
			   "the rings are sealed memfds: a seccomp filter may forbid "
			   "memfd_create, allow it",
			   "cannot be made or sealed");
	return is_good;
}

/* Starts true under the shim and looks whether it says hello. */
static bool hello_heard(struct source *source, char **ret_why)
{
	char *argv[] = { "true", NULL };
	char **envp = source_ring_environ(source, environ);
	struct run_signals signals = { .fd = -1 };
	struct timespec pause = { 0, 1000000 };
	bool is_heard = false, is_over = false;
	char *program = NULL;
	struct item item;
	pid_t pid;

	*ret_why = "true(1) is not in PATH";
	if (run_find("true", &program) || run_signals_take(&signals) < 0)
		goto done;
	*ret_why = "true(1) could not be started";
	if (!envp || run_spawn(program, argv, envp, &signals, NULL, &pid))
		goto done;
	source_ring_started(source, pid, program, argv);
	*ret_why = "true(1) ran and never said hello";
	for (int i = 0; i < SELF_TEST_MS && !(is_over && !source_ring_alive(source)); i++) {
		is_over = is_over || waitpid(pid, NULL, WNOHANG) == pid;
		while (source_next(source, &item) == 1)
			is_heard |= item.type == ITEM_PROCESS && item.process.covered;
		nanosleep(&pause, NULL);
	}
done:
	run_signals_done(&signals);
	free(program);
	return is_heard;
}

bool doctor_shim(void)
{
	const char *path = cli_shim_path();
	struct source_ring_options options = { .service = "doctor", .shim_path = path,
					       .ring_bytes = WIRE_RING_DATA_MIN, .wait_ms = 20,
					       .vantage = "shim" };
	struct source *source = NULL;
	char error[512] = "", *why = error;
	bool is_good = false;

	if (!path) {
		doctor_say(DOCTOR_NO, "shim", "libsowatch.so is not beside this program",
			   "install it, or name it by $SOWATCH_SHIM", "not found");
		return false;
	}
	if (source_ring_open(&options, &source, error, sizeof(error)) == 0)
		is_good = hello_heard(source, &why);
	if (is_good)
		doctor_say(DOCTOR_OK, "shim", NULL, NULL, "%s loads into a program and says hello",
			   path);
	else
		doctor_say(DOCTOR_NO, "shim", why,
			   "LD_DEBUG=libs LD_PRELOAD=... true shows whether it is loaded", "%s",
			   path);
	source_close(source);
	return is_good;
}

/* The same on every machine, and easily forgotten when a run is clean. */
void doctor_environment(void)
{
	doctor_say(DOCTOR_OK, "environment",
		   "bash, dash and Python (os.environ) never call it, and the kernel sees none of it",
		   NULL, "variables are seen being read through getenv(3) alone");
}

void doctor_unwinder(void)
{
	void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);

	if (library && dlsym(library, "unw_backtrace"))
		doctor_say(DOCTOR_OK, "libunwind", NULL, NULL, "libunwind.so.8 is there");
	else
		doctor_say(DOCTOR_WARN, "libunwind", "stacks are taken by libgcc, ten times slower",
			   "apt install libunwind8", "libunwind.so.8 is not there");
	if (library)
		dlclose(library);
}

bool doctor_log(void)
{
	char *directory = run_state_directory();

	if (directory)
		doctor_say(DOCTOR_OK, "log", NULL, NULL, "%s can be written", directory);
	else
		doctor_say(DOCTOR_WARN, "log", strerror(errno),
			   "say -o LOG, or set XDG_STATE_HOME to a directory of yours",
			   "the default directory cannot be written");
	free(directory);
	return true;
}

bool doctor_policies(void)
{
	const char *directory = cli_policies_dir();
	struct policy *policy = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);
	struct policy_options options = { .errors = errors ? errors : stderr };
	int count = policy_load(&directory, 1, &options, &policy);

	policy_free(policy);
	if (errors)
		fclose(errors);
	if (!count)
		doctor_say(DOCTOR_OK, "policies", NULL, NULL, "%s loads", directory);
	else
		doctor_say(DOCTOR_NO, "policies",
			   text && *text ? (text[strcspn(text, "\n")] = '\0', text) : "no reason told",
			   "$SOWATCH_POLICIES names another directory", "%s does not load: %d error%s",
			   directory, count, count == 1 ? "" : "s");
	free(text);
	return !count;
}

void doctor_packages(void)
{
	if (access("/var/lib/dpkg/status", R_OK) == 0)
		doctor_say(DOCTOR_OK, "packages", NULL, NULL, "dpkg's database is there");
	else
		doctor_say(DOCTOR_WARN, "packages",
			   "profiles that carry or match by package bind to nothing",
			   "give such profiles exact paths or build-ids",
			   "no dpkg database in /var/lib/dpkg");
}

static const char *container_sign(void)
{
	char text[256];

	if (access("/.dockerenv", F_OK) == 0)
		return "/.dockerenv is there";
	if (access("/run/.containerenv", F_OK) == 0)
		return "/run/.containerenv is there";
	if (doctor_read("/proc/1/cgroup", text, sizeof(text)) &&
	    (strstr(text, "docker") || strstr(text, "kubepods") || strstr(text, "lxc") ||
	     strstr(text, "libpod")))
		return "process 1 is in a container's cgroup";
	return NULL;
}

void doctor_container(void)
{
	const char *sign = container_sign();
	char space[64] = "";
	ssize_t len = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);

	/* The first pid namespace has a fixed number: PROC_PID_INIT_INO in linux/proc_ns.h. */
	if (!sign && len > 0 && strcmp(space, "pid:[4026531836]") != 0)
		sign = "this is not the first pid namespace";
	if (sign)
		doctor_say(DOCTOR_WARN, "container", sign,
			   "pids in logs are the container's; the probes would need the host",
			   "yes");
	else
		doctor_say(DOCTOR_OK, "container", NULL, NULL, "no");
}

void doctor_seccomp(void)
{
	static const char *const modes[] = { "no filter", "strict", "a filter is in force" };
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	int mode = -1;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			break;
	}
	if (file)
		fclose(file);
	if (mode < 0 || mode > 2)
		doctor_say(DOCTOR_WARN, "seccomp", "/proc/self/status does not tell", NULL,
			   "unknown");
	else
		doctor_say(mode ? DOCTOR_WARN : DOCTOR_OK, "seccomp",
			   mode ? "it may forbid what shim or probes need, see the lines of these"
				: NULL,
			   NULL, "%s", modes[mode]);
}

void doctor_ptrace(void)
{
	static const char *const scopes[] = { "any process of the same user",
					      "descendants only", "privileged only", "nobody" };
	char text[16];
	int scope;

	if (!doctor_read("/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text))) {
		doctor_say(DOCTOR_OK, "ptrace scope", NULL, NULL, "Yama is not in this kernel");
		return;
	}
	scope = atoi(text);
	doctor_say(DOCTOR_OK, "ptrace scope", "sowatch itself never traces", NULL, "%d: %s", scope,
		   scope >= 0 && scope <= 3 ? scopes[scope] : "unknown");
}
