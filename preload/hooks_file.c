/* SPDX-License-Identifier: Apache-2.0
 *
 * file: everything that opens, creates, removes, renames or changes files by name. The functions
 * that open files on their caller's behalf (getpwnam, syslog ...) are in hooks_names.c.
 */
#include "hook.h"

#define OPEN_MODE(flags)                                                                           \
	({                                                                                         \
		mode_t mode_ = 0;                                                                  \
		if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {                            \
			va_list list_;                                                             \
			va_start(list_, flags);                                                    \
			mode_ = va_arg(list_, mode_t);                                             \
			va_end(list_);                                                             \
		}                                                                                  \
		mode_;                                                                             \
	})

#define HOOK_OPEN(name)                                                                            \
	EXPORT int name(const char *path, int flags, ...)                                          \
	{                                                                                          \
		mode_t mode = OPEN_MODE(flags);                                                    \
		HOOK_BEGIN(name, return (int)sys_early(sys_call4(SYS_openat, AT_FDCWD, path,       \
								 flags, mode)));                   \
		int ret = real.name(path, flags, mode);                                            \
		open_event(&call, ret_errno(ret), flags, AT_FDCWD, path);                          \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}

#define HOOK_OPENAT(name)                                                                          \
	EXPORT int name(int dir, const char *path, int flags, ...)                                 \
	{                                                                                          \
		mode_t mode = OPEN_MODE(flags);                                                    \
		HOOK_BEGIN(name,                                                                   \
			   return (int)sys_early(sys_call4(SYS_openat, dir, path, flags, mode)));  \
		int ret = real.name(dir, path, flags, mode);                                       \
		open_event(&call, ret_errno(ret), flags, dir, path);                               \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}

HOOK_OPEN(open)
HOOK_OPEN(open64)
HOOK_OPEN(__open)
HOOK_OPEN(__open64)
HOOK_OPENAT(openat)
HOOK_OPENAT(openat64)

/* What _FORTIFY_SOURCE turns open(path, flags) into. */
#define HOOK_OPEN_2(name)                                                                          \
	EXPORT int name(const char *path, int flags)                                               \
	{                                                                                          \
		HOOK_BEGIN(name, return (int)sys_early(sys_call4(SYS_openat, AT_FDCWD, path,       \
								 flags, 0)));                      \
		int ret = real.name(path, flags);                                                  \
		open_event(&call, ret_errno(ret), flags, AT_FDCWD, path);                          \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}
#define HOOK_OPENAT_2(name)                                                                        \
	EXPORT int name(int dir, const char *path, int flags)                                      \
	{                                                                                          \
		HOOK_BEGIN(name,                                                                   \
			   return (int)sys_early(sys_call4(SYS_openat, dir, path, flags, 0)));     \
		int ret = real.name(dir, path, flags);                                             \
		open_event(&call, ret_errno(ret), flags, dir, path);                               \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}

HOOK_OPEN_2(__open_2)
HOOK_OPEN_2(__open64_2)
HOOK_OPENAT_2(__openat_2)
HOOK_OPENAT_2(__openat64_2)

/* One path, one action; `how` is the raw call for the time before relocation. */
#define HOOK_PATH(name, params, args, action, detail, dir, path, early)                            \
	EXPORT int name params                                                                     \
	{                                                                                          \
		HOOK_BEGIN(name, return (int)sys_early(early));                                    \
		int ret = real.name args;                                                          \
		file_event(&call, action, ret_errno(ret), (uint32_t)(detail), dir, path);          \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}
#define HOOK_PATHS(name, params, args, action, dir, path, dir2, path2, early)                      \
	EXPORT int name params                                                                     \
	{                                                                                          \
		HOOK_BEGIN(name, return (int)sys_early(early));                                    \
		int ret = real.name args;                                                          \
		file_event2(&call, action, ret_errno(ret), 0, dir, path, dir2, path2);             \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}
#define HERE AT_FDCWD

HOOK_PATH(creat, (const char *path, mode_t mode), (path, mode), WIRE_FILE_WRITE, O_CREAT, HERE, path,
	  sys_call2(SYS_creat, path, mode))
