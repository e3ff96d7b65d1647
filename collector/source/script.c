/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <ctype.h>
#include <string.h>

/* One line per family. The base name may go on with a version: python3.11, lua5.4, perl5.36.0. */
struct interpreter {
	const char *name;
	const char *takes_value; /* letters whose value is the rest of the argument, or the next */
	const char *no_script;	 /* letters after which there is no script file */
	const char *long_value;	 /* long options that take the next argument, space-separated */
	const char *long_none;	 /* long options that mean: no script file */
	const char *verb;	 /* a word that may stand before the script */
};

static const struct interpreter interpreters[] = {
	{ "bash", "oO", "cs", "--rcfile --init-file", "", "" },
	{ "dash", "o", "cs", "", "", "" },
	{ "sh", "oO", "cs", "--rcfile --init-file", "", "" },
	{ "zsh", "o", "cs", "", "", "" },
	{ "ksh", "o", "cs", "", "", "" },
	{ "mksh", "o", "cs", "", "", "" },
	{ "rbash", "oO", "cs", "--rcfile --init-file", "", "" },
	{ "python", "WX", "cm", "--check-hash-based-pycs", "", "" },
	{ "pypy", "WX", "cm", "", "", "" },
	{ "perl", "I", "eE", "", "", "" },
	{ "ruby", "CEIr", "e", "--encoding --external-encoding", "", "" },
	{ "node", "rC", "ep", "--require --import --loader --conditions", "--eval --print", "" },
	{ "nodejs", "rC", "ep", "--require --import --loader --conditions", "--eval --print", "" },
	{ "php", "dczt", "rBRE", "--define --php-ini", "--run", "" },
	{ "lua", "l", "e", "", "", "" },
	{ "luajit", "lj", "e", "", "", "" },
	{ "tclsh", "", "", "", "", "" },
	{ "wish", "", "", "", "", "" },
	{ "expect", "", "c", "", "", "" },
	{ "Rscript", "", "e", "", "", "" },
	{ "osh", "o", "cs", "", "", "" },
	{ "fish", "dDoC", "c", "--init-command --debug", "--command", "" },
	{ "deno", "", "", "", "", "run" },
	{ "bun", "", "", "", "", "run" },
};

static bool is_word_in(const char *list, const char *word, size_t len)
{
	while (*list) {
		size_t here = strcspn(list, " ");

		if (here == len && !memcmp(list, word, len))
			return true;
		list += here + (list[here] == ' ');
	}
	return false;
}

static bool is_version(const char *text)
{
	while (isdigit((unsigned char)*text) || *text == '.' || *text == '-')
		text++;
	return !*text;
}

static const struct interpreter *interpreter_find(const char *exe)
{
	const char *slash = strrchr(exe, '/');
	const char *base = slash ? slash + 1 : exe;

	for (size_t i = 0; i < sizeof(interpreters) / sizeof(interpreters[0]); i++) {
		size_t len = strlen(interpreters[i].name);

		if (!strncmp(base, interpreters[i].name, len) && is_version(base + len))
			return &interpreters[i];
	}
	return NULL;
}

/* busybox sh x, or busybox under the name sh: the applet is the interpreter. */
static const struct interpreter *interpreter_busybox(const char *exe, struct str argv, size_t *at)
{
	const char *slash = strrchr(exe, '/');
	const char *base = slash ? slash + 1 : exe;
	const char *applet = argv.data;
	size_t len = strnlen(argv.data, argv.len);

	if (strcmp(base, "busybox") != 0 || len == argv.len)
		return NULL;
	if (len >= 7 && !memcmp(argv.data + len - 7, "busybox", 7)) {
		applet = argv.data + len + 1;
		*at = len + 1;
	} else if ((slash = memrchr(argv.data, '/', len))) {
		applet = slash + 1;
	}
	len = strnlen(applet, argv.len - (size_t)(applet - argv.data));
	*at += applet == argv.data + *at ? len + 1 : strnlen(argv.data, argv.len) + 1;
	if (is_word_in("sh ash hush", applet, len))
		return interpreter_find("dash");
	return NULL;
}

enum option_step { STEP_NEXT, STEP_SKIP_VALUE, STEP_NO_SCRIPT };

static enum option_step option_long(const struct interpreter *interpreter, const char *arg,
				    size_t len)
{
	size_t name = len;
	const char *equals = memchr(arg, '=', len);

	if (equals)
		name = (size_t)(equals - arg);
	if (is_word_in(interpreter->long_none, arg, name))
		return STEP_NO_SCRIPT;
	if (!equals && is_word_in(interpreter->long_value, arg, name))
		return STEP_SKIP_VALUE;
	return STEP_NEXT;
}

static enum option_step option_short(const struct interpreter *interpreter, const char *arg,
				     size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (strchr(interpreter->no_script, arg[i]))
			return STEP_NO_SCRIPT;
		if (strchr(interpreter->takes_value, arg[i]))
			return i + 1 == len ? STEP_SKIP_VALUE : STEP_NEXT;
	}
	return STEP_NEXT;
}

