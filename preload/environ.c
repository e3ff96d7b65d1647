/* SPDX-License-Identifier: Apache-2.0
 *
 * Our two variables: put into the environment of every program that is started, and taken out of
 * the program's own view before it looks. A program, `env` included, prints what it would print
 * without us.
 */
#include "hook.h"

static bool is_variable(const char *entry, const char *name, size_t bytes)
{
	return !strncmp(entry, name, bytes) && entry[bytes] == '=';
}
#define IS_SESSION(entry) is_variable(entry, WIRE_ENV_NAME, sizeof(WIRE_ENV_NAME) - 1)
#define IS_PRELOAD(entry) is_variable(entry, "LD_PRELOAD", 10)

/* The user's own part of an LD_PRELOAD value: what follows our path when it leads. */
static const char *preload_user(const char *value)
{
	size_t bytes = strlen(session.shim_path);

	if (bytes && !strncmp(value, session.shim_path, bytes)) {
		if (!value[bytes])
			return value + bytes;
		if (value[bytes] == ':' || value[bytes] == ' ')
			return value + bytes + 1;
	}
	return value;
}

/* Where we were loaded from, as the loader was told; that is what children must be told too. */
static void shim_path_find(void)
{
	struct dl_find_object self;

	if (_dl_find_object((void *)shim_path_find, &self) == 0 && self.dlfo_link_map->l_name &&
	    strlen(self.dlfo_link_map->l_name) < sizeof(session.shim_path))
		strcpy(session.shim_path, self.dlfo_link_map->l_name);
}

/* The arguments and environment as the kernel laid them out: [argc][argv...][NULL][envp...][NULL].
 * `environ` is not there yet before libc is initialised (sanitizers act that early), and another
 * constructor may have put variables into a copy of it. */
char **environ_initial(char ***ret_argv)
{
	extern void *__libc_stack_end __attribute__((weak));
	long *stack = &__libc_stack_end ? __libc_stack_end : NULL;
	char **argv = (char **)(stack + 1);

	*ret_argv = NULL;
	if (!stack || stack[0] < 0 || stack[0] > 1 << 24 || argv[stack[0]])
		return environ;
	*ret_argv = argv;
	return argv + stack[0] + 1;
}

static char **entry_find(char **envp, const char *name, size_t bytes)
{
	for (; envp && *envp; envp++)
		if (is_variable(*envp, name, bytes))
			return envp;
	return NULL;
}

static void entry_remove(char **envp, const char *entry)
{
	for (; envp && *envp; envp++) {
		if (*envp != entry)
			continue;
		do
			envp[0] = envp[1];
		while (*envp++);
		return;
	}
}

/* Gone from what the program can see of its variables. Wiped, because the text would still be seen
 * through /proc/PID/environ. */
static void entry_take(char **initial, char *entry)
{
	entry_remove(initial, entry);
	if (environ != initial)
		entry_remove(environ, entry);
	memset(entry, 0, strlen(entry));
}

const char *environ_take(char *ret_value, size_t bytes)
{
	char **argv, **initial = environ_initial(&argv), **at;
	bool has_user_preload = false;
	char *flags = ret_value;

	shim_path_find();
	at = entry_find(initial, WIRE_ENV_NAME, sizeof(WIRE_ENV_NAME) - 1);
	if (!at)
		return NULL;
	if (strlen(*at) - sizeof(WIRE_ENV_NAME) >= bytes)
		ret_value = NULL;
	else
		strcpy(ret_value, *at + sizeof(WIRE_ENV_NAME));
	entry_take(initial, *at);
	if (!ret_value)
		return NULL;
	/* FLAGS is the ninth field. */
	for (unsigned field = 1; field < 9 && flags; field++)
		flags = strchr(flags, ':') ? strchr(flags, ':') + 1 : NULL;
	if (flags)
		has_user_preload = strtoul(flags, NULL, 16) & WIRE_SESSION_USER_PRELOAD;
	at = entry_find(initial, "LD_PRELOAD", 10);
	if (at && has_user_preload) {
		const char *user = preload_user(*at + 11);
		size_t left = strlen(user), was = strlen(*at + 11);

		memmove(*at + 11, user, left + 1);
		memset(*at + 11 + left, 0, was - left);
	} else if (at) {
		entry_take(initial, *at);
	}
	return ret_value;
}

/* --- for children ----------------------------------------------------------------------------------- */
static const char *environ_find_preload(char *const envp[])
{
	for (; envp && *envp; envp++)
		if (IS_PRELOAD(*envp))
			return *envp + 11;
	return NULL;
}

size_t environ_room(char *const envp[])
{
	const char *user = environ_find_preload(envp);
	size_t count = 0;

	while (envp && envp[count])
		count++;
	return (count + 3) * sizeof(char *) + sizeof("LD_PRELOAD=") + strlen(session.shim_path) + 1 +
	       (user ? strlen(user) : 0) + 1;
}

/* A vfork child never comes back from its exec to unmap what it had mapped, and it was mapped in its
 * parent. When the thread it stood in for acts again, the child is done with it. */
void environ_take_back(void)
{
	struct thread *t = &thread_self;

	if (likely(!t->lent) || t->is_vforking == VFORK_SHARED || process_acting() != session.pid)
		return;
	sys_call2(SYS_munmap, t->lent, t->lent_bytes);
	t->lent = NULL;
}

static void *environ_map(size_t bytes)
{
	struct thread *t = &thread_self;
	long map;

	environ_take_back();
	map = sys_call6(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	if (map < 0 && map > -4096)
		return NULL;
	if (process_acting() != session.pid && t->is_vforking != VFORK_SHARED) {
		t->lent = (void *)map;
		t->lent_bytes = bytes;
	}
	return (void *)map;
}

void environ_inject(struct environ_copy *copy, void *room, size_t room_bytes, char *const envp[],
		    uint32_t origin, uint32_t serial)
{
	const char *user = environ_find_preload(envp);
	uint32_t flags = session.flags | (user ? WIRE_SESSION_USER_PRELOAD : 0);
	bool is_placed = false;
	size_t count = 0;
	char *at;

	copy->map = NULL;
	if (!room) {
		room = environ_map(room_bytes);
		if (!room) {
			copy->envp = (char **)(uintptr_t)envp;
			ring_missed();
			return;
		}
		copy->map = room;
		copy->map_bytes = room_bytes;
	}
	copy->envp = room;
	while (envp && envp[count])
		count++;
	at = (char *)(copy->envp + count + 3);
	copy->preload = at;
	at = mempcpy(at, "LD_PRELOAD=", 11);
	at = stpcpy(at, session.shim_path);
	user = user ? preload_user(user) : NULL;
	if (user && *user) {
		*at++ = ':';
		strcpy(at, user);
	}
	session_format(copy->session, sizeof(copy->session), origin, serial, flags);
	count = 0;
	for (; envp && *envp; envp++) {
		if (IS_SESSION(*envp))
			continue;
		if (IS_PRELOAD(*envp)) {
			if (!is_placed)
				copy->envp[count++] = copy->preload;
			is_placed = true;
			continue;
		}
		copy->envp[count++] = *envp;
	}
	if (!is_placed)
		copy->envp[count++] = copy->preload;
	copy->envp[count++] = copy->session;
	copy->envp[count] = NULL;
}

void environ_done(struct environ_copy *copy)
{
	if (copy->map && copy->map == thread_self.lent)
		thread_self.lent = NULL;
	if (copy->map)
		sys_call2(SYS_munmap, copy->map, copy->map_bytes);
	copy->map = NULL;
}
