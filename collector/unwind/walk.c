/* SPDX-License-Identifier: Apache-2.0
 *
 * Every read goes through walk_load(), which knows nothing but the copy. Registers are followed
 * only while they are known: those that do not survive calls are, in the innermost frame and where
 * a signal interrupted.
 */
#include "walk.h"

#define STEP_MAX (64ull << 20)	       /* no frame is larger; a larger step is a wrong row */
#define FRAME_POINTER_MAX (1ull << 20) /* where nothing but rbp vouches for it */
#define ENTRY_BYTES 256		       /* _start, and the loader's _dl_start_user behind it */
#define INIT_BYTES 128
#define SYSCALL_BYTES 2

static bool walk_load(void *arg, uint64_t address, uint64_t *ret_value)
{
	struct walk *walk = arg;
	uint64_t into = address - walk->stack_start;

	if (walk->stack_bytes < 8 || into > walk->stack_bytes - 8) {
		walk->is_outside = true;
		return false;
	}
	memcpy(ret_value, walk->stack + into, 8);
	return true;
}

/* execve came back into a new image: nothing is set but where to begin, on which stack. Any other
 * system call leaves its return address in rcx. */
static bool is_new_image(const struct wire_kernel_regs *regs)
{
	return !(regs->ax | regs->bx | regs->cx | regs->dx | regs->si | regs->di | regs->bp |
		 regs->r8 | regs->r9 | regs->r10 | regs->r11 | regs->r12 | regs->r13 | regs->r14 |
		 regs->r15);
}

void walk_begin(struct walk *walk, const struct unwind_input *input)
{
	struct wire_kernel_regs regs;

	memcpy(&regs, input->regs, sizeof(regs));
	/* DWARF's order: rax rdx rcx rbx rsi rdi rbp rsp r8..r15 rip. */
	const uint64_t registers[DW_REGISTERS] = {regs.ax,  regs.dx,  regs.cx,	regs.bx,  regs.si,
						  regs.di,  regs.bp,  regs.sp,	regs.r8,  regs.r9,
						  regs.r10, regs.r11, regs.r12, regs.r13, regs.r14,
						  regs.r15, regs.ip};
	memcpy(walk->registers, registers, sizeof(registers));
	walk->known = (1u << DW_REGISTERS) - 1;
	walk->flags = 0;
	walk->is_exact = input->is_interrupted || is_new_image(&regs);
	walk->is_first = !walk->is_exact;
	walk->stack = input->stack;
	walk->stack_start = regs.sp;
	walk->stack_bytes = input->stack ? input->stack_bytes : 0;
}

static bool walk_stop(struct walk *walk, uint32_t flag)
{
	walk->flags |= flag;
	return false;
}

static bool is_known(const struct walk *walk, unsigned dwarf_register)
{
	return walk->known >> dwarf_register & 1;
}

static bool walk_cfa(struct walk *walk, const struct object *object, const struct cfi_row *row,
		     uint64_t *ret_cfa)
{
	struct cfi_context context = {walk->registers, walk->known, walk_load, walk};

	if (row->kind == CFI_EXPRESSION)
		return cfi_expression(&object->cfi, row, &context, ret_cfa);
	*ret_cfa = walk->registers[row->cfa_register] + (uint64_t)(int64_t)row->cfa;
	return is_known(walk, row->cfa_register);
}

/* A register that was saved there. Below sp it has been popped already, into itself: compilers do
 * not say so in epilogues, and what is below sp was not copied. */
static bool saved_load(struct walk *walk, unsigned number, uint64_t address)
{
	if (address < walk->registers[DW_RSP])
		return is_known(walk, number);
	return walk_load(walk, address, &walk->registers[number]);
}

