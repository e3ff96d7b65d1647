/* SPDX-License-Identifier: Apache-2.0
 *
 * file: what libc opens and writes inside because its caller wants just that: semaphores, terminals,
 * message catalogues, who is logged in. The caller's act, unlike what hooks_names.c is about.
 */
#include "python.h"

/* prefix and name in buffer; NULL: does not fit, or there is none. */
static const char *own_path(const char *prefix, const char *name, char *buffer, size_t bytes)
{
	size_t length = strlen(prefix), more;

	while (name && *name == '/')
		name++;
	more = name ? strnlen(name, bytes) : 0;
	if (!more || length + more >= bytes)
		return NULL;
	memcpy(buffer, prefix, length);
	memcpy(buffer + length, name, more + 1);
	return buffer;
}

/* Python's locks are made of it: see python_maker.c. */
EXPORT int sem_init(sem_t *semaphore, int is_shared, unsigned int value)
{
	HOOK_ONLY(return -1);
	if (python_is_on())
		python_lock_made(__builtin_frame_address(0));
	return real.sem_init(semaphore, is_shared, value);
}

/* --- semaphores with a name ------------------------------------------------------------------- */
#define SEMAPHORES "/dev/shm/sem."

EXPORT sem_t *sem_open(const char *name, int flags, ...)
{
	char buffer[280];
	unsigned value = 0;
	mode_t mode = 0;
	va_list list;
	HOOK_BEGIN(sem_open, return SEM_FAILED);
	sem_t *ret;

	if (flags & O_CREAT) {
		va_start(list, flags);
		mode = va_arg(list, mode_t);
		value = va_arg(list, unsigned);
		va_end(list);
	}
	ret = real.sem_open(name, flags, mode, value);
	if (call.is_on && own_path(SEMAPHORES, name, buffer, sizeof(buffer)))
		open_event(&call, ret == SEM_FAILED ? -errno : 0, flags | O_RDWR, AT_FDCWD, buffer);
	HOOK_END();
	return ret;
}

EXPORT int sem_unlink(const char *name)
{
	char buffer[280];
	HOOK_BEGIN(sem_unlink, return -1);
	int ret = real.sem_unlink(name);

	if (call.is_on && own_path(SEMAPHORES, name, buffer, sizeof(buffer)))
		file_event(&call, WIRE_FILE_DELETE, ret_errno(ret), 0, AT_FDCWD, buffer);
	HOOK_END();
	return ret;
}

/* --- pseudo terminals ------------------------------------------------------------------------- */
EXPORT int posix_openpt(int flags)
{
	HOOK_BEGIN(posix_openpt, return -1);
	int ret = real.posix_openpt(flags);

	open_event(&call, ret_errno(ret), flags, AT_FDCWD, "/dev/ptmx");
	HOOK_END();
	return ret;
}

EXPORT int getpt(void)
{
	HOOK_BEGIN(getpt, return -1);
	int ret = real.getpt();

	open_event(&call, ret_errno(ret), O_RDWR, AT_FDCWD, "/dev/ptmx");
	HOOK_END();
	return ret;
}

EXPORT int openpty(int *ret_main, int *ret_terminal, char *name, const struct termios *termios,
		   const struct winsize *size)
{
	HOOK_BEGIN(openpty, return -1);
	int ret = real.openpty(ret_main, ret_terminal, name, termios, size);

	open_event(&call, ret_errno(ret), O_RDWR, AT_FDCWD, "/dev/ptmx");
	HOOK_END();
	return ret;
}

/* --- files by name ---------------------------------------------------------------------------- */
EXPORT FILE *setmntent(const char *path, const char *mode)
{
	HOOK_BEGIN(setmntent, return NULL);
	FILE *ret = real.setmntent(path, mode);
	bool is_reading = mode && *mode == 'r' && !strchr(mode, '+');

	open_event(&call, ret_errno_ptr(ret), is_reading ? O_RDONLY : O_RDWR, AT_FDCWD, path);
	HOOK_END();
	return ret;
}

/* Without a slash it is looked for where libc's messages are. */
EXPORT nl_catd catopen(const char *name, int flag)
{
	HOOK_BEGIN(catopen, return (nl_catd)-1);
	nl_catd ret = real.catopen(name, flag);

	if (call.is_on && strchr(name, '/'))
		open_event(&call, ret == (nl_catd)-1 ? -errno : 0, O_RDONLY, AT_FDCWD, name);
	HOOK_END();
	return ret;
}

EXPORT int sethostid(long id)
{
	HOOK_BEGIN(sethostid, return -1);
	int ret = real.sethostid(id);

	open_event(&call, ret_errno(ret), O_CREAT | O_WRONLY, AT_FDCWD, "/etc/hostid");
	HOOK_END();
	return ret;
}

/* --- who is logged in --------------------------------------------------------------------------- */

/* What utmpname() was told; libc has one for the whole process too. */
static char utmp_path[256] = "/var/run/utmp";

EXPORT int utmpname(const char *path)
{
	HOOK_ONLY(return -1);
	int ret = real.utmpname(path);

	if (!ret && shim_state == SHIM_ACTIVE) {
		size_t length = strnlen(path, sizeof(utmp_path));

		if (length < sizeof(utmp_path))
			memcpy(utmp_path, path, length + 1);
		else
			utmp_path[0] = 0;
	}
	return ret;
}

static void utmp_event(const struct call *call, const void *ret)
{
	open_event(call, ret_errno_ptr(ret), O_RDWR, AT_FDCWD, utmp_path[0] ? utmp_path : NULL);
}

EXPORT struct utmp *pututline(const struct utmp *entry)
{
	HOOK_BEGIN(pututline, return NULL);
	struct utmp *ret = real.pututline(entry);

	utmp_event(&call, ret);
	HOOK_END();
	return ret;
}

EXPORT struct utmpx *pututxline(const struct utmpx *entry)
{
	HOOK_BEGIN(pututxline, return NULL);
	struct utmpx *ret = real.pututxline(entry);

	utmp_event(&call, ret);
	HOOK_END();
	return ret;
}

/* These say nothing of how it went: errno does, when it was cleared before. */
#define UPDWTMP(name, type)                                                                        \
	EXPORT void name(const char *path, const struct type *entry)                               \
	{                                                                                          \
		HOOK_BEGIN(name, return);                                                          \
		int saved = errno;                                                                 \
		errno = 0;                                                                         \
		real.name(path, entry);                                                            \
		open_event(&call, -errno, O_WRONLY, AT_FDCWD, path);                               \
		if (!errno)                                                                        \
			errno = saved;                                                             \
		HOOK_END();                                                                        \
	}
UPDWTMP(updwtmp, utmp)
UPDWTMP(updwtmpx, utmpx)

EXPORT void logwtmp(const char *line, const char *name, const char *host)
{
	HOOK_BEGIN(logwtmp, return);
	int saved = errno;

	errno = 0;
	real.logwtmp(line, name, host);
	open_event(&call, -errno, O_WRONLY, AT_FDCWD, "/var/log/wtmp");
	if (!errno)
		errno = saved;
	HOOK_END();
}