HOOK_PATH(creat64, (const char *path, mode_t mode), (path, mode), WIRE_FILE_WRITE, O_CREAT, HERE,
	  path, sys_call2(SYS_creat, path, mode))
HOOK_PATH(unlink, (const char *path), (path), WIRE_FILE_DELETE, 0, HERE, path,
	  sys_call1(SYS_unlink, path))
HOOK_PATH(unlinkat, (int dir, const char *path, int flags), (dir, path, flags), WIRE_FILE_DELETE,
	  flags, dir, path, sys_call3(SYS_unlinkat, dir, path, flags))
HOOK_PATH(remove, (const char *path), (path), WIRE_FILE_DELETE, 0, HERE, path,
	  sys_call1(SYS_unlink, path))
HOOK_PATH(rmdir, (const char *path), (path), WIRE_FILE_DELETE, AT_REMOVEDIR, HERE, path,
	  sys_call1(SYS_rmdir, path))
HOOK_PATH(mkdir, (const char *path, mode_t mode), (path, mode), WIRE_FILE_WRITE, S_IFDIR | mode, HERE,
	  path, sys_call2(SYS_mkdir, path, mode))
HOOK_PATH(mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), WIRE_FILE_WRITE,
	  S_IFDIR | mode, dir, path, sys_call3(SYS_mkdirat, dir, path, mode))
HOOK_PATH(mknod, (const char *path, mode_t mode, dev_t device), (path, mode, device), WIRE_FILE_WRITE,
	  mode, HERE, path, sys_call3(SYS_mknod, path, mode, device))
HOOK_PATH(mknodat, (int dir, const char *path, mode_t mode, dev_t device), (dir, path, mode, device),
	  WIRE_FILE_WRITE, mode, dir, path, sys_call4(SYS_mknodat, dir, path, mode, device))
HOOK_PATH(mkfifo, (const char *path, mode_t mode), (path, mode), WIRE_FILE_WRITE, S_IFIFO | mode,
	  HERE, path, sys_call3(SYS_mknod, path, S_IFIFO | mode, 0))
HOOK_PATH(mkfifoat, (int dir, const char *path, mode_t mode), (dir, path, mode), WIRE_FILE_WRITE,
	  S_IFIFO | mode, dir, path, sys_call4(SYS_mknodat, dir, path, S_IFIFO | mode, 0))
HOOK_PATH(chmod, (const char *path, mode_t mode), (path, mode), WIRE_FILE_MODE, mode, HERE, path,
	  sys_call2(SYS_chmod, path, mode))
HOOK_PATH(fchmodat, (int dir, const char *path, mode_t mode, int flags), (dir, path, mode, flags),
	  WIRE_FILE_MODE, mode, dir, path, sys_call3(SYS_fchmodat, dir, path, mode))
HOOK_PATH(chown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid), WIRE_FILE_MODE, uid, HERE,
	  path, sys_call3(SYS_chown, path, uid, gid))
HOOK_PATH(lchown, (const char *path, uid_t uid, gid_t gid), (path, uid, gid), WIRE_FILE_MODE, uid,
	  HERE, path, sys_call3(SYS_lchown, path, uid, gid))
HOOK_PATH(fchownat, (int dir, const char *path, uid_t uid, gid_t gid, int flags),
	  (dir, path, uid, gid, flags), WIRE_FILE_MODE, uid, dir, path,
	  sys_call5(SYS_fchownat, dir, path, uid, gid, flags))
HOOK_PATH(truncate, (const char *path, off_t bytes), (path, bytes), WIRE_FILE_WRITE, O_TRUNC, HERE,
	  path, sys_call2(SYS_truncate, path, bytes))
HOOK_PATH(truncate64, (const char *path, off64_t bytes), (path, bytes), WIRE_FILE_WRITE, O_TRUNC,
	  HERE, path, sys_call2(SYS_truncate, path, bytes))
HOOK_PATHS(rename, (const char *from, const char *to), (from, to), WIRE_FILE_RENAME, HERE, from, HERE,
	   to, sys_call2(SYS_rename, from, to))
