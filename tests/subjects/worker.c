/* SPDX-License-Identifier: Apache-2.0 */
/* libworker: acts on threads of its own making. */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#include "libs.h"

struct job {
	int (*function)(const char *);
	const char *path;
	int result;
};

static int worker_do(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static void *worker_main(void *arg)
{
	struct job *job = arg;

	job->result = job->function(job->path);
	return NULL;
}

int worker_run(int (*function)(const char *), const char *path)
{
	struct job job = { function, path, -1 };
	pthread_t thread;

	if (pthread_create(&thread, NULL, worker_main, &job))
		return -1;
	pthread_join(thread, NULL);
	return job.result;
}

int worker_open(const char *path)
{
	return worker_run(worker_do, path);
}
