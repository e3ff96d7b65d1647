/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch log show|verify|stats LOG...: looks into logs without judging them. One item, one line;
 * events begin with their time, everything else with its kind, so that grep can tell them apart.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "../log/log.h"
#include "../model/model.h"
#include "../sink/words.h"
#include "cli.h"

static const char *const item_names[] = {
	[ITEM_RUN] = "run",	      [ITEM_POLICY] = "policy",	  [ITEM_VARIABLE] = "variable",
	[ITEM_FUNCTION] = "function", [ITEM_PROCESS] = "process", [ITEM_PROCESS_END] = "exit",
	[ITEM_OBJECT] = "object",     [ITEM_STACK] = "stack",	  [ITEM_CHAIN] = "chain",
	[ITEM_TARGET] = "target",     [ITEM_NAME] = "name",	  [ITEM_EVENT] = "event",
	[ITEM_HOLE] = "hole",	      [ITEM_END] = "end",
};

#define ITEM_KINDS (ITEM_END + 1)

/* Damage is 3; a log that is not there or not readable is the caller's mistake. */
static int tell_open_error(int error, const char *sentence)
{
	cli_error("%s", sentence);
	return error == -EBADMSG || error == -EPROTONOSUPPORT ? CLI_DAMAGED : CLI_USAGE;
}

static int worse(int a, int b)
{
	return a > b ? a : b;
}

/* --- show: one line ------------------------------------------------------------------------ */

static void add_str(struct text *line, const char *label, struct str str)
{
	if (!str.len)
		return;
	text_add(line, label);
	text_escape(line, str, ESCAPE_TERMINAL);
}

/* NUL-separated arguments, with blanks between. The last NUL ends, it does not separate. */
static void add_argv(struct text *line, const char *label, struct str argv)
{
	uint32_t from = 0;

	if (argv.len && !argv.data[argv.len - 1])
		argv.len--;
	for (uint32_t i = 0; argv.len && i <= argv.len; i++) {
		if (i < argv.len && argv.data[i])
			continue;
		text_add(line, from ? " " : label);
		text_escape(line, (struct str){argv.data + from, i - from}, ESCAPE_TERMINAL);
		from = i + 1;
	}
}

static void add_result(struct text *line, int32_t result)
{
	const char *name = result < 0 && result > -4096 ? strerrorname_np(-result) : NULL;

	if (name)
		text_addf(line, " = -%s", name);
	else
		text_addf(line, " = %" PRId32, result);
}

static void add_peer(struct text *line, const struct item_target *target)
{
	text_add(line, target->address_len == 16 ? "[" : "");
	words_address(line, target);
	text_addf(line, "%s:%u", target->address_len == 16 ? "]" : "", target->port);
	if (*words_proto(target))
		text_addf(line, "/%s", words_proto(target));
}

static void add_target(struct text *line, const struct item_target *target)
{
	text_add(line, " ");
	switch (target->kind) {
	case TARGET_PEER:
		add_peer(line, target);
		break;
	case TARGET_UNIX:
		text_add(line, "unix:");
		text_escape(line, target->path, ESCAPE_TERMINAL);
		break;
	case TARGET_MEMORY:
		text_addf(line, "%" PRIu64 " bytes of memory", target->number);
		break;
	case TARGET_PROCESS:
		text_addf(line, "process %" PRIu64, target->number);
		add_str(line, " ", target->path);
		break;
	default:
		text_escape(line, target->path, ESCAPE_TERMINAL);
	}
	if (target->is_unresolved)
		text_add(line, " (as asked)");
	add_str(line, " to ", target->to);
	add_argv(line, " argv: ", target->argv);
}

static void add_chain(struct text *line, struct model *model, uint32_t id)
{
	const struct chain *chain = model_chain(model, id);

	text_add(line, " ");
	for (uint32_t i = 0; chain && i < chain->count; i++) {
		text_add(line, i ? "|" : "");
		text_escape_string(line, chain->links[i].subject->name, ESCAPE_TERMINAL);
	}
	if (!chain || !chain->count)
		text_add(line, "unknown");
	else if (chain->is_partial)
		text_add(line, " (partial)");
}

static void add_function(struct text *line, struct model *model, const char *label, uint16_t id)
{
	const char *name = model_function(model, id);

	text_add(line, label);
	if (name)
		text_escape_string(line, name, ESCAPE_TERMINAL);
	else
		text_addf(line, "function %u", id);
}

static const char *const bypass_names[BYPASS_KINDS] = {
#define BYPASS(id, number, kind, name, is_caller, sentence) [number] = kind " " name,
	BYPASSES(BYPASS)
#undef BYPASS
};

