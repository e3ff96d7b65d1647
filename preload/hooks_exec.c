/* SPDX-License-Identifier: Apache-2.0
 *
 * exec: the exec family and posix_spawn. An exec is told before it happens, because nothing of us
 * is left afterwards; WIRE_EXEC_FAILED takes it back. The chain is the caller's here: the new
 * program's stack has no frames of ours, and a vfork child runs on none at all.
 */
#include "exec.h"

/* --- can the shim live in that program? ---------------------------------------------------------------- */
static const char *elf_reason(const unsigned char *head, long bytes)
{
	const ElfW(Ehdr) *header = (const void *)head;
	const ElfW(Phdr) * segment;

	if (head[EI_CLASS] != ELFCLASS64 || header->e_machine != EM_X86_64)
		return "other-architecture";
	if (header->e_phentsize != sizeof(*segment) || header->e_phoff > (uint64_t)bytes ||
	    header->e_phnum > ((uint64_t)bytes - header->e_phoff) / sizeof(*segment))
		return "";
	segment = (const void *)(head + header->e_phoff);
	for (unsigned i = 0; i < header->e_phnum; i++) {
		const char *name;

		if (segment[i].p_type != PT_INTERP)
			continue;
		if (segment[i].p_offset + segment[i].p_filesz > (uint64_t)bytes ||
		    !segment[i].p_filesz)
			return "";
		name = (const char *)head + segment[i].p_offset;
		/* musl's loader aborts a program whose preload it cannot bind. */
		return memmem(name, segment[i].p_filesz, "ld-linux", 8) ? "" : "other-loader";
	}
	return "static";
}

static long head_read(int dir, const char *path, unsigned char *ret_head, size_t bytes)
{
	long fd = sys_call4(SYS_openat, dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0), got;

	if (fd < 0)
		return fd;
	got = sys_call4(SYS_pread64, fd, ret_head, bytes, 0);
	sys_call1(SYS_close, fd);
	return got;
}

/* The program a script's first line names, as a string in head; NULL when it is no script. */
static const char *script_program(unsigned char *head, long bytes)
{
	long at = 2, end;

	if (bytes < 4 || head[0] != '#' || head[1] != '!')
		return NULL;
	while (at < bytes && (head[at] == ' ' || head[at] == '\t'))
		at++;
	for (end = at; end < bytes && !memchr(" \t\n", head[end], 4); end++)
		;
	if (end == at || end == bytes)
		return NULL;
	head[end] = 0;
	return (const char *)head + at;
}

#define SCRIPTS_MAX 5 /* the kernel follows as many (fs/exec.c, exec_binprm) */

/* "" when it can, or cannot be told. A script is as good as the program that runs it. */
static const char *program_reason(int dir, const char *path)
{
	_Alignas(16) unsigned char head[1024];

	/* Waking up takes system calls that the filter may answer with death. */
	if (session.has_seccomp)
		return "seccomp";
	for (unsigned i = 0; path && i <= SCRIPTS_MAX; i++) {
		long bytes = head_read(dir, path, head, sizeof(head));

		if (bytes >= (long)sizeof(ElfW(Ehdr)) && !memcmp(head, ELFMAG, SELFMAG)) {
			const char *reason = elf_reason(head, bytes);

			/* The loader itself needs none, and preloads for the program it is given. */
			return path != (const char *)head && strstr(path, "/ld-linux") &&
					       !strcmp(reason, "static") ?
				       "" :
				       reason;
		}
		path = script_program(head, bytes);
		dir = AT_FDCWD;
	}
	return "";
}

/* The first executable of that name on PATH, as execvp and posix_spawnp would try them. */
static bool path_search(const char *file, char *ret_path, size_t bytes)
{
	const char *path = real.getenv("PATH");
	size_t name = strlen(file);

	for (path = path ? path : "/bin:/usr/bin";; path++) {
		size_t length = strcspn(path, ":");
		char *at = ret_path;

		if (length + name + 3 <= bytes) {
			at = mempcpy(at, length ? path : ".", length ? length : 1);
			*at++ = '/';
			memcpy(at, file, name + 1);
			if (!sys_call3(SYS_faccessat, AT_FDCWD, ret_path, X_OK))
				return true;
		}
		path += length;
		if (!*path)
			return false;
	}
}

