/* SPDX-License-Identifier: Apache-2.0 */
#include "read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "../sink/words.h"
#include "../../preload/wire/ring.h"
#include "../source/source.h"

/* What one log is read with. */
struct reading {
	struct read_log log;
	const struct read_options *options;
	struct read_policy stored;
	struct policy *policy;
	struct fact_run run;
	uint64_t digest;
	bool has_run, has_end, has_torn, is_again;
};

/* --- policy ------------------------------------------------------------------------------------ */

static bool is_learned(const char *path)
{
	const char *slash = strrchr(path, '/');
	return strstr(slash ? slash + 1 : path, ".learned.y");
}

static void push_text(struct pool *pool, struct read_policy *policy, const char *path,
		      const char *text, size_t len)
{
	policy->texts =
		pool_grow(pool, policy->texts, policy->text_count, sizeof(*policy->texts));
	policy->texts[policy->text_count++] = (struct policy_text){
		pool_copy(pool, path, strlen(path)), pool_copy(pool, text, len), len};
}

static void push_variable(struct pool *pool, struct read_policy *policy, const char *name,
			  const char *value)
{
	policy->variables = pool_grow(pool, policy->variables, policy->variable_count,
				      sizeof(*policy->variables));
	policy->variables[policy->variable_count++] = (struct policy_variable){
		pool_copy(pool, name, strlen(name)), pool_copy(pool, value, strlen(value))};
}

void read_policy_of(struct pool *pool, const struct policy *policy, struct read_policy *ret)
{
	const struct policy_text *texts;
	const struct policy_variable *variables;
	unsigned text_count = policy_texts(policy, &texts);
	unsigned variable_count = policy_variables(policy, &variables);
	*ret = (struct read_policy){0};
	for (unsigned i = 0; i < text_count; i++)
		push_text(pool, ret, texts[i].path, texts[i].text ? texts[i].text : "",
			  texts[i].len);
	for (unsigned i = 0; i < variable_count; i++)
		push_variable(pool, ret, variables[i].name, variables[i].value);
}

static const char *stored_variable(void *arg, const char *name)
{
	const struct read_policy *policy = arg;
	for (unsigned i = 0; i < policy->variable_count; i++)
		if (!strcmp(policy->variables[i].name, name))
			return policy->variables[i].value;
	return NULL;
}

/* A profile of this learned file is named in a file that was written by hand: it extends or replaces it
 * and would not stand without. Files of ours are a profile each, "  - name: ..." its line. */
static bool is_built_upon(const struct read_policy *policy, const struct policy_text *learned)
{
	static const char mark[] = "\n  - name: ";
	const char *name = strstr(learned->text, mark);
	if (!name)
		return false;
	name += strlen(mark);
	name += *name == '"';
	size_t len = strcspn(name, "\"\n");
	for (unsigned i = 0; len && i < policy->text_count; i++)
		if (!is_learned(policy->texts[i].path) &&
		    memmem(policy->texts[i].text, policy->texts[i].len, name, len))
			return true;
	return false;
}

static unsigned take_texts(const struct read_policy *from, struct policy_text *ret_texts)
{
	unsigned count = 0;
	for (unsigned i = 0; i < from->text_count; i++)
		if (!is_learned(from->texts[i].path) || is_built_upon(from, &from->texts[i]))
			ret_texts[count++] = from->texts[i];
	return count;
}

static struct policy *load(const struct reading *reading, const struct read_policy *from,
			   const char *extra)
{
	struct policy_options options = {.variable = stored_variable,
					 .variable_arg = (void *)from,
					 .errors = reading->options->errors};
	struct policy_text *texts = calloc(from->text_count + 2, sizeof(*texts));
	struct policy *policy = NULL;
	if (!texts)
		return NULL;
	unsigned count = take_texts(from, texts);
	if (extra) {
		texts[count++] = (struct policy_text){(char *)"", (char *)"", 0};
		texts[count++] = (struct policy_text){(char *)reading->options->extra_path,
						      (char *)extra, strlen(extra)};
	}
	policy_load_texts(texts, count, &options, &policy);
	free(texts);
	return policy;
}

