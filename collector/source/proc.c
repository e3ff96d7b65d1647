/* SPDX-License-Identifier: Apache-2.0
 *
 * A watched process image, from its hello to its end. After the end its origins stay for a while:
 * children that it started may still say hello.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"
#include "python.h"
#include "script.h"

static char *text_copy(const char *data, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

/* Never NULL when it was not NULL before: out of memory keeps the old one. */
static void text_set(char **text, const char *data, size_t len)
{
	char *copy = text_copy(data, len);

	if (!copy)
		return;
	free(*text);
	*text = copy;
}

static struct map_entry *number_entry(struct live *live, struct map *map, uint64_t number)
{
	return map_add(map, key_of(live->seed, &number, sizeof(number)));
}

static int slot_find(struct live *live, uint32_t *ret_slot)
{
	uint32_t slots = live->proc_slots ? live->proc_slots * 2 : 64;
	struct proc **procs;

	for (uint32_t i = 0; i < live->proc_slots; i++) {
		if (!live->procs[i]) {
			*ret_slot = i;
			return 0;
		}
	}
	procs = realloc(live->procs, slots * sizeof(*procs));
	if (!procs)
		return -1;
	memset(procs + live->proc_slots, 0, (slots - live->proc_slots) * sizeof(*procs));
	*ret_slot = live->proc_slots;
	live->procs = procs;
	live->proc_slots = slots;
	return 0;
}

void proc_free(struct proc *proc)
{
	if (!proc)
		return;
	ring_reader_done(&proc->ring);
	mounts_done(&proc->mounts);
	ids_done(&proc->objects);
	ids_done(&proc->stacks);
	ids_done(&proc->origins);
	if (proc->pidfd >= 0)
		close(proc->pidfd);
	free(proc->exe);
	free(proc->cwd);
	free(proc->home);
	free(proc->path);
	free(proc->argv);
	free(proc->script);
	free(proc->chains);
	for (int i = 0; i < CODES_KINDS; i++)
		codes_done(&proc->codes[i]);
	free(proc->root);
	python_forget(proc);
	free(proc);
}

static void proc_watch(struct live *live, struct proc *proc)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0 };

	/* Only a wake-up: who it is is found out by looking at all. */
	if (live->epoll_fd >= 0 && proc->pidfd >= 0)
		epoll_ctl(live->epoll_fd, EPOLL_CTL_ADD, proc->pidfd, &event);
}

struct proc *proc_new(struct live *live, uint64_t instance, uint32_t pid, int pidfd)
{
	struct proc *proc = calloc(1, sizeof(*proc));
	struct map_entry *entry;
	uint32_t slot;

	if (!proc || slot_find(live, &slot) < 0)
		goto fail;
	proc->exe = text_copy("", 0);
	proc->cwd = text_copy("", 0);
	proc->home = text_copy("", 0);
	proc->path = text_copy("", 0);
	proc->argv = text_copy("", 0);
	proc->chains = calloc(CHAIN_MEMOS, sizeof(*proc->chains));
	proc->pidfd = proc->mounts.fd = proc->mounts.root_fd = -1;
	if (!proc->exe || !proc->cwd || !proc->home || !proc->path || !proc->argv ||
	    !proc->chains)
		goto fail;
	proc->slot = slot;
	proc->instance = instance;
	proc->pid = proc->own_pid = pid;
	proc->pidfd = pidfd;
	proc->hello_ns = live->now_ns;
	proc->view.pid = proc->view.own_pid = pid;
	live->procs[slot] = proc;
	entry = instance ? number_entry(live, &live->instances, instance) : NULL;
	if (entry)
		entry->value = slot + 1;
	entry = pid ? number_entry(live, &live->pids, pid) : NULL;
	if (entry)
		entry->value = slot + 1;
	proc_watch(live, proc);
	return proc;
fail:
	proc_free(proc);
	return NULL;
}

