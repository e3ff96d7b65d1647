/* SPDX-License-Identifier: Apache-2.0
 *
 * exec: system, popen, wordexp. libc starts the shell inside itself with `environ`, where our
 * variables must not be; so system and popen are done here in libc's own steps, over posix_spawn
 * with an environment of ours. wordexp asks its callers to keep the environment constant
 * (attributes(7): const:env), so for its duration `environ` may point to a copy.
 */
#include "exec.h"

#include <signal.h>
#include <sys/wait.h>

/* --- system ---------------------------------------------------------------------------------------------- */

/* POSIX: SIGINT and SIGQUIT are ignored while any system() runs. The count and what they were
 * before are shared by all threads; held for a few instructions, never across the wait. */
static struct {
	int lock, users;
	struct sigaction interrupt, quit;
} ignored;

static void ignored_lock(void)
{
	while (__atomic_exchange_n(&ignored.lock, 1, __ATOMIC_ACQUIRE))
		sys_call0(SYS_sched_yield);
}

static void ignored_unlock(void)
{
	__atomic_store_n(&ignored.lock, 0, __ATOMIC_RELEASE);
}

static void ignored_enter(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	ignored_lock();
	if (!ignored.users++) {
		sigaction(SIGINT, &ignore, &ignored.interrupt);
		sigaction(SIGQUIT, &ignore, &ignored.quit);
	}
	ignored_unlock();
}

static void ignored_leave(void)
{
	ignored_lock();
	if (!--ignored.users) {
		sigaction(SIGINT, &ignored.interrupt, NULL);
		sigaction(SIGQUIT, &ignored.quit, NULL);
	}
	ignored_unlock();
}

struct waiting {
	pid_t pid;
	sigset_t mask;
};

/* A thread cancelled in system() must not leave the shell behind. */
static void system_cancelled(void *argument)
{
	struct waiting *waiting = argument;

	kill(waiting->pid, SIGKILL);
	while (sys_call4(SYS_wait4, waiting->pid, NULL, 0, NULL) == -EINTR)
		;
	ignored_leave();
	sigprocmask(SIG_SETMASK, &waiting->mask, NULL);
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static int system_run(const struct call *call, const char *command)
{
	char *const argv[] = { "sh", "-c", (char *)(uintptr_t)command, NULL };
	struct waiting waiting = { 0 };
	posix_spawnattr_t attributes;
	sigset_t block, defaults;
	int status = W_EXITCODE(127, 0), error;

	ignored_enter();
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigprocmask(SIG_BLOCK, &block, &waiting.mask);
	sigemptyset(&defaults);
	if (ignored.interrupt.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGINT);
	if (ignored.quit.sa_handler != SIG_IGN)
		sigaddset(&defaults, SIGQUIT);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &waiting.mask);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	error = exec_spawn(call, &(struct spawn){ &waiting.pid, "/bin/sh", NULL, &attributes, argv,
						  environ, false });
	posix_spawnattr_destroy(&attributes);
	if (!error) {
		pthread_cleanup_push(system_cancelled, &waiting);
		status = wait_for(waiting.pid);
		pthread_cleanup_pop(0);
	}
	ignored_leave();
	sigprocmask(SIG_SETMASK, &waiting.mask, NULL);
	if (error)
		errno = error;
	return status;
}

EXPORT int system(const char *command)
{
	HOOK_BEGIN_MARK(system, return -1);
	int ret;

	if (!call.is_on)
		return real.system(command);
	if (!call.stack)
		call.stack = stack_capture(__builtin_frame_address(0), HOOK_system, &call.origin);
	ret = command ? system_run(&call, command) : system_run(&call, "exit 0") == 0;
	HOOK_END();
	return ret;
}

/* --- popen ------------------------------------------------------------------------------------------------ */
#define PIPES 256

/* Streams whose child we started. `claim` goes 0 free, 1 being filled or emptied, 2 in use. */
static TABLE struct pipe_entry {
	int claim;
	int fd; /* noted: the stream may be gone while another thread looks */
	pid_t pid;
	FILE *stream;
} pipes[PIPES];
static unsigned pipes_used;

