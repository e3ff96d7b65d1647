/* SPDX-License-Identifier: Apache-2.0
 *
 * What the exec and spawn hooks share: looking at the program, telling the collector, carrying the
 * session into the child.
 */
#ifndef SOWATCH_EXEC_H
#define SOWATCH_EXEC_H

#include <alloca.h>

#include "hook.h"

#define EXEC_ARGV_MAX 4096

struct exec {
	const struct call *call;
	struct environ_copy env;
	struct event_args args;
	uint32_t origin, serial;
	bool has_env; /* the session goes along */
	char found[512];
};

/* Looks the program up and fills everything but argv. */
void exec_look(struct exec *exec, const struct call *call, int dir, const char *file,
	       bool is_searched);
/* False: the kernel will refuse these lists, and we must not read them. */
bool exec_is_readable(struct exec *exec, char *const argv[], char *const envp[]);
/* ldd's ways: the loader only looks, and would list us among the program's libraries. */
void exec_loader_look(struct exec *exec, char *const argv[], char *const envp[]);
void exec_argv(struct exec *exec, char *const argv[], char *buffer, size_t bytes);
size_t exec_argv_bytes(char *const argv[]);
void exec_failed(struct exec *exec, int error);

/* A macro because the memory must live in the caller's frame: exec and spawn have to work in
 * signal handlers and vfork children, where nothing may be allocated. */
#define EXEC_PREPARE(exec, call, dir, file, is_searched, argv, environment)                        \
	do {                                                                                       \
		size_t argv_bytes_, room_;                                                         \
		exec_look(exec, call, dir, file, is_searched);                                     \
		if (!exec_is_readable(exec, argv, environment)) {                                  \
			(exec)->env =                                                              \
				(struct environ_copy){ .envp = (char **)(uintptr_t)(environment) };\
			break;                                                                     \
		}                                                                                  \
		exec_loader_look(exec, argv, environment);                                         \
		argv_bytes_ = exec_argv_bytes(argv);                                               \
		exec_argv(exec, argv, alloca(argv_bytes_ + 1), argv_bytes_);                       \
		room_ = environ_room(environment);                                                 \
		if ((exec)->has_env)                                                               \
			environ_inject(&(exec)->env,                                               \
				       room_ <= ENVIRON_STACK_MAX ? alloca(room_) : NULL, room_,   \
				       environment, (exec)->origin, (exec)->serial);               \
		else                                                                               \
			(exec)->env =                                                              \
				(struct environ_copy){ .envp = (char **)(uintptr_t)(environment) };\
	} while (0)

struct spawn {
	pid_t *ret_pid;
	const char *file;
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attributes;
	char *const *argv;
	char *const *envp;
	bool is_searched;
};

/* posix_spawn with the session carried along and the event told: 0 or an error number. */
int exec_spawn(const struct call *call, const struct spawn *spawn);

#endif
