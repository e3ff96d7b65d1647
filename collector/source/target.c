/* SPDX-License-Identifier: Apache-2.0
 *
 * What an event acted on. The same arguments from the same process are looked up once per
 * PATHS_TTL_MS; arguments that do not depend on the disk once per run.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../target_kept.h"
#include "python.h"
#include "target.h"

static struct str buffer_str(const struct path_buffer *buffer)
{
	return (struct str){ buffer->text, (uint32_t)buffer->len };
}

/* Packages own nothing in /home, /tmp, /run, /proc, /dev: do not even look. */
void target_package(struct live *live, const struct proc *proc, struct item_target *target)
{
	static const char *const owned[] = { "/usr/", "/etc/", "/lib", "/bin/", "/sbin/", "/opt/",
					     "/var/lib/" };
	const struct package *package;

	if (proc->view.root[0] && !proc->mounts.number)
		return;
	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
		size_t len = strlen(owned[i]);

		if (target->path.len <= len || memcmp(target->path.data, owned[i], len) != 0)
			continue;
		package = packages_find(live->packages, target->path.data);
		if (package && mounts_is_ours(live, proc, target->path.data))
			target->package =
				(struct str){ package->name, (uint32_t)strlen(package->name) };
		return;
	}
}

static enum path_result path_of(struct live *live, const struct proc *proc, struct str path,
				struct str directory, bool follow, struct path_buffer *ret)
{
	struct str base = directory;

	if (!base.len)
		base = (struct str){ proc->cwd, (uint32_t)strlen(proc->cwd) };
	return paths_real(&live->paths, &proc->view, base.data, base.len, path.data, path.len,
			  follow, ret);
}

enum path_result target_path(struct live *live, const struct proc *proc, struct str path,
			     bool follow, struct path_buffer *ret)
{
	return path_of(live, proc, path, (struct str){ "", 0 }, follow, ret);
}

/* Does the call act on what a final symbolic link points to? */
static bool is_followed(const struct wire_event *event)
{
	switch (event->action) {
	case WIRE_FILE_DELETE:
	case WIRE_FILE_RENAME:
	case WIRE_FILE_LINK:
		return false;
	case WIRE_FILE_READ:
	case WIRE_FILE_WRITE:
	case WIRE_FILE_LIST:
		return !(event->detail & O_NOFOLLOW);
	default:
		return event->hook != LIVE_HOOK_lchown;
	}
}

/* A symbolic link's content is relative to the directory the link is in. */
static void link_content(struct live *live, const struct proc *proc,
			 const struct str blobs[WIRE_BLOBS], const struct path_buffer *link,
			 struct path_buffer *ret)
{
	size_t len = link->len;

	while (len > 1 && link->text[len - 1] != '/')
		len--;
	path_of(live, proc, blobs[0], (struct str){ link->text, (uint32_t)len }, false, ret);
}

static uint32_t target_file(struct live *live, struct proc *proc, const struct wire_event *event,
			    const struct str blobs[WIRE_BLOBS])
{
	bool is_symlink = event->hook == LIVE_HOOK_symlink || event->hook == LIVE_HOOK_symlinkat;
	struct item_target target = { .kind = TARGET_PATH, .asked = blobs[0] };
	struct path_buffer path, to, shm, own;
	struct str asked = blobs[0];
	enum path_result result;

	if (event->hook == LIVE_HOOK_memfd_create) {
		target.path = asked;
		return define_target(live, &target);
	}
	if ((event->hook == LIVE_HOOK_shm_open || event->hook == LIVE_HOOK_shm_unlink) &&
	    (asked.len < 8 || memcmp(asked.data, "/dev/shm", 8) != 0)) {
		shm.len = (size_t)snprintf(shm.text, sizeof(shm.text), "/dev/shm/%.*s",
					   (int)(asked.len < NAME_MAX ? asked.len : NAME_MAX),
					   asked.data);
		asked = buffer_str(&shm);
	}
	result = path_of(live, proc, asked, blobs[1], is_followed(event), &path);
	target.is_unresolved = result == PATH_UNRESOLVED;
	if (event->action == WIRE_FILE_RENAME || event->action == WIRE_FILE_LINK) {
		target.kind = TARGET_PATHS;
		result = path_of(live, proc, blobs[2], blobs[3], false, &to);
		target.is_unresolved |= result == PATH_UNRESOLVED;
		if (is_symlink)
			link_content(live, proc, blobs, &to, &path);
		target.is_unresolved |= !paths_record(&proc->view, &to);
		target.to = buffer_str(&to);
	}
	target.is_unresolved |= !paths_record(&proc->view, &path);
	target.path = buffer_str(&path);
	target_package(live, proc, &target);
	if (!target.package.len && python_own(live, proc, target.path, &own))
		target.package = buffer_str(&own);
	if (event->action == WIRE_FILE_READ && event->result >= 0)
		python_opened(live, proc, target.path);
	return define_target(live, &target);
}

