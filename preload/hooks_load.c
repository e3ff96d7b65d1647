/* SPDX-License-Identifier: Apache-2.0
 *
 * load: dlopen, dlclose and the list of objects. The loader searches the RUNPATH of the object that
 * calls dlopen, which it knows by the return address; a plain wrapper would put ours there and
 * plugins would not be found. So where the caller's search path matters (a bare file name, and the
 * caller has a RPATH or RUNPATH), dlopen is entered by a jump that leaves the return address alone,
 * and told beforehand.
 */
#include "python.h"

static bool map_has_runpath(const struct link_map *map)
{
	for (const ElfW(Dyn) *d = map->l_ld; d && d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_RUNPATH || d->d_tag == DT_RPATH)
			return true;
	return false;
}

static bool caller_matters(const char *file, const void *caller)
{
	struct dl_find_object object;

	if (!file || !*file)
		return false;
	if (strchr(file, '/'))
		return strchr(file, '$') != NULL; /* $ORIGIN means the caller's */
	return _dl_find_object((void *)(uintptr_t)caller, &object) == 0 &&
	       map_has_runpath(object.dlfo_link_map);
}

static void load_event(const struct call *call, const char *file, const struct link_map *map,
		       int32_t result)
{
	struct event_args args = { .action = WIRE_EXEC_LOAD, .result = result };
	int saved = errno;

	if (!call->is_on || !file)
		return;
	args.blob[0] = (struct blob){ file, (uint32_t)strnlen(file, 4096) };
	if (map && map->l_name)
		args.blob[1] = (struct blob){ map->l_name, (uint32_t)strnlen(map->l_name, 4096) };
	event_publish(call, &args);
	errno = saved;
}

__attribute__((used)) static void *dlopen_wrapped(const char *file, int flags)
{
	HOOK_BEGIN_MARK(dlopen, return NULL);
	if (call.is_on && file && !call.stack)
		call.stack = stack_capture(__builtin_frame_address(0), HOOK_dlopen, &call.origin);
	void *ret = real.dlopen(file, flags);

	/* Asking whether something is loaded loads nothing. */
	if (!(flags & RTLD_NOLOAD))
		load_event(&call, file, ret, ret ? 0 : -ENOENT);
	if (ret && call.is_on)
		python_loaded(ret);
	HOOK_END();
	return ret;
}

__attribute__((used)) static void dlopen_foretell(const char *file, int flags, void **frame)
{
	struct call call;

	if (shim_state != SHIM_ACTIVE || (flags & RTLD_NOLOAD))
		return;
	call_begin(&call, HOOK_dlopen, CALL_ACT, frame);
	load_event(&call, file, NULL, 0);
	call_end(&call);
}

/* Returns the function that dlopen continues in, with the stack as the caller left it. */
__attribute__((used)) static void *dlopen_choose(const char *file, int flags, void **frame)
{
	if (unlikely(shim_state < SHIM_PASSIVE) && !shim_enter())
		return (void *)dlopen_wrapped;
	if (!caller_matters(file, frame[1]))
		return (void *)dlopen_wrapped;
	dlopen_foretell(file, flags, frame);
	return (void *)real.dlopen;
}

__asm__(".text\n"
	".globl dlopen\n"
	".type dlopen, @function\n"
	"dlopen:\n"
	".cfi_startproc\n"
	"	push %rbp\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset rbp, -16\n"
	"	mov %rsp, %rbp\n"
	".cfi_def_cfa_register rbp\n"
	"	push %rdi\n"
	"	push %rsi\n"
	"	mov %rbp, %rdx\n"
	"	call dlopen_choose\n"
	"	pop %rsi\n"
	"	pop %rdi\n"
	"	pop %rbp\n"
	".cfi_def_cfa rsp, 8\n"
	".cfi_restore rbp\n"
	"	jmp *%rax\n"
	".cfi_endproc\n"
	".size dlopen, .-dlopen\n");

EXPORT void *dlmopen(Lmid_t space, const char *file, int flags)
{
	HOOK_BEGIN_MARK(dlmopen, return NULL);
	if (call.is_on && file && !call.stack)
		call.stack = stack_capture(__builtin_frame_address(0), HOOK_dlmopen, &call.origin);
	void *ret = real.dlmopen(space, file, flags);

	if (!(flags & RTLD_NOLOAD))
		load_event(&call, file, ret, ret ? 0 : -ENOENT);
	HOOK_END();
	return ret;
}

EXPORT int dlclose(void *handle)
{
	int ret;

	HOOK_ONLY(return -1);
	/* Everything learnt about addresses is forgotten on both sides of the unmapping: before,
	 * so that nobody uses it while another object moves in, and after, so that nothing learnt
	 * of the old object in between stays. */
	unwind_forget();
	ret = real.dlclose(handle);
	stack_forget();
	return ret;
}

/* --- the list of objects ---------------------------------------------------------------------------- */
/* AddressSanitizer's runtime ends the program when another library comes before it in this list
 * (sanitizer check "ASan runtime does not come first"). It is told of us all the same, but last. */
struct listing {
	int (*callback)(struct dl_phdr_info *info, size_t bytes, void *data);
	void *data;
	struct dl_phdr_info self;
	size_t self_bytes;
};

static int listing_each(struct dl_phdr_info *info, size_t bytes, void *data)
{
	struct listing *listing = data;

	if (!object_is_shim(info->dlpi_addr + (info->dlpi_phnum ? info->dlpi_phdr->p_vaddr : 0)))
		return listing->callback(info, bytes, listing->data);
	listing->self_bytes = bytes < sizeof(*info) ? bytes : sizeof(*info);
	listing->self = *info;
	return 0;
}

/* Not libc's functions: it has put its own in front of them. */
static bool is_prefix(const char *text, const char *prefix)
{
	while (*prefix)
		if (*text++ != *prefix++)
			return false;
	return true;
}

static bool is_sanitizer(const void *caller)
{
	struct dl_find_object object;
	const char *name;

	if (!&_dl_find_object || _dl_find_object((void *)(uintptr_t)caller, &object) < 0)
		return false;
	name = object.dlfo_link_map->l_name;
	for (; name && *name; name++)
		if (is_prefix(name, "/libasan.so") || is_prefix(name, "/libclang_rt.asan"))
			return true;
	return false;
}

EXPORT int dl_iterate_phdr(int (*callback)(struct dl_phdr_info *info, size_t bytes, void *data),
			   void *data)
{
	int (*next)(int (*)(struct dl_phdr_info *, size_t, void *), void *) = real.dl_iterate_phdr;
	struct listing listing = { .callback = callback, .data = data };
	int ret;

	/* The sanitizer asks before it can be called itself: do not start for this. */
	if (unlikely(shim_state < SHIM_PASSIVE) &&
	    !(next = (int (*)(int (*)(struct dl_phdr_info *, size_t, void *), void *))real_find(
		      "dl_iterate_phdr")))
		return 0;
	if (likely(!is_sanitizer(__builtin_return_address(0))))
		return next(callback, data);
	objects_init();
	ret = next(listing_each, &listing);
	return ret || !listing.self_bytes ? ret :
					    callback(&listing.self, listing.self_bytes, data);
}