void exec_look(struct exec *exec, const struct call *call, int dir, const char *file,
	       bool is_searched)
{
	const char *reason, *program = file;
	char name[FD_NAME_MAX];
	struct event_args *args = &exec->args;

	memset(args, 0, sizeof(*args));
	exec->call = call;
	args->action = WIRE_EXEC_RUN;
	args->serial = exec->serial = __atomic_add_fetch(&session.next_serial, 1, __ATOMIC_RELAXED);
	exec->origin = session_origin(call, WIRE_ORIGIN_EXEC);
	exec->has_env = true;
	exec->found[0] = 0;
	if (!file || (!session.has_seccomp && !string_is_readable(file))) {
		args->flags = WIRE_EVENT_UNREADABLE;
		return;
	}
	args->blob[0] = (struct blob){ file, (uint32_t)strnlen(file, 4096) };
	if (is_searched && !strchr(file, '/') && !session.has_seccomp &&
	    path_search(file, exec->found, sizeof(exec->found))) {
		program = exec->found;
		args->blob[2] = (struct blob){ program, (uint32_t)strlen(program) };
	} else if (dir != AT_FDCWD && file[0] != '/') {
		long got = fd_path(dir, exec->found, sizeof(exec->found) - 1);

		if (got > 0 && file[0]) { /* execveat(dir, "name") */
			exec->found[got] = 0;
			if ((size_t)got + strlen(file) + 2 <= sizeof(exec->found)) {
				strcat(exec->found, "/");
				strcat(exec->found, file);
			}
		}
		if (got > 0)
			args->blob[2] = (struct blob){ exec->found, (uint32_t)strnlen(exec->found,
										     511) };
	}
	if (!file[0])
		fd_name(dir, name);
	reason = file[0] ? program_reason(dir, program) : program_reason(AT_FDCWD, name);
	args->blob[3] = (struct blob){ reason, (uint32_t)strlen(reason) };
	/* A static program hands its environment on to children that the shim can enter. */
	exec->has_env = !reason[0] || !strcmp(reason, "static");
}

bool exec_is_readable(struct exec *exec, char *const argv[], char *const envp[])
{
	if (session.has_seccomp || (strings_are_readable(argv) && strings_are_readable(envp)))
		return true;
	exec->args.flags |= WIRE_EVENT_UNREADABLE;
	return false;
}

void exec_loader_look(struct exec *exec, char *const argv[], char *const envp[])
{
	static const char name[] = "LD_TRACE_LOADED_OBJECTS=", reason[] = "loader-trace";
	const char *file = exec->args.blob[0].data;
	bool is_look = file && strstr(file, "/ld-linux") && argv && argv[0] &&
		       (!argv[1] || !strncmp(argv[1], "--ver", 5) || /* --verify, --version */
			!strncmp(argv[1], "--list", 6) || !strcmp(argv[1], "--help"));

	for (; envp && *envp; envp++)
		is_look |= !strncmp(*envp, name, sizeof(name) - 1) && (*envp)[sizeof(name) - 1];
	if (is_look) {
		exec->has_env = false;
		exec->args.blob[3] = (struct blob){ reason, sizeof(reason) - 1 };
	}
}

size_t exec_argv_bytes(char *const argv[])
{
	size_t total = 0;

	for (; argv && *argv && total < EXEC_ARGV_MAX; argv++)
		total += strnlen(*argv, EXEC_ARGV_MAX) + 1;
	return total < EXEC_ARGV_MAX ? total : EXEC_ARGV_MAX;
}

void exec_argv(struct exec *exec, char *const argv[], char *buffer, size_t bytes)
{
	char *at = buffer, *end = buffer + bytes;

	for (; argv && *argv; argv++) {
		size_t length = strnlen(*argv, EXEC_ARGV_MAX);

		if (at + length + 1 > end) {
			length = at < end ? (size_t)(end - at) - 1 : 0;
			exec->args.flags |= WIRE_EVENT_CUT;
			if (at == end)
				break;
		}
		at = mempcpy(at, *argv, length);
		*at++ = 0;
	}
	exec->args.blob[1] = (struct blob){ buffer, (uint32_t)(at - buffer) };
}

void exec_failed(struct exec *exec, int error)
{
	struct wire_exec_failed *record = ring_reserve(sizeof(*record), WIRE_FAMILY_EXEC);

	if (record) {
		record->serial = exec->serial;
		record->result = -error;
		ring_commit(record, sizeof(*record), WIRE_EXEC_FAILED, 0);
	}
	environ_done(&exec->env);
}

/* --- exec ---------------------------------------------------------------------------------------------- */
#define EXEC_BODY(dir, file, is_searched, argv, environment, exec_call)                            \
	do {                                                                                       \
		struct exec exec;                                                                  \
		EXEC_PREPARE(&exec, &call, dir, file, is_searched, argv, environment);             \
		exec.args.flags |= WIRE_EVENT_PENDING;                                             \
		event_publish(&call, &exec.args);                                                  \
		(void)exec_call;                                                                   \
		int error = errno;                                                                 \
		exec_failed(&exec, error);                                                         \
		HOOK_END();                                                                        \
		errno = error;                                                                     \
	} while (0)

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	HOOK_BEGIN(execve, return (int)sys_early(sys_call3(SYS_execve, path, argv, envp)));
	if (!call.is_on)
		return real.execve(path, argv, envp);
	EXEC_BODY(AT_FDCWD, path, false, argv, envp, real.execve(path, argv, exec.env.envp));
	return -1;
}

EXPORT int execv(const char *path, char *const argv[])
{
	HOOK_BEGIN(execv, return -1);
	if (!call.is_on)
		return real.execv(path, argv);
	EXEC_BODY(AT_FDCWD, path, false, argv, environ, real.execve(path, argv, exec.env.envp));
	return -1;
}

