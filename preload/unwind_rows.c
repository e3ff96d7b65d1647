/* SPDX-License-Identifier: Apache-2.0
 *
 * Call frame instructions, run up to one address: what they leave is a row, if three registers are
 * enough to follow it.
 */
#include "unwind_cfi.h"

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
static void rule_expression(struct rules *rules, struct cfi_reader *r, bool is_value)
{
	uint64_t dwarf_register = cfi_read_uleb(r);
	uint64_t bytes = cfi_read_uleb(r);
	struct cfi_reader e = { r->at, r->at + bytes, false };

	if (bytes > (uint64_t)(r->end - r->at)) {
		r->is_bad = true;
		return;
	}
	r->at += bytes;
	if (!is_value && bytes >= 2 && cfi_read(&e, 1) == 0x70 + DW_RBP) {
		int64_t offset = cfi_read_sleb(&e);

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
	const struct cfi_fde *fde;
};

static void cfa_set(struct rules *now, uint64_t dwarf_register, int64_t offset)
{
	now->cfa_register = dwarf_register;
	now->cfa_offset = offset;
	now->cfa_expression = NULL;
}

/* Instructions about the CFA. False: not one of them, or it leads out of the entry. */
static bool machine_cfa(struct machine *m, struct cfi_reader *r, uint8_t op)
{
	struct rules *now = &m->now;
	uint64_t reg;

	switch (op) {
	case 0x0c: /* def_cfa */
		reg = cfi_read_uleb(r);
		cfa_set(now, reg, (int64_t)cfi_read_uleb(r));
		return true;
	case 0x0d: /* def_cfa_register */
		cfa_set(now, cfi_read_uleb(r), now->cfa_offset);
		return true;
	case 0x0e: /* def_cfa_offset */
		now->cfa_offset = (int64_t)cfi_read_uleb(r);
		return true;
	case 0x0f: /* def_cfa_expression */
		now->cfa_expression_bytes = cfi_read_uleb(r);
		now->cfa_expression = r->at;
		if (now->cfa_expression_bytes > (uint64_t)(r->end - r->at))
			return false;
		r->at += now->cfa_expression_bytes;
		return true;
	case 0x12: /* def_cfa_sf */
		reg = cfi_read_uleb(r);
		cfa_set(now, reg, cfi_read_sleb(r) * m->fde->data_align);
		return true;
	case 0x13: /* def_cfa_offset_sf */
		now->cfa_offset = cfi_read_sleb(r) * m->fde->data_align;
		return true;
	default:
		return false;
	}
}

/* Instructions about one register. False: not one of them. */
static bool machine_register(struct machine *m, struct cfi_reader *r, uint8_t op)
{
	struct rules *now = &m->now;
	uint64_t reg;

	switch (op) {
	case 0x05: /* offset_extended */
		reg = cfi_read_uleb(r);
		rule_set(now, reg, RULE_CFA, (int64_t)cfi_read_uleb(r) * m->fde->data_align);
		return true;
	case 0x06: /* restore_extended */
		reg = cfi_read_uleb(r);
		if (rule_of(now, reg))
			*rule_of(now, reg) = *rule_of(&m->initial, reg);
		return true;
	case 0x07: /* undefined */
		rule_set(now, cfi_read_uleb(r), RULE_UNDEFINED, 0);
		return true;
	case 0x08: /* same_value */
		rule_set(now, cfi_read_uleb(r), RULE_SAME, 0);
		return true;
	case 0x09: /* register */
		reg = cfi_read_uleb(r);
		cfi_read_uleb(r);
		rule_set(now, reg, RULE_OTHER, 0);
		return true;
	case 0x10: /* expression */
	case 0x16: /* val_expression */
		rule_expression(now, r, op == 0x16);
		return true;
	case 0x11: /* offset_extended_sf */
		reg = cfi_read_uleb(r);
		rule_set(now, reg, RULE_CFA, cfi_read_sleb(r) * m->fde->data_align);
		return true;
	default:
		return false;
	}
}

/* What has its operands behind it. False: not understood, the walk ends here. */
static bool machine_extended(struct machine *m, struct cfi_reader *r, uint8_t op)
{
	switch (op) {
	case 0x00: /* nop */
		return true;
	case 0x02: /* advance_loc1, 2, 4 */
	case 0x03:
	case 0x04:
		m->location += cfi_read(r, 1u << (op - 2)) * m->fde->code_align;
		return true;
	case 0x0a: /* remember_state */
		if (m->depth == sizeof(m->stack) / sizeof(*m->stack))
			return false;
		m->stack[m->depth++] = m->now;
		return true;
	case 0x0b: /* restore_state */
		if (!m->depth)
			return false;
		m->now = m->stack[--m->depth];
		return true;
	case 0x2e: /* GNU_args_size */
		cfi_read_uleb(r);
		return true;
	default:
		return machine_cfa(m, r, op) || machine_register(m, r, op);
	}
}

static bool machine_run(struct machine *m, const uint8_t *code, const uint8_t *end, uint64_t pc)
{
	struct cfi_reader r = { code, end, false };

	while (r.at < r.end && !r.is_bad) {
		uint8_t op = (uint8_t)cfi_read(&r, 1);
		uint8_t low = op & 0x3f;

		if ((op & 0xc0) == 0x40) { /* advance_loc */
			m->location += low * m->fde->code_align;
		} else if ((op & 0xc0) == 0x80) { /* offset */
			rule_set(&m->now, low, RULE_CFA,
				 (int64_t)cfi_read_uleb(&r) * m->fde->data_align);
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
	struct cfi_reader r = { code, code + bytes, false };
	uint64_t s[8] = { 0 };
	unsigned n = 0;

	while (r.at < r.end && !r.is_bad) {
		uint8_t op = (uint8_t)cfi_read(&r, 1);

		if (op == 0x70 + DW_RSP && n < 8) {
			s[n++] = sp + (uint64_t)cfi_read_sleb(&r);
		} else if (op == 0x70 + DW_PC && n < 8) {
			s[n++] = pc + (uint64_t)cfi_read_sleb(&r);
		} else if (op >= 0x30 && op <= 0x4f && n < 8) { /* lit */
			s[n++] = op - 0x30u;
		} else if (op == 0x08 && n < 8) { /* const1u */
			s[n++] = cfi_read(&r, 1);
		} else if (op == 0x23 && n) { /* plus_uconst */
			s[n - 1] += cfi_read_uleb(&r);
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
	struct cfi_reader r = { code, code + rules->cfa_expression_bytes, false };
	const uint64_t probe = 1u << 20;
	uint64_t a, b;

	if (cfi_read(&r, 1) == 0x70 + DW_RBP) {
		int64_t offset = cfi_read_sleb(&r);

		if (cfi_read(&r, 1) == 0x06 && r.at == r.end && !r.is_bad) {
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

struct row unwind_row_compute(uint64_t pc)
{
	const struct row stop = { ROW_STOP, 0, 0, 0 };
	struct cfi_fde fde;
	struct machine m;

	if (!cfi_fde_find(pc, &fde))
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
