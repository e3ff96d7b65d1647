/* SPDX-License-Identifier: Apache-2.0
 *
 * A stack unwinder for somebody else's hot path: DWARF call frame information through
 * _dl_find_object, a process-wide lock-free cache of rows, nothing allocated, no lock, no system
 * call, callable from signal handlers and in the child of a multithreaded fork.
 *
 * Why not libunwind (1.6.2): its cache costs 273 KiB and up to 3 ms per thread, takes the
 * loader's lock through dl_iterate_phdr, may not be re-entered by a signal handler while it grows
 * (libunwind #425), and stays wrong after dlclose and reload at the same address even when
 * flushed. It serves as the reference in tests/unit/test_unwind.c instead.
 *
 * Followed registers: pc, sp and rbp. Rows that need others end the walk (the stack is then said
 * to be partial); code without any row is walked by its frame pointer, read with a system call
 * that cannot fault.
 */
#include "unwind.h"

#include <sys/ucontext.h>

TABLE struct unwind_entry unwind_cache[1u << UNWIND_CACHE_BITS];

uint32_t load_generation;

void unwind_forget(void)
{
	__atomic_fetch_add(&load_generation, 1, __ATOMIC_SEQ_CST);
}

/* --- reading .eh_frame ----------------------------------------------------------------------- */
struct reader {
	const uint8_t *at, *end;
	bool is_bad;
};

static uint64_t read_bytes(struct reader *r, unsigned bytes)
{
	uint64_t value = 0;

	if ((size_t)(r->end - r->at) < bytes) {
		r->is_bad = true;
		r->at = r->end;
		return 0;
	}
	memcpy(&value, r->at, bytes);
	r->at += bytes;
	return value;
}

static uint64_t read_uleb(struct reader *r)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = (uint8_t)read_bytes(r, 1);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

static int64_t read_sleb(struct reader *r)
{
	int64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = (uint8_t)read_bytes(r, 1);

		value |= (int64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			if (shift < 57 && (byte & 0x40))
				value |= -((int64_t)1 << (shift + 7));
			break;
		}
	}
	return value;
}

/* DW_EH_PE_*: only what linkers write for addresses in code. */
static uint64_t read_encoded(struct reader *r, uint8_t encoding)
{
	uint64_t from = (uint64_t)r->at;
	uint64_t value;

	switch (encoding & 0x0f) {
	case 0x00: /* absptr */
	case 0x04: /* udata8 */
	case 0x0c: /* sdata8 */
		value = read_bytes(r, 8);
		break;
	case 0x03:
		value = read_bytes(r, 4);
		break;
	case 0x0b:
		value = (uint64_t)(int64_t)(int32_t)read_bytes(r, 4);
		break;
	case 0x02:
		value = read_bytes(r, 2);
		break;
	case 0x0a:
		value = (uint64_t)(int64_t)(int16_t)read_bytes(r, 2);
		break;
	default:
		r->is_bad = true;
		return 0;
	}
	if ((encoding & 0x70) == 0x10) /* pcrel */
		value += from;
	else if (encoding & 0xf0)
		r->is_bad = true;
	return value;
}

struct fde {
	const uint8_t *cie_code, *cie_end, *code, *end;
	uint64_t start, bytes;
	uint64_t code_align;
	int64_t data_align;
	bool is_signal;
};

static bool cie_parse(const uint8_t *cie, struct fde *fde, uint8_t *ret_encoding, bool *ret_has_z)
{
	uint32_t length;
	struct reader r = { cie + 4, cie + 4, false };
	const char *augmentation;

	memcpy(&length, cie, 4);
	if (length == 0xffffffffu || length < 8)
		return false;
	r.end = cie + 4 + length;
	read_bytes(&r, 4);
	if (read_bytes(&r, 1) > 4)
		return false;
	augmentation = (const char *)r.at;
	while (read_bytes(&r, 1))
		;
	fde->code_align = read_uleb(&r);
	fde->data_align = read_sleb(&r);
	if (read_uleb(&r) != 16)
		return false;
	*ret_encoding = 0;
	*ret_has_z = false;
	for (const char *a = augmentation; *a; a++) {
		if (*a == 'z') {
			uint64_t bytes = read_uleb(&r);

			*ret_has_z = true;
			fde->cie_code = r.at + bytes;
		} else if (*a == 'R') {
			*ret_encoding = (uint8_t)read_bytes(&r, 1);
		} else if (*a == 'P') {
			uint8_t encoding = (uint8_t)read_bytes(&r, 1);

			read_encoded(&r, encoding & 0x7f);
		} else if (*a == 'L') {
			read_bytes(&r, 1);
		} else if (*a == 'S') {
			fde->is_signal = true;
		} else {
			return false;
		}
	}
	if (!*ret_has_z)
		fde->cie_code = r.at;
	fde->cie_end = r.end;
	return !r.is_bad && fde->cie_code <= fde->cie_end;
}