void proc_adopt(struct live *live, struct proc *proc, uint64_t instance,
		const struct ring_reader *ring)
{
	struct map_entry *entry = number_entry(live, &live->instances, instance);

	if (entry)
		entry->value = proc->slot + 1;
	proc->instance = instance;
	proc->hello_ns = live->now_ns;
	ring_reader_done(&proc->ring);
	proc->ring = *ring;
	proc->is_covered = true;
}

void proc_inherit(struct proc *proc, const struct proc *parent)
{
	text_set(&proc->exe, parent->exe, strlen(parent->exe));
	text_set(&proc->cwd, parent->cwd, strlen(parent->cwd));
	text_set(&proc->home, parent->home, strlen(parent->home));
	text_set(&proc->path, parent->path, strlen(parent->path));
	text_set(&proc->argv, parent->argv, parent->argv_len);
	proc->argv_len = parent->argv_len;
	proc_take_root(proc, parent);
	proc->exe_seen = parent->exe_seen;
	proc->libc_base = parent->libc_base;
	for (int i = 0; i < CODES_KINDS; i++)
		codes_copy(&proc->codes[i], &parent->codes[i]);
}

static void root_set(struct proc *proc, const char *root, bool is_elsewhere)
{
	char *copy = strdup(root);

	snprintf(proc->view.root, sizeof(proc->view.root), "/proc/%u/root", proc->pid);
	proc->view.outside = NULL;
	proc->view.is_lost = !copy;
	proc->is_elsewhere = is_elsewhere;
	free(proc->root);
	proc->root = copy;
	if (!is_elsewhere && copy && strcmp(copy, "/") != 0)
		proc->view.outside = copy;
}

void proc_take_root(struct proc *proc, const struct proc *before)
{
	bool is_lost = before && before->view.is_lost;
	struct path_buffer root;

	mounts_take(proc, before);
	switch (facts_root(proc->pid, &root)) {
	case ROOT_OTHER:
		root_set(proc, root.text, false);
		return;
	case ROOT_ELSEWHERE:
		root_set(proc, root.text, true);
		return;
	case ROOT_UNKNOWN:
		if (before && before->root)
			root_set(proc, before->root, before->is_elsewhere);
		proc->view.is_lost |= is_lost;
		return;
	default:
		free(proc->root);
		proc->root = NULL;
		proc->view.root[0] = '\0';
		proc->view.outside = NULL;
		proc->view.is_lost = proc->is_elsewhere = false;
	}
}

/* The kernel's name of a directory or file -> as proc itself sees it; "" when it cannot. */
static void path_enter(const struct proc *proc, struct path_buffer *path)
{
	size_t len = proc->root ? strlen(proc->root) : 0;

	if (len < 2)
		return;
	if (path->len < len || memcmp(path->text, proc->root, len) != 0 ||
	    (path->text[len] && path->text[len] != '/')) {
		if (!proc->is_elsewhere)
			path->len = path->text[0] = '\0';
		return;
	}
	path->len -= len;
	memmove(path->text, path->text + len, path->len + 1);
	if (!path->len)
		path->len = (size_t)snprintf(path->text, sizeof(path->text), "/");
}

void proc_set_image(struct proc *proc, struct str exe, struct str argv, struct str cwd)
{
	struct path_buffer inner;

	text_set(&proc->exe, exe.data, exe.len);
	text_set(&proc->argv, argv.data, argv.len);
	proc->argv_len = argv.len;
	paths_normalise(cwd.data, cwd.len, &inner);
	if (!cwd.len || cwd.data[0] != '/' || cwd.len >= PATH_MAX - 1)
		inner.len = 0;
	else
		path_enter(proc, &inner);
	proc_set_cwd(proc, (struct str){ inner.text, (uint32_t)inner.len });
}

static struct proc *proc_by(struct live *live, const struct map *map, uint64_t number)
{
	const struct map_entry *entry;

