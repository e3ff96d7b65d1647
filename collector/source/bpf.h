/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's side of the live source. With it the probes say which processes there are and what
 * they did; with the shim as well, its rings say who called:
 *
 *   bpf.c       records in, one at a time     bpf_proc.c    fork, exec, exit, hello
 *   bpf_event.c what somebody did             bpf_stack.c   stack copies -> chains
 *   bpf_elf.c   what a mapped file is         bpf_bypass.c  was it a way round the shim?
 *   bpf_map.c   where files are mapped         bpf_maker.c   who made a thread or a child
 *
 * A process is known by pid and start time. A fork is not spoken of (ITEM_PROCESS) before it does
 * something of its own: until its exec a child of vfork or posix_spawn acts for its parent.
 */
#ifndef SOWATCH_SOURCE_BPF_H
#define SOWATCH_SOURCE_BPF_H

#include "../../bpf/loader.h"
#include "../unwind/unwind.h"
#include "live.h"
#include "sockets.h"

/* What a mapped file is to us, found out once. */
struct elf_facts {
	char soname[128];
	uint64_t device, inode;
	bool is_libc;	/* libc, the loader, and what glibc is made of */
	bool is_loader;
	bool is_shim;
	bool is_go, has_interpreter;
	bool is_honest; /* is known to call the kernel by itself, and belongs to a package */
};

struct bpf_options {
	const uint8_t *secret;
	bool has_shim;
	const char *shim_path;
	const char *socket_name; /* where hellos go, without what is before the random part */
	uint32_t check_actions;	 /* as in source.h */
	/* Takes the hellos that are there now, each comes in by bpf_hello(). */
	void (*receive)(void *arg);
	void *receive_arg;
};

/* Who made a thread, or a child that goes on as one. */
struct maker {
	uint32_t chain;	 /* item id, 0: nobody, or not known */
	bool is_partial; /* it is not all of it, or not known at all */
};

/* The hooked function that a maker was in, and the marked ones around it (hook ids). */
struct made_in {
	uint16_t hook, via[WIRE_VIA_MAX];
	uint16_t via_count;
};

struct bpf {
	struct live *live;
	struct bpf_options options;
	struct bpf_loader *loader;
	struct unwind *unwind;
	uint64_t shim_device, shim_inode;
	uint64_t shim_map_inode; /* what mappings of it are said to be of: on overlays another */
	struct sockets_hello *waiting; /* heard, and not yet told of by the kernel; oldest first */
	unsigned waiting_count, waiting_room;
	uint64_t lost_told[WIRE_FAMILIES], rejected, rejected_told;
	uint64_t looked_ns;
	bool has_told_missing;
	struct map elfs, objects, symbols; /* -> index in facts + 1; item id + 1; hook + 1 */
	struct elf_facts *facts;
	uint32_t facts_count, facts_room;
	uint32_t loader_object; /* item id of the dynamic loader as last seen, 0: not yet */
	struct map layout_map; /* -> index in layouts + 1 */
	struct map made_map; /* chain of a maker -> index in made + 1 */
	struct made_in *made;
	uint32_t made_count, made_room;
	struct map makers, makers_before; /* -> chain << 1 | is_partial; the older half is forgotten */
	struct layout *layouts, *layout_spare;
	uint32_t layout_count;
	struct unwind_stack *stack;
	struct seen_frame *frames;
};

/* One frame of bpf->stack with what we made of it. */
struct seen_frame {
	uint32_t object; /* item id; 0: unknown */
	const struct elf_facts *facts; /* NULL: no file. Valid until the next stack */
	uint64_t base;	 /* load bias */
};

/* A stack copy, unwound. */
struct seen_stack {
	uint32_t count;	    /* of bpf->frames */
	uint32_t flags;	    /* enum wire_stack_flags */
	uint32_t id;	    /* item id, 0: nothing but our own frames */
	uint32_t first;	    /* innermost frame that is not the shim's */
	uint32_t outside;   /* innermost frame beyond the libc that `first` is in; count: none */
	bool has_shim;	    /* some frame is the shim's */
	bool is_loader;	    /* the loader itself was at work */
	bool is_libc_only;  /* nobody but libc is on it */
	struct maker maker; /* of the thread */
	bool is_public;	    /* libc was entered through a function that is hooked, or unnamed */
	uint32_t hook;	    /* the hooked function that was called from outside, innermost */
	uint16_t via[WIRE_VIA_MAX]; /* marked ones, hook ids, innermost first */
	unsigned via_count;
};

/* 0, or negative errno with a sentence in error. */
int bpf_open(struct bpf *bpf, struct live *live, const struct bpf_options *options, char *error,
	     size_t error_bytes);