static bool fde_parse(const uint8_t *at, uint64_t pc, struct fde *fde)
{
	uint32_t length, cie_offset;
	uint8_t encoding;
	bool has_z;
	struct reader r;

	memset(fde, 0, sizeof(*fde));
	memcpy(&length, at, 4);
	memcpy(&cie_offset, at + 4, 4);
	if (length == 0xffffffffu || length < 12 || !cie_offset)
		return false;
	if (!cie_parse(at + 4 - cie_offset, fde, &encoding, &has_z))
		return false;
	r = (struct reader){ at + 8, at + 4 + length, false };
	fde->start = read_encoded(&r, encoding);
	fde->bytes = read_encoded(&r, encoding & 0x0f);
	if (has_z) {
		uint64_t bytes = read_uleb(&r);

		if (bytes > (uint64_t)(r.end - r.at))
			return false;
		r.at += bytes;
	}
	fde->code = r.at;
	fde->end = r.end;
	return !r.is_bad && pc - fde->start < fde->bytes;
}

/* .eh_frame_hdr: a sorted table of (start, FDE), both relative to the header. */
static bool fde_find(uint64_t pc, struct fde *fde)
{
	struct dl_find_object object;
	const uint8_t *header;
	struct reader r;
	uint64_t count;
	const int32_t *table;
	size_t low = 0, high;
	int64_t wanted;

	if (_dl_find_object((void *)pc, &object) < 0 || !object.dlfo_eh_frame)
		return false;
	header = object.dlfo_eh_frame;
	if (header[0] != 1 || header[3] != 0x3b)
		return false;
	r = (struct reader){ header + 4, header + 4 + 32, false };
	read_encoded(&r, header[1]);
	count = read_encoded(&r, header[2]);
	if (r.is_bad || !count)
		return false;
	table = (const int32_t *)r.at;
	wanted = (int64_t)(pc - (uint64_t)header);
	high = count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (table[middle * 2] <= wanted)
			low = middle;
		else
			high = middle;
	}
	if (table[low * 2] > wanted)
		return false;
	return fde_parse(header + table[low * 2 + 1], pc, fde);
}

uint64_t unwind_function(uint64_t pc, uint64_t *ret_end)
{
	struct fde fde;

	if (!fde_find(pc, &fde))
		return 0;
	*ret_end = fde.start + fde.bytes;
	return fde.start;
}

/* Entries of functions, as rows are cached: a pair that checks itself. A new stack asks for every
 * frame twice, and shares most of its frames with the one before. */
#define ENTRY_BITS 10
static TABLE struct unwind_entry entry_cache[1u << ENTRY_BITS];

uint64_t unwind_function_entry(uint64_t pc)
{
	uint64_t key = unwind_key(pc), end, start;
	struct unwind_entry *entry =
		&entry_cache[(key * 0x9e3779b97f4a7c15ull) >> (64 - ENTRY_BITS)];

	start = __atomic_load_n(&entry->row, __ATOMIC_RELAXED);
	if (likely(start && (__atomic_load_n(&entry->check, __ATOMIC_RELAXED) ^ start) == key))
		return start;
	start = unwind_function(pc, &end);
	__atomic_store_n(&entry->row, start, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->check, key ^ start, __ATOMIC_RELAXED);
	return start;
}

