/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens the embedded object, fits it to this machine, loads, attaches. See loader.h.
 */
#include "loader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "../preload/wire/session.h"
#include "../preload/wire/slot.h"
#include "mechanism.h"
#include "shared.h"

_Static_assert(sizeof(struct slot) == sizeof(struct wire_slot), "one contract");
_Static_assert(offsetof(struct slot, via) == offsetof(struct wire_slot, via), "one contract");
_Static_assert(sizeof(struct hello) == sizeof(struct wire_hello), "one contract");
_Static_assert(offsetof(struct hello, slot_offset) == offsetof(struct wire_hello, slot_offset) &&
		       offsetof(struct hello, text_end) == offsetof(struct wire_hello, text_end),
	       "one contract");
_Static_assert(SLOT_REACH == WIRE_SLOT_REACH, "one contract");
_Static_assert(SLOT_GUEST == WIRE_SLOT_GUEST, "one contract");
_Static_assert(FAMILY_META == (int)WIRE_FAMILY_META && FAMILY_NET == (int)WIRE_FAMILY_NET &&
		       FAMILY_FILE == (int)WIRE_FAMILY_FILE && FAMILY_EXEC == (int)WIRE_FAMILY_EXEC &&
		       FAMILY_ENV == (int)WIRE_FAMILY_ENV,
	       "one contract");

#define RING_BYTES (16u << 20)
#define PROGRAMS 64

extern const char probes_object[], probes_object_end[];

struct bpf_loader {
	struct bpf_object *object;
	struct bpf_link *links[PROGRAMS];
	const char *missing[PROGRAMS + 1];
	unsigned link_count, missing_count;
	struct ring_buffer *ring;
	struct btf *btf; /* the kernel's types */
	uint64_t *lost;
	int threads_fd, processes_fd;
	uint32_t thread_bytes, process_bytes;
	bool has_objects;
	char reason[160];
	/* of the drain going on */
	int (*visit)(void *arg, const struct wire_kernel_head *record, size_t bytes);
	void *arg;
	unsigned left, visited;
};

/* The verifier's complaint, kept for the error message instead of printed. */
static char complaint[512];

static int complaint_keep(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (getenv("SOWATCH_BPF_DEBUG"))
		vfprintf(stderr, format, arguments);
	else if (level == LIBBPF_WARN && !complaint[0])
		vsnprintf(complaint, sizeof(complaint), format, arguments);
	return 0;
}

static int fail(int code, char *error, size_t error_bytes, const char *what)
{
	complaint[strcspn(complaint, "\n")] = 0;
	snprintf(error, error_bytes, "%s: %s%s%s", what, strerror(-code), complaint[0] ? ": " : "",
		 complaint);
	return code;
}

/* --- fitting the object ----------------------------------------------------------------------- */

/* Where `options` is in the object's constants. */
static struct probe_options *options_find(struct bpf_object *object)
{
	const struct btf *btf = bpf_object__btf(object);
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *section = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_var_secinfo *at = section ? btf_var_secinfos(section) : NULL;
	struct bpf_map *map;
	char *base = NULL;
	size_t bytes = 0;

	bpf_object__for_each_map(map, object) {
		if (strstr(bpf_map__name(map), ".rodata"))
			base = (char *)bpf_map__initial_value(map, &bytes);
	}
	for (int i = 0; section && base && i < btf_vlen(section); i++) {
		const struct btf_type *variable = btf__type_by_id(btf, at[i].type);
		const char *name = btf__name_by_offset(btf, variable->name_off);

		if (!strcmp(name, "options") && at[i].offset + sizeof(struct probe_options) <= bytes)
			return (struct probe_options *)(base + at[i].offset);
	}
	return NULL;
}

static int options_set(struct bpf_loader *loader, const struct bpf_loader_options *options)
{
	struct probe_options *to = options_find(loader->object);
	struct stat shim = { 0 }, mounts;

	if (!to)
		return -EINVAL;
	to->magic = WIRE_MAGIC;
	memcpy(to->secret, options->secret, sizeof(to->secret));
	to->has_shim = options->has_shim;
	to->check_every = options->check_every;
	to->check_actions = options->check_actions;
	to->has_objects = loader->has_objects;
	to->mount_namespace = stat("/proc/self/ns/mnt", &mounts) < 0 ? 0 : (uint32_t)mounts.st_ino;
	if (options->shim_path && stat(options->shim_path, &shim))
		return -errno;
	to->shim_device = shim.st_dev;
	to->shim_inode = shim.st_ino;
	return 0;
}

static int maps_fit(struct bpf_loader *loader, const struct bpf_loader_options *options)
{
	static const char *const per_cpu[] = { "scratches", "request_scratches" };
	uint32_t bytes = options->ring_bytes ? options->ring_bytes : RING_BYTES;
	int cpus = libbpf_num_possible_cpus(), ret = 0;

	if (cpus < 0)
		return cpus;
	for (unsigned i = 0; i < 2 && !ret; i++)
		ret = bpf_map__set_max_entries(
			bpf_object__find_map_by_name(loader->object, per_cpu[i]), (__u32)cpus);
	if (!ret)
		ret = bpf_map__set_max_entries(
			bpf_object__find_map_by_name(loader->object, "records"), bytes);
	return ret;
}

