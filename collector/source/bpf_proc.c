/* SPDX-License-Identifier: Apache-2.0
 *
 * Which processes there are, as the kernel tells it, and which of them the shim speaks from.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf.h"

#define WAITING_MAX 4096u
/* A path that the probes cut had 768 names, or nearly no room left: no shorter one was cut. */
#define CUT_LEAST (768u * 2)

static struct unwind_who who_of(uint32_t pid, uint32_t tid, uint64_t start_ns)
{
	return (struct unwind_who){ .pid = pid, .tid = tid, .start_ns = start_ns };
}

static struct proc *proc_make(struct bpf *bpf, uint32_t pid, uint32_t inner_pid, uint64_t start_ns,
			      uint32_t uid)
{
	struct proc *proc = proc_new(bpf->live, 0, pid, -1);

	if (!proc)
		return NULL;
	proc->is_kernel = true;
	proc->start_ns = start_ns;
	proc->uid = uid;
	if (inner_pid)
		proc->own_pid = proc->view.own_pid = inner_pid;
	bpf->live->live_count++;
	return proc;
}

/* $HOME in an environment of len bytes that ends in NUL behind them. */
static char *home_of_text(const char *text, size_t len)
{
	for (const char *at = text; at < text + len; at += strlen(at) + 1) {
		if (!strncmp(at, "HOME=/", 6))
			return strdup(at + 5);
	}
	return NULL;
}

/* Where the kernel's copy was cut short: what it is now. */
static char *home_of_environment(uint32_t pid)
{
	char path[64], *text, *home = NULL;
	size_t bytes = 64u << 10;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	text = fd >= 0 ? malloc(bytes) : NULL;
	got = text ? read(fd, text, bytes - 1) : 0;
	if (got > 0) {
		text[got] = '\0';
		home = home_of_text(text, (size_t)got);
	}
	free(text);
	if (fd >= 0)
		close(fd);
	return home;
}

static struct proc *proc_unknown(struct bpf *bpf, const struct wire_kernel_head *head)
{
	struct proc *proc =
		proc_make(bpf, head->pid, head->inner_pid, head->start_ns, head->uid);

	if (!proc)
		return NULL;
	proc->how = PROCESS_FORK;
	proc->parent = bpf->live->root_process;
	proc_take_root(proc, NULL);
	return proc;
}

/* A number used again, whose former owner's end was lost. */
static struct proc *proc_find(struct bpf *bpf, uint32_t pid, uint64_t start_ns)
{
	struct proc *proc = proc_by_pid(bpf->live, pid);

	if (!proc || proc->start_ns == start_ns)
		return proc;
	bpf_proc_uncovered(bpf, proc);
	proc_end(bpf->live, proc);
	return NULL;
}

struct proc *bpf_proc_of(struct bpf *bpf, const struct wire_kernel_head *head)
{
	struct proc *proc = proc_find(bpf, head->pid, head->start_ns);

	/* The root is ourselves until its exec. */
	if (!proc && (!bpf->live->root_process || head->pid == (uint32_t)getpid()))
		return NULL;
	return proc ? proc : proc_unknown(bpf, head);
}

/* --- fork, exec, exit ----------------------------------------------------------------------- */

int bpf_proc_fork(struct bpf *bpf, const struct wire_kernel_fork *record, size_t bytes)
{
	struct proc *parent = bpf_proc_of(bpf, &record->head), *child;
	struct unwind_who from = who_of(record->head.pid, record->head.tid, record->head.start_ns);
	struct unwind_who to =
		who_of(record->child_pid, record->child_pid, record->child_start_ns);

	if (!parent || !record->child_pid)
		return parent ? -EINVAL : 0;
	child = proc_by_pid(bpf->live, record->child_pid);
	if (child) {
		bpf_proc_uncovered(bpf, child);
		proc_end(bpf->live, child);
	}
	proc_announce(bpf->live, parent, NULL, NULL);
	child = proc_make(bpf, record->child_pid, record->child_inner_pid, record->child_start_ns,
			  record->head.uid);
	if (!child)
		return -ENOMEM;
	child->how = PROCESS_FORK;
	child->parent = parent->id;
	child->starter_pid = parent->pid;
	child->is_guest = record->clone_flags & CLONE_VM;
	child->is_heard = parent->is_covered || parent->is_heard;
	child->is_expected = parent->is_covered || parent->is_expected;
	proc_inherit(child, parent);
	unwind_process_forked(bpf->unwind, &from, &to);
	return bpf_maker_tell(bpf, parent, child, record, bytes);
}

