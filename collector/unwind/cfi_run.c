/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs call frame instructions up to an address and makes a row of where they got to.
 */
#include "cfi.h"

#define GAP_MAX 16
#define CODE_MAX (64u << 10) /* instructions of one function: hostile ones could go on for long */

const uint8_t cfi_saved_registers[CFI_SAVED] = {DW_RBX,	    DW_RBP,	DW_R12,
						DW_R12 + 1, DW_R12 + 2, DW_R15};

enum rule_kind { RULE_SAME, RULE_CFA, RULE_FP, RULE_UNDEFINED, RULE_OTHER };
enum { RULE_PC = CFI_SAVED, RULE_SP, RULES };

struct rule {
	uint8_t kind;
	int64_t offset;
};

struct rules {
	uint64_t cfa_register;
	int64_t cfa_offset;
	const uint8_t *cfa_expression;
	uint64_t cfa_expression_bytes;
	struct rule of[RULES];
};

struct machine {
	struct rules now, initial, stack[8];
	unsigned depth;
	uint64_t location;
	const struct cfi_fde *fde;
};

static struct rule *rule_of(struct rules *rules, uint64_t dwarf_register)
{
	switch (dwarf_register) {
	case DW_RBX:
		return &rules->of[0];
	case DW_RBP:
		return &rules->of[1];
	case DW_R12:
	case DW_R12 + 1:
	case DW_R12 + 2:
	case DW_R15:
		return &rules->of[2 + (dwarf_register - DW_R12)];
	case DW_RSP:
		return &rules->of[RULE_SP];
	case DW_PC:
		return &rules->of[RULE_PC];
	default:
		return NULL;
	}
}

static void rule_set(struct rules *rules, uint64_t dwarf_register, uint8_t kind, int64_t offset)
{
	struct rule *rule = rule_of(rules, dwarf_register);

	if (rule)
		*rule = (struct rule){kind, offset};
}

/* Factored offsets, in arithmetic that may wrap: the numbers are the file's. */
static int64_t factored(const struct machine *m, uint64_t count)
{
	return (int64_t)(count * (uint64_t)m->fde->data_align);
}

/* A register saved where an expression says. Only "at rbp + n" occurs (realigned stacks). */
static void rule_expression(struct rules *rules, struct cfi_reader *r, bool is_value)
{
	uint64_t dwarf_register = cfi_read_uleb(r);
	uint64_t bytes = cfi_read_uleb(r);
	struct cfi_reader e;

	if (bytes > (uint64_t)(r->end - r->at)) {
		r->is_bad = true;
		return;
	}
	e = (struct cfi_reader){r->at, r->at + bytes, r->section, false};
	r->at += bytes;
	if (!is_value && bytes >= 2 && cfi_read(&e, 1) == 0x70 + DW_RBP) {
		int64_t offset = cfi_read_sleb(&e);

		if (e.at == e.end && !e.is_bad) {
			rule_set(rules, dwarf_register, RULE_FP, offset);
			return;
		}
	}
	rule_set(rules, dwarf_register, RULE_OTHER, 0);
}

static void cfa_set(struct rules *now, uint64_t dwarf_register, int64_t offset)
{
	now->cfa_register = dwarf_register;
	now->cfa_offset = offset;
	now->cfa_expression = NULL;
}

/* Instructions about the CFA. False: not one of them. */
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
			r->is_bad = true;
		else
			r->at += now->cfa_expression_bytes;
		return true;
	case 0x12: /* def_cfa_sf */
		reg = cfi_read_uleb(r);
		cfa_set(now, reg, factored(m, (uint64_t)cfi_read_sleb(r)));
		return true;
	case 0x13: /* def_cfa_offset_sf */
		now->cfa_offset = factored(m, (uint64_t)cfi_read_sleb(r));
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
		rule_set(now, reg, RULE_CFA, factored(m, cfi_read_uleb(r)));
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
	case 0x14: /* val_offset */
	case 0x15: /* val_offset_sf: the second operand is as long */
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
		rule_set(now, reg, RULE_CFA, factored(m, (uint64_t)cfi_read_sleb(r)));
		return true;
	default:
		return false;
	}
}

