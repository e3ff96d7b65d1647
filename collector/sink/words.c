/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../preload/wire/ring.h"

const char *words_kind(enum subject_kind kind)
{
	switch (kind) {
	case SUBJECT_LIBRARY:
		return "library";
	case SUBJECT_EXECUTABLE:
		return "executable";
	case SUBJECT_PYTHON:
		return "python";
	case SUBJECT_SCRIPT:
		return "script";
	case SUBJECT_CODE:
		return "code";
	}
	return "unknown";
}

static const char *const action_names[] = {
#define ACTION(id, number, name, family, doc) [number] = name,
#include "../../preload/wire/actions.tbl.h"
#undef ACTION
};

const char *words_action(uint8_t action)
{
	return action && action < WIRE_ACTIONS ? action_names[action] : "unknown";
}

const char *words_family(uint8_t action)
{
	enum family { NET, FILE, EXEC, ENV };
	static const char *const names[] = {"network", "file", "exec", "env"};
	static const uint8_t families[] = {
#define ACTION(id, number, name, family, doc) [number] = family,
#include "../../preload/wire/actions.tbl.h"
#undef ACTION
	};
	return action < WIRE_ACTIONS ? names[families[action]] : "unknown";
}

const char *words_severity(enum severity severity)
{
	switch (severity) {
	case SEVERITY_LOW:
		return "low";
	case SEVERITY_MEDIUM:
		return "medium";
	case SEVERITY_HIGH:
		return "high";
	case SEVERITY_CRITICAL:
		return "critical";
	}
	return "medium";
}

const char *words_confidence(const struct outcome *outcome)
{
	switch (outcome->method) {
	case METHOD_EXACT:
		return "high";
	case METHOD_INFERRED:
		return "medium";
	case METHOD_PARTIAL:
		return "low";
	}
	return "low";
}

const char *words_verdict(enum verdict verdict)
{
	return verdict == VERDICT_CLEAN	     ? "clean"
	       : verdict == VERDICT_DEVIATES ? "deviates"
					     : "unknown";
}

const char *words_hole(uint8_t kind)
{
	switch (kind) {
#define HOLE(id, number, name, sentence)                                                           \
	case number:                                                                               \
		return name;
		HOLES(HOLE)
#undef HOLE
	}
	return "unknown";
}

static const char *hole_sentence(uint8_t kind)
{
	switch (kind) {
#define HOLE(id, number, name, sentence)                                                           \
	case number:                                                                               \
		return sentence;
		HOLES(HOLE)
#undef HOLE
	}
	return "something could not be seen";
}

void words_address(struct text *text, const struct item_target *target)
{
	char address[INET6_ADDRSTRLEN] = "";
	if (target->address_len == 4)
		inet_ntop(AF_INET, target->address, address, sizeof(address));
	else if (target->address_len == 16)
		inet_ntop(AF_INET6, target->address, address, sizeof(address));
	text_add(text, address);
}

const char *words_proto(const struct item_target *target)
{
	if (target->kind == TARGET_UNIX)
		return "unix";
	return target->proto == PROTO_TCP ? "tcp" : target->proto == PROTO_UDP ? "udp" : "";
}

const char *words_host(struct model *model, uint32_t process, const struct item_target *target)
{
	const char *name;
	if (target->kind == TARGET_PEER && target->address_len &&
	    model_names(model, process, target->address, target->address_len, &name, 1))
		return name;
	return "";
}