static void add_event(struct text *line, struct model *model, const struct item_event *event,
		      uint64_t number)
{
	const struct process *process = model_process(model, event->process);
	const struct item_target *target = model_target(model, event->target);

	words_time(line, model_run(model), event->time_ns);
	text_addf(line, " %u %s", process ? process->pid : 0, words_action(event->action));
	if (target)
		add_target(line, target);
	add_result(line, event->result);
	add_chain(line, model, event->chain);
	if (event->function)
		add_function(line, model, " in ", event->function);
	for (unsigned i = 0; i < WIRE_VIA_MAX && event->via[i]; i++)
		add_function(line, model, " via ", event->via[i]);
	text_add(line, event->flags & EVENT_UNANNOUNCED ? " unannounced" : "");
	if (event->bypass && event->bypass < BYPASS_KINDS)
		text_addf(line, " %s", bypass_names[event->bypass]);
	text_addf(line, " #%" PRIu64, number);
}

static void add_process(struct text *line, const struct item_process *process)
{
	text_addf(line, " %u pid %u uid %u", process->id, process->pid, process->uid);
	if (process->parent)
		text_addf(line, " %s process %u",
			  process->how == PROCESS_FORK ? "forked by" : "started by",
			  process->parent);
	text_add(line, process->covered ? "" : " uncovered");
	add_str(line, " ", process->exe);
	add_str(line, " script ", process->script);
	add_str(line, " from ", process->script_origin);
	if (process->script_pipe)
		text_addf(line, " script from pipe %llx", (unsigned long long)process->script_pipe);
	if (process->output_pipe)
		text_addf(line, " writes pipe %llx", (unsigned long long)process->output_pipe);
	add_argv(line, " argv: ", process->argv);
}

static void add_object(struct text *line, const struct item_object *object)
{
	text_addf(line, " %u ", object->id);
	text_escape(line, object->path.len ? object->path : STR_LIT("memory"), ESCAPE_TERMINAL);
	add_str(line, " soname ", object->soname);
	add_str(line, " build-id ", object->build_id);
	add_str(line, " package ", object->package);
	add_str(line, " ", object->package_version);
	text_add(line, object->is_deleted ? " (deleted)" : "");
	add_str(line, " sha256 ", object->sha256);
}

static void add_run(struct text *line, const struct item_run *run)
{
	add_str(line, " of service ", run->service);
	add_str(line, " on ", run->host);
	add_str(line, " kernel ", run->kernel);
	add_str(line, " by sowatch ", run->tool_version);
	add_str(line, " vantage ", run->vantage);
	add_str(line, " id ", run->run_id);
}

static void add_name(struct text *line, const struct item_name *name)
{
	struct item_target target = {.address_len = name->address_len};

	memcpy(target.address, name->address, sizeof(target.address));
	add_str(line, " ", name->name);
	text_add(line, " is ");
	words_address(line, &target);
	text_addf(line, " for process %u", name->process);
}

static void add_definition(struct text *line, struct model *model, const struct item *item)
{
	text_add(line, item_names[item->type]);
	switch (item->type) {
	case ITEM_RUN:
		add_run(line, &item->run);
		break;
	case ITEM_POLICY:
		add_str(line, " ", item->policy.path);
		text_addf(line, " %u bytes", item->policy.text.len);
		break;
	case ITEM_VARIABLE:
		add_str(line, " ", item->variable.name);
		add_str(line, "=", item->variable.value);
		break;
	case ITEM_FUNCTION:
		text_addf(line, " %u", item->function.id);
		add_str(line, " ", item->function.name);
		break;
	case ITEM_PROCESS:
		add_process(line, &item->process);
		break;
	case ITEM_PROCESS_END:
		text_addf(line, " of process %u at ", item->process_end.process);
		words_time(line, model_run(model), item->process_end.time_ns);
		break;
	case ITEM_OBJECT:
		add_object(line, &item->object);
		break;
	case ITEM_STACK:
		text_addf(line, " %u of %u frames", item->stack.id, item->stack.count);
		break;
	case ITEM_CHAIN:
		text_addf(line, " %u", item->chain.id);
		add_chain(line, model, item->chain.id);
		break;
	case ITEM_TARGET:
		text_addf(line, " %u", item->target.id);
		add_target(line, &item->target);
		break;
	case ITEM_NAME:
		add_name(line, &item->name);
		break;
	case ITEM_HOLE:
		text_add(line, " ");
		words_hole_sentence(line, model, &item->hole, ESCAPE_TERMINAL);
		break;
	case ITEM_END:
		text_addf(line, " after %" PRIu64 " events, exit status %" PRId32 ", at ",
			  item->end.events, item->end.exit_status);
		words_time(line, model_run(model), item->end.time_ns);
		break;
	case ITEM_EVENT:
		break;
	}
}

