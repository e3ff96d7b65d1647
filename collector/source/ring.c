/* SPDX-License-Identifier: Apache-2.0
 *
 * The live source: turns of looking who is gone, taking hellos, draining every ring a little,
 * until enough items are ready to be handed out one by one.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "bpf.h"
#include "live.h"
#include "sockets.h"
#include "source.h"

#define ROOT_SERIAL 1u
#define TURN_RECORDS 512u  /* from one ring, before the next has its turn */
#define TURN_KERNEL 4096u  /* of the probes' records */
#define BATCH_ITEMS 2048u  /* then hand out */
#define POLL_BUSY_MS 1	   /* of small rings; */
#define POLL_LARGE_MS 4	   /* of those that a flood of a million events a second fills no sooner: */
#define RING_LARGE (1u << 20) /* each wake-up is time that the service does not have */
#define POLL_IDLE_MS 10
#define HELLO_DEPTH 16u	  /* parents of parents that have not spoken */
#define LOOK_NS 100000000ull /* processes without a pidfd are looked for this often */
#define DPKG_DIRECTORY "/var/lib/dpkg"

enum ring_phase { PHASE_START, PHASE_RUN, PHASE_FINISH, PHASE_OVER };

struct source_ring {
	struct source source; /* first: what callers hold */
	struct live live;
	struct sockets sockets;
	struct bpf bpf; /* when live.has_kernel */
	struct source_ring_options options;
	char *service, *shim_path, *vantage;
	enum ring_phase phase;
	int poll_ms;
	int exit_status;
	uint64_t looked_ns;
	unsigned hello_depth; /* of hellos whose parents' come first */
	char **environ;
	char error[256];
};

static struct source_ring *source_ring_of(struct source *source)
{
	return (struct source_ring *)source;
}

static int ring_busy_ms(const struct source_ring *ring)
{
	return ring->options.ring_bytes >= RING_LARGE ? POLL_LARGE_MS : POLL_BUSY_MS;
}

/* --- hellos --------------------------------------------------------------------------------- */

static void hello_reject(struct source_ring *ring, const struct sockets_hello *hello,
			 const char *why)
{
	struct proc *known = proc_by_pid(&ring->live, hello->pid);
	char what[128];
	int len = snprintf(what, sizeof(what), "the hello of process %u was refused: %s",
			   hello->pid, why);

	emit_hole(&ring->live, &(struct item_hole){ .kind = HOLE_REJECTED, .family = WIRE_FAMILIES,
						    .process = known ? known->id : 0,
						    .what = { what, (uint32_t)len } });
}

static void hello_receive(void *arg, enum hello_refusal refusal, struct sockets_hello *hello);

/* A process has said hello before it makes others that do, but it may have been accepted before it
 * had: then its hello is there by now, and comes first. */
static void hello_parents(struct source_ring *ring, const struct sockets_hello *hello)
{
	uint64_t instance = hello->hello.parent_instance;
	const struct proc *parent = proc_by_instance(&ring->live, instance);

	/* What it was fed by comes first, too (pipe.c). */
	if (!instance || ring->hello_depth == HELLO_DEPTH || (parent && !parent->pipes.script))
		return;
	ring->hello_depth++;
	sockets_receive_pending(&ring->sockets, ring->live.now_ns, hello_receive, ring);
	ring->hello_depth--;
}

static void hello_receive(void *arg, enum hello_refusal refusal, struct sockets_hello *hello)
{
	struct source_ring *ring = arg;
	bool was_receiving = ring->live.is_receiving;
	int result;

	ring->live.is_receiving = true;
	if (refusal == HELLO_STRANGER) {
		ring->live.strangers++;
	} else if (refusal == HELLO_MISMATCH) {
		hello_reject(ring, hello, "its shim is of another version");
	} else if (ring->live.has_kernel) {
		bpf_hello(&ring->bpf, hello);
		hello->pidfd = hello->ring_fd = -1;
	} else {
		hello_parents(ring, hello);
		result = lineage_hello(&ring->live, &hello->hello, hello->pid, hello->uid,
				       hello->pidfd, hello->ring_fd);
		hello->pidfd = -1;
		if (result < 0)
			hello_reject(ring, hello, strerror(-result));
	}
	if (hello->pidfd >= 0)
		close(hello->pidfd);
	if (hello->ring_fd >= 0)
		close(hello->ring_fd);
	ring->live.is_receiving = was_receiving;
}