/* What was done, and what was only tried. */
static const struct {
	const char *did, *tried;
} verbs[WIRE_ACTIONS] = {
	[WIRE_NET_CONNECT] = {"connected to", "connect to"},
	[WIRE_NET_BIND] = {"bound", "bind"},
	[WIRE_NET_LISTEN] = {"listened on", "listen on"},
	[WIRE_NET_ACCEPT] = {"accepted a connection from", "accept a connection from"},
	[WIRE_NET_SEND] = {"sent a datagram to", "send a datagram to"},
	[WIRE_NET_RESOLVE] = {"asked for the address of", "ask for the address of"},
	[WIRE_NET_EXCHANGE] = {"mixed up requests and replies with",
			       "mix up requests and replies with"},
	[WIRE_FILE_READ] = {"read", "read"},
	[WIRE_FILE_WRITE] = {"wrote", "write"},
	[WIRE_FILE_DELETE] = {"deleted", "delete"},
	[WIRE_FILE_RENAME] = {"renamed", "rename"},
	[WIRE_FILE_LINK] = {"linked", "link"},
	[WIRE_FILE_MODE] = {"changed mode or owner of", "change mode or owner of"},
	[WIRE_FILE_LIST] = {"listed", "list"},
	[WIRE_EXEC_RUN] = {"ran", "run"},
	[WIRE_EXEC_LOAD] = {"loaded", "load"},
	[WIRE_EXEC_CODE] = {"made executable", "make executable"},
	[WIRE_EXEC_INSPECT] = {"reached into", "reach into"},
	[WIRE_ENV_READ] = {"looked up the environment variable",
			   "look up the environment variable"},
};

static void add_peer(struct text *text, const struct finding *finding,
		     const struct item_target *target, enum escape escape)
{
	if (target->address_len == 16)
		text_add(text, "[");
	words_address(text, target);
	text_addf(text, "%s:%u", target->address_len == 16 ? "]" : "", target->port);
	if (target->proto == PROTO_UDP)
		text_add(text, "/udp");
	const char *host = words_host(finding->model, finding->event->process, target);
	if (*host) {
		text_add(text, " (");
		text_escape_string(text, host, escape);
		text_add(text, ")");
	}
}

/* On a terminal a sentence stays one: what is longer than this is in the alerts and in the log. */
#define SENTENCE_BYTES_MAX 400u

static void add_bytes(struct text *text, struct str bytes, enum escape escape)
{
	struct str shown = bytes;
	if (escape == ESCAPE_TERMINAL && bytes.len > SENTENCE_BYTES_MAX)
		shown.len = SENTENCE_BYTES_MAX;
	while (shown.len < bytes.len && shown.len && (bytes.data[shown.len] & 0xc0) == 0x80)
		shown.len--; /* not within a character */
	text_escape(text, shown, escape);
	if (shown.len < bytes.len)
		text_addf(text, "… and %u more bytes", bytes.len - shown.len);
}

static void add_program(struct text *text, const struct item_target *target, enum escape escape)
{
	uint32_t shown = target->argv.len;
	add_bytes(text, target->path.len ? target->path : target->asked, escape);
	if (!target->argv.len)
		return;
	if (escape == ESCAPE_TERMINAL && shown > SENTENCE_BYTES_MAX)
		shown = SENTENCE_BYTES_MAX;
	text_add(text, " [");
	for (uint32_t at = 0; at < shown;) {
		struct str word = {target->argv.data + at,
				   (uint32_t)strnlen(target->argv.data + at, shown - at)};
		text_add(text, at ? " " : "");
		text_escape(text, word, escape);
		at += word.len + 1;
	}
	if (shown < target->argv.len)
		text_addf(text, "… and %u more bytes", target->argv.len - shown);
	text_add(text, "]");
}

static void add_object(struct text *text, const struct finding *finding,
		       const struct item_target *target, enum escape escape)
{
	switch (target->kind) {
	case TARGET_PEER:
		add_peer(text, finding, target, escape);
		return;
	case TARGET_PROGRAM:
		add_program(text, target, escape);
		return;
	case TARGET_UNIX:
		text_add(text, "unix:");
		break;
	case TARGET_MEMORY:
		text_addf(text, "%llu bytes of memory", (unsigned long long)target->number);
		return;
	case TARGET_PROCESS:
		text_addf(text, "process %llu ", (unsigned long long)target->number);
		break;
	}
	add_bytes(text, target->path.len ? target->path : target->asked, escape);
	if (target->kind == TARGET_PATHS) {
		text_add(text, " to ");
		add_bytes(text, target->to, escape);
	}
}