/* --- show ---------------------------------------------------------------------------------- */

struct show {
	const char *subject, *action;
	uint32_t pid;
	bool is_filtering;
	uint64_t number; /* of the last event in its log, from 1: what `policy explain` takes */
	struct model *model;
	struct text line;
};

static bool has_subject(const struct chain *chain, const char *name)
{
	for (uint32_t i = 0; chain && i < chain->count; i++) {
		if (!strcmp(chain->links[i].subject->name, name))
			return true;
	}
	return false;
}

static bool is_wanted(const struct show *show, const struct item *item)
{
	const struct process *process;

	if (!show->is_filtering)
		return true;
	if (item->type != ITEM_EVENT)
		return false;
	process = model_process(show->model, item->event.process);
	if (show->pid && (!process || process->pid != show->pid))
		return false;
	if (show->action && fnmatch(show->action, words_action(item->event.action), 0))
		return false;
	return !show->subject ||
	       has_subject(model_chain(show->model, item->event.chain), show->subject);
}

static void show_item(struct show *show, const struct item *item)
{
	show->number += item->type == ITEM_EVENT;
	if (!is_wanted(show, item))
		return;
	text_clear(&show->line);
	if (item->type == ITEM_EVENT)
		add_event(&show->line, show->model, &item->event, show->number);
	else
		add_definition(&show->line, show->model, item);
	puts(show->line.data ? show->line.data : "out of memory");
}

static int show_log(struct show *show, const char *path)
{
	struct log_reader *reader;
	char error[512];
	struct item item;
	int result = log_open(path, &reader, error, sizeof(error)), status = CLI_OK;

	if (result)
		return tell_open_error(result, error);
	while (!ferror(stdout) && (result = log_next(reader, &item)) > 0) {
		if (model_ingest(show->model, &item)) {
			cli_error("%s: this %s is not valid and is ignored:", path,
				  item_names[item.type]);
			status = CLI_DAMAGED;
		}
		show_item(show, &item);
	}
	if (result < 0) {
		cli_error("%s", log_error(reader));
		status = CLI_DAMAGED;
	}
	log_reader_free(reader);
	return status;
}

static int show(struct show *show, unsigned count, char **paths)
{
	int status = CLI_OK;

	show->is_filtering = show->subject || show->action || show->pid;
	for (unsigned i = 0; i < count && !ferror(stdout); i++) {
		show->number = 0;
		show->model = model_new();
		if (!show->model) {
			cli_error("%s", strerror(ENOMEM));
			return CLI_USAGE;
		}
		status = worse(status, show_log(show, paths[i]));
		model_free(show->model);
	}
	text_done(&show->line);
	return status;
}

/* --- verify -------------------------------------------------------------------------------- */

static int verify_log(const char *path)
{
	struct log_reader *reader;
	struct log_extent extent;
	struct item item;
	uint64_t events = 0;
	char error[512], chain[2 * sizeof(extent.chain) + 1];
	int result = log_open(path, &reader, error, sizeof(error));

	if (result)
		return tell_open_error(result, error);
	while ((result = log_next(reader, &item)) > 0)
		events += item.type == ITEM_EVENT;
	log_extent(reader, &extent);
	for (unsigned i = 0; i < sizeof(extent.chain); i++)
		snprintf(chain + 2 * i, 3, "%02x", extent.chain[i]);
	if (result < 0)
		cli_error("%s", log_error(reader));
	else if (extent.is_torn)
		cli_error("%s: torn: it ends at byte %" PRIu64 " without its end mark; %" PRIu64
			  " blocks, %" PRIu64 " events before that are intact",
			  path, extent.bytes, extent.blocks, events);
	else
		printf("%s: ok: %" PRIu64 " blocks, %" PRIu64 " events, %" PRIu64
		       " bytes, chain %s\n",
		       path, extent.blocks, events, extent.bytes, chain);
	log_reader_free(reader);
	return result < 0 || extent.is_torn ? CLI_DAMAGED : CLI_OK;
}

/* --- stats --------------------------------------------------------------------------------- */

struct stats {
	uint64_t items[ITEM_KINDS], actions[WIRE_ACTIONS];
	uint64_t first_ns, last_ns;
};