int bpf_proc_thread(struct bpf *bpf, const struct wire_kernel_fork *record, size_t bytes)
{
	struct proc *proc = bpf_proc_of(bpf, &record->head);

	if (!proc || !record->child_pid)
		return proc ? -EINVAL : 0;
	proc_announce(bpf->live, proc, NULL, NULL);
	return bpf_maker_tell(bpf, proc, NULL, record, bytes);
}

static bool exec_is_coverable(struct bpf *bpf, const struct proc *proc)
{
	struct path_buffer host;

	if (!bpf->options.has_shim || proc->is_secure)
		return false;
	paths_host_recorded(&proc->view, proc->exe, &host);
	return !cover_reason(host.text);
}

/* The image before is over; the new one was started by it, or for a child that never was spoken
 * of, by its parent. */
static void exec_replace(struct bpf *bpf, struct proc *old, struct proc *image)
{
	struct live *live = bpf->live;

	if (!old) {
		image->is_root = image->pid == live->root_pid && !live->root_process;
		image->how = image->is_root ? PROCESS_ROOT : PROCESS_EXEC;
		image->parent = image->is_root ? 0 : live->root_process;
		return;
	}
	image->how = PROCESS_EXEC;
	image->parent = old->id ? old->id : old->parent;
	image->origin_chain = old->exec_chain;
}

/* What ~ means in rules: $HOME as the new image got it, which is what the shim tells, too; without
 * one (image->home stays empty) it is the home of its user. */
static void exec_home(struct proc *image, struct str environment)
{
	const char *ours = image->is_root ? getenv("HOME") : NULL;
	char *text = malloc(environment.len + 1), *home = NULL;

	if (text) {
		memcpy(text, environment.data, environment.len);
		text[environment.len] = '\0';
		home = home_of_text(text, environment.len);
	}
	free(text);
	if (!home && environment.len >= WIRE_KERNEL_ENVIRONMENT_MAX)
		home = ours && ours[0] == '/' ? strdup(ours) : home_of_environment(image->pid);
	if (!home)
		return;
	free(image->home);
	image->home = home;
}

/* The file by the kernel's word, and with it what its name is worth. */
static void exec_seen(struct proc *image, const struct wire_kernel_exec *record)
{
	bool is_elsewhere = record->head.flags & WIRE_KERNEL_ELSEWHERE;

	image->exe_seen = (struct seen_file){ record->device, record->inode, record->changed_ns,
					      is_elsewhere ? SEEN_FILE : SEEN_HERE };
	mounts_told(image, record->head.flags & WIRE_KERNEL_AWAY);
}

