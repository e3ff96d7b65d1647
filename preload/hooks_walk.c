/* SPDX-License-Identifier: Apache-2.0
 *
 * file: functions that walk through directories and call the program back on the way. Listing is
 * their caller's act; what a callback does is an act of its own, so the slot is out of its way for
 * as long as it runs: neither announced by nor excused by the function around it.
 */
#include "hook.h"

typedef int (*filter_function)(const void *);
typedef int (*order_function)(const void *, const void *);
typedef int (*ftw_function)(const char *, const struct stat *, int);
typedef int (*nftw_function)(const char *, const struct stat *, int, struct FTW *);
typedef int (*error_function)(const char *, int);

/* What the innermost such function of this thread is to call. The functions around it are called
 * back only when it has returned, so each puts its own back after every call: also a callback that
 * leaves by longjmp, or that goes on elsewhere in between, leaves nothing wrong behind. */
struct back {
	struct call *call;
	filter_function filter;
	order_function order;
	union {
		ftw_function ftw;
		nftw_function nftw;
		error_function error;
	};
	int flags;
};

static struct back *back_leave(struct wire_slot *ret_inner)
{
	struct back *back = thread_self.back;

	*ret_inner = thread_self.slot;
	call_end(back->call);
	return back;
}

static int back_return(struct back *back, const struct wire_slot *inner, int ret)
{
	uint32_t seq = thread_self.slot.seq;

	thread_self.slot = *inner;
	thread_self.slot.seq = seq;
	thread_self.back = back;
	return ret;
}

/* --- scandir -------------------------------------------------------------------------------- */
static int back_filter(const void *entry)
{
	struct wire_slot inner;
	struct back *back = back_leave(&inner);

	return back_return(back, &inner, back->filter(entry));
}

static int back_order(const void *one, const void *two)
{
	struct wire_slot inner;
	struct back *back = back_leave(&inner);

	return back_return(back, &inner, back->order(one, two));
}

#define SCANDIR(name, entry, params, args, dir)                                                    \
	EXPORT int name params                                                                     \
	{                                                                                          \
		HOOK_BEGIN(name, return -1);                                                       \
		struct back back = { .call = &call,                                                \
				     .filter = (filter_function)filter,                            \
				     .order = (order_function)order };                             \
		void *outer = thread_self.back;                                                    \
		if (call.is_on) {                                                                  \
			thread_self.back = &back;                                                  \
			filter = filter ? (int (*)(const struct entry *))back_filter : NULL;       \
			order = order ? (int (*)(const struct entry **,                            \
						 const struct entry **))back_order :               \
					NULL;                                                      \
		}                                                                                  \
		int ret = real.name args;                                                          \
		thread_self.back = outer;                                                          \
		file_event(&call, WIRE_FILE_LIST, ret < 0 ? -errno : 0, O_DIRECTORY, dir, path);   \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}
#define SCANDIR_PARAMS(entry)                                                                      \
	const char *path, struct entry ***ret_list, int (*filter)(const struct entry *),           \
		int (*order)(const struct entry **, const struct entry **)
SCANDIR(scandir, dirent, (SCANDIR_PARAMS(dirent)), (path, ret_list, filter, order), AT_FDCWD)
SCANDIR(scandir64, dirent64, (SCANDIR_PARAMS(dirent64)), (path, ret_list, filter, order), AT_FDCWD)
SCANDIR(scandirat, dirent, (int dir, SCANDIR_PARAMS(dirent)), (dir, path, ret_list, filter, order),
	dir)

/* --- ftw, nftw: directories are open when they are told ---------------------------------------- */
static void ftw_event(const struct back *back, const char *path, int kind)
{
	if (kind == FTW_D || kind == FTW_DP)
		file_event(back->call, WIRE_FILE_LIST, 0, O_DIRECTORY, AT_FDCWD, path);
}

static int back_ftw(const char *path, const struct stat *status, int kind)
{
	struct wire_slot inner;
	struct back *back = thread_self.back;

	ftw_event(back, path, kind);
	back_leave(&inner);
	return back_return(back, &inner, back->ftw(path, status, kind));
}

static int back_nftw(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	struct wire_slot inner;
	struct back *back = thread_self.back;
	const char *name = path;

	/* libc has changed the directory, past us; one that is told last it has not yet left. */
	if (back->flags & FTW_CHDIR) {
		cwd_publish(0, NULL);
		name = kind == FTW_DP ? "." : path[place->base] ? path + place->base : "/";
	}
	ftw_event(back, name, kind);
	back_leave(&inner);
	return back_return(back, &inner, back->nftw(path, status, kind, place));
}

EXPORT int ftw(const char *path, int (*each)(const char *, const struct stat *, int), int fds)
{
	HOOK_BEGIN(ftw, return -1);
	struct back back = { .call = &call, .ftw = each };
	void *outer = thread_self.back;
	int ret;

	if (call.is_on)
		thread_self.back = &back;
	ret = real.ftw(path, call.is_on ? back_ftw : each, fds);
	thread_self.back = outer;
	HOOK_END();
	return ret;
}