/* What survives a call, as the caller had it. */
static void walk_restore(struct walk *walk, const struct cfi_row *row, uint64_t cfa)
{
	uint64_t fp = walk->registers[DW_RBP];
	uint32_t known = 1u << DW_RSP | 1u << DW_PC;
	bool has_fp = is_known(walk, DW_RBP);

	for (unsigned i = 0; i < CFI_SAVED; i++) {
		unsigned number = cfi_saved_registers[i];
		uint64_t offset = (uint64_t)(int64_t)row->saved[i];
		bool has = is_known(walk, number);

		if (row->at_cfa >> i & 1)
			has = saved_load(walk, number, cfa + offset);
		else if (row->at_fp >> i & 1)
			has = has_fp && saved_load(walk, number, fp + offset);
		else if (row->lost >> i & 1)
			has = false;
		known |= (uint32_t)has << number;
	}
	walk->known = known;
}

static bool step_row(struct walk *walk, const struct object *object, const struct cfi_row *row)
{
	uint64_t sp = walk->registers[DW_RSP], cfa, pc;

	walk->is_outside = false;
	if (!walk_cfa(walk, object, row, &cfa))
		return walk_stop(walk,
				 walk->is_outside ? WIRE_STACK_TRUNCATED : WIRE_STACK_PARTIAL);
	if (cfa <= sp || cfa - sp > STEP_MAX || cfa % 8)
		return walk_stop(walk, WIRE_STACK_PARTIAL);
	if (!walk_load(walk, cfa - 8, &pc))
		return walk_stop(walk, WIRE_STACK_TRUNCATED);
	walk_restore(walk, row, cfa);
	walk->registers[DW_RSP] = cfa;
	walk->registers[DW_PC] = pc;
	walk->is_exact = false;
	return pc != 0;
}

/* rt_sigreturn's frame: ucontext at sp, its general registers 40 bytes in, in the kernel's order
 * (struct sigcontext_64 of asm/sigcontext.h). */
static bool step_signal(struct walk *walk)
{
	static const uint8_t order[] = {8, 9,	   10,	   11, 12, 13, 14,     15,   5,
					4, DW_RBP, DW_RBX, 1,  0,  2,  DW_RSP, DW_PC};
	uint64_t from = walk->registers[DW_RSP] + 40;
	uint64_t registers[DW_REGISTERS];

	for (unsigned i = 0; i < DW_REGISTERS; i++) {
		if (!walk_load(walk, from + 8 * i, &registers[order[i]]))
			return walk_stop(walk, WIRE_STACK_TRUNCATED);
	}
	memcpy(walk->registers, registers, sizeof(registers));
	walk->known = (1u << DW_REGISTERS) - 1;
	walk->is_exact = true;
	return true;
}

bool walk_step_frame_pointer(struct walk *walk)
{
	uint64_t fp = walk->registers[DW_RBP], sp = walk->registers[DW_RSP], next, pc;

	/* A 32-bit program: its frames are half as wide. */
	if (sp < 1ull << 32 && walk->registers[DW_PC] < 1ull << 32)
		return walk_stop(walk, WIRE_STACK_PARTIAL);
	if (!is_known(walk, DW_RBP) || fp < sp || fp - sp > FRAME_POINTER_MAX || fp % 8)
		return walk_stop(walk, WIRE_STACK_PARTIAL);
	if (!walk_load(walk, fp, &next) || !walk_load(walk, fp + 8, &pc))
		return walk_stop(walk, WIRE_STACK_TRUNCATED);
	if (!pc)
		return walk_stop(walk, WIRE_STACK_PARTIAL);
	walk->registers[DW_RBP] = next;
	walk->registers[DW_RSP] = fp + 16;
	walk->registers[DW_PC] = pc;
	walk->known = 1u << DW_RBP | 1u << DW_RSP | 1u << DW_PC;
	walk->is_exact = false;
	walk->is_guess = true;
	walk->flags |= WIRE_STACK_FP;
	return true;
}

/* The loader's entry code runs constructors on the stack as the kernel set it up: argc, and a
 * pointer into what lies above. Nothing called it. */
