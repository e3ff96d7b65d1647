/* SPDX-License-Identifier: Apache-2.0
 *
 * Offline unwinding: registers and a copy of the user stack, as a probe took them, to frames. The
 * process need not stop, nor be alive any more, when its memory map is already known.
 *
 * One `struct unwind` per thread: nothing here is locked. Nothing is written anywhere, nothing is
 * executed, no debugger is attached; files are read with pread, so that one that shrinks or
 * changes under us gives wrong bytes but never a SIGBUS, and every byte is checked before use.
 */
#ifndef SOWATCH_UNWIND_UNWIND_H
#define SOWATCH_UNWIND_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../preload/wire/event.h"
#include "../../preload/wire/kernel.h"

struct unwind;

/* A file that was mapped. Owned by the struct unwind; valid until the next unwind_stack() or
 * unwind_close(). */
struct unwind_object {
	uint64_t id;	 /* never used for another content: may key caches for ever */
	uint64_t device; /* as stat() gives them; vDSO: 0 */
	uint64_t inode;
	char build_id[129]; /* lower-case hex, "" when it has none */
	bool is_vdso;
	bool is_deleted; /* it had no name left when it was opened */
};

enum unwind_kind {
	UNWIND_OBJECT = 1, /* in an ELF object: `object` is set, offset is in its own terms */
	UNWIND_FILE,	/* a mapped file that is gone, was replaced, or is no ELF object: offset is
			   in the file, device and inode are what /proc/PID/maps said */
	UNWIND_CODE,	/* executable memory of no file: offset is the address */
	UNWIND_UNKNOWN, /* no executable mapping is known there: offset is the address */
};

struct unwind_frame {
	uint64_t address; /* inside the calling instruction; where SIGNAL is set, the interrupted
			     one */
	uint64_t offset;  /* OBJECT: address - load bias, the bias being wire_object's `base` */
	uint64_t device, inode;
	const struct unwind_object *object; /* NULL unless kind is OBJECT */
	/* As the kernel spells it in /proc/PID/maps ("/usr/lib/x.so", "[vdso]", "[anon:x]", ""),
	 * in the process's own mount namespace; a " (deleted)" that the kernel put there is taken
	 * off where the file itself says so. Bytes, hostile, not terminated; same validity. */
	const char *path;
	uint32_t path_len;
	/* WIRE_FRAME_SIGNAL; WIRE_FRAME_INFERRED: it is not on the stack, it was called and ended in
	 * a jump: address is where its function begins. */
	uint32_t flags;
	uint8_t kind;	/* enum unwind_kind */
	uint8_t told;	/* unwind_mapping's, 0: the mapping is known from /proc/PID/maps */
	bool is_deleted;
	/* It called the frame before it, of another object, through a register: that one may have
	 * been called, or jumped to by somebody who left nothing behind. */
	bool is_indirect;
};

struct unwind_stack {
	/* WIRE_STACK_PARTIAL: the walk could not go on (no or unusable call frame information, a
	 * file that is gone or replaced, an address in no mapping). WIRE_STACK_TRUNCATED: the next
	 * frame lies outside the copied bytes (or on another stack), or there are more than
	 * WIRE_STACK_FRAMES. PARTIAL as well where somebody was called and jumped on, and it is
	 * not known who: the frames end before the caller. WIRE_STACK_FP: some frame was found by frame pointer only. 0: to the
	 * outermost frame. */
	uint32_t flags;
	uint32_t count;
	struct unwind_frame frames[WIRE_STACK_FRAMES]; /* innermost first */
};

/* Who the record is about: wire_kernel_head's pid, tid and start_ns. A start_ns of 0 is not
 * compared with the process that has that pid now (pid reuse is then the caller's care). */
struct unwind_who {
	uint32_t pid, tid;
	uint64_t start_ns; /* CLOCK_MONOTONIC */
};