HOOK_PATHS(renameat, (int from_dir, const char *from, int to_dir, const char *to),
	   (from_dir, from, to_dir, to), WIRE_FILE_RENAME, from_dir, from, to_dir, to,
	   sys_call4(SYS_renameat, from_dir, from, to_dir, to))
HOOK_PATHS(renameat2,
	   (int from_dir, const char *from, int to_dir, const char *to, unsigned int flags),
	   (from_dir, from, to_dir, to, flags), WIRE_FILE_RENAME, from_dir, from, to_dir, to,
	   sys_call5(SYS_renameat2, from_dir, from, to_dir, to, flags))
HOOK_PATHS(link, (const char *from, const char *to), (from, to), WIRE_FILE_LINK, HERE, from, HERE, to,
	   sys_call2(SYS_link, from, to))
HOOK_PATHS(linkat, (int from_dir, const char *from, int to_dir, const char *to, int flags),
	   (from_dir, from, to_dir, to, flags), WIRE_FILE_LINK, from_dir, from, to_dir, to,
	   sys_call5(SYS_linkat, from_dir, from, to_dir, to, flags))

/* The content of a symbolic link is text, not a path of ours: it is told relative to the link. */
HOOK_PATHS(symlink, (const char *content, const char *path), (content, path), WIRE_FILE_LINK, HERE,
	   content, HERE, path, sys_call2(SYS_symlink, content, path))
HOOK_PATHS(symlinkat, (const char *content, int dir, const char *path), (content, dir, path),
	   WIRE_FILE_LINK, dir, content, dir, path, sys_call3(SYS_symlinkat, content, dir, path))

EXPORT int fchmod(int fd, mode_t mode)
{
	HOOK_BEGIN(fchmod, return (int)sys_early(sys_call2(SYS_fchmod, fd, mode)));
	int ret = real.fchmod(fd, mode);

	file_event_fd(&call, WIRE_FILE_MODE, ret_errno(ret), mode, fd);
	HOOK_END();
	return ret;
}

EXPORT int fchown(int fd, uid_t uid, gid_t gid)
{
	HOOK_BEGIN(fchown, return (int)sys_early(sys_call3(SYS_fchown, fd, uid, gid)));
	int ret = real.fchown(fd, uid, gid);

	file_event_fd(&call, WIRE_FILE_MODE, ret_errno(ret), uid, fd);
	HOOK_END();
	return ret;
}

/* --- streams ------------------------------------------------------------------------------------- */
static int stream_flags(const char *mode)
{
	bool has_plus = false;

	for (const char *c = mode; c && *c && *c != ','; c++)
		has_plus |= *c == '+';
	switch (mode ? mode[0] : 0) {
	case 'w':
		return O_CREAT | O_TRUNC | (has_plus ? O_RDWR : O_WRONLY);
	case 'a':
		return O_CREAT | O_APPEND | (has_plus ? O_RDWR : O_WRONLY);
	default:
		return has_plus ? O_RDWR : O_RDONLY;
	}
}

#define HOOK_FOPEN(name)                                                                           \
	EXPORT FILE *name(const char *path, const char *mode)                                      \
	{                                                                                          \
		HOOK_BEGIN(name, return NULL);                                                     \
		FILE *ret = real.name(path, mode);                                                 \
		open_event(&call, ret_errno_ptr(ret), stream_flags(mode), AT_FDCWD, path);         \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}
#define HOOK_FREOPEN(name)                                                                         \
	EXPORT FILE *name(const char *path, const char *mode, FILE *stream)                        \
	{                                                                                          \
		HOOK_BEGIN(name, return NULL);                                                     \
		FILE *ret = real.name(path, mode, stream);                                         \
		if (path)                                                                          \
			open_event(&call, ret_errno_ptr(ret), stream_flags(mode), AT_FDCWD, path); \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}
HOOK_FOPEN(fopen)
HOOK_FOPEN(fopen64)
HOOK_FREOPEN(freopen)
HOOK_FREOPEN(freopen64)

EXPORT DIR *opendir(const char *path)
{
	HOOK_BEGIN(opendir, return NULL);
	DIR *ret = real.opendir(path);

	file_event(&call, WIRE_FILE_LIST, ret_errno_ptr(ret), O_DIRECTORY, AT_FDCWD, path);
	HOOK_END();
	return ret;
}

