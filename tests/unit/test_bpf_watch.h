/* SPDX-License-Identifier: Apache-2.0
 *
 * The probes' tests: a child does something, what the probes told of it is kept.
 */
#ifndef SOWATCH_TEST_BPF_WATCH_H
#define SOWATCH_TEST_BPF_WATCH_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/loader.h"
#include "preload/wire/event.h"
#include "preload/wire/session.h"

/* In the child: no cmocka there, the status tells. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: child: %s: %s\n", __FILE__, __LINE__, #condition,  \
				strerror(errno));                                                  \
			_exit(99);                                                                 \
		}                                                                                  \
	} while (0)

#define WATCH_RECORDS 40000

struct watch {
	struct bpf_loader *loader;
	struct wire_kernel_head *records[WATCH_RECORDS];
	size_t count;
	int pid, status;
	bool has_ended;
	void *shared; /* one page the child may write to */
	char dir[64]; /* a fresh directory, real path; the child's cwd */
};

static struct watch watch;

static int watch_keep(void *arg, const struct wire_kernel_head *record, size_t bytes)
{
	struct wire_kernel_head *copy;

	(void)arg;
	assert_true(bytes >= sizeof(*record) && record->size == bytes);
	assert_true(watch.count < WATCH_RECORDS);
	copy = malloc(bytes);
	assert_non_null(copy);
	memcpy(copy, record, bytes);
	watch.records[watch.count++] = copy;
	if (record->type == WIRE_KERNEL_EXIT && record->pid == (uint32_t)watch.pid)
		watch.has_ended = true;
	return 0;
}

static inline void watch_clear(void)
{
	for (size_t i = 0; i < watch.count; i++)
		free(watch.records[i]);
	watch.count = 0;
	watch.has_ended = false;
}

static inline int watch_start(void (*act)(void *), void *arg)
{
	int gate[2], pid;
	char byte = 0;

	watch_clear();
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(gate[1]);
		MUST(read(gate[0], &byte, 1) == 1);
		MUST(!chdir(watch.dir));
		act(arg);
		_exit(0);
	}
	close(gate[0]);
	watch.pid = pid;
	assert_int_equal(bpf_loader_watch(watch.loader, pid), 0);
	assert_int_equal(write(gate[1], &byte, 1), 1);
	close(gate[1]);
	return pid;
}

static inline void watch_finish(void)
{
	bool is_reaped = false;

	for (int i = 0; i < 100000 && !(is_reaped && watch.has_ended); i++) {
		if (!is_reaped)
			is_reaped = waitpid(watch.pid, &watch.status, WNOHANG) == watch.pid;
		assert_true(bpf_loader_drain(watch.loader, watch_keep, NULL, UINT32_MAX) >= 0);
		usleep(500);
	}
	if (!is_reaped)
		kill(watch.pid, SIGKILL);
	assert_true(is_reaped);
	assert_true(watch.has_ended);
}

/* The child must end with 0; its records are in watch.records. */
static inline void watch_run(void (*act)(void *), void *arg)
{
	watch_start(act, arg);
	watch_finish();
	assert_true(WIFEXITED(watch.status));
	assert_int_equal(WEXITSTATUS(watch.status), 0);
}

/* --- looking at records ----------------------------------------------------------------------- */

static inline const struct wire_kernel_event *event_at(size_t i)
{
	const void *record = watch.records[i];

	return watch.records[i]->type == WIRE_KERNEL_EVENT ? record : NULL;
}

/* A blob as a string in a static buffer, NULs as spaces: 0 path, 1 path2, 2 asked, 3 argv. */
static inline const char *event_text(const struct wire_kernel_event *event, int which)
{
	static char texts[4][8192];
	const uint16_t lengths[4] = { event->path_len, event->path2_len, event->asked_len,
				      event->argv_len };
	const char *at = (const char *)(event + 1);

	for (int i = 0; i < which; i++)
		at += lengths[i];
	assert_true(at + lengths[which] <= (const char *)event + event->head.size);
	memcpy(texts[which], at, lengths[which]);
	texts[which][lengths[which]] = 0;
	for (int i = 0; i < lengths[which]; i++)
		if (!texts[which][i])
			texts[which][i] = ' ';
	return texts[which];
}

/* The nth event of an action whose `asked` is as given (NULL: any). */
static inline const struct wire_kernel_event *event_find(unsigned action, const char *asked,
							 int nth)
{
	for (size_t i = 0; i < watch.count; i++) {
		const struct wire_kernel_event *event = event_at(i);

		if (!event || event->action != action ||
		    (asked && strcmp(event_text(event, 2), asked)))
			continue;
		if (!nth--)
			return event;
	}
	return NULL;
}

static inline const struct wire_kernel_event *event_must(unsigned action, const char *asked,
							 int nth)
{
	const struct wire_kernel_event *event = event_find(action, asked, nth);

	if (!event)
		print_error("no event of action %u, asked %s, number %d\n", action,
			    asked ? asked : "(any)", nth);
	assert_non_null(event);
	return event;
}

static inline const struct wire_kernel_head *record_find(unsigned type, int nth)
{
	for (size_t i = 0; i < watch.count; i++)
		if (watch.records[i]->type == type && !nth--)
			return watch.records[i];
	return NULL;
}

static inline const char *in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", watch.dir, name);
	return path;
}

static inline void assert_path(const struct wire_kernel_event *event, const char *path)
{
	assert_string_equal(event_text(event, 0), path);
}

/* --- set-up ----------------------------------------------------------------------------------- */

static const uint8_t watch_secret[16] = "a secret of ours";

/* 0, or 77 with the reason printed. */
static inline int watch_open(uint32_t ring_bytes, uint32_t check_every)
{
	struct bpf_loader_options options = { .ring_bytes = ring_bytes,
					      .has_shim = true,
					      .check_every = check_every,
					      .mechanism = getenv("SOWATCH_TEST_MECHANISM") };
	char error[1024] = "";
	int ret;

	memcpy(options.secret, watch_secret, sizeof(watch_secret));
	if (geteuid()) {
		printf("skipped: the probes need root\n");
		return 77;
	}
	ret = bpf_loader_open(&options, &watch.loader, error, sizeof(error));
	if (ret) {
		/* What may not be done here is skipped; what the verifier does not like is our fault. */
		bool is_ours = strstr(error, "refused the probes") && ret != -EPERM;

		printf("%s: %s\n", is_ours ? "FAILED" : "skipped", error);
		return is_ours ? 1 : 77;
	}
	watch.shared = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	strcpy(watch.dir, "/tmp/sowatch-bpf-XXXXXX");
	return watch.shared == MAP_FAILED || !mkdtemp(watch.dir);
}

static inline void watch_close(void)
{
	char command[128];

	watch_clear();
	bpf_loader_close(watch.loader);
	snprintf(command, sizeof(command), "rm -rf %s", watch.dir);
	if (system(command))
		print_error("%s stays\n", watch.dir);
}

static inline void file_make(const char *path, const char *content)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0755);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
	close(fd);
}

#endif