int bpf_proc_exec(struct bpf *bpf, const struct wire_kernel_exec *record, size_t bytes)
{
	const struct wire_kernel_head *head = &record->head;
	struct unwind_who who = who_of(head->pid, head->tid, head->start_ns);
	const char *text = (const char *)(record + 1);
	struct str exe = { text, record->path_len };
	struct str argv = { text + exe.len, record->argv_len };
	struct str cwd = { text + exe.len + argv.len, record->cwd_len };
	struct str environment = { cwd.data + cwd.len, 0 };
	struct proc *old, *image;

	if (bytes - sizeof(*record) < (size_t)exe.len + argv.len + cwd.len)
		return -EINVAL;
	environment.len = (uint32_t)(bytes - sizeof(*record)) - exe.len - argv.len - cwd.len;
	/* A shortened name is the name of something else; /proc may know better. */
	if (head->flags & WIRE_KERNEL_UNREADABLE && exe.len >= CUT_LEAST)
		exe.len = 0;
	if (head->flags & WIRE_KERNEL_UNREADABLE && cwd.len >= CUT_LEAST)
		cwd.len = 0;
	old = proc_find(bpf, head->pid, head->start_ns);
	image = proc_make(bpf, head->pid, head->inner_pid, head->start_ns, head->uid);
	if (!image)
		return -ENOMEM;
	image->is_image = true;
	image->is_secure = record->is_secure;
	image->pipes = (struct wire_pipes){ record->input_pipe, record->output_pipe,
					    record->high_pipe };
	proc_take_root(image, old);
	exec_seen(image, record);
	exec_replace(bpf, old, image);
	proc_set_image(image, exe, argv, cwd);
	exec_home(image, environment);
	if (old) {
		if (!old->is_covered && old->told_instance)
			bpf_proc_attach(bpf, old, old->told_instance);
		bpf_proc_uncovered(bpf, old);
		proc_end(bpf->live, old);
	}
	image->is_expected = exec_is_coverable(bpf, image);
	bpf_maker_forget(bpf, head);
	unwind_process_executed(bpf->unwind, &who);
	bpf_map_image(bpf, image, &who, record);
	proc_announce(bpf->live, image, NULL, NULL);
	return 0;
}

int bpf_proc_exit(struct bpf *bpf, const struct wire_kernel_exit *record)
{
	const struct wire_kernel_head *head = &record->head;
	struct unwind_who who = who_of(head->pid, head->tid, head->start_ns);
	struct proc *proc = proc_find(bpf, head->pid, head->start_ns);

	unwind_process_exited(bpf->unwind, &who);
	if (!proc)
		return 0;
	if (!proc->is_covered)
		bpf_proc_attach(bpf, proc, proc->told_instance);
	bpf_proc_uncovered(bpf, proc);
	proc_end(bpf->live, proc);
	return 0;
}

/* A program that the shim could have been in, or that cannot take it in at all; a fork only when
 * it did something unannounced: its parent's calls before its first own need no shim. */
void bpf_proc_uncovered(struct bpf *bpf, struct proc *proc)
{
	const char *reason = NULL;
	struct path_buffer host;

	if (!bpf->options.has_shim || proc->is_covered || !proc->id)
		return;
	if (!proc->is_image && !(proc->is_expected && proc->has_acted))
		return;
	paths_host_recorded(&proc->view, proc->exe, &host);
	reason = proc->is_secure ? "at-secure" : cover_reason(host.text);
	if (!reason)
		reason = "no hello";
	emit_hole(bpf->live, &(struct item_hole){
				     .kind = HOLE_UNCOVERED, .family = WIRE_FAMILIES,
				     .process = proc->id, .chain = proc->origin_chain,
				     .what = { proc->exe, (uint32_t)strlen(proc->exe) },
				     .reason = { reason, (uint32_t)strlen(reason) } });
}

/* --- hellos --------------------------------------------------------------------------------- */

static void hello_close(const struct sockets_hello *hello)
{
	if (hello->ring_fd >= 0)
		close(hello->ring_fd);
	if (hello->pidfd >= 0)
		close(hello->pidfd);
}

static void hello_refused(struct bpf *bpf, const struct sockets_hello *hello, const char *why)
{
	char what[160];
	int len = snprintf(what, sizeof(what), "the hello of process %u: %s", hello->pid, why);

	emit_hole(bpf->live, &(struct item_hole){ .kind = HOLE_REJECTED, .family = WIRE_FAMILIES,
						  .what = { what, (uint32_t)len } });
	hello_close(hello);
}

