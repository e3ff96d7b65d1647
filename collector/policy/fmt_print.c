/* SPDX-License-Identifier: Apache-2.0
 *
 * The canonical form: two spaces a level; what was written in one line stays there while it fits
 * into WIDTH and no comment is inside; quotes only where YAML, or somebody else's idea of numbers
 * and dates, needs them; long texts folded.
 */
#include <string.h>

#include "fmt.h"

#define WIDTH 100u

void fmt_put(struct fmt_text *text, const char *data, size_t len)
{
	if (text->len + len + 1 > text->room) {
		size_t room = text->room ? text->room : 4096;
		while (room < text->len + len + 1)
			room *= 2;
		char *bigger = pool_alloc(text->pool, room);
		if (text->len)
			memcpy(bigger, text->data, text->len);
		text->data = bigger;
		text->room = room;
	}
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = 0;
}

static void put(struct fmt_text *out, const char *string)
{
	fmt_put(out, string, strlen(string));
}

static void put_indent(struct fmt_text *out, unsigned indent)
{
	for (unsigned i = 0; i < indent; i++)
		put(out, " ");
}

/* --- scalars ---------------------------------------------------------------------------------- */

/* Would others take it for a number, a date, a truth or nothing? */
static bool looks_typed(const char *text)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on",
					    "off",  "y",    "n",     "~",   ".inf", ".nan"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcasecmp(text, words[i]))
			return true;
	const char *start = text + (*text == '+' || *text == '-');
	bool is_number = (*start >= '0' && *start <= '9') ||
			 (*start == '.' && start[1] >= '0' && start[1] <= '9');
	return is_number && !text[strspn(text, "0123456789abcdefABCDEFxXoO_.:+-TtZz ")];
}

static bool is_plain_start(const char *text)
{
	if (strchr(",[]{}#&*!|>'\"%@`?:=<", *text))
		return false;
	return *text != '-' || (text[1] && !strchr(" -,[]{}", text[1])) ||
	       (text[1] == '-' && text[2] && text[2] != '-');
}

/* A control, a byte order mark or a line end of another kind: bytes that are written as an escape,
 * 0 for none. */
static unsigned odd_len(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	if (c[0] < 0x20 || c[0] == 0x7f)
		return 1;
	if (c[0] == 0xc2 && c[1] < 0xa0)
		return 2;
	bool is_mark = c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf;
	return is_mark || (c[0] == 0xe2 && c[1] == 0x80 && (c[2] & 0xfe) == 0xa8) ? 3 : 0;
}

static bool may_be_plain(const struct fmt_node *node, bool is_flow)
{
	const char *text = node->text;
	if (!node->len || !is_plain_start(text) || text[node->len - 1] == ' ' || *text == ' ' ||
	    (node->is_quoted && looks_typed(text)))
		return false;
	for (size_t i = 0; i < node->len; i++) {
		unsigned char c = (unsigned char)text[i], next = (unsigned char)text[i + 1];
		if (odd_len(text + i))
			return false;
		if ((c == ':' && (!next || next == ' ' || (is_flow && strchr(",[]{}", next)))) ||
		    (c == ' ' && next == '#') || (is_flow && strchr(",[]{}", c)))
			return false;
	}
	return true;
}

static void put_quoted(struct fmt_text *out, const struct fmt_node *node)
{
	char escape[8];
	put(out, "\"");
	for (size_t i = 0; i < node->len;) {
		const unsigned char *c = (const unsigned char *)node->text + i;
		unsigned len = odd_len(node->text + i);
		if (*c == '"' || *c == '\\')
			snprintf(escape, sizeof(escape), "\\%c", *c);
		else if (*c == '\n')
			snprintf(escape, sizeof(escape), "\\n");
		else if (*c == '\t')
			snprintf(escape, sizeof(escape), "\\t");
		else if (len == 1 || len == 2)
			snprintf(escape, sizeof(escape), "\\x%02x", c[len - 1]);
		else if (len == 3)
			snprintf(escape, sizeof(escape), "\\u%04x",
				 (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu));
		else
			snprintf(escape, sizeof(escape), "%c", *c);
		put(out, escape);
		i += len ? len : 1;
	}
	put(out, "\"");
}

static void put_scalar(struct fmt_text *out, const struct fmt_node *node, bool is_flow)
{
	bool is_nothing = !node->len && !node->is_quoted && !node->is_block && !is_flow;
	if (is_nothing || may_be_plain(node, is_flow))
		fmt_put(out, node->text, node->len);
	else
		put_quoted(out, node);
}

/* In characters. */
static size_t width_of(const char *text, size_t len)
{
	size_t width = 0;
	for (size_t i = 0; i < len; i++)
		width += (unsigned char)text[i] >> 6 != 2;
	return width;
}

/* Words with one blank between them, at most one line end, at the end: what `>` can hold. */
static bool may_be_folded(const struct fmt_node *node)
{
	const char *text = node->text;
	size_t len = node->len;
	if (len && text[len - 1] == '\n')
		len--;
	if (!len || text[0] == ' ' || text[0] == '#' || text[len - 1] == ' ' ||
	    !memchr(text, ' ', len))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (odd_len(text + i) || (text[i] == ' ' && text[i + 1] == ' '))
			return false;
	}
	return true;
}

