/* SPDX-License-Identifier: Apache-2.0 */
#include "escape.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool text_reserve(struct text *text, size_t bytes)
{
	if (text->error)
		return false;
	if (text->room - text->len > bytes)
		return true;
	size_t room = (text->len + bytes + 1) * 2;
	char *data = realloc(text->data, room < 256 ? 256 : room);
	if (!data) {
		text->error = -ENOMEM;
		return false;
	}
	text->data = data;
	text->room = room < 256 ? 256 : room;
	return true;
}

static void text_put(struct text *text, const char *data, size_t len)
{
	if (!text_reserve(text, len))
		return;
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = 0;
}

void text_clear(struct text *text)
{
	text->len = 0;
	text->error = 0;
	if (text_reserve(text, 0))
		text->data[0] = 0;
}

void text_done(struct text *text)
{
	free(text->data);
	*text = (struct text){0};
}

void text_add(struct text *text, const char *string)
{
	text_put(text, string, strlen(string));
}

void text_addf(struct text *text, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int len = vsnprintf(NULL, 0, format, arguments);
	if (len >= 0 && text_reserve(text, (size_t)len)) {
		vsnprintf(text->data + text->len, (size_t)len + 1, format, again);
		text->len += (size_t)len;
	}
	va_end(again);
	va_end(arguments);
}

size_t utf8_length(const char *data, size_t len, uint32_t *ret_char)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)data[0];
	size_t bytes = first < 0x80		? 1
		       : (first & 0xe0) == 0xc0 ? 2
		       : (first & 0xf0) == 0xe0 ? 3
		       : (first & 0xf8) == 0xf0 ? 4
						: 0;
	if (!bytes || bytes > len)
		return 0;
	uint32_t value = bytes == 1 ? first : first & (0x7fu >> bytes);
	for (size_t i = 1; i < bytes; i++) {
		unsigned char next = (unsigned char)data[i];
		if ((next & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (next & 0x3f);
	}
	if (value < least[bytes] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	*ret_char = value;
	return bytes;
}

/* What a terminal would obey, or what would turn the reading direction around. */
static bool is_command(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || c == 0x061c ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

static void escape_char(struct text *text, uint32_t c)
{
	if (c == '\n')
		text_add(text, "\\n");
	else if (c == '\t')
		text_add(text, "\\t");
	else if (c == '\r')
		text_add(text, "\\r");
	else if (c < 0x80)
		text_addf(text, "\\x%02x", c);
	else
		text_addf(text, "\\u%04x", c);
}

void text_escape(struct text *text, struct str bytes, enum escape escape)
{
	size_t from = 0;
	for (size_t at = 0; at < bytes.len;) {
		uint32_t c = 0;
		size_t len = utf8_length(bytes.data + at, bytes.len - at, &c);
		if (len && (escape == ESCAPE_UTF8 || !is_command(c))) {
			at += len;
			continue;
		}
		text_put(text, bytes.data + from, at - from);
		if (len)
			escape_char(text, c);
		else
			text_addf(text, "\\x%02x", (unsigned char)bytes.data[at]);
		at += len ? len : 1;
		from = at;
	}
	if (bytes.len > from)
		text_put(text, bytes.data + from, bytes.len - from);
}

void text_escape_string(struct text *text, const char *string, enum escape escape)
{
	text_escape(text, (struct str){string, (uint32_t)strlen(string)}, escape);
}