static uint8_t proto_of(uint32_t detail)
{
	uint32_t type = detail & 0xf, protocol = detail >> 16;

	if (type == SOCK_STREAM && (!protocol || protocol == IPPROTO_TCP))
		return PROTO_TCP;
	if (type == SOCK_DGRAM && (!protocol || protocol == IPPROTO_UDP))
		return PROTO_UDP;
	return PROTO_OTHER;
}

static void target_inet(const struct str *blob, struct item_target *target)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	sa_family_t family;

	memcpy(&family, blob->data, sizeof(family));
	if (family == AF_INET && blob->len >= sizeof(v4)) {
		memcpy(&v4, blob->data, sizeof(v4));
		target->port = ntohs(v4.sin_port);
		target->address_len = 4;
		memcpy(target->address, &v4.sin_addr, 4);
	} else if (family == AF_INET6 && blob->len >= offsetof(struct sockaddr_in6, sin6_scope_id)) {
		memset(&v6, 0, sizeof(v6));
		memcpy(&v6, blob->data, blob->len < sizeof(v6) ? blob->len : sizeof(v6));
		target->port = ntohs(v6.sin6_port);
		target->address_len = memcmp(&v6.sin6_addr, mapped, sizeof(mapped)) ? 16 : 4;
		memcpy(target->address, (uint8_t *)&v6.sin6_addr + 16 - target->address_len,
		       target->address_len);
	} else {
		target->proto = PROTO_OTHER;
		target->number = family;
	}
}

static uint32_t target_unix(struct live *live, const struct proc *proc, struct str name)
{
	struct item_target target = { .kind = TARGET_UNIX };
	struct path_buffer path;
	char abstract[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];

	if (name.len > sizeof(abstract) - 1)
		name.len = sizeof(abstract) - 1;
	if (name.len && !name.data[0]) {
		memcpy(abstract, name.data, name.len);
		abstract[0] = '@';
		target.path = (struct str){ abstract, name.len };
	} else if (name.len) {
		target.asked = (struct str){ name.data, (uint32_t)strnlen(name.data, name.len) };
		target.is_unresolved = path_of(live, proc, target.asked, (struct str){ "", 0 },
					       true, &path) == PATH_UNRESOLVED;
		target.is_unresolved |= !paths_record(&proc->view, &path);
		target.path = buffer_str(&path);
	}
	return define_target(live, &target);
}

uint32_t target_peer(struct live *live, const struct proc *proc, const struct wire_event *event,
		     struct str blob)
{
	struct item_target target = { .kind = TARGET_PEER, .proto = proto_of(event->detail) };
	sa_family_t family;

	if (blob.len >= sizeof(family)) {
		memcpy(&family, blob.data, sizeof(family));
		if (family == AF_UNIX)
			return target_unix(live, proc,
					   (struct str){ blob.data + sizeof(family),
							 blob.len - (uint32_t)sizeof(family) });
		target_inet(&blob, &target);
	}
	return define_target(live, &target);
}