	if (!number)
		return NULL;
	entry = map_find(map, key_of(live->seed, &number, sizeof(number)));
	if (!entry || !entry->value || entry->value > live->proc_slots)
		return NULL;
	return live->procs[entry->value - 1];
}

struct proc *proc_by_instance(struct live *live, uint64_t instance)
{
	struct proc *proc = proc_by(live, &live->instances, instance);

	return proc && proc->instance == instance ? proc : NULL;
}

struct proc *proc_by_pid(struct live *live, uint32_t pid)
{
	struct proc *proc = proc_by(live, &live->pids, pid);

	return proc && proc->pid == pid && !proc->is_ended ? proc : NULL;
}

void proc_set_cwd(struct proc *proc, struct str cwd)
{
	struct path_buffer plain;

	paths_normalise(cwd.data, cwd.len, &plain);
	/* Too long to be told, or "(unreachable)": relative paths are below nothing we know. */
	if (cwd.len && cwd.data[0] == '/' && cwd.len < PATH_MAX - 1)
		text_set(&proc->cwd, plain.text, plain.len);
	else
		text_set(&proc->cwd, "", 0);
	proc->generation++;
}

void proc_change_root(struct live *live, struct proc *proc, struct str told)
{
	struct path_buffer root;
	enum path_result result;

	proc->generation++;
	if (facts_root(proc->pid, &root) != ROOT_UNKNOWN) {
		proc_take_root(proc, proc);
		return;
	}
	proc->view.is_lost |= !told.len || proc->is_elsewhere;
	result = paths_real(&live->paths, &proc->view, proc->cwd, strlen(proc->cwd), told.data,
			    told.len, true, &root);
	if (result == PATH_UNRESOLVED || !paths_record(&proc->view, &root))
		proc->view.is_lost = true;
	else
		root_set(proc, root.text, false);
}

static struct proc *proc_by_id(struct live *live, uint32_t id)
{
	for (uint32_t i = 0; id && i < live->proc_slots; i++) {
		if (live->procs[i] && live->procs[i]->id == id)
			return live->procs[i];
	}
	return NULL;
}

/* told: by the kernel as we see it, by the process as it does. */
static void proc_take_exe(struct live *live, struct proc *proc, struct str told,
			  const struct proc *parent)
{
	struct path_buffer fact, real;
	bool is_recorded = proc->is_kernel && told.len;
	struct stat st;

	/* What a process in a root of its own says may be from before or after it went there. */
	if (!is_recorded && (proc->view.root[0] || !told.len) &&
	    facts_link(proc->pid, "exe", &fact)) {
		told = (struct str){ fact.text, (uint32_t)fact.len };
		is_recorded = true;
	} else if (!told.len && parent && proc->how == PROCESS_FORK) {
		told = (struct str){ parent->exe, (uint32_t)strlen(parent->exe) };
		is_recorded = true;
	} else if (!told.len) {
		return; /* what its starter asked for, if that is known */
	}
	if (is_recorded && proc->view.outside) {
		paths_normalise(told.data, told.len, &real);
		if (stat(real.text, &st) < 0)
			paths_strip_deleted(&real);
		text_set(&proc->exe, real.text, real.len);
		return;
	}
	if (is_recorded) {
		paths_normalise(told.data, told.len, &real);
		path_enter(proc, &real);
		fact = real;
		told = (struct str){ fact.text, (uint32_t)fact.len };
	}
	if (paths_real(&live->paths, &proc->view, proc->cwd, strlen(proc->cwd), told.data, told.len,
		       true, &real) == PATH_MISSING)
		paths_strip_deleted(&real);
	paths_record(&proc->view, &real);
	text_set(&proc->exe, real.text, real.len);
}