static bool is_handler(const struct bpf_program *program)
{
	return !strncmp(bpf_program__name(program), "exit_", 5);
}

/* Programs for what this kernel does not have are left out; of those that only have another name
 * in another kernel, one must remain, or it is missing. */
static void programs_choose(struct bpf_loader *loader)
{
	struct bpf_program *program;
	bool has_submit = mechanism_has_tracepoint(loader->btf, "io_uring_submit_req") ||
			  mechanism_has_tracepoint(loader->btf, "io_uring_submit_sqe");

	bpf_object__for_each_program(program, loader->object) {
		const char *section = bpf_program__section_name(program);
		const char *name = strchr(section, '/');

		if (bpf_program__autoload(program) || !name)
			continue; /* not marked as optional */
		if (!strncmp(section, "fentry/", 7))
			bpf_program__set_autoload(program, loader->has_objects &&
								   mechanism_has_function(
									   loader->btf, name + 1));
		else
			bpf_program__set_autoload(program, mechanism_has_tracepoint(loader->btf, name + 1));
	}
	if (!has_submit)
		loader->missing[loader->missing_count++] = "io_uring";
}

/* --- after loading ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t kind;
} handlers[] = {
	{ "exit_open", CALL_OPEN },	  { "exit_open", CALL_OPENHOW },
	{ "exit_open", CALL_CREAT },	  { "exit_memfd", CALL_MEMFD },
	{ "exit_path", CALL_PATH },	  { "exit_path", CALL_MKDIR },
	{ "exit_path", CALL_TRUNC },	  { "exit_fd", CALL_FD },
	{ "exit_peer", CALL_PEER },	  { "exit_send", CALL_SEND },
	{ "exit_sendmsg", CALL_SENDMSG }, { "exit_sendmmsg", CALL_SENDMMSG },
	{ "exit_write", CALL_WRITE },	  { "exit_exec", CALL_EXEC },
	{ "exit_code", CALL_CODE },	  { "exit_inspect", CALL_INSPECT },
};

static int handlers_set(struct bpf_loader *loader)
{
	int map = bpf_object__find_map_fd_by_name(loader->object, "handlers");

	for (unsigned i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		struct bpf_program *program =
			bpf_object__find_program_by_name(loader->object, handlers[i].name);
		int fd = program ? bpf_program__fd(program) : -ENOENT;
		int ret = fd < 0 ? fd : bpf_map_update_elem(map, &handlers[i].kind, &fd, 0);

		if (ret)
			return ret;
	}
	return 0;
}

/* Without these nothing can be said at all; anything else that fails is a hole with a name. */
static bool is_vital(const char *name)
{
	static const char *const vital[] = { "on_enter", "on_exit_call", "on_fork", "on_exec",
					     "on_exit" };

	for (unsigned i = 0; i < sizeof(vital) / sizeof(vital[0]); i++)
		if (!strcmp(name, vital[i]))
			return true;
	return false;
}

static int programs_attach(struct bpf_loader *loader)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, loader->object) {
		const char *name = bpf_program__name(program);
		struct bpf_link *link;

		if (!bpf_program__autoload(program) || is_handler(program) ||
		    loader->link_count == PROGRAMS || loader->missing_count == PROGRAMS)
			continue;
		link = bpf_program__attach(program);
		if (link)
			loader->links[loader->link_count++] = link;
		else if (is_vital(name))
			return -errno;
		else
			loader->missing[loader->missing_count++] = name;
	}
	return 0;
}

static int record_visit(void *arg, void *data, size_t bytes)
{
	struct bpf_loader *loader = arg;

	loader->visited++;
	if (loader->visit(loader->arg, data, bytes) || !--loader->left)
		return -ECANCELED;
	return 0;
}

static int maps_open(struct bpf_loader *loader)
{
	struct bpf_object *object = loader->object;
	struct bpf_map *threads = bpf_object__find_map_by_name(object, "threads");
	struct bpf_map *processes = bpf_object__find_map_by_name(object, "processes");
	int lost = bpf_object__find_map_fd_by_name(object, "lost");

	loader->threads_fd = bpf_map__fd(threads);
	loader->thread_bytes = bpf_map__value_size(threads);
	loader->processes_fd = bpf_map__fd(processes);
	loader->process_bytes = bpf_map__value_size(processes);
	loader->lost = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, lost, 0);
	if (loader->lost == MAP_FAILED) {
		loader->lost = NULL;
		return -errno;
	}
	loader->ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "records"),
					record_visit, loader, NULL);
	return loader->ring ? 0 : -errno;
}

static int mechanism_choose(struct bpf_loader *loader, const char *wish)
{
	if (wish && !strcmp(wish, "tp")) {
		snprintf(loader->reason, sizeof(loader->reason), "tracepoints were asked for");
		return 0;
	}
	loader->has_objects = mechanism_has_objects(loader->btf, loader->reason, sizeof(loader->reason));
	return wish && !strcmp(wish, "lsm") && !loader->has_objects ? -EOPNOTSUPP : 0;
}