/* --- running call frame instructions ---------------------------------------------------------- */
enum rule_kind { RULE_SAME, RULE_CFA, RULE_FP_EXPR, RULE_UNDEFINED, RULE_OTHER };
struct rule {
	uint8_t kind;
	int64_t offset;
};
struct rules {
	uint64_t cfa_register;
	int64_t cfa_offset;
	const uint8_t *cfa_expression;
	uint64_t cfa_expression_bytes;
	struct rule fp, pc, sp;
};

enum { DW_RBP = 6, DW_RSP = 7, DW_PC = 16 };

static struct rule *rule_of(struct rules *rules, uint64_t dwarf_register)
{
	switch (dwarf_register) {
	case DW_RBP:
		return &rules->fp;
	case DW_RSP:
		return &rules->sp;
	case DW_PC:
		return &rules->pc;
	default:
		return NULL;
	}
}

static void rule_set(struct rules *rules, uint64_t dwarf_register, uint8_t kind, int64_t offset)
{
	struct rule *rule = rule_of(rules, dwarf_register);

	if (rule)
		*rule = (struct rule){ kind, offset };
}

/* A register saved where an expression says. Only "at rbp + n" occurs (realigned stacks). */
static void rule_expression(struct rules *rules, struct reader *r, bool is_value)
{
	uint64_t dwarf_register = read_uleb(r);
	uint64_t bytes = read_uleb(r);
	struct reader e = { r->at, r->at + bytes, false };

	if (bytes > (uint64_t)(r->end - r->at)) {
		r->is_bad = true;
		return;
	}
	r->at += bytes;
	if (!is_value && bytes >= 2 && read_bytes(&e, 1) == 0x70 + DW_RBP) {
		int64_t offset = read_sleb(&e);

		if (e.at == e.end && !e.is_bad) {
			rule_set(rules, dwarf_register, RULE_FP_EXPR, offset);
			return;
		}
	}
	rule_set(rules, dwarf_register, RULE_OTHER, 0);
}

struct machine {
	struct rules now, initial, stack[6];
	unsigned depth;
	uint64_t location;
	const struct fde *fde;
};

/* One instruction with its operand in the low six bits, or an extended one. False: done. */
static bool machine_extended(struct machine *m, struct reader *r, uint8_t op)
{
	struct rules *now = &m->now;
	uint64_t reg;

	switch (op) {
	case 0x00: /* nop */
		return true;
	case 0x02: /* advance_loc1 */
		m->location += read_bytes(r, 1) * m->fde->code_align;
		return true;
	case 0x03:
		m->location += read_bytes(r, 2) * m->fde->code_align;
		return true;
	case 0x04:
		m->location += read_bytes(r, 4) * m->fde->code_align;
		return true;
	case 0x05: /* offset_extended */
		reg = read_uleb(r);
		rule_set(now, reg, RULE_CFA, (int64_t)read_uleb(r) * m->fde->data_align);
		return true;
	case 0x06: /* restore_extended */
		reg = read_uleb(r);
		if (rule_of(now, reg))
			*rule_of(now, reg) = *rule_of(&m->initial, reg);
		return true;
	case 0x07: /* undefined */
		rule_set(now, read_uleb(r), RULE_UNDEFINED, 0);
		return true;
	case 0x08: /* same_value */
		rule_set(now, read_uleb(r), RULE_SAME, 0);
		return true;
	case 0x09: /* register */
		reg = read_uleb(r);
		read_uleb(r);
		rule_set(now, reg, RULE_OTHER, 0);
		return true;
	case 0x0a: /* remember_state */
		if (m->depth == sizeof(m->stack) / sizeof(*m->stack))
			return false;
		m->stack[m->depth++] = *now;
		return true;
	case 0x0b: /* restore_state */
		if (!m->depth)
			return false;
		*now = m->stack[--m->depth];
		return true;
	case 0x0c: /* def_cfa */
		now->cfa_register = read_uleb(r);
		now->cfa_offset = (int64_t)read_uleb(r);
		now->cfa_expression = NULL;
		return true;
	case 0x0d: /* def_cfa_register */
		now->cfa_register = read_uleb(r);
		now->cfa_expression = NULL;
		return true;
	case 0x0e: /* def_cfa_offset */
		now->cfa_offset = (int64_t)read_uleb(r);
		return true;
	case 0x0f: /* def_cfa_expression */
		now->cfa_expression_bytes = read_uleb(r);
		now->cfa_expression = r->at;
		if (now->cfa_expression_bytes > (uint64_t)(r->end - r->at))
			return false;
		r->at += now->cfa_expression_bytes;
		return true;
	case 0x10: /* expression */
		rule_expression(now, r, false);
		return true;
	case 0x11: /* offset_extended_sf */
		reg = read_uleb(r);
		rule_set(now, reg, RULE_CFA, read_sleb(r) * m->fde->data_align);
		return true;
	case 0x12: /* def_cfa_sf */
		now->cfa_register = read_uleb(r);
		now->cfa_offset = read_sleb(r) * m->fde->data_align;
		now->cfa_expression = NULL;
		return true;
	case 0x13: /* def_cfa_offset_sf */
		now->cfa_offset = read_sleb(r) * m->fde->data_align;
		return true;
	case 0x16: /* val_expression */
		rule_expression(now, r, true);
		return true;
	case 0x2e: /* GNU_args_size */
		read_uleb(r);
		return true;
	default:
		return false;
	}
}