/* What the process told, and for what it did not tell, what /proc says. */
static void proc_take_facts(struct live *live, struct proc *proc, const struct str strings[5])
{
	struct proc *parent = proc->is_kernel ? NULL : proc_by_id(live, proc->parent);
	struct path_buffer fact;

	if (!proc->is_kernel)
		proc_take_root(proc, parent);
	mounts_look(live, proc);
	if (strings[1].len) {
		proc_set_cwd(proc, strings[1]);
	} else if (facts_link(proc->pid, "cwd", &fact)) {
		path_enter(proc, &fact);
		proc_set_cwd(proc, (struct str){ fact.text, (uint32_t)fact.len });
	}
	proc_take_exe(live, proc, strings[0], parent);
	if (strings[3].len)
		text_set(&proc->home, strings[3].data, strings[3].len);
	else if (facts_home(proc->uid, &fact))
		text_set(&proc->home, fact.text, fact.len);
	text_set(&proc->path, strings[4].data, strings[4].len);
	text_set(&proc->argv, strings[2].data, strings[2].len);
	proc->argv_len = strings[2].len;
}

/* The name of one who acts: rules trust some by their path. */
static struct str path_marked(struct live *live, const struct proc *proc, const char *path)
{
	struct path_buffer text;

	if ((!proc->mounts.number && proc->exe_seen.where <= SEEN_HERE) || path[0] != '/')
		return queue_text(&live->queue, path);
	paths_normalise(path, strlen(path), &text);
	mounts_mark(live, proc, NULL, &text);
	return queue_str(&live->queue, text.text, text.len);
}

/* The script as a real path; /dev/fd/N stays: what is behind it has no name. */
static struct str proc_script(struct live *live, const struct proc *proc)
{
	struct str operand = script_operand(proc->exe, (struct str){ proc->argv, proc->argv_len });
	struct path_buffer real;

	if (!operand.len)
		return operand;
	if (operand.len > 8 && !memcmp(operand.data, "/dev/fd/", 8))
		return queue_str(&live->queue, operand.data, operand.len);
	if (paths_real(&live->paths, &proc->view, proc->cwd, strlen(proc->cwd), operand.data,
		       operand.len, true, &real) == PATH_MISSING &&
	    memchr(operand.data, '/', operand.len) == NULL)
		return (struct str){ "", 0 }; /* searched by the interpreter in places of its own */
	paths_record(&proc->view, &real);
	return path_marked(live, proc, real.text);
}

static void proc_take_start(struct proc *proc, const struct wire_process *record)
{
	proc->start_ns = facts_start_ns(proc->pid);
	/* Started after it spoke: another process has got its number meanwhile. */
	if (!proc->start_ns || proc->start_ns > proc->hello_ns + 20000000)
		proc->start_ns = record ? record->time_ns : proc->hello_ns;
}

/* The kernel's word before the process's own. */
static void proc_known(const struct proc *proc, const struct str told[5], struct str ret[5])
{
	const char *texts[5] = { proc->exe, proc->cwd, NULL, proc->home, proc->path };

	for (int i = 0; i < 5; i++) {
		ret[i] = told[i];
		if (texts[i] && texts[i][0])
			ret[i] = (struct str){ texts[i], (uint32_t)strlen(texts[i]) };
	}
	if (proc->argv_len)
		ret[2] = (struct str){ proc->argv, proc->argv_len };
}

static struct str path_recorded(struct live *live, const struct proc *proc, const char *path)
{
	struct path_buffer text;

	if (path[0] != '/' || !proc->view.outside)
		return queue_text(&live->queue, path);
	paths_normalise(path, strlen(path), &text);
	paths_record(&proc->view, &text);
	return queue_str(&live->queue, text.text, text.len);
}

