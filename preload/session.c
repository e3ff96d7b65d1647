/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the collector and giving it our ring (wire/session.h), at start and again after every
 * fork. Raw system calls only: the child of a multithreaded fork may do nothing else. Every
 * failure leaves the program running as if we were not there.
 */
#include "exchange.h"
#include "mount.h"
#include "python.h"
#include "script.h"

#include <linux/memfd.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/un.h>

struct session session;

static uint32_t fork_guard_always = 1;
uint32_t *session_fork_guard = &fork_guard_always;

/* --- reading the variable ----------------------------------------------------------------------- */
static const char *field_hex(const char *at, unsigned digits, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < digits; i++, at++) {
		unsigned digit;

		if (*at >= '0' && *at <= '9')
			digit = (unsigned)(*at - '0');
		else if (*at >= 'a' && *at <= 'f')
			digit = (unsigned)(*at - 'a' + 10);
		else
			return NULL;
		value = value << 4 | digit;
	}
	*ret = value;
	return at;
}

static const char *field_number(const char *at, unsigned base, uint64_t *ret)
{
	char *end;
	int saved = errno;

	*ret = strtoul(at, &end, (int)base);
	errno = saved;
	return end == at ? NULL : end;
}

static const char *field_text(const char *at, char *ret, unsigned digits)
{
	uint64_t unused;
	const char *end = field_hex(at, digits, &unused);

	if (end) {
		memcpy(ret, at, digits);
		ret[digits] = 0;
	}
	return end;
}

struct parsed {
	uint64_t parent, origin, serial, ring_kib, wait_ms, flags, mount;
};

static bool session_parse(const char *at, struct parsed *p)
{
	const char colon = ':';

	if (at[0] != '1' || at[1] != colon)
		return false;
	if (!(at = field_text(at + 2, session.socket, 32)) || *at++ != colon)
		return false;
	if (!(at = field_text(at, session.secret, 32)) || *at++ != colon)
		return false;
	if (!(at = field_hex(at, 16, &p->parent)) || *at++ != colon)
		return false;
	if (!(at = field_hex(at, 8, &p->origin)) || *at++ != colon)
		return false;
	if (!(at = field_hex(at, 8, &p->serial)) || *at++ != colon)
		return false;
	if (!(at = field_number(at, 10, &p->ring_kib)) || *at++ != colon)
		return false;
	if (!(at = field_number(at, 10, &p->wait_ms)) || *at++ != colon)
		return false;
	if (!(at = field_number(at, 16, &p->flags)))
		return false;
	if (*at == colon && !(at = field_number(at + 1, 10, &p->mount)))
		return false;
	if (*at == colon && strlen(at + 1) < sizeof(session.path_socket))
		strcpy(session.path_socket, at + 1);
	return p->ring_kib >= WIRE_RING_DATA_MIN >> 10 && p->ring_kib <= WIRE_RING_DATA_MAX >> 10 &&
	       !(p->ring_kib & (p->ring_kib - 1));
}

static char *put_hex(char *at, uint64_t value, unsigned digits)
{
	for (unsigned i = digits; i--; value >>= 4)
		at[i] = "0123456789abcdef"[value & 15];
	at += digits;
	*at++ = ':';
	return at;
}

static char *put_text(char *at, const char *text, char end)
{
	size_t bytes = strlen(text);

	memcpy(at, text, bytes);
	at[bytes] = end;
	return at + bytes + 1;
}

static char *put_number(char *at, uint32_t value)
{
	char digits[12];
	unsigned n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n)
		*at++ = digits[--n];
	*at++ = ':';
	return at;
}

/* Written by hand because exec may happen in a signal handler or a vfork child: no stdio. */
unsigned session_format(char *buffer, size_t bytes, uint32_t origin, uint32_t serial,
			uint32_t flags)
{
	char *at = buffer;

	if (bytes < SESSION_TEXT_MAX)
		return 0;
	at = put_text(at, WIRE_ENV_NAME "=1", ':');
	at = put_text(at, session.socket, ':');
	at = put_text(at, session.secret, ':');
	at = put_hex(at, session.instance, 16);
	at = put_hex(at, origin, 8);
	at = put_hex(at, serial, 8);
	at = put_number(at, session.ring_kib);
	at = put_number(at, session.wait_ms);
	at = put_hex(at, flags, 2);
	at = put_number(at, mount_home());
	at = put_text(at, session.path_socket, 0);
	return (unsigned)(at - buffer - 1);
}