static struct pipe_entry *pipe_claim(void)
{
	for (unsigned i = 0; i < PIPES; i++) {
		int is_free = 0;

		if (__atomic_compare_exchange_n(&pipes[i].claim, &is_free, 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			__atomic_fetch_add(&pipes_used, 1, __ATOMIC_RELAXED);
			return &pipes[i];
		}
	}
	return NULL;
}

static void pipe_release(struct pipe_entry *entry)
{
	__atomic_fetch_sub(&pipes_used, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->claim, 0, __ATOMIC_RELEASE);
}

static pid_t pipe_take(FILE *stream)
{
	if (likely(!__atomic_load_n(&pipes_used, __ATOMIC_RELAXED)))
		return 0;
	for (unsigned i = 0; i < PIPES; i++) {
		struct pipe_entry *entry = &pipes[i];
		int in_use = 2;
		pid_t pid;

		if (__atomic_load_n(&entry->claim, __ATOMIC_ACQUIRE) != 2 ||
		    entry->stream != stream)
			continue;
		if (!__atomic_compare_exchange_n(&entry->claim, &in_use, 1, false, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		pid = entry->pid;
		pipe_release(entry);
		return pid;
	}
	return 0;
}

static bool popen_mode(const char *mode, bool *ret_reads, bool *ret_cloexec)
{
	bool reads = false, writes = false;

	*ret_cloexec = false;
	for (; *mode; mode++) {
		if (*mode == 'r')
			reads = true;
		else if (*mode == 'w')
			writes = true;
		else if (*mode == 'e')
			*ret_cloexec = true;
		else
			return false;
	}
	*ret_reads = reads;
	return reads != writes;
}

static int popen_spawn(const struct call *call, struct pipe_entry *entry, const char *command,
		       int child_end, bool reads)
{
	char *const argv[] = { "sh", "-c", (char *)(uintptr_t)command, NULL };
	int child_fd = reads ? STDOUT_FILENO : STDIN_FILENO;
	posix_spawn_file_actions_t actions;
	int error;

	posix_spawn_file_actions_init(&actions);
	error = posix_spawn_file_actions_adddup2(&actions, child_end, child_fd);
	/* POSIX: streams of earlier popen calls are closed in the child. */
	for (unsigned i = 0; !error && i < PIPES; i++) {
		int fd = __atomic_load_n(&pipes[i].claim, __ATOMIC_ACQUIRE) == 2 ? pipes[i].fd : -1;

		if (fd >= 0 && fd != child_fd)
			error = posix_spawn_file_actions_addclose(&actions, fd);
	}
	if (!error)
		error = exec_spawn(call, &(struct spawn){ &entry->pid, "/bin/sh", &actions, NULL,
							  argv, environ, false });
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static FILE *popen_run(const struct call *call, const char *command, bool reads, bool is_cloexec,
		       struct pipe_entry *entry)
{
	int ends[2], error;
	FILE *stream;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return NULL;
	stream = fdopen(ends[!reads], reads ? "r" : "w");
	if (!stream) {
		error = errno;
		sys_call1(SYS_close, ends[0]);
		sys_call1(SYS_close, ends[1]);
		errno = error;
		return NULL;
	}
	error = popen_spawn(call, entry, command, ends[reads], reads);
	sys_call1(SYS_close, ends[reads]);
	if (error) {
		real.fclose(stream);
		errno = ENOMEM; /* whatever it was: glibc 2.36, _IO_new_proc_open */
		return NULL;
	}
	if (!is_cloexec)
		sys_call3(SYS_fcntl, ends[!reads], F_SETFD, 0);
	entry->stream = stream;
	entry->fd = ends[!reads];
	__atomic_store_n(&entry->claim, 2, __ATOMIC_RELEASE);
	return stream;
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	HOOK_BEGIN_MARK(popen, return NULL);
	struct pipe_entry *entry = NULL;
	bool reads, is_cloexec;
	FILE *ret;

	if (!call.is_on || !popen_mode(mode, &reads, &is_cloexec) || !(entry = pipe_claim())) {
		ret = real.popen(command, mode);
		if (call.is_on && ret)
			ring_missed();
		HOOK_END();
		return ret;
	}
	if (!call.stack)
		call.stack = stack_capture(__builtin_frame_address(0), HOOK_popen, &call.origin);
	ret = popen_run(&call, command, reads, is_cloexec, entry);
	if (!ret)
		pipe_release(entry);
	HOOK_END();
	return ret;
}

/* As libc's proc_close: not a cancellation point, and a child that is not there is an error. */
static int pipe_wait(pid_t pid)
{
	int status = 0;
	long ret;

	do
		ret = sys_call4(SYS_wait4, pid, &status, 0, NULL);
	while (ret == -EINTR);
	if (ret >= 0)
		return status;
	errno = (int)-ret;
	return -1;
}

/* Closing a popen stream waits for its child, through pclose and fclose alike; what could not be
 * written counts only when the child has ended well. */
EXPORT int fclose(FILE *stream)
{
	HOOK_ONLY(return EOF);
	pid_t pid = pipe_take(stream);
	int ret = real.fclose(stream), status;

	if (!pid)
		return ret;
	status = pipe_wait(pid);
	return status ? status : ret;
}

EXPORT int pclose(FILE *stream)
{
	HOOK_ONLY(return EOF);
	pid_t pid = pipe_take(stream);
	int ret, status;

	if (!pid)
		return real.pclose(stream);
	ret = real.fclose(stream);
	status = pipe_wait(pid);
	return status ? status : ret;
}

/* --- wordexp ---------------------------------------------------------------------------------------------- */
EXPORT int wordexp(const char *words, wordexp_t *ret_words, int flags)
{
	HOOK_BEGIN_MARK(wordexp, return WRDE_NOSPACE);
	char **before = environ;
	struct exec exec;
	char *const argv[] = { "sh", "-c", (char *)(uintptr_t)words, NULL };
	int ret;

	if (!call.is_on || (flags & WRDE_NOCMD) || !words || !(strstr(words, "$(") || strchr(words, '`'))) {
		ret = real.wordexp(words, ret_words, flags);
		HOOK_END();
		return ret;
	}
	if (!call.stack)
		call.stack = stack_capture(__builtin_frame_address(0), HOOK_wordexp, &call.origin);
	EXEC_PREPARE(&exec, &call, AT_FDCWD, "/bin/sh", false, argv, before);
	environ = exec.env.envp;
	ret = real.wordexp(words, ret_words, flags);
	if (environ == exec.env.envp)
		environ = before;
	environ_done(&exec.env);
	exec.args.result = ret == WRDE_CMDSUB ? -EPERM : 0;
	event_publish(&call, &exec.args);
	HOOK_END();
	return ret;
}