static bool is_program(const struct proc *proc, const struct path_buffer *path)
{
	struct path_buffer host;
	struct stat st;

	paths_host(&proc->view, path->text, &host);
	return stat(host.text, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 0111;
}

enum path_result target_program(struct live *live, const struct proc *proc, struct str asked,
				struct path_buffer *ret)
{
	const char *directory = proc->path;
	struct str here;

	if (!asked.len || memchr(asked.data, '/', asked.len))
		return path_of(live, proc, asked, (struct str){ "", 0 }, true, ret);
	for (; *directory; directory += here.len + (directory[here.len] == ':')) {
		here = (struct str){ directory, (uint32_t)strcspn(directory, ":") };
		if (here.len && here.data[0] == '/' &&
		    path_of(live, proc, asked, here, true, ret) == PATH_REAL &&
		    is_program(proc, ret))
			return PATH_REAL;
	}
	ret->len = asked.len < sizeof(ret->text) ? asked.len : sizeof(ret->text) - 1;
	memcpy(ret->text, asked.data, ret->len);
	ret->text[ret->len] = '\0';
	return PATH_UNRESOLVED;
}

/* The functions that look for a bare name on PATH; for all others it is a file of the cwd. */
static bool is_searching(uint16_t hook)
{
	return hook == LIVE_HOOK_execvp || hook == LIVE_HOOK_execvpe || hook == LIVE_HOOK_execlp ||
	       hook == LIVE_HOOK_posix_spawnp;
}

static uint32_t target_exec(struct live *live, struct proc *proc, const struct wire_event *event,
			    const struct str blobs[WIRE_BLOBS])
{
	struct item_target target = { .kind = TARGET_PROGRAM, .asked = blobs[0] };
	struct path_buffer path;
	enum path_result result;

	if (!blobs[2].len && blobs[0].len && !is_searching(event->hook))
		result = path_of(live, proc, blobs[0], (struct str){ "", 0 }, true, &path);
	else
		result = target_program(live, proc, blobs[2].len ? blobs[2] : blobs[0], &path);
	target.is_unresolved = result == PATH_UNRESOLVED;
	target.is_unresolved |= !paths_record(&proc->view, &path);
	target.path = buffer_str(&path);
	target.argv = blobs[1];
	if (target.argv.len && !target.argv.data[target.argv.len - 1])
		target.argv.len--;
	target.argv = redact_argv(live->redactor, &live->queue, target.argv);
	target_package(live, proc, &target);
	return define_target(live, &target);
}

static uint32_t target_load(struct live *live, struct proc *proc,
			    const struct str blobs[WIRE_BLOBS])
{
	struct item_target target = { .kind = TARGET_OBJECT, .asked = blobs[0] };
	struct str found = blobs[1].len ? blobs[1] : blobs[0];
	struct path_buffer path;

	if (memchr(found.data, '/', found.len)) {
		target.is_unresolved = path_of(live, proc, found, (struct str){ "", 0 }, true,
					       &path) == PATH_UNRESOLVED;
		target.is_unresolved |= !paths_record(&proc->view, &path);
		target.path = buffer_str(&path);
		target_package(live, proc, &target);
	} else {
		target.is_unresolved = found.len != 0;
		target.path = found;
	}
	return define_target(live, &target);
}

/* By pid, or by the path of one of its files in /proc. */
uint32_t target_inspect(struct live *live, const struct proc *proc,
			const struct wire_event *event, struct str path)
{
	struct item_target target = { .kind = TARGET_PROCESS, .number = event->detail,
				      .asked = path };
	struct path_buffer exe;
	const struct proc *other;
	char digits[12] = "";

	if (path.len > 6 && !memcmp(path.data, "/proc/", 6)) {
		size_t len = path.len - 6 < sizeof(digits) - 1 ? path.len - 6 : sizeof(digits) - 1;

		memcpy(digits, path.data + 6, len);
		target.number = strtoul(digits, NULL, 10);
	}
	if (!target.number)
		target.number = proc->own_pid;
	other = proc_by_pid(live, (uint32_t)target.number);
	if (other && other->exe[0])
		target.path = (struct str){ other->exe, (uint32_t)strlen(other->exe) };
	else if (facts_link((uint32_t)target.number, "exe", &exe))
		target.path = buffer_str(&exe);
	return define_target(live, &target);
}

uint32_t target_memory(struct live *live, struct proc *proc, const struct wire_event *event,
		       const struct str blobs[WIRE_BLOBS])
{
	struct path_buffer path;
	const struct str *asked = &blobs[0];
	unsigned pid = 0, task = 0;
	int end = 0;

	if ((event->action != WIRE_FILE_READ && event->action != WIRE_FILE_WRITE) ||
	    event->result < 0 || asked->len < 3 ||
	    memcmp(asked->data + asked->len - 3, "mem", 3) != 0)
		return 0;
	path_of(live, proc, blobs[0], blobs[1], true, &path);
	if (sscanf(path.text, "/proc/%u/mem%n", &pid, &end) < 1 || !end)
		if (sscanf(path.text, "/proc/%u/task/%u/mem%n", &pid, &task, &end) < 2 || !end)
			return 0;
	return path.text[end] || pid == proc->pid || pid == proc->own_pid ? 0 : pid;
}

static uint32_t target_simple(struct live *live, enum target_kind kind, struct str text)
{
	struct item_target target = { .kind = (uint8_t)kind, .path = text };

	return define_target(live, &target);
}

static uint32_t target_make(struct live *live, struct proc *proc, const struct wire_event *event,
			    const struct str blobs[WIRE_BLOBS])
{
	struct item_target target = { .kind = TARGET_MEMORY };
	uint64_t range[2] = { 0, 0 };

	switch (event->action) {
	case WIRE_NET_RESOLVE:
		return target_simple(live, TARGET_NAME, blobs[0]);
	case WIRE_NET_CONNECT:
	case WIRE_NET_BIND:
	case WIRE_NET_LISTEN:
	case WIRE_NET_ACCEPT:
	case WIRE_NET_SEND:
	case WIRE_NET_EXCHANGE:
		return target_peer(live, proc, event, blobs[0]);
	case WIRE_EXEC_RUN:
		return target_exec(live, proc, event, blobs);
	case WIRE_EXEC_LOAD:
		return target_load(live, proc, blobs);
	case WIRE_EXEC_CODE:
		memcpy(range, blobs[0].data, blobs[0].len == sizeof(range) ? sizeof(range) : 0);
		target.number = range[1];
		return define_target(live, &target);
	case WIRE_EXEC_INSPECT:
		return target_inspect(live, proc, event, blobs[0]);
	case WIRE_ENV_READ:
		return target_simple(live, TARGET_VARIABLE, blobs[0]);
	default:
		return target_file(live, proc, event, blobs);
	}
}

uint32_t target_of_event(struct live *live, struct proc *proc, const struct wire_event *event,
			 const struct str blobs[WIRE_BLOBS])
{
	struct {
		uint64_t seed;
		uint32_t process, generation, detail;
		uint16_t hook, blob_len[WIRE_BLOBS];
		uint16_t action;
	} facts = { live->seed, proc->id, proc->generation, event->detail, event->hook,
		    { event->blob_len[0], event->blob_len[1], event->blob_len[2],
		      event->blob_len[3] },
		    event->action };
	size_t bytes = 0;
	struct map_entry *entry;
	struct key key;

	for (int i = 0; i < WIRE_BLOBS; i++)
		bytes += blobs[i].len;
	/* A file's detail may hold a returned descriptor's flags, a spawn's its child. */
	if (event->action == WIRE_EXEC_RUN)
		facts.detail = 0;
	key = key_of(live->seed, &facts, sizeof(facts));
	/* The blobs lie behind the record, one after the other. */
	key = key_of(key.lo ^ key.hi, event + 1, bytes);
	entry = map_find(&live->lookups, key);
	if (entry && live->paths.now_ms - entry->stamp <= PATHS_TTL_MS &&
	    (!entry->value || target_is_nameable(entry->value, live->target_count)))
		return entry->value;
	bytes = target_make(live, proc, event, blobs);
	entry = map_add(&live->lookups, key);
	if (entry)
		*entry = (struct map_entry){ entry->key, (uint32_t)bytes, live->paths.now_ms };
	return (uint32_t)bytes;
}
