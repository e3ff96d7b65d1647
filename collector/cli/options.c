/* SPDX-License-Identifier: Apache-2.0
 *
 * Options out of tables: the table that parses is the table that --help prints.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../sink/escape.h"
#include "cli.h"

void cli_error(const char *format, ...)
{
	struct text escaped = {0};
	char *sentence = NULL;
	va_list arguments;
	va_start(arguments, format);
	int len = vasprintf(&sentence, format, arguments);
	va_end(arguments);
	text_clear(&escaped);
	if (len >= 0)
		text_escape_string(&escaped, sentence, ESCAPE_TERMINAL);
	fprintf(stderr, "sowatch: %s\n", escaped.data ? escaped.data : strerror(ENOMEM));
	if (len >= 0)
		free(sentence);
	text_done(&escaped);
}

void cli_warn(void *arg, const char *sentence)
{
	(void)arg;
	cli_error("%s", sentence);
}

const char *cli_variable(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

/* Levenshtein, on words short enough to be ours. */
static unsigned distance(const char *a, const char *b)
{
	enum { WORD_MAX = 32 };
	unsigned row[WORD_MAX + 1];
	size_t a_len = strlen(a), b_len = strlen(b);
	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			unsigned least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			row[j] = change < least ? change : least;
		}
	}
	return row[b_len];
}

const char *cli_nearest(const char *word, const char *const *candidates)
{
	const char *nearest = NULL;
	unsigned least = 3; /* two slips are a slip, three are another word */
	for (; *candidates; candidates++) {
		unsigned d = distance(word, *candidates);
		if (d < least && d < strlen(*candidates)) {
			least = d;
			nearest = *candidates;
		}
	}
	return nearest;
}

void cli_list_done(struct cli_list *list)
{
	free(list->items);
	*list = (struct cli_list){0};
}

static int list_add(struct cli_list *list, const char *item)
{
	const char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	items[list->count++] = item;
	list->items = items;
	return 0;
}

static void print_help(const struct cli_usage *usage, const struct cli_option *options)
{
	printf("usage: sowatch %s [OPTION]... %s\n\n%s\n\n", usage->verb, usage->operands,
	       usage->about);
	for (const struct cli_option *option = options; option->name; option++) {
		char name[64];
		snprintf(name, sizeof(name), "--%s%s%s", option->name, option->argument ? " " : "",
			 option->argument ? option->argument : "");
		if (option->letter)
			printf("  -%c, %-28s %s\n", option->letter, name, option->help);
		else
			printf("      %-28s %s\n", name, option->help);
	}
	printf("  -h, %-28s %s\n", "--help", "this text");
}

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);
	for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
		size_t choice_len = strcspn(at, "|");
		if (choice_len == len && !strncmp(at, value, len))
			return true;
	}
	return false;
}

static int set_number(const struct cli_option *option, const char *value)
{
	char *end;
	errno = 0;
	unsigned long number = strtoul(value, &end, 10);
	if (errno || *end || end == value || *value == '-' || number > UINT32_MAX) {
		cli_error("--%s: '%s' is not a number", option->name, value);
		return -EINVAL;
	}
	*(uint32_t *)option->target = (uint32_t)number;
	return 0;
}

static int set_option(const struct cli_option *option, const char *value)
{
	switch (option->type) {
	case CLI_FLAG:
		*(bool *)option->target = true;
		return 0;
	case CLI_LIST:
		return list_add(option->target, value);
	case CLI_NUMBER:
		return set_number(option, value);
	case CLI_CHOICE:
		if (!is_choice(option->argument, value)) {
			cli_error("--%s: '%s' is none of %s", option->name, value,
				  option->argument);
			return -EINVAL;
		}
		/* fall through */
	case CLI_STRING:
		*(const char **)option->target = value;
		return 0;
	}
	return -EINVAL;
}

static int unknown_option(const struct cli_usage *usage, const struct cli_option *options,
			  const char *word)
{
	const char *names[64] = {"help"};
	for (unsigned i = 0; options[i].name && i < 62; i++)
		names[i + 1] = options[i].name;
	char name[64];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	const char *bare = name + strspn(name, "-");
	const char *nearest = strlen(bare) > 1 ? cli_nearest(bare, names) : NULL;
	if (nearest)
		cli_error("%s: unknown option '%s'; did you mean '--%s'?", usage->verb, word,
			  nearest);
	else
		cli_error("%s: unknown option '%s'; `sowatch %s --help` lists them", usage->verb,
			  word, usage->verb);
	return -EINVAL;
}

/* Finds the option of a word like --name, --name=value, -n, -nvalue. */
static const struct cli_option *find_option(const struct cli_option *options, const char *word,
					    const char **ret_value)
{
	*ret_value = NULL;
	for (const struct cli_option *option = options; option->name; option++) {
		if (word[1] == '-') {
			size_t len = strlen(option->name);
			if (strncmp(word + 2, option->name, len) ||
			    (word[2 + len] && word[2 + len] != '='))
				continue;
			*ret_value = word[2 + len] ? word + 3 + len : NULL;
			return option;
		}
		if (option->letter && word[1] == option->letter) {
			*ret_value = word[2] ? word + 2 : NULL;
			return option;
		}
	}
	return NULL;
}

/* How many words the option took, or negative. */
static int parse_option(const struct cli_usage *usage, const struct cli_option *options, int argc,
			char **argv, int at)
{
	const char *value;
	const struct cli_option *option = find_option(options, argv[at], &value);
	int taken = 1;
	if (!option)
		return unknown_option(usage, options, argv[at]);
	if (option->type == CLI_FLAG && value) {
		cli_error("%s: --%s takes no value", usage->verb, option->name);
		return -EINVAL;
	}
	if (option->type != CLI_FLAG && !value) {
		if (at + 1 == argc) {
			cli_error("%s: --%s needs a value: %s", usage->verb, option->name,
				  option->argument);
			return -EINVAL;
		}
		value = argv[at + 1];
		taken = 2;
	}
	int error = set_option(option, value);
	return error ? error : taken;
}

/* argv[from, from + count) goes to place `to` (to <= from), what was there moves behind it. */
static void move_words(char **argv, int to, int from, int count)
{
	for (int i = 0; i < count; i++) {
		char *word = argv[from + i];
		memmove(argv + to + i + 1, argv + to + i, (size_t)(from - to) * sizeof(*argv));
		argv[to + i] = word;
	}
}

int cli_parse(const struct cli_usage *usage, const struct cli_option *options, int argc,
	      char **argv, int *ret_first)
{
	int first = 1; /* operands met so far start here */
	for (int at = 1; at < argc;) {
		const char *word = argv[at];
		if (!strcmp(word, "--")) {
			move_words(argv, first++, at, 1);
			break;
		}
		if (word[0] != '-' || !word[1]) {
			if (usage->stops_at_operand)
				break;
			at++;
			continue;
		}
		if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
			print_help(usage, options);
			return 1;
		}
		int taken = parse_option(usage, options, argc, argv, at);
		if (taken < 0)
			return taken;
		move_words(argv, first, at, taken);
		first += taken;
		at += taken;
	}
	*ret_first = first;
	return 0;
}