static bool machine_run(struct machine *m, const uint8_t *code, const uint8_t *end, uint64_t pc)
{
	struct reader r = { code, end, false };

	while (r.at < r.end && !r.is_bad) {
		uint8_t op = (uint8_t)read_bytes(&r, 1);
		uint8_t low = op & 0x3f;

		if ((op & 0xc0) == 0x40) { /* advance_loc */
			m->location += low * m->fde->code_align;
		} else if ((op & 0xc0) == 0x80) { /* offset */
			rule_set(&m->now, low, RULE_CFA,
				 (int64_t)read_uleb(&r) * m->fde->data_align);
		} else if ((op & 0xc0) == 0xc0) { /* restore */
			if (rule_of(&m->now, low))
				*rule_of(&m->now, low) = *rule_of(&m->initial, low);
		} else if (!machine_extended(m, &r, op)) {
			return false;
		}
		if (m->location > pc)
			return true;
	}
	return !r.is_bad;
}

/* The CFA expressions compilers and linkers write: "load rbp + n" for realigned stacks, and PLT
 * entries, whose value is sp plus a constant once pc is known. */
static bool expression_run(const uint8_t *code, uint64_t bytes, uint64_t pc, uint64_t sp,
			   uint64_t *ret_value)
{
	struct reader r = { code, code + bytes, false };
	uint64_t s[8] = { 0 };
	unsigned n = 0;

	while (r.at < r.end && !r.is_bad) {
		uint8_t op = (uint8_t)read_bytes(&r, 1);

		if (op == 0x70 + DW_RSP && n < 8) {
			s[n++] = sp + (uint64_t)read_sleb(&r);
		} else if (op == 0x70 + DW_PC && n < 8) {
			s[n++] = pc + (uint64_t)read_sleb(&r);
		} else if (op >= 0x30 && op <= 0x4f && n < 8) { /* lit */
			s[n++] = op - 0x30u;
		} else if (op == 0x08 && n < 8) { /* const1u */
			s[n++] = read_bytes(&r, 1);
		} else if (op == 0x23 && n) { /* plus_uconst */
			s[n - 1] += read_uleb(&r);
		} else if (n >= 2) {
			uint64_t b = s[--n], a = s[n - 1];

			if (op == 0x1a)
				s[n - 1] = a & b;
			else if (op == 0x22)
				s[n - 1] = a + b;
			else if (op == 0x24)
				s[n - 1] = b < 64 ? a << b : 0;
			else if (op == 0x2a)
				s[n - 1] = (int64_t)a >= (int64_t)b;
			else
				return false;
		} else {
			return false;
		}
	}
	*ret_value = s[0];
	return n == 1 && !r.is_bad;
}

