/* SPDX-License-Identifier: Apache-2.0 */
/* libmaker: makes threads and children that begin on stacks of their own, and has them act. */
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs.h"

#define STACK_BYTES (256u << 10)

extern char **environ;

static int open_it(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static void *thread_shell(void *command)
{
	return (void *)(long)system(command);
}

static void *thread_makes_one(void *command)
{
	pthread_t thread;
	void *status = (void *)-1l;

	if (!pthread_create(&thread, NULL, thread_shell, command))
		pthread_join(thread, &status);
	return status;
}

/* A thread of a thread runs a shell. */
int maker_threads(const char *command)
{
	pthread_t thread;
	void *status = (void *)-1l;

	if (!pthread_create(&thread, NULL, thread_makes_one, (void *)command))
		pthread_join(thread, &status);
	return (int)(long)status;
}

static void *thread_open(void *path)
{
	return (void *)(long)open_it(path);
}

int maker_many(const char *path, int count)
{
	int failures = 0;

	while (count--) {
		pthread_t thread;
		void *status;

		if (pthread_create(&thread, NULL, thread_open, (void *)path))
			return -1;
		pthread_join(thread, &status);
		failures += status != NULL;
	}
	return failures;
}

/* What the child opens before the program runs, it opens for whoever asked for it. */
int maker_redirected(char *const argv[], const char *path)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int error, status = -1;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, path, O_RDONLY, 0);
	error = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

/* libc resolves it on a thread of its own, for us. */
int maker_resolve(const char *name)
{
	struct gaicb request = { .ar_name = name }, *list[] = { &request };

	return getaddrinfo_a(GAI_WAIT, list, 1, NULL) || gai_error(&request) ? -1 : 0;
}

static int helper(void *path)
{
	return open_it(path) ? 1 : 0;
}

/* A helper in our memory, as some runtimes make them. */
int maker_helper(const char *path)
{
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
	int pid, status = -1;

	if (stack == MAP_FAILED)
		return -1;
	pid = clone(helper, stack + STACK_BYTES, CLONE_VM | SIGCHLD, (void *)path);
	if (pid > 0)
		waitpid(pid, &status, 0);
	munmap(stack, STACK_BYTES);
	return status;
}