/* The newest item is its own. Its executable by the kernel's link, while that still is this one. */
static void proc_digest(struct live *live, const struct proc *proc)
{
	struct path_buffer path, link;
	char exe[64];

	if (proc->exe[0]) {
		snprintf(exe, sizeof(exe), "/proc/%u/exe", proc->pid);
		paths_host_recorded(&proc->view, proc->exe, &path);
		bool is_linked = proc->pid && facts_link(proc->pid, "exe", &link) &&
				 !strcmp(link.text, proc->exe);
		/* Neither what another process of that number runs nor what we have by that name. */
		if (!is_linked && !mounts_is_ours(live, proc, proc->exe))
			path.text[0] = '\0';
		digest_hold(live, DIGEST_EXE, is_linked ? exe : path.text, 0, proc->exe_seen.inode);
	}
	if (proc->script && proc->script[0] == '/') {
		paths_host_recorded(&proc->view, proc->script, &path);
		digest_hold(live, DIGEST_SCRIPT, path.text, 0, 0);
	}
}

void proc_announce(struct live *live, struct proc *proc, const struct wire_process *record,
		   const struct str *strings)
{
	static const struct str nothing[5];
	struct path_buffer cgroup;
	struct str script, argv, known[5];
	struct item_process *out;

	if (record)
		proc->own_pid = proc->view.own_pid = record->pid;
	if (proc->is_kernel && record)
		text_set(&proc->path, strings[4].data, strings[4].len);
	if (proc->id)
		return;
	if (proc->is_kernel) {
		proc_known(proc, record ? strings : nothing, known);
		proc_take_facts(live, proc, known);
	} else {
		proc_take_facts(live, proc, record ? strings : nothing);
		proc_take_start(proc, record);
	}
	pipe_take_script(live, proc);
	script = proc_script(live, proc);
	if (script.len)
		text_set(&proc->script, script.data, script.len);
	argv = redact_argv(live->redactor, &live->queue,
			   queue_str(&live->queue, proc->argv, proc->argv_len));
	proc->id = ++live->process_count;
	if (proc->is_root)
		live->root_process = proc->id;
	out = &queue_add(&live->queue, ITEM_PROCESS)->process;
	out->id = proc->id;
	out->parent = proc->parent;
	out->origin_chain = proc->origin_chain;
	out->how = proc->how;
	out->covered = proc->is_covered || proc->is_expected;
	out->pid = proc->pid;
	out->inner_pid = proc->own_pid != proc->pid ? proc->own_pid : 0;
	out->uid = proc->uid;
	out->start_ns = proc->start_ns;
	out->exe = path_marked(live, proc, proc->exe);
	out->argv = argv;
	out->cwd = path_recorded(live, proc, proc->cwd);
	out->home = path_recorded(live, proc, proc->home);
	out->script = script;
	out->input_pipe = proc->pipes.input;
	out->output_pipe = proc->pipes.output;
	out->script_pipe = proc->pipes.script;
	if (facts_cgroup(proc->pid, &cgroup))
		out->cgroup = queue_str(&live->queue, cgroup.text, cgroup.len);
	else
		out->cgroup = (struct str){ "", 0 };
	if (live->digests)
		proc_digest(live, proc);
}

static void proc_break(struct live *live, struct proc *proc)
{
	struct item_hole hole = { .kind = HOLE_REJECTED, .family = WIRE_FAMILIES,
				  .process = proc->id,
				  .what = STR_LIT("its ring was not consistent any more and was "
						  "given up") };

	emit_hole(live, &hole);
	ring_reader_done(&proc->ring);
}

bool proc_step(struct live *live, struct proc *proc)
{
	uint64_t tail = proc->ring.tail;
	uint32_t size = 0;
	int result;

	if (!proc->ring.ring)
		return false;
	if (proc->pipes.script && !live->has_kernel && !pipe_writers_first(live, proc))
		return false;
	if (!proc->ring.ring)
		return false;
	order_before_start(live, proc);
	if (!proc->ring.ring)
		return false;
	if (proc->ring.tail != tail) /* a hello had it drained */
		return true;
	result = ring_reader_next(&proc->ring, live->now_ns,
				  proc->is_dead && !proc->shared_by, live->record, &size);
	if (result == RING_EMPTY)
		return false;
	if (result == RING_RECORD) {
		if (decode_record(live, proc, live->record, size) < 0)
			proc->rejected++;
		return true;
	}
	proc_announce(live, proc, NULL, NULL);
	if (result == RING_GAP) {
		emit_hole(live, &(struct item_hole){ .kind = HOLE_GAP, .family = WIRE_FAMILIES,
						     .process = proc->id });
		return true;
	}
	proc_break(live, proc);
	return false;
}