static bool row_cfa_expression(const struct rules *rules, uint64_t pc, struct row *row)
{
	const uint8_t *code = rules->cfa_expression;
	struct reader r = { code, code + rules->cfa_expression_bytes, false };
	const uint64_t probe = 1u << 20;
	uint64_t a, b;

	if (read_bytes(&r, 1) == 0x70 + DW_RBP) {
		int64_t offset = read_sleb(&r);

		if (read_bytes(&r, 1) == 0x06 && r.at == r.end && !r.is_bad) {
			*row = (struct row){ ROW_FP_LOAD, 0, 0, (int32_t)offset };
			return true;
		}
		return false;
	}
	if (!expression_run(code, rules->cfa_expression_bytes, pc, probe, &a) ||
	    !expression_run(code, rules->cfa_expression_bytes, pc, 2 * probe, &b) || b - a != probe)
		return false;
	*row = (struct row){ ROW_SP, 0, 0, (int32_t)(a - probe) };
	return true;
}

static struct row row_from_rules(const struct rules *rules, uint64_t pc)
{
	struct row row = { ROW_STOP, FP_SAME, 0, 0 };

	if (rules->pc.kind == RULE_UNDEFINED)
		return (struct row){ ROW_END, 0, 0, 0 };
	if (rules->pc.kind != RULE_CFA || rules->pc.offset != -8 || rules->sp.kind != RULE_SAME)
		return row;
	if (rules->cfa_expression) {
		if (!row_cfa_expression(rules, pc, &row))
			return row;
	} else if (rules->cfa_offset != (int32_t)rules->cfa_offset) {
		return row;
	} else if (rules->cfa_register == DW_RSP || rules->cfa_register == DW_RBP) {
		row.kind = rules->cfa_register == DW_RSP ? ROW_SP : ROW_FP;
		row.cfa = (int32_t)rules->cfa_offset;
	} else {
		return row;
	}
	if (rules->fp.kind == RULE_CFA || rules->fp.kind == RULE_FP_EXPR) {
		if (rules->fp.offset != (int16_t)rules->fp.offset)
			return (struct row){ ROW_STOP, 0, 0, 0 };
		row.fp_kind = rules->fp.kind == RULE_CFA ? FP_AT_CFA : FP_AT_FP;
		row.fp = (int16_t)rules->fp.offset;
	} else if (rules->fp.kind == RULE_OTHER) {
		row.kind = ROW_STOP;
	}
	return row;
}

static struct row row_compute(uint64_t pc)
{
	const struct row stop = { ROW_STOP, 0, 0, 0 };
	struct fde fde;
	struct machine m;

	if (!fde_find(pc, &fde))
		return (struct row){ ROW_NONE, 0, 0, 0 };
	if (fde.is_signal)
		return (struct row){ ROW_SIGNAL, 0, 0, 0 };
	memset(&m, 0, sizeof(m));
	m.fde = &fde;
	m.location = fde.start;
	if (!machine_run(&m, fde.cie_code, fde.cie_end, UINT64_MAX))
		return stop;
	m.initial = m.now;
	m.location = fde.start;
	if (!machine_run(&m, fde.code, fde.end, pc))
		return stop;
	return row_from_rules(&m.now, pc);
}

struct row unwind_row(uint64_t pc, uint64_t key, struct unwind_entry *entry)
{
	struct row row = row_compute(pc);
	uint64_t word;

	memcpy(&word, &row, sizeof(word));
	__atomic_store_n(&entry->row, word, __ATOMIC_RELAXED);
	__atomic_store_n(&entry->check, key ^ word, __ATOMIC_RELAXED);
	return row;
}

/* --- walking ----------------------------------------------------------------------------------- */
/* After a filter was installed nobody can be asked: then the rows are believed. */
NOINLINE bool unwind_extend(struct unwind_frame *frame, uint64_t end)
{
	uint64_t known = thread_self.stack_pages;
	uint64_t low = (known >> STACK_COUNT_BITS) * UNWIND_PAGE;
	uint64_t high = low + (known & ((1ull << STACK_COUNT_BITS) - 1)) * UNWIND_PAGE;

	while (frame->limit < end) {
		if (frame->limit >= low && frame->limit < high) {
			frame->limit = high;
			continue;
		}
		if (!session.has_seccomp && !memory_is_readable((const void *)frame->limit, 1))
			return false;
		frame->limit += UNWIND_PAGE;
	}
	thread_self.stack_pages = frame->low / UNWIND_PAGE << STACK_COUNT_BITS |
				  (frame->limit - frame->low) / UNWIND_PAGE;
	return true;
}