void bpf_close(struct bpf *bpf);
/* The root of the tree, while it waits between fork and exec. */
int bpf_watch(struct bpf *bpf, int pid);
/* A hello; the descriptors are ours from now on. */
void bpf_hello(struct bpf *bpf, const struct sockets_hello *hello);
/* Up to max records; true: there are no more at the moment. */
bool bpf_drain(struct bpf *bpf, unsigned max);
/* After a drain to the end: hellos that the kernel did not speak of, losses, who is gone. */
void bpf_settle(struct bpf *bpf);
/* The watch is over: what never said hello is uncovered. */
void bpf_finish(struct bpf *bpf);

/* bpf.c */
void bpf_reject(struct bpf *bpf);

/* bpf_proc.c. All records were checked for their fixed size. */
int bpf_proc_fork(struct bpf *bpf, const struct wire_kernel_fork *record, size_t bytes);
int bpf_proc_thread(struct bpf *bpf, const struct wire_kernel_fork *record, size_t bytes);
int bpf_proc_exec(struct bpf *bpf, const struct wire_kernel_exec *record, size_t bytes);
int bpf_proc_exit(struct bpf *bpf, const struct wire_kernel_exit *record);
int bpf_proc_hello(struct bpf *bpf, const struct wire_kernel_hello *record);
/* Who a record is about; made when it was not known. NULL: not to be recorded, or no memory. */
struct proc *bpf_proc_of(struct bpf *bpf, const struct wire_kernel_head *head);
/* A waiting hello becomes proc's: that of instance, or with 0 the oldest of its pid. */
bool bpf_proc_attach(struct bpf *bpf, struct proc *proc, uint64_t instance);
void bpf_proc_uncovered(struct bpf *bpf, struct proc *proc);
void bpf_waiting_settle(struct bpf *bpf);

/* bpf_maker.c */
/* Of the head's thread. One that nobody told of has none. */
struct maker bpf_maker_of(struct bpf *bpf, const struct wire_kernel_head *head);
/* From a checked record: of a thread of proc, or of the child that proc made. -EINVAL: the stack in
 * it is not one. */
int bpf_maker_tell(struct bpf *bpf, struct proc *proc, struct proc *child,
		   const struct wire_kernel_fork *record, size_t bytes);
/* What was under way when that chain made somebody; NULL: not known. */
const struct made_in *bpf_made_in(const struct bpf *bpf, uint32_t chain);
/* Another program runs in that thread: who started it is the chain of its exec. */
void bpf_maker_forget(struct bpf *bpf, const struct wire_kernel_head *head);

/* bpf_event.c */
int bpf_event(struct bpf *bpf, const struct wire_kernel_event *record, size_t bytes);

/* bpf_stack.c: false when nothing could be made of it. */
bool bpf_stack_unwind(struct bpf *bpf, struct proc *proc, const struct wire_kernel_head *head,
		      const struct wire_kernel_regs *regs, const void *copy, size_t bytes,
		      struct seen_stack *ret);

/* Which file that frame is in. */
struct seen_file bpf_seen_of(const struct proc *proc, const struct unwind_frame *frame);

/* bpf_elf.c: NULL when out of memory. Valid until the next call. */
/* Of a file that was not examined: does its name, vouched for by a package, say libc, a known honest
 * caller or the shim? */
bool bpf_elf_is_innocent(const struct bpf *bpf, const struct proc *proc,
			 const struct unwind_frame *frame);
/* Which file the shim is, by stat(2) and as mappings have it. */
void bpf_elf_know_shim(struct bpf *bpf);
const struct elf_facts *bpf_elf_of(struct bpf *bpf, const struct proc *proc,
				   const struct unwind_frame *frame);

/* bpf_map.c: where a new image is, and a file that was made executable; false: it is not known
 * which part of the file. Negative: out of memory. */
int bpf_map_init(struct bpf *bpf);
void bpf_map_done(struct bpf *bpf);
void bpf_map_image(struct bpf *bpf, const struct proc *proc, const struct unwind_who *who,
		   const struct wire_kernel_exec *record);
bool bpf_map_file(struct bpf *bpf, const struct proc *proc, const struct unwind_who *who,
		  const struct wire_kernel_event *record, struct str path, struct str mapped);

/* bpf_bypass.c */
enum bypass bpf_bypass_of(struct bpf *bpf, const struct proc *proc, const struct seen_stack *stack);
/* Is the copy of a stack at odds with the stack that was announced for it (item id)? */
bool bpf_contradicts(struct bpf *bpf, const struct proc *proc, const struct seen_stack *copy,
		     uint32_t announced);
/* The same for a child that is still in its parent's memory (proc->is_guest). */
bool bpf_contradicts_guest(struct bpf *bpf, const struct seen_stack *copy);

#endif