void bpf_hello(struct bpf *bpf, const struct sockets_hello *hello)
{
	struct sockets_hello *more;

	if (bpf->waiting_count == bpf->waiting_room) {
		unsigned room = bpf->waiting_room ? bpf->waiting_room * 2 : 64;

		more = room <= WAITING_MAX ? realloc(bpf->waiting, room * sizeof(*more)) : NULL;
		if (!more) {
			hello_refused(bpf, hello, "too many at once");
			return;
		}
		bpf->waiting = more;
		bpf->waiting_room = room;
	}
	bpf->waiting[bpf->waiting_count++] = *hello;
}

static void waiting_take(struct bpf *bpf, unsigned at, struct sockets_hello *ret)
{
	*ret = bpf->waiting[at];
	bpf->waiting_count--;
	memmove(&bpf->waiting[at], &bpf->waiting[at + 1],
		(bpf->waiting_count - at) * sizeof(*ret));
}

static bool waiting_find(struct bpf *bpf, uint32_t pid, uint64_t instance,
			 struct sockets_hello *ret)
{
	for (unsigned i = 0; i < bpf->waiting_count; i++) {
		const struct sockets_hello *hello = &bpf->waiting[i];

		if (instance ? hello->hello.instance == instance : hello->pid == pid) {
			waiting_take(bpf, i, ret);
			return true;
		}
	}
	return false;
}

static void attach(struct bpf *bpf, struct proc *proc, const struct sockets_hello *hello)
{
	struct live *live = bpf->live;
	struct proc *parent = proc_by_instance(live, hello->hello.parent_instance);
	struct ring_reader ring;
	uint32_t chain;
	int result = ring_reader_map(&ring, hello->ring_fd, hello->hello.ring_bytes);

	if (result < 0) {
		hello_refused(bpf, hello, strerror(-result));
		return;
	}
	proc_adopt(live, proc, hello->hello.instance, &ring);
	hello_close(hello);
	if (parent && parent != proc && !parent->is_ended) {
		proc_drain_now(live, parent);
		/* The thread that forked goes on in the child under its old origin's number. */
		if (hello->hello.how == WIRE_HELLO_FORK &&
		    ids_get(&parent->origins, hello->hello.origin, &chain))
			ids_set(&proc->origins, hello->hello.origin, chain);
	}
	proc_drain_now(live, proc);
}

bool bpf_proc_attach(struct bpf *bpf, struct proc *proc, uint64_t instance)
{
	struct sockets_hello hello;

	if (!bpf->options.has_shim)
		return false;
	if (!waiting_find(bpf, proc->pid, instance, &hello)) {
		bpf->options.receive(bpf->options.receive_arg);
		if (!waiting_find(bpf, proc->pid, instance, &hello))
			return false;
	}
	attach(bpf, proc, &hello);
	return proc->is_covered;
}

int bpf_proc_hello(struct bpf *bpf, const struct wire_kernel_hello *record)
{
	struct proc *proc = bpf_proc_of(bpf, &record->head);

	if (!proc || proc->is_covered)
		return 0;
	/* Seen on its way in: it may not have come out yet at our end. */
	proc->told_instance = record->instance;
	bpf_proc_attach(bpf, proc, record->instance);
	return 0;
}

/* Everything the kernel told before these hellos came has been looked at. */
void bpf_waiting_settle(struct bpf *bpf)
{
	struct sockets_hello hello;
	struct proc *proc;

	while (bpf->waiting_count) {
		waiting_take(bpf, 0, &hello);
		proc = proc_by_pid(bpf->live, hello.pid);
		if (proc && proc->is_covered)
			proc = NULL; /* it has spoken already: a second one is not believed */
		if (proc)
			attach(bpf, proc, &hello);
		else
			hello_refused(bpf, &hello, "the kernel's side does not know it");
	}
}