static void hellos_take(void *arg)
{
	struct source_ring *ring = arg;

	sockets_receive(&ring->sockets, ring->live.now_ns, hello_receive, ring);
}

/* --- turns ---------------------------------------------------------------------------------- */

/* Who is gone is found out before the hellos are taken: then nobody who said it is missed. */
static void ring_look(struct source_ring *ring)
{
	struct live *live = &ring->live;
	struct epoll_event events[64];
	int count = epoll_wait(live->epoll_fd, events, 64, 0);

	if (count > 0 || lineage_waiting(live) || live->now_ns - ring->looked_ns > LOOK_NS) {
		lineage_look(live);
		sockets_receive(&ring->sockets, live->now_ns, hello_receive, ring);
		ring->looked_ns = live->now_ns;
	}
}

/* true: every ring was found empty. */
static bool ring_drain(struct source_ring *ring, bool tells_counters)
{
	struct live *live = &ring->live;
	bool is_empty = true;

	live->is_stuck = false;
	for (uint32_t i = 0; i < live->proc_slots; i++) {
		struct proc *proc = live->procs[i];
		bool is_dry;

		if (!proc || proc->is_ended)
			continue;
		is_dry = proc_drain(live, proc, TURN_RECORDS);
		/* There is more behind an unfinished record: do not go idle over it. */
		live->is_stuck |= proc->ring.stuck_since_ns && !proc->is_dead;
		if (tells_counters)
			proc_tell_counters(live, proc);
		if (is_dry && proc->is_dead && !proc->shared_by)
			proc_end(live, proc);
		is_empty &= is_dry;
	}
	return is_empty;
}

/* Hellos first: when the probes' buffer is empty after that, it has told of all who said them. */
static void kernel_turn(struct source_ring *ring)
{
	struct live *live = &ring->live;
	bool is_dry;

	hellos_take(ring);
	do {
		is_dry = bpf_drain(&ring->bpf, TURN_KERNEL);
	} while (!is_dry && live->queue.count < BATCH_ITEMS);
	if (is_dry)
		bpf_settle(&ring->bpf);
	ring_drain(ring, true);
}

static void shim_turn(struct source_ring *ring)
{
	struct live *live = &ring->live;
	bool is_first = true, is_empty;

	ring_look(ring);
	do {
		is_empty = ring_drain(ring, is_first);
		is_first = false;
	} while (!is_empty && live->queue.count < BATCH_ITEMS);
	lineage_due(live, false);
}

static void ring_turn(struct source_ring *ring)
{
	struct live *live = &ring->live;

	live_clock(live);
	if (live->has_kernel)
		kernel_turn(ring);
	else
		shim_turn(ring);
	if (!queue_is_empty(&live->queue) || live->is_stuck)
		ring->poll_ms = ring_busy_ms(ring);
	else if (ring->poll_ms < POLL_IDLE_MS)
		ring->poll_ms++;
}

/* --- begin and end -------------------------------------------------------------------------- */

static void ring_begin(struct source_ring *ring)
{
	struct queue *queue = &ring->live.queue;
	struct timespec real, monotonic;
	unsigned char id[16];
	char hex[33];
	struct utsname host;
	struct item_run *run = &queue_add(queue, ITEM_RUN)->run;

	memset(&host, 0, sizeof(host));
	uname(&host);
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	randombytes_buf(id, sizeof(id));
	sodium_bin2hex(hex, sizeof(hex), id, sizeof(id));
	run->tool_version = queue_text(queue, SOWATCH_VERSION);
	run->host = queue_text(queue, host.nodename);
	run->kernel = queue_text(queue, host.release);
	run->service = queue_text(queue, ring->service);
	run->run_id = queue_text(queue, hex);
	run->vantage = queue_text(queue, ring->vantage);
	run->has_exchange = ring->options.session_flags & WIRE_SESSION_EXCHANGE &&
			    strcmp(ring->vantage, "kernel") != 0;
	run->realtime_ns = (uint64_t)real.tv_sec * 1000000000ull + (uint64_t)real.tv_nsec;
	run->monotonic_ns =
		(uint64_t)monotonic.tv_sec * 1000000000ull + (uint64_t)monotonic.tv_nsec;
}

