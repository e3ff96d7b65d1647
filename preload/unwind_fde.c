/* SPDX-License-Identifier: Apache-2.0
 *
 * .eh_frame as linkers write it, found through the loader's own lock-free index.
 */
#include "unwind_cfi.h"

uint64_t cfi_read(struct cfi_reader *r, unsigned bytes)
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

uint64_t cfi_read_uleb(struct cfi_reader *r)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = (uint8_t)cfi_read(r, 1);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			break;
	}
	return value;
}

int64_t cfi_read_sleb(struct cfi_reader *r)
{
	int64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = (uint8_t)cfi_read(r, 1);

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
static uint64_t read_encoded(struct cfi_reader *r, uint8_t encoding)
{
	uint64_t from = (uint64_t)r->at;
	uint64_t value;

	switch (encoding & 0x0f) {
	case 0x00: /* absptr */
	case 0x04: /* udata8 */
	case 0x0c: /* sdata8 */
		value = cfi_read(r, 8);
		break;
	case 0x03:
		value = cfi_read(r, 4);
		break;
	case 0x0b:
		value = (uint64_t)(int64_t)(int32_t)cfi_read(r, 4);
		break;
	case 0x02:
		value = cfi_read(r, 2);
		break;
	case 0x0a:
		value = (uint64_t)(int64_t)(int16_t)cfi_read(r, 2);
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

static bool cie_parse(const uint8_t *cie, struct cfi_fde *fde, uint8_t *ret_encoding, bool *ret_has_z)
{
	uint32_t length;
	struct cfi_reader r = { cie + 4, cie + 4, false };
	const char *augmentation;

	memcpy(&length, cie, 4);
	if (length == 0xffffffffu || length < 8)
		return false;
	r.end = cie + 4 + length;
	cfi_read(&r, 4);
	if (cfi_read(&r, 1) > 4)
		return false;
	augmentation = (const char *)r.at;
	while (cfi_read(&r, 1))
		;
	fde->code_align = cfi_read_uleb(&r);
	fde->data_align = cfi_read_sleb(&r);
	if (cfi_read_uleb(&r) != 16)
		return false;
	*ret_encoding = 0;
	*ret_has_z = false;
	for (const char *a = augmentation; *a; a++) {
		if (*a == 'z') {
			uint64_t bytes = cfi_read_uleb(&r);

			*ret_has_z = true;
			fde->cie_code = r.at + bytes;
		} else if (*a == 'R') {
			*ret_encoding = (uint8_t)cfi_read(&r, 1);
		} else if (*a == 'P') {
			uint8_t encoding = (uint8_t)cfi_read(&r, 1);

			read_encoded(&r, encoding & 0x7f);
		} else if (*a == 'L') {
			cfi_read(&r, 1);
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

static bool fde_parse(const uint8_t *at, uint64_t pc, struct cfi_fde *fde)
{
	uint32_t length, cie_offset;
	uint8_t encoding;
	bool has_z;
	struct cfi_reader r;

	memset(fde, 0, sizeof(*fde));
	memcpy(&length, at, 4);
	memcpy(&cie_offset, at + 4, 4);
	if (length == 0xffffffffu || length < 12 || !cie_offset)
		return false;
	if (!cie_parse(at + 4 - cie_offset, fde, &encoding, &has_z))
		return false;
	r = (struct cfi_reader){ at + 8, at + 4 + length, false };
	fde->start = read_encoded(&r, encoding);
	fde->bytes = read_encoded(&r, encoding & 0x0f);
	if (has_z) {
		uint64_t bytes = cfi_read_uleb(&r);

		if (bytes > (uint64_t)(r.end - r.at))
			return false;
		r.at += bytes;
	}
	fde->code = r.at;
	fde->end = r.end;
	return !r.is_bad && pc - fde->start < fde->bytes;
}

/* .eh_frame_hdr: a sorted table of (start, FDE), both relative to the header. */
bool cfi_fde_find(uint64_t pc, struct cfi_fde *fde)
{
	struct dl_find_object object;
	const uint8_t *header;
	struct cfi_reader r;
	uint64_t count;
	const int32_t *table;
	size_t low = 0, high;
	int64_t wanted;

	if (_dl_find_object((void *)pc, &object) < 0 || !object.dlfo_eh_frame)
		return false;
	header = object.dlfo_eh_frame;
	if (header[0] != 1 || header[3] != 0x3b)
		return false;
	r = (struct cfi_reader){ header + 4, header + 4 + 32, false };
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