/* Only a frame pointer vouches for this one. */
static bool step_frame_pointer(struct unwind_frame *frame)
{
	uint64_t pair[2];

	if (frame->fp < frame->sp || frame->fp - frame->sp > (1u << 20) || frame->fp % 8 ||
	    !memory_is_readable((const void *)frame->fp, sizeof(pair)))
		return false;
	memcpy(pair, (const void *)frame->fp, sizeof(pair));
	if (!pair[1])
		return false;
	frame->sp = frame->fp + 16;
	frame->fp = pair[0];
	frame->pc = pair[1];
	frame->is_exact = false;
	if (frame->sp > frame->limit)
		unwind_place(frame);
	return true;
}

/* The interrupted code may have been on another stack, or have none left: an overflow is handled
 * on an alternate stack. */
static bool step_signal(struct unwind_frame *frame)
{
	const ucontext_t *context = (const ucontext_t *)frame->sp;

	if (!unwind_reaches(frame, (uint64_t)(&context->uc_mcontext + 1)))
		return false;
	frame->pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
	frame->fp = (uint64_t)context->uc_mcontext.gregs[REG_RBP];
	frame->sp = (uint64_t)context->uc_mcontext.gregs[REG_RSP];
	frame->is_exact = true;
	unwind_place(frame);
	return true;
}

/* A "return address" at the very start of a function was pushed, not called from: makecontext's
 * way to end a coroutine (glibc __start_context). That is an outermost frame. */
static bool is_entry(uint64_t pc)
{
	uint64_t end;

	return unwind_function(pc, &end) == pc;
}

/* The loader's entry code has no call frame information; it runs constructors on the stack as the
 * kernel set it up, and nothing is below it. */
static bool is_initial(uint64_t sp)
{
	extern void *__libc_stack_end __attribute__((weak));
	uint64_t initial = &__libc_stack_end ? (uint64_t)__libc_stack_end : 0;

	return initial && sp + 64 >= initial && sp <= initial + 64;
}

/* _init and _fini are pieced together from crti.o and crtn.o, which carry no call frame
 * information: "[endbr64] sub $8,%rsp" is all their prologue does. */
static bool step_init_section(struct unwind_frame *frame)
{
	struct dl_find_object object;
	uint64_t start = 0;

	if (_dl_find_object((void *)frame->pc, &object) < 0)
		return false;
	for (const ElfW(Dyn) *d = object.dlfo_link_map->l_ld; d->d_tag != DT_NULL; d++) {
		uint64_t entry = object.dlfo_link_map->l_addr + d->d_un.d_ptr;

		if ((d->d_tag == DT_INIT || d->d_tag == DT_FINI) && frame->pc > entry &&
		    frame->pc - entry < 128)
			start = entry;
	}
	if (!start)
		return false;
	if (!memcmp((const void *)start, "\xf3\x0f\x1e\xfa", 4))
		start += 4;
	if (memcmp((const void *)start, "\x48\x83\xec\x08", 4))
		return false;
	if (!unwind_reaches(frame, frame->sp + 16))
		return false;
	frame->pc = load(frame->sp + 8);
	frame->sp += 16;
	frame->is_exact = false;
	return true;
}

bool unwind_step_odd(struct unwind_frame *frame, struct row row, uint32_t *ret_flags)
{
	if (row.kind == ROW_SIGNAL && step_signal(frame))
		return true;
	if (row.kind == ROW_END)
		return false;
	if (row.kind == ROW_NONE) {
		if (is_entry(frame->pc) || is_initial(frame->sp))
			return false;
		if (step_init_section(frame))
			return true;
		if (step_frame_pointer(frame)) {
			*ret_flags |= WIRE_STACK_FP;
			return true;
		}
	}
	*ret_flags |= WIRE_STACK_PARTIAL;
	return false;
}