static int loader_start(struct bpf_loader *loader, const struct bpf_loader_options *options,
			char *error, size_t error_bytes)
{
	LIBBPF_OPTS(bpf_object_open_opts, open, .object_name = "sowatch");
	int ret;

	loader->btf = btf__load_vmlinux_btf();
	if (!loader->btf)
		return fail(-errno, error, error_bytes, "the kernel does not tell its types (BTF)");
	ret = mechanism_choose(loader, options->mechanism);
	if (ret) {
		snprintf(error, error_bytes, "no mechanism \"lsm\": %s", loader->reason);
		return ret;
	}
	loader->object = bpf_object__open_mem(
		probes_object, (size_t)(probes_object_end - probes_object), &open);
	if (!loader->object)
		return fail(-errno, error, error_bytes, "the probes cannot be opened");
	programs_choose(loader);
	ret = options_set(loader, options);
	if (!ret)
		ret = maps_fit(loader, options);
	if (ret)
		return fail(ret, error, error_bytes, "the probes do not fit this machine");
	btf__free(loader->btf);
	loader->btf = NULL;
	ret = bpf_object__load(loader->object);
	if (ret)
		return fail(ret, error, error_bytes, "the kernel refused the probes");
	ret = handlers_set(loader);
	if (!ret)
		ret = maps_open(loader);
	if (!ret)
		ret = programs_attach(loader);
	return ret ? fail(ret, error, error_bytes, "the probes cannot be attached") : 0;
}

static int loader_try(const struct bpf_loader_options *options, struct bpf_loader **ret_loader,
		      char *error, size_t error_bytes)
{
	struct bpf_loader *loader = calloc(1, sizeof(*loader));
	int ret;

	*ret_loader = NULL;
	if (!loader)
		return -ENOMEM;
	complaint[0] = 0;
	ret = loader_start(loader, options, error, error_bytes);
	if (ret)
		bpf_loader_close(loader);
	else
		*ret_loader = loader;
	return ret;
}

int bpf_loader_open(const struct bpf_loader_options *options, struct bpf_loader **ret_loader,
		    char *error, size_t error_bytes)
{
	bool is_auto = !options->mechanism || !strcmp(options->mechanism, "auto");
	libbpf_print_fn_t before = libbpf_set_print(complaint_keep);
	struct bpf_loader_options plain = *options;
	int ret = loader_try(options, ret_loader, error, error_bytes);

	/* The small program loaded, ours did not: better without than not at all. */
	if (ret && is_auto) {
		plain.mechanism = "tp";
		ret = loader_try(&plain, ret_loader, error, error_bytes);
		if (!ret)
			snprintf((*ret_loader)->reason, sizeof((*ret_loader)->reason),
				 "this kernel refused the programs at its security functions");
	}
	libbpf_set_print(before);
	return ret;
}

void bpf_loader_close(struct bpf_loader *loader)
{
	if (!loader)
		return;
	for (unsigned i = 0; i < loader->link_count; i++)
		bpf_link__destroy(loader->links[i]);
	if (loader->ring)
		ring_buffer__free(loader->ring);
	if (loader->lost)
		munmap(loader->lost, (size_t)sysconf(_SC_PAGESIZE));
	btf__free(loader->btf);
	if (loader->object)
		bpf_object__close(loader->object);
	free(loader);
}

int bpf_loader_watch(struct bpf_loader *loader, int pid)
{
	void *zeros = calloc(1, loader->thread_bytes + loader->process_bytes);
	int pidfd, ret;
	uint32_t key = (uint32_t)pid;

	if (!zeros)
		return -ENOMEM;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	ret = pidfd < 0 ? -errno : 0;
	if (!ret)
		ret = bpf_map_update_elem(loader->processes_fd, &key, zeros, BPF_ANY);
	if (!ret)
		ret = bpf_map_update_elem(loader->threads_fd, &pidfd, zeros, BPF_ANY);
	if (pidfd >= 0)
		close(pidfd);
	free(zeros);
	return ret;
}

const char *bpf_loader_mechanism(const struct bpf_loader *loader)
{
	return loader->has_objects ? "lsm" : "tp";
}

const char *bpf_loader_reason(const struct bpf_loader *loader)
{
	return loader->reason;
}

int bpf_loader_drain(struct bpf_loader *loader,
		     int (*visit)(void *arg, const struct wire_kernel_head *record, size_t bytes),
		     void *arg, unsigned max)
{
	int ret;

	if (!max)
		return 0;
	loader->visit = visit;
	loader->arg = arg;
	loader->left = max;
	loader->visited = 0;
	ret = ring_buffer__consume(loader->ring);
	return ret < 0 && ret != -ECANCELED ? ret : (int)loader->visited;
}

void bpf_loader_lost(struct bpf_loader *loader, uint64_t ret_lost[WIRE_FAMILIES])
{
	for (int i = 0; i < WIRE_FAMILIES; i++)
		ret_lost[i] = __atomic_load_n(&loader->lost[i], __ATOMIC_RELAXED);
}

const char *const *bpf_loader_missing(const struct bpf_loader *loader)
{
	return loader->missing;
}