/* --- the ring ------------------------------------------------------------------------------------- */
static bool is_error(long ret)
{
	return ret < 0 && ret > -4096;
}

/* Growing a file beyond RLIMIT_FSIZE raises SIGXFSZ, which kills. The limit is the program's, not
 * meant for memory, and put aside for the moment if that is allowed. */
static long ring_size(long fd, uint64_t bytes)
{
	struct rlimit64 limit, lifted;
	long ret = sys_call4(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit);

	if (ret || limit.rlim_cur >= bytes)
		return ret ? ret : sys_call2(SYS_ftruncate, fd, bytes);
	lifted.rlim_cur = lifted.rlim_max = limit.rlim_max < bytes ? bytes : limit.rlim_max;
	ret = sys_call4(SYS_prlimit64, 0, RLIMIT_FSIZE, &lifted, NULL);
	if (ret)
		return ret;
	ret = sys_call2(SYS_ftruncate, fd, bytes);
	sys_call4(SYS_prlimit64, 0, RLIMIT_FSIZE, &limit, NULL);
	return ret;
}

/* Makes and maps a new ring; the descriptor, or -errno. */
static long ring_make(struct wire_ring **ret_ring)
{
	uint64_t data = (uint64_t)session.ring_kib << 10;
	uint64_t file = WIRE_RING_HEADER_BYTES + data;
	long fd, base, ret;

	fd = sys_call2(SYS_memfd_create, "sowatch", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (is_error(fd))
		return fd;
	/* The whole range at once, its end beyond the file's, then the data again over that end. */
	base = sys_call6(SYS_mmap, 0, file + data, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (is_error(base)) {
		sys_call1(SYS_close, fd);
		return base;
	}
	ret = ring_size(fd, file);
	if (!ret)
		ret = sys_call3(SYS_fcntl, fd, F_ADD_SEALS,
				F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	if (!ret)
		ret = sys_call6(SYS_mmap, base + (long)file, data, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, fd, WIRE_RING_HEADER_BYTES);
	if (is_error(ret)) {
		sys_call2(SYS_munmap, base, file + data);
		sys_call1(SYS_close, fd);
		return ret;
	}
	*ret_ring = (struct wire_ring *)base;
	(*ret_ring)->magic = WIRE_MAGIC;
	(*ret_ring)->version = WIRE_VERSION;
	(*ret_ring)->header_bytes = WIRE_RING_HEADER_BYTES;
	(*ret_ring)->data_bytes = data;
	return fd;
}

#ifndef SYS_mseal
#define SYS_mseal 462 /* Linux 6.10 */
#endif

/* From now on nobody unmaps it, takes its rights away or maps something else over it: the program's
 * code must neither crash in us nor silence us. Not where a filter may kill for calls it does not
 * know; elsewhere an older kernel merely refuses. */
static void ring_seal(const struct wire_ring *ring)
{
	uint64_t data = (uint64_t)session.ring_kib << 10;

	session.is_sealed = sys_call1(SYS_prctl, PR_GET_SECCOMP) == 0 &&
			    !sys_call3(SYS_mseal, ring, WIRE_RING_HEADER_BYTES + 2 * data, 0);
}

static void ring_unmake(struct wire_ring *ring, long fd)
{
	uint64_t data = (uint64_t)session.ring_kib << 10;

	sys_call2(SYS_munmap, ring, WIRE_RING_HEADER_BYTES + 2 * data);
	sys_call1(SYS_close, fd);
}

static long socket_connect(const char *name, bool is_abstract)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t bytes = strlen(name);
	char *path = address.sun_path;
	long fd, ret;

	if (is_abstract) {
		memcpy(path + 1, WIRE_SOCKET_PREFIX, sizeof(WIRE_SOCKET_PREFIX) - 1);
		path += sizeof(WIRE_SOCKET_PREFIX);
	}
	memcpy(path, name, bytes);
	bytes += (size_t)(path - (char *)&address) + !is_abstract;
	fd = sys_call3(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (is_error(fd))
		return fd;
	/* A backlog that stays full for 50 ms is a collector that is not coming. */
	for (unsigned tries = 0; tries < 50; tries++) {
		struct timespec pause = { 0, 1000000 };

		ret = sys_call3(SYS_connect, fd, &address, bytes);
		if (ret != -EAGAIN && ret != -EINTR)
			break;
		sys_call2(SYS_nanosleep, &pause, NULL);
	}
	if (!ret)
		return fd;
	sys_call1(SYS_close, fd);
	return ret;
}

static bool hello_send(struct wire_hello *hello, long ring_fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { hello, sizeof(*hello) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };
	int descriptor = (int)ring_fd;
	long fd = socket_connect(session.socket, true);
	long ret;

	if (fd < 0 && session.path_socket[0])
		fd = socket_connect(session.path_socket, false);
	if (fd < 0)
		return false;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
	ret = sys_call3(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
	sys_call1(SYS_close, fd);
	return ret == sizeof(*hello);
}

static void hello_fill(struct wire_hello *hello)
{
	struct dl_find_object self = { 0 };

	_dl_find_object((void *)hello_fill, &self);
	hello->magic = WIRE_MAGIC;
	hello->version = WIRE_VERSION;
	hello->bytes = sizeof(*hello);
	for (unsigned i = 0; i < WIRE_SECRET_BYTES; i++) {
		uint64_t byte = 0;

		field_hex(session.secret + 2 * i, 2, &byte);
		hello->secret[i] = (uint8_t)byte;
	}
	hello->instance = session.instance;
	hello->pid = session.pid;
	hello->slot_offset = (char *)&thread_self.slot - (char *)__builtin_thread_pointer();
	hello->ring_bytes = WIRE_RING_HEADER_BYTES + ((uint64_t)session.ring_kib << 10);
	hello->text_start = (uint64_t)self.dlfo_map_start;
	hello->text_end = (uint64_t)self.dlfo_map_end;
	hello->hooks = HOOK_COUNT;
	hello->flags = session.flags;
}

/* --- the first record: who we are ------------------------------------------------------------------ */
/* The program's arguments as text on the initial stack: always readable, whatever the program has
 * done to argv since. Home and path are kept apart, because that text is overwritten by programs
 * that set their title. */
static const char *arguments;
static uint32_t arguments_bytes;
static char kept_home[256], kept_path[1024];
static const char *saved_home = "", *saved_path = "";
#define ARGUMENTS_MAX 4096u

/* The name this program was started by, where only root can make that stand for another: the
 * collector finds its real path. The kernel's own word, /proc/self/exe, is asked for everywhere
 * else: what it sets up for the first look into /proc costs every start 35 us. */
static long exe_given(char exe[1024])
{
	static const char trusted[] = "/usr/\0/bin/\0/sbin/\0";
	const char *name = (const char *)getauxval(AT_EXECFN);
	char **argv;
	size_t length;

	/* Without a loader below us the loader itself is the program. */
	if (!name || !getauxval(AT_BASE) || !environ_initial(&argv) || !argv)
		return -1;
	length = strnlen(name, 1024);
	if (length == 1024 || strstr(name, "/."))
		return -1;
	/* A script's interpreter has the script's name among its arguments. */
	for (unsigned i = 1; *argv && argv[i]; i++)
		if (!strcmp(argv[i], name))
			return -1;
	for (const char *root = trusted; *root; root += strlen(root) + 1)
		if (!strncmp(name, root, strlen(root)))
			return (long)(stpcpy(exe, name) - exe);
	return -1;
}

static void process_publish(bool is_start)
{
	char exe[1024], cwd[1024];
	long exe_bytes = is_start ? exe_given(exe) : -1;
	long cwd_bytes = sys_call2(SYS_getcwd, cwd, sizeof(cwd));
	uint32_t argv = arguments_bytes < ARGUMENTS_MAX ? arguments_bytes : ARGUMENTS_MAX, bytes;
	uint32_t home = (uint32_t)strnlen(saved_home, 1024), path = (uint32_t)strnlen(saved_path, 4096);
	struct wire_pipes pipes;
	uint32_t pipe_bytes = is_start ? script_pipes(arguments, argv, &pipes) : 0;
	uint32_t mount = mount_here();
	struct wire_file file;
	uint32_t file_bytes = mount_program(mount, &file) ? sizeof(file) : 0;
	unsigned flags = argv < arguments_bytes ? WIRE_ARGV_CUT : 0;
	struct wire_process *record;
	char *at;

	/* Where root is anybody, a name below /usr may stand for anything. */
	if (mount && mount != mount_home())
		exe_bytes = -1;
	if (exe_bytes < 0)
		exe_bytes = sys_call3(SYS_readlink, "/proc/self/exe", exe, sizeof(exe));
	exe_bytes = exe_bytes < 0 ? 0 : exe_bytes;
	cwd_bytes = cwd_bytes < 1 || cwd[0] != '/' ? 0 : cwd_bytes - 1;
	bytes = ring_round((uint32_t)(sizeof(*record) + (size_t)exe_bytes + (size_t)cwd_bytes) +
			   argv + home + path + pipe_bytes + file_bytes);
	record = ring_reserve(bytes, WIRE_FAMILY_META);
	if (!record)
		return;
	record->time_ns = clock_now_ns();
	record->pid = session.pid;
	record->tid = thread_tid();
	record->uid = (uint32_t)sys_call0(SYS_geteuid);
	record->page_bytes = 4096;
	record->exe_len = (uint16_t)exe_bytes;
	record->cwd_len = (uint16_t)cwd_bytes;
	record->argv_len = (uint16_t)argv;
	record->home_len = (uint16_t)home;
	record->path_len = (uint16_t)path;
	record->pipes_len = (uint16_t)pipe_bytes;
	record->mount = mount;
	at = (char *)(record + 1);
	at = mempcpy(at, exe, (size_t)exe_bytes);
	at = mempcpy(at, cwd, (size_t)cwd_bytes);
	at = mempcpy(at, arguments, argv);
	if (argv)
		at[-1] = 0;
	at = mempcpy(at, saved_home, home);
	at = mempcpy(at, saved_path, path);
	at = mempcpy(at, &pipes, pipe_bytes);
	memcpy(at, &file, file_bytes);
	ring_commit(record, bytes, WIRE_PROCESS, flags | (file_bytes ? WIRE_PROCESS_FILE : 0));
}

/* --- attaching ----------------------------------------------------------------------------------- */
static bool session_attach(struct wire_hello *hello)
{
	struct wire_ring *ring, *old = session.ring;
	uint32_t old_pid = session.pid;
	uint64_t old_instance = session.instance;
	long fd = ring_make(&ring);

	if (is_error(fd))
		return false;
	session.ring = ring;
	session.data = (uint8_t *)ring + WIRE_RING_HEADER_BYTES;
	session.data_mask = ((uint64_t)session.ring_kib << 10) - 1;
	session.pid = (uint32_t)sys_call0(SYS_getpid);
	session.instance = (uint64_t)session.pid << 40 ^ clock_now_ns();
	session.generation++;
	hello_fill(hello);
	process_publish(hello->how == WIRE_HELLO_EXEC);
	if (hello_send(hello, fd)) {
		sys_call1(SYS_close, fd);
		ring_seal(ring);
		return true;
	}
	session.ring = old;
	session.pid = old_pid;
	session.instance = old_instance;
	if (old)
		session.data = (uint8_t *)old + WIRE_RING_HEADER_BYTES;
	ring_unmake(ring, fd);
	return false;
}

/* A page of our own that the kernel empties in every copy of this process: our last one, because
 * it becomes a mapping of its own, and between others it would make two more of them. */
extern uint32_t guard_page[1024] __attribute__((visibility("hidden")));
__asm__(".pushsection guard, \"aw\", @nobits\n"
	"	.balign 4096\n"
	"guard_page:\n"
	"	.skip 4096\n"
	".popsection\n");

static void guard_make(void)
{
	if (sys_call3(SYS_madvise, guard_page, sizeof(guard_page), MADV_WIPEONFORK))
		return;
	guard_page[0] = 1;
	session_fork_guard = guard_page;
}

static const char *text_keep(const char *text, char *room, size_t bytes)
{
	size_t length = strlen(text) + 1;

	return length <= bytes ? memcpy(room, text, length) : text;
}

static void host_view_take(void)
{
	char **argv, **env = environ_initial(&argv);

	for (; env && *env; env++) {
		if (!strncmp(*env, "HOME=", 5))
			saved_home = text_keep(*env + 5, kept_home, sizeof(kept_home));
		else if (!strncmp(*env, "PATH=", 5))
			saved_path = text_keep(*env + 5, kept_path, sizeof(kept_path));
	}
	arguments = argv ? *argv : NULL;
	for (const char *end = arguments; argv && *argv && *argv == end; argv++) {
		end += strlen(end) + 1;
		arguments_bytes = (uint32_t)(end - arguments);
	}
}

bool session_init(const char *text)
{
	struct parsed p = { 0 };
	struct wire_hello hello = { .how = WIRE_HELLO_EXEC };

	if (!session_parse(text, &p))
		return false;
	session.ring_kib = (uint32_t)p.ring_kib;
	session.wait_ms = (uint32_t)(p.wait_ms > 1000 ? 1000 : p.wait_ms);
	mount_home_init((uint32_t)p.mount);
	session.flags = (uint32_t)p.flags & ~(uint32_t)WIRE_SESSION_USER_PRELOAD;
	if (session.flags & WIRE_SESSION_NOP)
		return false;
	objects_init();
	host_view_take();
	hello.parent_instance = p.parent;
	hello.origin = (uint32_t)p.origin;
	hello.serial = (uint32_t)p.serial;
	if (!session_attach(&hello))
		return false;
	guard_make();
	return true;
}

void session_after_fork(void)
{
	struct wire_hello hello = { .how = WIRE_HELLO_FORK,
				    .parent_instance = session.instance,
				    .origin = thread_self.origin };
	int saved = errno;

	/* A wiped guard is proof. Without one the pid must tell; it need not differ, where a first
	 * process of a namespace makes another. */
	if (*session_fork_guard && (session_fork_guard != &fork_guard_always ||
				    process_pid() == session.pid))
		return;
	*session_fork_guard = 1;
	if (python_is_on())
		hello.origin = stack_origin(__builtin_frame_address(0));
	exchange_forked();
	thread_self.is_vforking = 0;
	if (!session.has_seccomp && session_attach(&hello)) {
		objects_forget(); /* stacks carry the session's generation */
		python_tell();
		python_inherit(hello.origin, session.generation);
		thread_self.origin = 0; /* an id of the parent's ring; its frames are on our stack */
	} else {
		/* No descriptors left, or a filter that might kill us: the parent's ring is still
		 * mapped, and records name their process. */
		session.pid = process_pid();
		thread_self.generation = session.generation - 1;
	}
	errno = saved;
}

uint32_t session_origin(const struct call *call, unsigned kind)
{
	struct wire_origin *record;
	uint32_t id;

	if (!call->is_on)
		return 0;
	id = __atomic_add_fetch(&session.next_origin, 1, __ATOMIC_RELAXED);
	record = ring_reserve(sizeof(*record), WIRE_FAMILY_META);
	if (!record)
		return 0;
	record->id = id;
	record->stack = call->stack;
	record->parent = call->origin;
	record->tid = thread_tid();
	ring_commit(record, sizeof(*record), WIRE_ORIGIN, kind);
	return id;
}