static void count_item(struct stats *stats, const struct item *item)
{
	const struct item_event *event = &item->event;

	stats->items[item->type]++;
	if (item->type != ITEM_EVENT)
		return;
	stats->actions[event->action]++;
	if (stats->items[ITEM_EVENT] == 1 || event->time_ns < stats->first_ns)
		stats->first_ns = event->time_ns;
	if (event->time_ns > stats->last_ns)
		stats->last_ns = event->time_ns;
}

static void print_stats(const char *path, const struct stats *stats,
			const struct log_extent *extent)
{
	uint64_t events = stats->items[ITEM_EVENT];

	printf("%s: %" PRIu64 " bytes in %" PRIu64 " blocks, %" PRIu64 " unpacked\n", path,
	       extent->bytes, extent->blocks, extent->raw_bytes);
	for (unsigned i = ITEM_RUN; i < ITEM_KINDS; i++) {
		if (stats->items[i])
			printf("%12" PRIu64 " %s\n", stats->items[i], item_names[i]);
	}
	for (unsigned i = 1; i < WIRE_ACTIONS; i++) {
		if (stats->actions[i])
			printf("%12" PRIu64 " %s\n", stats->actions[i], words_action((uint8_t)i));
	}
	if (events)
		printf("%12.2f bytes per event\n%12.3f seconds from the first to the last\n",
		       (double)extent->bytes / (double)events,
		       (double)(stats->last_ns - stats->first_ns) / 1e9);
}

static int stats_log(const char *path)
{
	struct log_reader *reader;
	struct log_extent extent;
	struct stats stats = {0};
	struct item item;
	char error[512];
	int result = log_open(path, &reader, error, sizeof(error));

	if (result)
		return tell_open_error(result, error);
	while ((result = log_next(reader, &item)) > 0)
		count_item(&stats, &item);
	log_extent(reader, &extent);
	if (result < 0)
		cli_error("%s", log_error(reader));
	else
		print_stats(path, &stats, &extent);
	log_reader_free(reader);
	return result < 0 ? CLI_DAMAGED : CLI_OK;
}

/* --- the verb ------------------------------------------------------------------------------ */

static int each(int (*function)(const char *path), unsigned count, char **paths)
{
	int status = CLI_OK;

	for (unsigned i = 0; i < count; i++)
		status = worse(status, function(paths[i]));
	return status;
}

static int unknown_action(const char *word)
{
	if (word)
		cli_error("log: unknown action '%s'", word);
	fprintf(stderr, "usage: sowatch log show|verify|stats [OPTION]... LOG...\n");
	return CLI_USAGE;
}

int cli_log(int argc, char **argv)
{
	static const struct cli_usage usages[] = {
		{"log show", "LOG...", "Prints one line for every item of the logs.", false},
		{"log verify", "LOG...", "Checks every block and the hash chain of the logs.",
		 false},
		{"log stats", "LOG...", "Counts what the logs hold.", false},
	};
	struct show filter = {0};
	const struct cli_option show_options[] = {
		{"pid", 0, CLI_NUMBER, "N", "only events of this process", &filter.pid},
		{"subject", 0, CLI_STRING, "NAME", "only events with NAME in their chain",
		 &filter.subject},
		{"action", 0, CLI_STRING, "GLOB", "only events like net.* or file.write",
		 &filter.action},
		{0},
	};
	const struct cli_option *none = &show_options[3];
	unsigned which = 0;
	int first, result;

	if (argc < 2)
		return unknown_action(NULL);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		printf("usage: sowatch log show|verify|stats [OPTION]... LOG...\n\n");
		for (unsigned i = 0; i < 3; i++)
			printf("  %-8s %s\n", usages[i].verb + strlen("log "), usages[i].about);
		printf("\n`sowatch log ACTION --help` lists its options.\n");
		return CLI_OK;
	}
	while (which < 3 && strcmp(usages[which].verb + strlen("log "), argv[1]))
		which++;
	if (which == 3)
		return unknown_action(argv[1]);
	result = cli_parse(&usages[which], which ? none : show_options, argc - 1, argv + 1, &first);
	if (result)
		return result < 0 ? CLI_USAGE : CLI_OK;
	argc -= 1 + first;
	argv += 1 + first;
	if (!argc)
		return unknown_action(NULL);
	result = !which ? show(&filter, (unsigned)argc, argv)
			: each(which == 1 ? verify_log : stats_log, (unsigned)argc, argv);
	return fflush(stdout) || ferror(stdout) ? CLI_USAGE : result;
}