static void ring_running(struct live *live, struct proc *proc)
{
	char what[64];
	int len = snprintf(what, sizeof(what), "pid %u", proc->pid);

	proc_drain_now(live, proc);
	if (!proc->is_kernel)
		proc_announce(live, proc, NULL, NULL);
	proc_tell_counters(live, proc);
	emit_hole(live, &(struct item_hole){ .kind = HOLE_RUNNING, .family = WIRE_FAMILIES,
					     .process = proc->id,
					     .what = { what, (uint32_t)len } });
}

static void kernel_end(struct source_ring *ring)
{
	hellos_take(ring);
	while (!bpf_drain(&ring->bpf, TURN_KERNEL))
		;
	bpf_finish(&ring->bpf);
}

static void rings_end(struct live *live)
{
	for (uint32_t i = 0; i < live->proc_slots; i++) {
		if (live->procs[i] && live->procs[i]->is_dead && !live->procs[i]->shared_by)
			proc_end(live, live->procs[i]);
		else if (live->procs[i] && !live->procs[i]->is_ended)
			proc_drain_now(live, live->procs[i]);
	}
}

/* One last look, then what is still held back is told: outcome unknown, so as begun. */
static void ring_end(struct source_ring *ring)
{
	struct live *live = &ring->live;
	struct item_end *end;

	live_clock(live);
	if (live->has_kernel)
		kernel_end(ring);
	else
		lineage_look(live);
	hellos_take(ring);
	if (!live->has_kernel) {
		rings_end(live);
		/* Of children their parents' last records told of. */
		hellos_take(ring);
		rings_end(live);
	}
	lineage_due(live, true);
	for (uint32_t i = 0; i < live->proc_slots; i++) {
		if (live->procs[i] && !live->procs[i]->is_ended)
			ring_running(live, live->procs[i]);
	}
	end = &queue_add(&live->queue, ITEM_END)->end;
	end->time_ns = live->now_ns;
	end->events = live->events;
	end->exit_status = ring->exit_status;
}

/* --- source.h ------------------------------------------------------------------------------- */

/* What waits for a digest is held back, the rings are not: they are drained behind it. */
static bool ring_release(struct source_ring *ring)
{
	if (digest_release(&ring->live, ring->phase == PHASE_OVER))
		return true;
	if (ring->phase == PHASE_RUN)
		ring_turn(ring);
	else if (ring->phase == PHASE_FINISH)
		return digest_release(&ring->live, true);
	return false;
}

static int source_ring_next(struct source *source, struct item *ret_item)
{
	struct source_ring *ring = source_ring_of(source);
	struct queue *queue = &ring->live.queue;

	if (queue_is_empty(queue)) {
		queue_clear(queue);
		if (ring->phase == PHASE_OVER)
			return -ENODATA;
		if (ring->phase == PHASE_START) {
			ring_begin(ring);
			ring->phase = PHASE_RUN;
		} else if (ring->phase == PHASE_RUN) {
			ring_turn(ring);
		} else {
			ring_end(ring);
			ring->phase = PHASE_OVER;
		}
		if (queue->is_out_of_memory) {
			snprintf(ring->error, sizeof(ring->error), "out of memory");
			return -ENOMEM;
		}
	}
	if (queue_is_empty(queue) || !ring_release(ring))
		return 0;
	*ret_item = *queue_take(queue);
	return 1;
}

static const char *source_ring_error(struct source *source)
{
	return source_ring_of(source)->error;
}

static void source_ring_close(struct source *source)
{
	struct source_ring *ring = source_ring_of(source);

	if (ring->live.has_kernel)
		bpf_close(&ring->bpf);
	sockets_close(&ring->sockets);
	if (ring->live.epoll_fd >= 0)
		close(ring->live.epoll_fd);
	live_done(&ring->live);
	free(ring->service);
	free(ring->shim_path);
	free(ring->vantage);
	free(ring->environ);
	free(ring);
}