/* php -f FILE, and the like: the value is the script. */
static bool is_file_option(const struct interpreter *interpreter, const char *arg, size_t len)
{
	return len == 2 && !memcmp(arg, "-f", 2) &&
	       (!strcmp(interpreter->name, "php") || !strcmp(interpreter->name, "expect"));
}

/* The argument at that place; len 0 behind the last. */
static struct str word_at(struct str argv, size_t at)
{
	size_t len = at < argv.len ? strnlen(argv.data + at, argv.len - at) : 0;

	return len ? (struct str){ argv.data + at, (uint32_t)len } : (struct str){ "", 0 };
}

static bool is_option(struct str word)
{
	return word.len > 1 && (word.data[0] == '-' ||
				(word.data[0] == '+' && strchr("oO", word.data[1])));
}

static bool is_verb(const struct interpreter *interpreter, struct str word)
{
	return *interpreter->verb && is_word_in(interpreter->verb, word.data, word.len);
}

/* -s says that the program is on standard input; -c, -m, -e bring it along. */
static bool is_brought(const struct interpreter *interpreter, struct str word)
{
	for (uint32_t i = 1; i < word.len; i++) {
		if (word.data[i] != 's' && strchr(interpreter->no_script, word.data[i]))
			return true;
	}
	return word.len > 2 && !memcmp(word.data, "--", 2);
}

/* The first argument that is neither an option nor the value of one. *ret_is_input: there is none, and
 * none is needed. */
static struct str operand_find(const struct interpreter *interpreter, struct str argv, size_t at,
			       bool *ret_is_input)
{
	const struct str none = { "", 0 };
	enum option_step step = STEP_NEXT;
	bool is_verb_seen = false;

	*ret_is_input = true;
	for (; at < argv.len; at += strnlen(argv.data + at, argv.len - at) + 1) {
		struct str word = word_at(argv, at);

		if (step == STEP_SKIP_VALUE) {
			step = STEP_NEXT;
			continue;
		}
		if (word.len == 1 && word.data[0] == '-')
			return none;
		*ret_is_input = false;
		if ((word.len == 2 && !memcmp(word.data, "--", 2)) ||
		    is_file_option(interpreter, word.data, word.len))
			return word_at(argv, at + word.len + 1);
		if (!is_option(word)) {
			if (is_verb_seen || !is_verb(interpreter, word))
				return word;
			is_verb_seen = true;
			continue;
		}
		step = word.len > 2 && !memcmp(word.data, "--", 2)
			       ? option_long(interpreter, word.data, word.len)
			       : option_short(interpreter, word.data, word.len);
		*ret_is_input = true;
		if (step == STEP_NO_SCRIPT) {
			*ret_is_input = !is_brought(interpreter, word);
			return none;
		}
	}
	return none;
}

static struct str operand_of(const char *exe, struct str argv, bool *ret_is_input)
{
	const struct interpreter *interpreter = interpreter_find(exe);
	size_t at = strnlen(argv.data, argv.len) + 1;

	if (!interpreter) {
		at = 0;
		interpreter = interpreter_busybox(exe, argv, &at);
	}
	*ret_is_input = false;
	return interpreter ? operand_find(interpreter, argv, at, ret_is_input)
			   : (struct str){ "", 0 };
}

struct str script_operand(const char *exe, struct str argv)
{
	bool is_input;

	return operand_of(exe, argv, &is_input);
}

bool script_is_input(const char *exe, struct str argv)
{
	bool is_input;

	return !operand_of(exe, argv, &is_input).len && is_input;
}

long script_descriptor(struct str operand)
{
	static const struct str places[] = { STR_LIT("/dev/fd/"), STR_LIT("/proc/self/fd/") };
	long fd = 0;
	uint32_t at = 0;

	if (operand.len == 10 && !memcmp(operand.data, "/dev/stdin", 10))
		return 0;
	for (int i = 0; !at && i < 2; i++)
		at = operand.len > places[i].len &&
				     !memcmp(operand.data, places[i].data, places[i].len)
			     ? places[i].len
			     : 0;
	if (!at || operand.len - at > 7)
		return -1;
	for (; at < operand.len; at++) {
		if (!isdigit((unsigned char)operand.data[at]))
			return -1;
		fd = fd * 10 + (operand.data[at] - '0');
	}
	return fd;
}

const char *script_given(const char *exe, struct str argv)
{
	const struct interpreter *interpreter = interpreter_find(exe);
	size_t at = strnlen(argv.data, argv.len) + 1;

	if (!interpreter)
		return NULL;
	for (; at < argv.len; at += strnlen(argv.data + at, argv.len - at) + 1) {
		struct str word = word_at(argv, at);

		if (word.len < 2 || word.data[0] != '-' || word.data[1] == '-')
			break;
		if (memchr(word.data, 'c', word.len) &&
		    option_short(interpreter, word.data, word.len) == STEP_NO_SCRIPT)
			return "-c";
		if (option_short(interpreter, word.data, word.len) == STEP_SKIP_VALUE)
			at += word.len + 1;
	}
	return script_operand(exe, argv).len ? NULL : "-";
}