bool proc_drain(struct live *live, struct proc *proc, uint32_t max)
{
	for (uint32_t i = 0; i < max; i++) {
		if (!proc_step(live, proc))
			return true;
	}
	return false;
}

void proc_drain_now(struct live *live, struct proc *proc)
{
	uint64_t head = proc->ring.ring ? wire_observe(&proc->ring.ring->head) : 0;

	while (proc->ring.ring && proc->ring.tail < head) {
		if (!proc_step(live, proc))
			break;
	}
}

static void counter_hole(struct live *live, const struct proc *proc, enum hole_kind kind,
			 uint8_t family, uint64_t count)
{
	if (count)
		emit_hole(live, &(struct item_hole){ .kind = (uint8_t)kind, .family = family,
						     .process = proc->id, .count = count });
}

void proc_tell_counters(struct live *live, struct proc *proc)
{
	struct ring_counters delta;

	if (proc->ring.ring && ring_reader_counters(&proc->ring, &delta)) {
		proc_announce(live, proc, NULL, NULL);
		for (uint8_t i = 0; i < WIRE_FAMILIES; i++)
			counter_hole(live, proc, HOLE_LOST, i, delta.lost[i]);
		counter_hole(live, proc, HOLE_EARLY, WIRE_FAMILIES, delta.early);
		counter_hole(live, proc, HOLE_MISSED, WIRE_FAMILIES, delta.missed);
	}
	if (proc->rejected != proc->rejected_told) {
		proc_announce(live, proc, NULL, NULL);
		counter_hole(live, proc, HOLE_REJECTED, WIRE_FAMILIES,
			     proc->rejected - proc->rejected_told);
		proc->rejected_told = proc->rejected;
	}
}

static void dead_remember(struct live *live, struct proc *proc)
{
	uint32_t at;

	if (!live->dead)
		return;
	at = (live->dead_first + live->dead_count) % LIVE_DEAD_MAX;
	if (live->dead_count == LIVE_DEAD_MAX) {
		uint32_t oldest = live->dead[live->dead_first];

		proc_free(live->procs[oldest]);
		live->procs[oldest] = NULL;
		live->dead_first = (live->dead_first + 1) % LIVE_DEAD_MAX;
		live->dead_count--;
	}
	live->dead[at] = proc->slot;
	live->dead_count++;
}

void proc_end(struct live *live, struct proc *proc)
{
	if (proc->is_ended)
		return;
	proc->is_dead = true;
	proc->shared_by = 0;
	proc_drain_now(live, proc); /* not for ever: somebody may still hold the ring and write */
	if (!proc->is_kernel)
		proc_announce(live, proc, NULL, NULL);
	proc_tell_counters(live, proc);
	python_over(live, proc);
	lineage_proc_over(live, proc);
	proc->is_ended = true;
	if (proc->is_covered || proc->is_kernel)
		live->live_count--;
	if (proc->id) /* a child that forked and did nothing was never spoken of */
		queue_add(&live->queue, ITEM_PROCESS_END)->process_end =
			(struct item_process_end){ .process = proc->id, .time_ns = live->now_ns };
	ring_reader_done(&proc->ring);
	ids_done(&proc->objects);
	ids_done(&proc->stacks);
	free(proc->chains);
	for (int i = 0; i < CODES_KINDS; i++)
		codes_done(&proc->codes[i]);
	proc->chains = NULL;
	if (proc->pidfd >= 0)
		close(proc->pidfd);
	proc->pidfd = -1;
	dead_remember(live, proc);
}