struct unwind_input {
	struct unwind_who who;
	const struct wire_kernel_regs *regs; /* any alignment */
	const void *stack;		     /* copy of memory from regs->sp upward */
	size_t stack_bytes;
	/* false: ip is where a system call returns to, as in every record of the probes;
	 * true: ip is the next instruction to run (a breakpoint, an interrupt). */
	bool is_interrupted;
};

/* 0, or -ENOMEM. */
int unwind_open(struct unwind **ret_unwind);
void unwind_close(struct unwind *unwind);

/* Fills *ret_stack (the caller's, any content). 0; the flags tell how far it came, and count is
 * at least 1. -ENOMEM: tables could not be had, nothing was filled. */
int unwind_stack(struct unwind *unwind, const struct unwind_input *input,
		 struct unwind_stack *ret_stack);

/* What the probes told about a process, in the order of its records. All may be left out: the map
 * is then read when a record needs it and again when an address is not in it. With them, records
 * of processes that are gone, and addresses that were used twice, come out right. */

/* The child starts with its parent's map. */
void unwind_process_forked(struct unwind *unwind, const struct unwind_who *parent,
			   const struct unwind_who *child);
/* A new image: whatever was known is forgotten. The map is read now, so that a program that is
 * gone when its first record is looked at can still be resolved. */
void unwind_process_executed(struct unwind *unwind, const struct unwind_who *who);
/* Executable memory was mapped, unmapped or changed: read again before the next record. */
void unwind_process_changed(struct unwind *unwind, const struct unwind_who *who);
/* Executable memory of a file was mapped there, over whatever was there before; device and inode as stat() gives them. For a process
 * that is gone before its map can be read this is all that will ever be known. */
struct unwind_mapping {
	uint64_t start, end, offset; /* of whole pages; offset in the file */
	uint64_t device, inode;
	const char *path;
	uint32_t path_len;
	uint8_t told; /* whatever the caller knows of the file, for frames in it; not 0 */
};
void unwind_process_mapped(struct unwind *unwind, const struct unwind_who *who,
			   const struct unwind_mapping *mapping);
/* Memory was made executable there that is of no file as far as is known; is_mapped: it was mapped just
 * now, and is of none. */
void unwind_process_made(struct unwind *unwind, const struct unwind_who *who, uint64_t start,
			 uint64_t end, bool is_mapped);
/* The map is kept for records that are still to come, until room is needed. */
void unwind_process_exited(struct unwind *unwind, const struct unwind_who *who);

/* All code that the process has, or had before its map last changed, is of this object (the vDSO
 * aside): whoever is on a stack, it is nobody else. False when its map is not known. */
bool unwind_is_alone(struct unwind *unwind, const struct unwind_who *who,
		     const struct unwind_object *object);

/* The function of object that contains offset: from .dynsym, and .symtab where the file has one.
 * Of several names the exported, then one without leading underscores, then the shortest is
 * chosen. name is terminated and cut to bytes. False: none contains it. */
bool unwind_symbol(const struct unwind_object *object, uint64_t offset, char *name, size_t bytes);
/* All its names, nth from 0 in that order of preference; false: no more. */
bool unwind_symbol_alias(const struct unwind_object *object, uint64_t offset, unsigned nth,
			 char *name, size_t bytes);

/* May a call of object through a register have led to what others export under that name? False: it
 * neither takes that address, nor jumps there, nor stands before it under the same name; what it
 * got from others, or by dlsym, is not seen. Slow: remember the answer. */
bool unwind_may_reach(const struct unwind_object *object, const char *name);

/* Does object's function of that name, which others may call, end in a jump to the one around
 * offset? Slow, too. */
bool unwind_jumps_to(const struct unwind_object *object, const char *name, uint64_t offset);

struct unwind_counts {
	uint64_t stacks, frames;
	uint64_t rows_computed; /* the others were remembered */
	uint64_t maps_read;
	uint64_t objects_opened, objects_failed;
};
void unwind_count(const struct unwind *unwind, struct unwind_counts *ret_counts);

#endif