static int load_policies(struct reading *reading)
{
	const struct read_policy *from =
		reading->options->given ? reading->options->given : &reading->stored;
	reading->policy = load(reading, from, NULL);
	reading->log.policy = reading->policy;
	if (reading->policy && reading->options->extra)
		reading->log.with = load(reading, from, reading->options->extra);
	bool is_loaded = reading->policy && (reading->log.with || !reading->options->extra);
	return is_loaded ? 0 : -ENOEXEC;
}

/* --- the run ----------------------------------------------------------------------------------- */

static char *keep(struct facts *facts, struct str str)
{
	char *copy = pool_copy(facts->pool, str.data, str.len);
	for (uint32_t i = 0; i < str.len; i++)
		if (!copy[i])
			copy[i] = '?';
	return copy;
}

static void begin_run(struct reading *reading, const struct item_run *item)
{
	struct facts *facts = reading->log.facts;
	struct fact_run *run = &reading->run;
	*run = (struct fact_run){.id = keep(facts, item->run_id),
				 .host = keep(facts, item->host),
				 .service = keep(facts, item->service),
				 .vantage = keep(facts, item->vantage),
				 .start_ns = item->realtime_ns,
				 .end_ns = item->realtime_ns,
				 .digest = reading->digest};
	reading->has_run = true;
	for (uint32_t i = 0; i < facts->run_count; i++)
		reading->is_again |= facts->runs[i].digest == run->digest;
	if (reading->is_again)
		return;
	facts->runs = pool_grow(facts->pool, facts->runs, facts->run_count, sizeof(*run));
	facts->run = facts->run_count++;
	facts->runs[facts->run] = *run;
	facts->event = 0;
	facts->known = NULL;
	facts->known_room = 0;
}

void read_add_hole(struct read_log *log, uint8_t kind, uint64_t count)
{
	struct facts *facts = log->facts;
	struct fact_run *run = &facts->runs[facts->run];
	const char *name = words_hole(kind);
	struct item_hole hole = {.kind = kind, .family = WIRE_FAMILIES, .count = 1};
	uint32_t at = 0;
	while (at < run->hole_count && strcmp(run->holes[at].name, name) < 0)
		at++;
	if (at == run->hole_count || strcmp(run->holes[at].name, name)) {
		struct text sentence = {0};
		text_clear(&sentence);
		words_hole_sentence(&sentence, log->model, &hole, ESCAPE_TERMINAL);
		run->holes = pool_grow(facts->pool, run->holes, run->hole_count,
				       sizeof(*run->holes));
		memmove(run->holes + at + 1, run->holes + at,
			(run->hole_count - at) * sizeof(*run->holes));
		run->holes[at] = (struct fact_hole){
			.name = name,
			.sentence = pool_copy(facts->pool, sentence.data ? sentence.data : "",
					      sentence.len)};
		run->hole_count++;
		text_done(&sentence);
	}
	run->holes[at].count += count ? count : 1;
}

static void end_run(struct reading *reading)
{
	struct facts *facts = reading->log.facts;
	if (!reading->has_run || reading->is_again)
		return;
	if (!reading->has_end && !reading->has_torn)
		read_add_hole(&reading->log, HOLE_TORN, 1);
	if (!strcmp(facts->runs[facts->run].vantage, "shim"))
		read_add_hole(&reading->log, HOLE_KERNEL, 1);
	if (reading->options->finish)
		reading->options->finish(reading->options->arg, &reading->log);
}

/* --- items ------------------------------------------------------------------------------------- */

static int read_event(struct reading *reading, const struct item_event *event)
{
	struct facts *facts = reading->log.facts;
	struct fact_run *run = &facts->runs[facts->run];
	const struct item_run *began = model_run(reading->log.model);
	uint64_t time_ns = began->realtime_ns + (event->time_ns - began->monotonic_ns);
	facts->event++;
	run->events++;
	if (time_ns < run->start_ns)
		run->start_ns = time_ns;
	if (time_ns > run->end_ns)
		run->end_ns = time_ns;
	return reading->options->event(reading->options->arg, &reading->log, reading->policy,
				       event);
}