static const struct source_ops source_ring_ops = {
	.next = source_ring_next,
	.error = source_ring_error,
	.close = source_ring_close,
};

static bool is_vantage(const struct source_ring_options *options, const char *name)
{
	return !strcmp(options->vantage ? options->vantage : "shim", name);
}

static int probes_open(struct source_ring *ring, char *error, size_t error_bytes)
{
	const struct bpf_options options = {
		.secret = ring->sockets.secret,
		.has_shim = is_vantage(&ring->options, "both"),
		.shim_path = ring->shim_path,
		.socket_name = ring->sockets.name,
		.check_actions = ring->options.check_actions,
		.receive = hellos_take,
		.receive_arg = ring,
	};

	if (is_vantage(&ring->options, "shim"))
		return 0;
	if (options.has_shim)
		ring->options.session_flags |= WIRE_SESSION_KERNEL;
	return bpf_open(&ring->bpf, &ring->live, &options, error, error_bytes);
}

static int options_check(const struct source_ring_options *options, char *error, size_t error_bytes)
{
	uint32_t bytes = options->ring_bytes;

	if (bytes < WIRE_RING_DATA_MIN || bytes > WIRE_RING_DATA_MAX || bytes & (bytes - 1)) {
		snprintf(error, error_bytes,
			 "a ring of %u KiB is not possible: a power of two from %u to %u is wanted",
			 bytes >> 10, WIRE_RING_DATA_MIN >> 10, WIRE_RING_DATA_MAX >> 10);
		return -EINVAL;
	}
	if (is_vantage(options, "kernel"))
		return 0; /* nothing is preloaded */
	if (access(options->shim_path, R_OK) < 0) {
		snprintf(error, error_bytes, "the shim %s cannot be read: %s", options->shim_path,
			 strerror(errno));
		return -ENOENT;
	}
	/* The loader separates LD_PRELOAD by these, and there is no way to quote. */
	if (strpbrk(options->shim_path, ": \t\n") || options->shim_path[0] != '/') {
		snprintf(error, error_bytes,
			 "the shim's path '%s' cannot be put into LD_PRELOAD: it has a blank or a "
			 "colon, or is not absolute",
			 options->shim_path);
		return -EINVAL;
	}
	return 0;
}

int source_ring_open(const struct source_ring_options *options, struct source **ret_source,
		     char *error, size_t error_bytes)
{
	struct source_ring *ring;
	int result = options_check(options, error, error_bytes);

	if (result < 0)
		return result;
	ring = calloc(1, sizeof(*ring));
	if (!ring) {
		snprintf(error, error_bytes, "out of memory");
		return -ENOMEM;
	}
	ring->source.ops = &source_ring_ops;
	ring->options = *options;
	ring->poll_ms = ring_busy_ms(ring);
	result = live_init(&ring->live, options->redact, DPKG_DIRECTORY, error, error_bytes);
	if (result < 0) {
		free(ring);
		return result;
	}
	ring->live.receive = hellos_take;
	ring->live.receive_arg = ring;
	if (options->has_digests)
		ring->live.digests = digests_open(ring->live.seed);
	ring->sockets.abstract_fd = ring->sockets.path_fd = -1;
	for (int i = 0; i < SOCKETS_PENDING; i++)
		ring->sockets.pending[i].fd = -1;
	ring->service = strdup(options->service ? options->service : "");
	ring->shim_path = strdup(options->shim_path ? options->shim_path : "");
	ring->vantage = strdup(options->vantage ? options->vantage : "shim");
	ring->live.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!ring->service || !ring->shim_path || !ring->vantage || ring->live.epoll_fd < 0) {
		snprintf(error, error_bytes, "cannot begin to watch: %s", strerror(errno));
		result = -errno;
		goto fail;
	}
	result = sockets_open(&ring->sockets, ring->live.epoll_fd, error, error_bytes);
	if (result == 0)
		result = probes_open(ring, error, error_bytes);
	if (result < 0)
		goto fail;
	*ret_source = &ring->source;
	return 0;
fail:
	source_ring_close(&ring->source);
	return result;
}