EXPORT int execvp(const char *file, char *const argv[])
{
	HOOK_BEGIN(execvp, return -1);
	if (!call.is_on)
		return real.execvp(file, argv);
	EXEC_BODY(AT_FDCWD, file, true, argv, environ, real.execvpe(file, argv, exec.env.envp));
	return -1;
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	HOOK_BEGIN(execvpe, return -1);
	if (!call.is_on)
		return real.execvpe(file, argv, envp);
	EXEC_BODY(AT_FDCWD, file, true, argv, envp, real.execvpe(file, argv, exec.env.envp));
	return -1;
}

/* The list forms become vectors in this frame, as libc does it. */
#define EXEC_LIST(ret_argv, first)                                                                 \
	do {                                                                                       \
		va_list list_;                                                                     \
		size_t count_ = 0;                                                                 \
		va_start(list_, first);                                                            \
		for (const char *a_ = first; a_; a_ = va_arg(list_, const char *))                 \
			count_++;                                                                  \
		va_end(list_);                                                                     \
		ret_argv = alloca((count_ + 2) * sizeof(char *));                                  \
		va_start(list_, first);                                                            \
		ret_argv[0] = (char *)(uintptr_t)first;                                            \
		for (size_t i_ = 1; i_ <= count_; i_++)                                            \
			ret_argv[i_] = i_ < count_ ? va_arg(list_, char *) : NULL;                 \
		ret_argv[count_] = NULL;                                                           \
		va_end(list_);                                                                     \
	} while (0)

EXPORT int execl(const char *path, const char *arg, ...)
{
	char **argv;
	HOOK_BEGIN(execl, return -1);

	EXEC_LIST(argv, arg);
	if (!call.is_on)
		return real.execv(path, argv);
	EXEC_BODY(AT_FDCWD, path, false, argv, environ, real.execve(path, argv, exec.env.envp));
	return -1;
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	char **argv;
	HOOK_BEGIN(execlp, return -1);

	EXEC_LIST(argv, arg);
	if (!call.is_on)
		return real.execvp(file, argv);
	EXEC_BODY(AT_FDCWD, file, true, argv, environ, real.execvpe(file, argv, exec.env.envp));
	return -1;
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char **argv, **envp;
	va_list list;
	HOOK_BEGIN(execle, return -1);

	EXEC_LIST(argv, arg);
	va_start(list, arg);
	if (arg)
		while (va_arg(list, char *))
			;
	envp = va_arg(list, char **);
	va_end(list);
	if (!call.is_on)
		return real.execve(path, argv, envp);
	EXEC_BODY(AT_FDCWD, path, false, argv, envp, real.execve(path, argv, exec.env.envp));
	return -1;
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	HOOK_BEGIN(fexecve, return -1);
	if (!call.is_on)
		return real.fexecve(fd, argv, envp);
	EXEC_BODY(fd, "", false, argv, envp, real.fexecve(fd, argv, exec.env.envp));
	return -1;
}

EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	HOOK_BEGIN(execveat, return -1);
	if (!call.is_on)
		return real.execveat(dir, path, argv, envp, flags);
	EXEC_BODY(dir, path, false, argv, envp,
		  real.execveat(dir, path, argv, exec.env.envp, flags));
	return -1;
}

/* --- spawn --------------------------------------------------------------------------------------------- */
int exec_spawn(const struct call *call, const struct spawn *spawn)
{
	struct exec exec;
	pid_t pid = 0;
	int ret;

	EXEC_PREPARE(&exec, call, AT_FDCWD, spawn->file, spawn->is_searched, spawn->argv,
		     spawn->envp);
	ret = (spawn->is_searched ? real.posix_spawnp : real.posix_spawn)(
		&pid, spawn->file, spawn->actions, spawn->attributes, spawn->argv, exec.env.envp);
	environ_done(&exec.env);
	if (!ret && spawn->ret_pid)
		*spawn->ret_pid = pid;
	exec.args.result = -ret;
	exec.args.detail = ret ? 0 : (uint32_t)pid;
	event_publish(call, &exec.args);
	return ret;
}

EXPORT int posix_spawn(pid_t *ret_pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	HOOK_BEGIN(posix_spawn, return ENOSYS);
	const struct spawn spawn = { ret_pid, path, actions, attributes, argv, envp, false };
	int ret = call.is_on ? exec_spawn(&call, &spawn) :
			       real.posix_spawn(ret_pid, path, actions, attributes, argv, envp);

	HOOK_END();
	return ret;
}

EXPORT int posix_spawnp(pid_t *ret_pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	HOOK_BEGIN(posix_spawnp, return ENOSYS);
	const struct spawn spawn = { ret_pid, file, actions, attributes, argv, envp, true };
	int ret = call.is_on ? exec_spawn(&call, &spawn) :
			       real.posix_spawnp(ret_pid, file, actions, attributes, argv, envp);

	HOOK_END();
	return ret;
}