static void put_folded(struct fmt_text *out, const struct fmt_node *node, unsigned indent,
		       const char *trailing)
{
	size_t len = node->len, column = 0;
	bool has_end = node->text[len - 1] == '\n';
	len -= has_end;
	put(out, has_end ? ">" : ">-");
	if (trailing) {
		put(out, " ");
		put(out, trailing);
	}
	for (size_t at = 0; at < len;) {
		const char *space = memchr(node->text + at, ' ', len - at);
		size_t word = space ? (size_t)(space - node->text) - at : len - at;
		size_t width = width_of(node->text + at, word);
		if (!column || column + 1 + width > WIDTH) {
			put(out, "\n");
			put_indent(out, indent);
			column = indent;
		} else {
			put(out, " ");
			column++;
		}
		fmt_put(out, node->text + at, word);
		column += width;
		at += word + 1;
	}
}

/* --- in one line ------------------------------------------------------------------------------ */

static void put_flow(struct fmt_text *out, const struct fmt_node *node)
{
	bool is_list = node->kind == NODE_LIST;
	if (node->kind == NODE_SCALAR) {
		put_scalar(out, node, true);
		return;
	}
	put(out, is_list ? "[" : "{");
	for (const struct fmt_entry *entry = node->first; entry && out->len < 8 * WIDTH;
	     entry = entry->next) { /* longer lines are thrown away */
		if (entry != node->first)
			put(out, ", ");
		if (!is_list) {
			put_scalar(out, entry->key, true);
			put(out, ": ");
		}
		put_flow(out, entry->value);
	}
	put(out, is_list ? "]" : "}");
}

static bool has_comments(const struct fmt_node *node)
{
	for (const struct fmt_entry *entry = node->first; entry; entry = entry->next)
		if (entry->before || entry->after || entry->trailing || has_comments(entry->value))
			return true;
	return false;
}

/* The node in one line, until the next one is asked for; NULL when it is to be spread. */
static const char *in_line(const struct fmt_node *node, struct fmt_text *out, size_t column)
{
	struct fmt_text *line = out->line;
	bool is_empty = node->kind != NODE_SCALAR && !node->first;
	if (node->kind != NODE_SCALAR && !is_empty && (!node->is_flow || has_comments(node)))
		return NULL;
	line->len = 0;
	put(line, "");
	if (node->kind == NODE_SCALAR)
		put_scalar(line, node, false);
	else
		put_flow(line, node);
	bool is_long = column + width_of(line->data, line->len) > WIDTH;
	if (is_long && (node->kind == NODE_SCALAR ? may_be_folded(node) : !is_empty))
		return NULL;
	return line->data;
}

/* --- over lines ------------------------------------------------------------------------------- */

static void put_comments(struct fmt_text *out, const struct fmt_comment *comment, unsigned indent,
			 bool is_first)
{
	for (; comment; comment = comment->next) {
		bool is_blank = !*comment->text;
		if (is_blank && (is_first || !comment->next || *comment->next->text)) {
			if (!is_first)
				put(out, "\n");
			continue;
		}
		if (is_blank)
			continue;
		is_first = false;
		put_indent(out, indent);
		put(out, comment->text);
		put(out, "\n");
	}
}

static void put_block(struct fmt_text *out, const struct fmt_node *node, unsigned indent,
		      bool is_started);

static void put_trailing(struct fmt_text *out, const char *trailing)
{
	if (trailing) {
		put(out, "  ");
		put(out, trailing);
	}
	put(out, "\n");
}

/* Behind "key:" or "-": the value, and the end of its last line. */
static void put_value(struct fmt_text *out, const struct fmt_entry *entry, unsigned indent,
		      size_t column)
{
	const struct fmt_node *value = entry->value;
	const char *line = in_line(value, out, column + 1);
	bool is_item = !entry->key;
	if (line) {
		if (*line)
			put(out, " ");
		put(out, line);
		put_trailing(out, entry->trailing);
	} else if (value->kind == NODE_SCALAR) {
		put(out, " ");
		put_folded(out, value, indent + 2, entry->trailing);
		put(out, "\n");
	} else if (is_item && value->kind == NODE_MAPPING && !entry->trailing) {
		put(out, " ");
		put_block(out, value, indent + 2, true);
	} else {
		put_trailing(out, entry->trailing);
		put_block(out, value, indent + 2, false);
	}
}

/* The first key's comments go before the dash: nothing may stand between them. */
static void put_before(struct fmt_text *out, const struct fmt_entry *entry, unsigned indent,
		       bool is_first)
{
	put_comments(out, entry->before, indent, is_first);
	bool shares_line = !entry->key && entry->value->kind == NODE_MAPPING &&
			   entry->value->first && !entry->trailing &&
			   !in_line(entry->value, out, indent + 2);
	if (shares_line)
		put_before(out, entry->value->first, indent, is_first && !entry->before);
}

static void put_block(struct fmt_text *out, const struct fmt_node *node, unsigned indent,
		      bool is_started)
{
	for (const struct fmt_entry *entry = node->first; entry; entry = entry->next) {
		bool is_first = entry == node->first;
		size_t start = out->len;
		if (!is_first || !is_started)
			put_before(out, entry, indent, is_first);
		if (!is_first || !is_started) {
			start = out->len;
			put_indent(out, indent);
		}
		size_t column = is_first && is_started ? indent : 0;
		if (entry->key) {
			put_scalar(out, entry->key, true);
			put(out, ":");
		} else {
			put(out, "-");
		}
		column += width_of(out->data + start, out->len - start);
		put_value(out, entry, indent, column);
		put_comments(out, entry->after, indent, false);
	}
}

void fmt_print(const struct fmt_tree *tree, struct fmt_text *out)
{
	struct fmt_text line = {.pool = out->pool};
	out->line = &line;
	put_block(out, tree->root, 0, false);
	out->line = NULL;
}