static bool is_initial(struct walk *walk, const struct object *object, uint64_t bias)
{
	uint64_t sp = walk->registers[DW_RSP], count, pointer;

	/* Not walk_pc(): execve returns to the very first instruction. */
	if (!object->entry || walk->registers[DW_PC] - bias - object->entry >= ENTRY_BYTES)
		return false;
	for (unsigned i = 0; i < 8; i++) {
		if (walk_load(walk, sp + 8 * i, &count) && count && count < 1u << 22 &&
		    walk_load(walk, sp + 8 * i + 8, &pointer) && pointer > sp &&
		    pointer - sp < STEP_MAX)
			return true;
	}
	return false;
}

/* A "return address" at the very start of a function was pushed, not called from: makecontext's
 * way to end a coroutine (glibc __start_context). That is an outermost frame. */
static bool is_entry(const struct walk *walk, const struct object *object, uint64_t bias)
{
	uint64_t offset = walk->registers[DW_PC] - bias;
	const struct cfi_entry *entry = cfi_find(&object->cfi, offset);

	return !walk->is_exact && entry && entry->start == offset;
}

static bool step_init_section(struct walk *walk, const struct object *object, uint64_t offset)
{
	uint64_t sp = walk->registers[DW_RSP], pc;

	for (unsigned i = 0; i < 2; i++) {
		/* Before its "sub $8,%rsp" was run nothing can be said, and nothing is called. */
		if (!object->init[i] || offset < object->init[i] + 4 ||
		    offset - object->init[i] >= INIT_BYTES || !walk_load(walk, sp + 8, &pc))
			continue;
		walk->registers[DW_RSP] = sp + 16;
		walk->registers[DW_PC] = pc;
		walk->known &=
			1u << DW_RSP | 1u << DW_PC | 1u << DW_RBX | 1u << DW_RBP | 0xfu << DW_R12;
		walk->is_exact = false;
		return pc != 0;
	}
	return false;
}

static const struct cfi_row *row_find(struct walk *walk, const struct object *object,
				      uint64_t offset)
{
	uint64_t key = (object->shown.id << 40) ^ offset;
	struct walk_row *place = &walk->rows[key * 0x9e3779b97f4a7c15ull >> (64 - WALK_CACHE_BITS)];

	if (place->object != object->shown.id || place->offset != offset) {
		place->row = cfi_row(&object->cfi, offset);
		place->object = object->shown.id;
		place->offset = offset;
		walk->rows_computed++;
	}
	return &place->row;
}

/* glibc's clone and clone3 end their description right before the system call: in the child it
 * would be wrong. For the parent what held before the instruction still holds. */
static uint64_t before_system_call(const struct object *object, uint64_t offset)
{
	const struct cfi_entry *entry;

	if (offset < SYSCALL_BYTES || cfi_find(&object->cfi, offset))
		return offset;
	entry = cfi_find(&object->cfi, offset - SYSCALL_BYTES);
	return entry && entry->start + entry->bytes == offset - SYSCALL_BYTES + 1
		       ? offset - SYSCALL_BYTES
		       : offset;
}

bool walk_step_object(struct walk *walk, const struct object *object, uint64_t bias)
{
	uint64_t offset = walk_pc(walk) - bias;
	const struct cfi_row *row;

	if (!object->is_code)
		return walk_stop(walk, WIRE_STACK_PARTIAL);
	if (walk->is_first)
		offset = before_system_call(object, offset);
	walk->is_first = false;
	row = row_find(walk, object, offset);
	switch (row->kind) {
	case CFI_REGISTER:
	case CFI_EXPRESSION:
		return step_row(walk, object, row);
	case CFI_SIGNAL:
		return step_signal(walk);
	case CFI_END:
		return false;
	case CFI_NONE:
		if (is_entry(walk, object, bias) || is_initial(walk, object, bias))
			return false;
		return step_init_section(walk, object, offset) || walk_step_frame_pointer(walk);
	default:
		return walk_stop(walk, WIRE_STACK_PARTIAL);
	}
}