/* --- names made up by libc: told as they came out --------------------------------------------------- */
#define HOOK_MKSTEMP(name, params, args)                                                           \
	EXPORT int name params                                                                     \
	{                                                                                          \
		HOOK_BEGIN(name, return -1);                                                       \
		int ret = real.name args;                                                          \
		open_event(&call, ret_errno(ret), O_CREAT | O_EXCL | O_RDWR, AT_FDCWD, pattern);   \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}
HOOK_MKSTEMP(mkstemp, (char *pattern), (pattern))
HOOK_MKSTEMP(mkstemp64, (char *pattern), (pattern))
HOOK_MKSTEMP(mkostemp, (char *pattern, int flags), (pattern, flags))
HOOK_MKSTEMP(mkostemp64, (char *pattern, int flags), (pattern, flags))
HOOK_MKSTEMP(mkstemps, (char *pattern, int suffix), (pattern, suffix))
HOOK_MKSTEMP(mkostemps, (char *pattern, int suffix, int flags), (pattern, suffix, flags))

EXPORT char *mkdtemp(char *pattern)
{
	HOOK_BEGIN(mkdtemp, return NULL);
	char *ret = real.mkdtemp(pattern);

	file_event(&call, WIRE_FILE_WRITE, ret_errno_ptr(ret), S_IFDIR, AT_FDCWD, pattern);
	HOOK_END();
	return ret;
}

#define HOOK_TMPFILE(name)                                                                         \
	EXPORT FILE *name(void)                                                                    \
	{                                                                                          \
		HOOK_BEGIN(name, return NULL);                                                     \
		FILE *ret = real.name();                                                           \
		open_event(&call, ret_errno_ptr(ret), O_CREAT | O_RDWR, AT_FDCWD, P_tmpdir);       \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}
HOOK_TMPFILE(tmpfile)
HOOK_TMPFILE(tmpfile64)

/* POSIX shared memory is a file below /dev/shm. */
static const char *shm_path(const char *name, char *buffer, size_t bytes)
{
	static const char prefix[] = "/dev/shm/";
	size_t length;

	while (name && *name == '/')
		name++;
	length = name ? strnlen(name, bytes) : 0;
	if (!length || length + sizeof(prefix) > bytes)
		return NULL;
	memcpy(buffer, prefix, sizeof(prefix) - 1);
	memcpy(buffer + sizeof(prefix) - 1, name, length + 1);
	return buffer;
}

EXPORT int shm_open(const char *name, int flags, mode_t mode)
{
	char buffer[280];
	HOOK_BEGIN(shm_open, return -1);
	int ret = real.shm_open(name, flags, mode);

	if (call.is_on && shm_path(name, buffer, sizeof(buffer)))
		open_event(&call, ret_errno(ret), flags, AT_FDCWD, buffer);
	HOOK_END();
	return ret;
}

EXPORT int shm_unlink(const char *name)
{
	char buffer[280];
	HOOK_BEGIN(shm_unlink, return -1);
	int ret = real.shm_unlink(name);

	if (call.is_on && shm_path(name, buffer, sizeof(buffer)))
		file_event(&call, WIRE_FILE_DELETE, ret_errno(ret), 0, AT_FDCWD, buffer);
	HOOK_END();
	return ret;
}

/* --- where relative paths start ----------------------------------------------------------------------- */
#define HOOK_CWD(name, params, args, flags, root, early)                                                 \
	EXPORT int name params                                                                     \
	{                                                                                          \
		HOOK_ONLY(return (int)sys_early(early));                                           \
		int ret = real.name args;                                                          \
		if (!ret && shim_state == SHIM_ACTIVE)                                             \
			cwd_publish(flags, root);                                                  \
		return ret;                                                                        \
	}
HOOK_CWD(chdir, (const char *path), (path), 0, NULL, sys_call1(SYS_chdir, path))
HOOK_CWD(fchdir, (int fd), (fd), 0, NULL, sys_call1(SYS_fchdir, fd))
HOOK_CWD(chroot, (const char *path), (path), WIRE_CWD_ROOT, path,
	 sys_call1(SYS_chroot, path))