static size_t session_write(const struct source_ring *ring, bool has_preload, char *text,
			    size_t bytes)
{
	uint32_t flags = ring->options.session_flags;
	char secret[2 * WIRE_SECRET_BYTES + 1];
	int len;

	if (has_preload)
		flags |= WIRE_SESSION_USER_PRELOAD;
	sodium_bin2hex(secret, sizeof(secret), ring->sockets.secret, WIRE_SECRET_BYTES);
	len = snprintf(text, bytes, "%s=1:%s:%s:%016x:%08x:%08x:%u:%u:%x:%u%s%s", WIRE_ENV_NAME,
		       ring->sockets.name, secret, 0, 0, ROOT_SERIAL, ring->options.ring_bytes >> 10,
		       ring->options.wait_ms, flags, ring->live.root_mount,
		       ring->sockets.path[0] ? ":" : "",
		       ring->sockets.path);
	sodium_memzero(secret, sizeof(secret));
	return (size_t)len + 1;
}

static bool is_variable(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(entry, name, len) && entry[len] == '=';
}

char **source_ring_environ(struct source *source, char *const envp[])
{
	struct source_ring *ring = source_ring_of(source);
	const char *user = NULL;
	size_t count = 0, kept = 0, text_bytes;
	char **out, *text;

	if (is_vantage(&ring->options, "kernel"))
		return (char **)envp;

	for (; envp[count]; count++) {
		if (is_variable(envp[count], "LD_PRELOAD"))
			user = envp[count] + sizeof("LD_PRELOAD=") - 1;
	}
	text_bytes = sizeof("LD_PRELOAD=:") + strlen(ring->shim_path) + (user ? strlen(user) : 0) +
		     256 + sizeof(ring->sockets.path);
	out = calloc(1, (count + 3) * sizeof(*out) + text_bytes);
	if (!out)
		return NULL;
	text = (char *)(out + count + 3);
	/* The user's own places stay: programs print their environment in order. */
	for (size_t i = 0; i < count; i++) {
		if (!is_variable(envp[i], "LD_PRELOAD") && !is_variable(envp[i], WIRE_ENV_NAME))
			out[kept++] = envp[i];
		else if (is_variable(envp[i], "LD_PRELOAD") && user)
			out[kept++] = text;
	}
	if (!user)
		out[kept++] = text;
	text += sprintf(text, "LD_PRELOAD=%s%s%s", ring->shim_path, user && *user ? ":" : "",
			user ? user : "") +
		1;
	out[kept++] = text;
	session_write(ring, user != NULL, text, 256 + sizeof(ring->sockets.path));
	free(ring->environ);
	ring->environ = out;
	return out;
}

int source_ring_watch(struct source *source, int pid)
{
	struct source_ring *ring = source_ring_of(source);

	return ring->live.has_kernel ? bpf_watch(&ring->bpf, pid) : 0;
}

const char *source_ring_mechanism(struct source *source)
{
	const struct source_ring *ring = source_ring_of(source);

	return ring->live.has_kernel ? bpf_loader_mechanism(ring->bpf.loader) : NULL;
}

void source_ring_started(struct source *source, int pid, const char *program, char *const argv[])
{
	struct source_ring *ring = source_ring_of(source);

	live_clock(&ring->live);
	if (ring->live.has_kernel)
		return; /* the probes have told, or will */
	lineage_root(&ring->live, (uint32_t)pid, ROOT_SERIAL, program, argv);
}

void source_ring_ended(struct source *source, int status)
{
	source_ring_of(source)->exit_status = status;
}

int source_ring_fd(struct source *source)
{
	return source_ring_of(source)->live.epoll_fd;
}

int source_ring_poll_ms(struct source *source)
{
	return source_ring_of(source)->poll_ms;
}

unsigned source_ring_alive(struct source *source)
{
	const struct live *live = &source_ring_of(source)->live;

	return live->live_count + lineage_waiting(live);
}

unsigned source_ring_strangers(struct source *source)
{
	return (unsigned)source_ring_of(source)->live.strangers;
}

void source_ring_finish(struct source *source)
{
	struct source_ring *ring = source_ring_of(source);

	if (ring->phase == PHASE_RUN || ring->phase == PHASE_START)
		ring->phase = PHASE_FINISH;
}