static bool machine_extended(struct machine *m, struct cfi_reader *r, uint8_t op)
{
	switch (op) {
	case 0x00: /* nop */
		return true;
	case 0x01: /* set_loc */
		m->location = cfi_read_encoded(r, m->fde->encoding);
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
	struct cfi_reader r = {code, end, m->fde->section, false};

	if (end - code > (ptrdiff_t)CODE_MAX)
		return false;
	while (r.at < r.end && !r.is_bad) {
		uint8_t op = (uint8_t)cfi_read(&r, 1);
		uint8_t low = op & 0x3f;

		if ((op & 0xc0) == 0x40) { /* advance_loc */
			m->location += low * m->fde->code_align;
		} else if ((op & 0xc0) == 0x80) { /* offset */
			rule_set(&m->now, low, RULE_CFA, factored(m, cfi_read_uleb(&r)));
		} else if ((op & 0xc0) == 0xc0) { /* restore */
			if (rule_of(&m->now, low))
				*rule_of(&m->now, low) = *rule_of(&m->initial, low);
		} else if (!machine_extended(m, &r, op)) {
			return false;
		}
		if (m->location > pc)
			return !r.is_bad;
	}
	return !r.is_bad;
}

static bool row_set_cfa(const struct cfi *cfi, const struct rules *rules,
			const struct cfi_section *section, struct cfi_row *row)
{
	if (rules->cfa_expression) {
		uint64_t at = (uint64_t)(rules->cfa_expression - section->data);

		if (rules->cfa_expression_bytes > UINT16_MAX || at > INT32_MAX)
			return false;
		row->section = section == &cfi->sections[1];
		row->cfa = (int32_t)at;
		row->cfa_bytes = (uint16_t)rules->cfa_expression_bytes;
		row->kind = CFI_EXPRESSION;
		return true;
	}
	if (rules->cfa_register >= DW_PC || rules->cfa_offset != (int32_t)rules->cfa_offset)
		return false;
	row->cfa_register = (uint8_t)rules->cfa_register;
	row->cfa = (int32_t)rules->cfa_offset;
	row->kind = CFI_REGISTER;
	return true;
}

static struct cfi_row row_from_rules(const struct cfi *cfi, const struct rules *rules,
				     const struct cfi_section *section)
{
	const struct cfi_row stop = {.kind = CFI_STOP};
	struct cfi_row row = {.kind = CFI_STOP};

	if (rules->of[RULE_PC].kind == RULE_UNDEFINED)
		return (struct cfi_row){.kind = CFI_END};
	if (rules->of[RULE_PC].kind != RULE_CFA || rules->of[RULE_PC].offset != -8 ||
	    rules->of[RULE_SP].kind != RULE_SAME || !row_set_cfa(cfi, rules, section, &row))
		return stop;
	for (unsigned i = 0; i < CFI_SAVED; i++) {
		const struct rule *rule = &rules->of[i];
		uint8_t bit = (uint8_t)(1u << i);

		if (rule->kind == RULE_SAME)
			continue;
		if (rule->offset != (int32_t)rule->offset || rule->kind > RULE_FP)
			row.lost |= bit;
		else if (rule->kind == RULE_CFA)
			row.at_cfa |= bit;
		else
			row.at_fp |= bit;
		row.saved[i] = (int32_t)rule->offset;
	}
	return row;
}

static struct cfi_row row_of_entry(const struct cfi *cfi, const struct cfi_entry *entry,
				   uint64_t address)
{
	const struct cfi_row stop = {.kind = CFI_STOP};
	struct cfi_fde fde = {.cie_at = UINT64_MAX};
	const struct cfi_section *section;
	struct machine m;

	section = &cfi->sections[entry->at & CFI_AT_DEBUG ? 1 : 0];
	if (!cfi_fde_parse(section, entry->at & ~CFI_AT_DEBUG, &fde))
		return stop;
	if (fde.is_signal)
		return (struct cfi_row){.kind = CFI_SIGNAL};
	memset(&m, 0, sizeof(m));
	m.fde = &fde;
	m.location = fde.start;
	m.now.cfa_register = UINT64_MAX;
	if (!machine_run(&m, fde.cie_code, fde.cie_end, UINT64_MAX))
		return stop;
	m.initial = m.now;
	m.location = fde.start;
	if (!machine_run(&m, fde.code, fde.end, address))
		return stop;
	return row_from_rules(cfi, &m.now, section);
}

/* clone and clone3 end their description before the system call, because two come back from it,
 * and begin another one, without a caller, where the child goes on. In between the caller's frame
 * is as it was. */
static struct cfi_row row_of_gap(const struct cfi *cfi, uint64_t address)
{
	const struct cfi_row none = {.kind = CFI_NONE};
	const struct cfi_entry *before = NULL, *after;
	struct cfi_row row;
	uint64_t end = 0;

	for (uint64_t back = 1; back <= GAP_MAX && back <= address && !before; back++)
		before = cfi_find(cfi, end = address - back);
	if (!before)
		return none;
	after = before + 1;
	if (after == cfi->entries + cfi->count || after->start < address ||
	    after->start - address > GAP_MAX ||
	    row_of_entry(cfi, after, after->start).kind != CFI_END)
		return none;
	row = row_of_entry(cfi, before, end);
	return row.kind == CFI_REGISTER && row.cfa_register == DW_RSP && row.cfa == 8 ? row : none;
}

struct cfi_row cfi_row(const struct cfi *cfi, uint64_t address)
{
	const struct cfi_entry *entry = cfi_find(cfi, address);

	return entry ? row_of_entry(cfi, entry, address) : row_of_gap(cfi, address);
}

/* --- expressions ------------------------------------------------------------------------- */
struct values {
	uint64_t of[16];
	unsigned count;
};

static bool value_push(struct values *values, uint64_t value)
{
	if (values->count == sizeof(values->of) / sizeof(*values->of))
		return false;
	values->of[values->count++] = value;
	return true;
}

static bool value_binary(struct values *values, uint8_t op)
{
	uint64_t a, b;

	if (values->count < 2)
		return false;
	b = values->of[--values->count];
	a = values->of[--values->count];
	switch (op) {
	case 0x1a:
		return value_push(values, a & b);
	case 0x1c:
		return value_push(values, a - b);
	case 0x21:
		return value_push(values, a | b);
	case 0x22:
		return value_push(values, a + b);
	case 0x24:
		return value_push(values, b < 64 ? a << b : 0);
	case 0x25:
		return value_push(values, b < 64 ? a >> b : 0);
	case 0x2a:
		return value_push(values, (int64_t)a >= (int64_t)b);
	default:
		return false;
	}
}

static bool value_operation(struct values *values, struct cfi_reader *r, uint8_t op,
			    const struct cfi_context *context)
{
	uint64_t *top = values->count ? &values->of[values->count - 1] : NULL;

	if (op >= 0x70 && op < 0x70 + DW_REGISTERS) { /* breg */
		uint64_t value = context->registers[op - 0x70];

		return (context->known >> (op - 0x70) & 1) &&
		       value_push(values, value + (uint64_t)cfi_read_sleb(r));
	}
	if (op >= 0x30 && op <= 0x4f) /* lit */
		return value_push(values, op - 0x30u);
	switch (op) {
	case 0x06: /* deref */
		return top && context->load(context->arg, *top, top);
	case 0x08: /* const1u */
		return value_push(values, cfi_read(r, 1));
	case 0x09: /* const1s */
		return value_push(values, (uint64_t)(int64_t)(int8_t)cfi_read(r, 1));
	case 0x0a: /* const2u */
		return value_push(values, cfi_read(r, 2));
	case 0x0c: /* const4u */
		return value_push(values, cfi_read(r, 4));
	case 0x10: /* constu */
		return value_push(values, cfi_read_uleb(r));
	case 0x11: /* consts */
		return value_push(values, (uint64_t)cfi_read_sleb(r));
	case 0x12: /* dup */
		return top && value_push(values, *top);
	case 0x23: /* plus_uconst */
		if (top)
			*top += cfi_read_uleb(r);
		return top != NULL;
	default:
		return value_binary(values, op);
	}
}

bool cfi_expression(const struct cfi *cfi, const struct cfi_row *row,
		    const struct cfi_context *context, uint64_t *ret_value)
{
	const struct cfi_section *section = &cfi->sections[row->section];
	const uint8_t *code = section->data + row->cfa;
	struct cfi_reader r = {code, code + row->cfa_bytes, section, false};
	struct values values = {.count = 0};

	while (r.at < r.end) {
		uint8_t op = (uint8_t)cfi_read(&r, 1);

		if (!value_operation(&values, &r, op, context) || r.is_bad)
			return false;
	}
	if (values.count != 1)
		return false;
	*ret_value = values.of[0];
	return true;
}