EXPORT int nftw(const char *path,
		int (*each)(const char *, const struct stat *, int, struct FTW *), int fds, int flags)
{
	HOOK_BEGIN(nftw, return -1);
	struct back back = { .call = &call, .nftw = each, .flags = flags };
	void *outer = thread_self.back;
	int ret;

	if (call.is_on)
		thread_self.back = &back;
	ret = real.nftw(path, call.is_on ? back_nftw : each, fds, flags);
	thread_self.back = outer;
	if (call.is_on && flags & FTW_CHDIR)
		cwd_publish(0, NULL);
	HOOK_END();
	return ret;
}

/* --- fts: the order function is called from within, so the slot is only taken to tell -------------- */

/* What was listed: the entry in hand, or the one that entry was found in. */
static NOINLINE void fts_event(const struct call *call, const FTS *walk, const FTSENT *found,
			       bool is_itself)
{
	char path[1024];
	size_t length;

	if (is_itself) {
		file_event(call, WIRE_FILE_LIST, 0, O_DIRECTORY, AT_FDCWD, found->fts_accpath);
		return;
	}
	if (!(walk->fts_options & FTS_NOCHDIR)) {
		file_event(call, WIRE_FILE_LIST, 0, O_DIRECTORY, AT_FDCWD, ".");
		return;
	}
	length = (size_t)(found->fts_pathlen - found->fts_namelen);
	if (found->fts_namelen >= found->fts_pathlen || length >= sizeof(path)) {
		ring_missed();
		return;
	}
	memcpy(path, found->fts_path, length);
	path[length] = 0;
	file_event(call, WIRE_FILE_LIST, 0, O_DIRECTORY, AT_FDCWD, path);
}

EXPORT FTSENT *fts_read(FTS *walk)
{
	HOOK_ONLY(return NULL);
	const FTSENT *before = walk->fts_cur;
	bool lists = before && before->fts_info == FTS_D && before->fts_instr != FTS_SKIP;
	FTSENT *ret = real.fts_read(walk);
	int saved = errno;

	if (ret && shim_state == SHIM_ACTIVE && (lists || ret->fts_info == FTS_DP)) {
		HOOK_BEGIN(fts_read, return ret);
		/* libc has changed the directory, past us. */
		if (!(walk->fts_options & FTS_NOCHDIR))
			cwd_publish(0, NULL);
		if (lists && ret->fts_info != FTS_DNR)
			fts_event(&call, walk, ret, ret == before);
		HOOK_END();
	}
	errno = saved;
	return ret;
}

/* --- glob ----------------------------------------------------------------------------------- */
static int back_error(const char *path, int error)
{
	struct wire_slot inner;
	struct back *back = back_leave(&inner);

	return back_return(back, &inner, back->error(path, error));
}

/* The directory that is listed whatever is found in it: what comes before the first component with
 * a wildcard. One level is told; what is below it only the kernel sees. */
static NOINLINE void glob_event(const struct call *call, const char *pattern, int flags, int result)
{
	char directory[1024] = ".";
	size_t wild = strcspn(pattern, flags & GLOB_BRACE ? "*?[\\{" : "*?[\\"), end = wild;

	if (!pattern[wild] || (pattern[0] == '~' && flags & (GLOB_TILDE | GLOB_TILDE_CHECK)))
		return;
	while (end && pattern[end - 1] != '/')
		end--;
	if (end >= sizeof(directory)) {
		ring_missed();
		return;
	}
	if (end) {
		memcpy(directory, pattern, end);
		directory[end] = 0;
	}
	/* Nothing found may also mean that it could not be listed. */
	if (result == GLOB_NOMATCH && !session.has_seccomp)
		result = (int)sys_call2(SYS_access, directory, R_OK);
	file_event(call, WIRE_FILE_LIST, result > 0 ? -EIO : result, O_DIRECTORY, AT_FDCWD,
		   directory);
}

EXPORT int glob(const char *pattern, int flags, int (*on_error)(const char *, int), glob_t *ret_paths)
{
	/* With functions of the program's own that list for it there is nothing to tell. */
	HOOK_ONLY(return GLOB_NOSPACE);
	if (flags & GLOB_ALTDIRFUNC)
		return real.glob(pattern, flags, on_error, ret_paths);
	HOOK_BEGIN(glob, return GLOB_NOSPACE);
	struct back back = { .call = &call, .error = on_error };
	void *outer = thread_self.back;
	int ret, saved;

	if (call.is_on)
		thread_self.back = &back;
	ret = real.glob(pattern, flags, call.is_on && on_error ? back_error : on_error, ret_paths);
	thread_self.back = outer;
	saved = errno;
	if (call.is_on)
		glob_event(&call, pattern, flags, ret);
	errno = saved;
	HOOK_END();
	return ret;
}