/* Lengths and order are all that is known. */
static void add_exchange(struct text *text, const struct item_event *event)
{
	bool is_late = event->detail >> WIRE_EXCHANGE_SHIFT == WIRE_EXCHANGE_LATE;
	text_addf(text, ": it sent the next request %s to the one before (%d bytes)",
		  is_late ? "on a connection with the unclaimed reply"
			  : "before any of the reply",
		  event->result);
}

/* Lines are what frames of scripts and of Python files have for offsets. */
uint64_t words_line(const struct chain_link *link)
{
	bool has_lines = link->subject->kind == SUBJECT_SCRIPT || link->subject->kind == SUBJECT_PYTHON;
	return has_lines ? link->offset : 0;
}

static void add_subject(struct text *text, const struct subject *subject, enum escape escape)
{
	text_addf(text, "%s ", words_kind(subject->kind));
	if (subject->kind == SUBJECT_SCRIPT && *subject->origin) {
		bool is_program = *subject->origin == '/';
		text_add(text, is_program ? "written by " : "fetched from ");
		text_escape_string(text, subject->origin, escape);
		return;
	}
	text_escape_string(text, subject->name, escape);
	if (subject->kind == SUBJECT_CODE && subject->maker) {
		text_add(text, " made by ");
		text_escape_string(text, subject->maker->name, escape);
	}
}

/* "deploy.sh:12"; behind a peer that would be a port. */
static void add_line(struct text *text, const struct chain_link *link)
{
	unsigned long long line = words_line(link);
	bool has_origin = link->subject->kind == SUBJECT_SCRIPT && *link->subject->origin;
	if (line)
		text_addf(text, has_origin ? " (line %llu)" : ":%llu", line);
}

/* "(via curl, libcurl.so.4)": who carried it to the charged subject, outermost first. Left out:
 * the interpreter a script runs in, code that lies between two stretches of one subject, and
 * subjects that carry everything (libc, shells), which say nothing. */
static void add_via(struct text *text, const struct finding *finding, enum escape escape)
{
	const struct chain *chain = finding->chain;
	const struct chain_link *charged = finding->outcome->charged;
	bool is_first = true;
	for (uint32_t at = (uint32_t)(charged - chain->links); at-- > 0;) {
		const struct chain_link *link = &chain->links[at];
		const struct subject *subject = link->subject;
		bool is_known = subject == charged->subject;
		for (const struct chain_link *other = link + 1; other < charged; other++)
			is_known |= other->subject == subject;
		if (is_known || policy_is_conduit(subject->binding))
			continue;
		if (charged->subject->kind == SUBJECT_SCRIPT && link + 1 == charged)
			continue;
		text_add(text, is_first ? " (via " : ", ");
		text_escape_string(text, subject->name, escape);
		is_first = false;
	}
	if (!is_first)
		text_add(text, ")");
}

/* Its name, never its value: that is not known here. */
static void add_secret(struct text *text, const struct outcome *outcome, enum escape escape)
{
	const struct secret_read *secret = outcome->secret;
	text_add(text, " after ");
	if (secret->reader == outcome->charged->subject) {
		text_add(text, "it had read ");
	} else {
		add_subject(text, secret->reader, escape);
		text_add(text, ", which it started, had read ");
	}
	text_add(text, secret->is_variable ? "the variable " : "");
	add_bytes(text, (struct str){secret->name, (uint32_t)strlen(secret->name)}, escape);
}

void words_message(struct text *text, const struct finding *finding, enum escape escape)
{
	const struct item_event *event = finding->event;
	const struct item_target *target = model_target(finding->model, event->target);
	/* Asking is the act, whatever the answer. */
	bool is_done = event->result >= 0 || event->result == -EINPROGRESS ||
		       event->action == WIRE_ENV_READ || event->action == WIRE_NET_RESOLVE;
	add_subject(text, finding->outcome->charged->subject, escape);
	add_line(text, finding->outcome->charged);
	add_via(text, finding, escape);
	text_addf(text, is_done ? " %s" : " tried to %s",
		  is_done ? verbs[event->action].did : verbs[event->action].tried);
	if (target) {
		text_add(text, " ");
		add_object(text, finding, target, escape);
	} else {
		text_add(text, " something that could not be made out");
	}
	if (event->action == WIRE_NET_EXCHANGE && is_done)
		add_exchange(text, event);
	if (finding->outcome->secret)
		add_secret(text, finding->outcome, escape);
	if (finding->outcome->message) {
		text_add(text, ": ");
		text_escape_string(text, finding->outcome->message, escape);
	}
}

