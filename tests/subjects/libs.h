/* SPDX-License-Identifier: Apache-2.0 */
/* What the subject libraries export. */
#ifndef SUBJECT_LIBS_H
#define SUBJECT_LIBS_H

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

int leaf_open(const char *path);
int leaf_system(const char *command);
int leaf_unlink(const char *path);
int mid_open(const char *path);
int mid_system(const char *command);
int mid_unlink(const char *path);

/* libwalker: calls step for every name, and does nothing itself. */
void walker_each(const char *const *names, int (*step)(const char *name));

/* liblister: lists directory, and opens path when libc calls it back. */
int lister_list(const char *directory, const char *path);
int lister_walk(const char *directory, const char *path);

/* libmaker: each makes a thread or a child that acts. */
int maker_threads(const char *command);
int maker_many(const char *path, int count);
int maker_redirected(char *const argv[], const char *path);
int maker_resolve(const char *name);
int maker_helper(const char *path);

/* libworker: opens path on a thread of its own and waits for it. */
int worker_open(const char *path);
/* The same on a thread that the caller's function runs on. */
int worker_run(int (*job)(const char *), const char *path);

/* libopener: one file, opened in one particular way; a descriptor that can be closed, or -1. */
int opener_open(const char *path);
int opener_fopen(const char *path);
int opener_syscall(const char *path);
int opener_fortified(const char *path, int flags);
int opener_fortified_at(const char *path, int flags);

/* libspawner: starts a program in one particular way; shell-style status. */
int spawner_system(const char *command);
int spawner_popen(const char *command);
int spawner_posix_spawn(char *const argv[]);
int spawner_posix_spawnp(char *const argv[]);
int spawner_vfork(char *const argv[]);
int spawner_fork(char *const argv[]);
int spawner_empty_environment(char *const argv[]);

/* libdialer: resolves and connects; a connected socket or -1 and a gai/errno text on stderr. */
int dialer_dial(const char *host, const char *service);

/* libplugin, libtwin, libreload: found by dlsym. */
int plugin_act(const char *path);

/* libthrower: opens path and throws std::runtime_error out of it. */
void thrower_throw(const char *path);
/* libcatcher: calls libthrower, catches, opens other in a destructor on the way; times caught. */
int catcher_catch(const char *path, const char *other);

#ifdef __cplusplus
}
#endif

#endif
