/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `sowatch run` and of doctor's self-test: what was asked for (run_options.c), and
 * starting a command as if we were not there (run_spawn.c).
 */
#ifndef SOWATCH_CLI_RUN_H
#define SOWATCH_CLI_RUN_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "cli.h"

struct run_options {
	struct cli_judge_options judge;
	const char *vantage, *service;
	const char *reload; /* "on", "off", or NULL: on */
	uint32_t ring_kib, wait_ms;
	bool is_nop;
	const char *program; /* the command, as found in PATH */
	char *log_path;	     /* ours when it was not given */
	char *program_found;
};

/* -1: go on, argv[*ret_first] is the command; else an exit status, everything told. */
int run_options_parse(struct run_options *options, int argc, char **argv, int *ret_first);
void run_options_done(struct run_options *options);
/* The command as a shell would find it: 0 and *ret_path (to be freed), or 126, 127. */
int run_find(const char *command, char **ret_path);
/* A new log's path below $XDG_STATE_HOME/sowatch, directories made; NULL: told on stderr. */
char *run_log_path(const char *service);
/* The directory alone, made; NULL and errno. */
char *run_state_directory(void);

/* Signals are read from a descriptor while a command runs; the command gets what we were given. */
struct run_signals {
	int fd; /* -1: not taken */
	sigset_t mask;
	struct sigaction pipe, child;
	struct sigaction file_size;
	struct rlimit files; /* what we were given, and the command is to have */
};
int run_signals_take(struct run_signals *signals);
void run_signals_done(struct run_signals *signals);
/* Called in the parent while the new process waits to exec: 0, or negative errno to let it die. */
struct run_gate {
	int (*open)(void *arg, pid_t pid);
	void *arg;
};
/* 0 and *ret_pid, or the errno of fork, gate (may be NULL) or exec. */
int run_spawn(const char *program, char *const argv[], char *const envp[],
	      const struct run_signals *signals, const struct run_gate *gate, pid_t *ret_pid);

/* Gives up every privilege that watching does not need; what was given is for the command alone.
 * Nothing to do for those who have none. */
void run_privileges_drop(void);

#endif