void words_contact(struct text *text, struct model *model, const struct item_event *event,
		   const struct outcome *outcome)
{
	const struct item_target *target = model_target(model, event->target);
	const struct finding finding = {.model = model, .event = event, .outcome = outcome};
	add_subject(text, outcome->charged->subject, ESCAPE_UTF8);
	text_addf(text, " %s ", verbs[event->action].did);
	if (target)
		add_object(text, &finding, target, ESCAPE_UTF8);
}

void words_expected(struct text *text, const struct finding *finding, enum escape escape)
{
	const struct outcome *outcome = finding->outcome;
	const char *profile = outcome->rule.profile ? outcome->rule.profile : "";
	bool is_guard = !strcmp(profile, "guards") || !strcmp(profile, "integrity");
	bool is_other =
		outcome->judged_by && outcome->judged_by->subject != outcome->charged->subject;
	/* A guard's phrase says it all: it binds everybody. */
	if (!is_guard && is_other) {
		text_add(text, "the profile of ");
		add_subject(text, outcome->judged_by->subject, escape);
		text_add(text, " allows ");
	} else if (!is_guard) {
		text_add(text, "its profile allows ");
	}
	text_escape_string(text, outcome->expected ? outcome->expected : "", escape);
}

static void add_process(struct text *text, const struct process *process, enum escape escape)
{
	text_addf(text, "process %u ", process->pid);
	text_escape_string(text, process->exe, escape);
}

static void add_starter(struct text *text, const struct chain *chain, enum escape escape)
{
	const struct chain_link *last = NULL;
	if (!chain || !chain->count)
		return;
	text_add(text, ", started by ");
	add_subject(text, chain->links[0].subject, escape);
	for (uint32_t at = 0; at < chain->count && !last; at++)
		if (chain->links[at].starts_process)
			last = &chain->links[at];
	if (last && last->subject != chain->links[0].subject) {
		text_add(text, " in ");
		add_subject(text, last->subject, escape);
	}
}

const char *words_hole_family(const struct item_hole *hole)
{
	static const char *const families[WIRE_FAMILIES] = {"stack", "net", "file", "exec", "env"};
	return hole->family < WIRE_FAMILIES ? families[hole->family] : NULL;
}

void words_hole_sentence(struct text *text, struct model *model, const struct item_hole *hole,
			 enum escape escape)
{
	const struct process *process = model_process(model, hole->process);
	text_add(text, hole_sentence(hole->kind));
	if (hole->kind != HOLE_UNCOVERED && hole->count > 1)
		text_addf(text, ", %llu times", (unsigned long long)hole->count);
	if (words_hole_family(hole) && hole->kind == HOLE_LOST)
		text_addf(text, ", family %s", words_hole_family(hole));
	if (hole->what.len) {
		text_add(text, ": ");
		text_escape(text, hole->what, escape);
	}
	if (hole->reason.len) {
		text_add(text, " (");
		text_escape(text, hole->reason, escape);
		text_add(text, ")");
	}
	if (process && hole->kind != HOLE_UNCOVERED) {
		text_add(text, ", in ");
		add_process(text, process, escape);
	}
	if (hole->kind == HOLE_UNCOVERED)
		add_starter(text, model_chain(model, hole->chain), escape);
}

void words_time(struct text *text, const struct item_run *run, uint64_t monotonic_ns)
{
	uint64_t ns = run->realtime_ns + (monotonic_ns - run->monotonic_ns);
	time_t seconds = (time_t)(ns / 1000000000u);
	struct tm tm;
	char date[32] = "1970-01-01T00:00:00";
	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	text_addf(text, "%s.%09uZ", date, (unsigned)(ns % 1000000000u));
}