static int read_item(struct reading *reading, const struct item *item)
{
	bool is_policy = item->type == ITEM_POLICY || item->type == ITEM_VARIABLE;
	struct pool *pool = reading->log.facts->pool;
	if (item->type == ITEM_RUN && !reading->has_run)
		begin_run(reading, &item->run);
	if (!reading->has_run || reading->is_again)
		return 0;
	if (item->type == ITEM_POLICY)
		push_text(pool, &reading->stored, keep(reading->log.facts, item->policy.path),
			  item->policy.text.data ? item->policy.text.data : "",
			  item->policy.text.len);
	if (item->type == ITEM_VARIABLE)
		push_variable(pool, &reading->stored, keep(reading->log.facts, item->variable.name),
			      keep(reading->log.facts, item->variable.value));
	if (!is_policy && item->type != ITEM_RUN && !reading->policy && load_policies(reading))
		return -ENOEXEC;
	if (model_ingest(reading->log.model, item)) {
		read_add_hole(&reading->log, HOLE_REJECTED, 1);
		return 0;
	}
	if (item->type == ITEM_HOLE)
		read_add_hole(&reading->log, item->hole.kind, item->hole.count);
	reading->has_torn |= item->type == ITEM_HOLE && item->hole.kind == HOLE_TORN;
	reading->has_end |= item->type == ITEM_END;
	return item->type == ITEM_EVENT ? read_event(reading, &item->event) : 0;
}

static int read_items(struct reading *reading, struct source *source, char *error,
		      size_t error_bytes)
{
	struct item item;
	int result = 0, next = 0;
	while (!result && !reading->is_again && (next = source_next(source, &item)) == 1)
		result = read_item(reading, &item);
	if (result || reading->is_again || next == -ENODATA)
		return result;
	snprintf(error, error_bytes, "%s", source_error(source) ? source_error(source) : "");
	return -EBADMSG;
}

/* Of the file's bytes; of what is no plain file, a number of its own. */
static uint64_t digest_of(const char *path, uint32_t run)
{
	char buffer[65536];
	struct stat status;
	XXH3_state_t *state = XXH3_createState();
	FILE *file = fopen(path, "re");
	uint64_t digest = run + 1;
	if (file && state && !fstat(fileno(file), &status) && S_ISREG(status.st_mode)) {
		XXH3_64bits_reset(state);
		for (size_t got; (got = fread(buffer, 1, sizeof(buffer), file));)
			XXH3_64bits_update(state, buffer, got);
		digest = XXH3_64bits_digest(state);
	}
	if (file)
		fclose(file);
	XXH3_freeState(state);
	return digest;
}

int read_log(struct facts *facts, const char *path, const struct read_options *options,
	     char *error, size_t error_bytes)
{
	struct reading reading = {.log = {.facts = facts}, .options = options};
	struct source *source = NULL;
	*error = 0;
	int result = source_log_open(path, &source, error, error_bytes);
	if (result)
		return result;
	/* The pool unwinds over us when memory is short: what is ours is let go on the way. */
	reading.digest = digest_of(path, facts->run_count);
	jmp_buf escape, *outer = facts->pool->escape;
	facts->pool->escape = &escape;
	if (!setjmp(escape)) {
		reading.log.model = model_new();
		result = reading.log.model ? read_items(&reading, source, error, error_bytes)
					   : -ENOMEM;
		if (reading.log.model)
			end_run(&reading);
	} else {
		result = -ENOMEM;
	}
	facts->pool->escape = outer;
	policy_free(reading.log.with);
	policy_free(reading.policy);
	model_free(reading.log.model);
	source_close(source);
	if (!result && !reading.has_run) {
		snprintf(error, error_bytes, "%s: there is no run in it", path);
		return -EBADMSG;
	}
	return result ? result : reading.is_again ? READ_AGAIN : READ_DONE;
}
