/* SPDX-License-Identifier: Apache-2.0
 *
 * Contacting somebody new after reading a secret: what is a secret, who is new, who may, and what
 * becomes of it when there is too much to keep in mind.
 */
#include <errno.h>

#include "collector/policy/explain.h"
#include "test_policy_lab.h"

#define SECRETS                                                                                    \
	"secrets:\n"                                                                               \
	"  - {name: cloud, variables: [CLOUD_KEY], files: [\"~/.cloud/**\"],\n"                    \
	"     peers: [{to: [\"*.cloud.example\", 10.0.0.1], ports: [443]}]}\n"                     \
	"  - {name: any, variables: [\"*TOKEN*\"], except: [\"*TOKENIZER*\", \"~/.cloud/*.pub\"]}\n"
#define GUARD                                                                                      \
	"guards:\n"                                                                                \
	"  - name: carried\n"                                                                      \
	"    network: {connect: [{after: secret}], send: [{after: secret}]}\n"                     \
	"    reason: carrying off\n"

static const char policy_text[] =
	SECRETS GUARD
	"grants: [{via: [getaddrinfo], network: {send: [{ports: [53], proto: udp}]}}]\n"
	"profiles:\n"
	"  - {name: libc, match: {library: libc.so.6}, role: conduit}\n"
	"  - {name: bash, match: {executable: /usr/bin/bash}, role: conduit}\n"
	"  - {name: curl, match: {executable: /usr/bin/curl}, carries: [net.*, file.*]}\n"
	"  - {name: ssh, match: {executable: /usr/bin/ssh}, carries: [net.*, file.*], secrets: [any, "
	"cloud]}\n"
	"  - {name: named, match: {library: libnamed.so}, network: {connect: [{to: [127.0.0.10]}]}}\n"
	"  - {name: wide, match: {library: libwide.so}, network: {connect: [{to: [0.0.0.0/0]}, {ports: "
	"[443]}]}}\n"
	"  - {name: free, match: {library: libfree.so}, network: any}\n"
	"  - {name: exempt, match: {library: libexempt.so}, exempt: [carried]}\n"
	"  - {name: boss, match: {script: /srv/boss.sh}, watch: descendants}\n";

struct world {
	struct lab lab;
	uint32_t libc, foo, bar, app, process, chain, peer, other, token, cloud;
	uint64_t now;
};

static uint32_t chain_of(struct world *w, uint32_t library)
{
	return lab_chain(&w->lab, w->process, (int)w->libc, (int)library, (int)w->app);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	lab_open(&w->lab, policy_text);
	w->libc = lab_library(&w->lab, "libc.so.6");
	w->foo = lab_library(&w->lab, "libfoo.so");
	w->bar = lab_library(&w->lab, "libbar.so");
	w->app = lab_main(&w->lab, "/opt/app", "");
	w->process = lab_process(&w->lab, 0, 0, w->app, "/opt/app", "");
	w->chain = chain_of(w, w->foo);
	w->peer = lab_peer(&w->lab, "127.0.0.10", 443, PROTO_TCP);
	w->other = lab_peer(&w->lab, "127.0.0.66", 443, PROTO_TCP);
	w->token = lab_text(&w->lab, TARGET_VARIABLE, "API_TOKEN");
	w->cloud = lab_path(&w->lab, "/home/u/.cloud/keys");
	w->now = 1000000;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	lab_close(&w->lab);
	free(w);
	return 0;
}

/* Judged and kept in mind, as the pipeline does. */
static const struct outcome *act(struct world *w, uint32_t chain, unsigned action, uint32_t target,
				 int32_t result)
{
	struct item_event event = {.time_ns = w->now += 1000};
	w->lab.event = event;
	const struct outcome *outcome = lab_do(&w->lab, chain, action, target, result);
	event.chain = chain;
	event.action = (uint8_t)action;
	event.target = target;
	event.result = result;
	event.process = model_chain(w->lab.model, chain)->process;
	assert_int_equal(policy_note_secret(w->lab.policy, w->lab.model, &event, outcome), 0);
	return outcome;
}

static const struct outcome *sequence_of(const struct world *w)
{
	for (unsigned i = 0; i < w->lab.count; i++)
		if (w->lab.outcomes[i].is_sequence && w->lab.outcomes[i].kind == OUTCOME_DEVIATES)
			return &w->lab.outcomes[i];
	return NULL;
}

static const struct outcome *contact(struct world *w, uint32_t chain, uint32_t target)
{
	act(w, chain, WIRE_NET_CONNECT, target, 0);
	return sequence_of(w);
}

static void read_token(struct world *w, uint32_t chain)
{
	act(w, chain, WIRE_ENV_READ, w->token, 0);
}

static void test_the_sequence(void **state)
{
	struct world *w = *state;
	assert_null(contact(w, w->chain, w->peer));
	read_token(w, w->chain);
	assert_null(contact(w, w->chain, w->peer)); /* known */
	const struct outcome *found = contact(w, w->chain, w->other);
	assert_non_null(found);
	assert_string_equal(found->rule.id, "carried");
	assert_string_equal(found->rule.profile, "guards");
	assert_int_equal(found->severity, SEVERITY_HIGH);
	assert_string_equal(found->charged->subject->name, "libfoo.so");
	assert_string_equal(found->secret->name, "API_TOKEN");
	assert_string_equal(found->secret->group, "any");
	assert_true(found->secret->is_variable);
	assert_int_equal(found->secret->chain->id, w->chain);
	assert_ptr_equal(found->secret->reader, found->charged->subject);
	assert_null(contact(w, w->chain, w->other)); /* once */
}

static void test_a_datagram(void **state)
{
	struct world *w = *state;
	uint32_t dns = lab_peer(&w->lab, "127.0.0.67", 5353, PROTO_UDP);
	read_token(w, w->chain);
	act(w, w->chain, WIRE_NET_SEND, dns, 1);
	assert_non_null(sequence_of(w));
	/* Connecting a datagram socket is no contact, nor is what failed before a packet left. */
	uint32_t udp = lab_peer(&w->lab, "127.0.0.68", 5353, PROTO_UDP);
	w->lab.event.flags = EVENT_DATAGRAM;
	lab_do(&w->lab, w->chain, WIRE_NET_CONNECT, udp, 0);
	assert_null(sequence_of(w));
	act(w, w->chain, WIRE_NET_CONNECT, w->other, -EACCES);
	assert_null(sequence_of(w));
	act(w, w->chain, WIRE_NET_CONNECT, w->other, -ECONNREFUSED);
	assert_non_null(sequence_of(w));
}

static void test_who_read_it(void **state)
{
	struct world *w = *state;
	uint32_t bar = chain_of(w, w->bar), app = lab_chain(&w->lab, w->process, (int)w->app);
	read_token(w, w->chain);
	assert_null(contact(w, bar, w->other));
	assert_null(contact(w, app, w->other));
	/* Another service with the same library. */
	uint32_t there = lab_process(&w->lab, 0, 0, w->app, "/opt/app", "");
	uint32_t chain = lab_chain(&w->lab, there, (int)w->foo, (int)w->app);
	assert_null(contact(w, chain, w->other));
	/* And a child of this one. */
	uint32_t child = lab_process(&w->lab, w->process, app, w->app, "/opt/app", "");
	chain = lab_chain(&w->lab, child, (int)w->foo, (int)w->app);
	assert_non_null(contact(w, chain, w->other));
	assert_null(contact(w, w->chain, w->other));
}

static void test_what_is_a_secret(void **state)
{
	struct world *w = *state;
	const char *const plain[] = {"HOME", "TOKENIZERS_PARALLELISM", "token"};
	for (unsigned i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		act(w, w->chain, WIRE_ENV_READ, lab_text(&w->lab, TARGET_VARIABLE, plain[i]), 0);
	act(w, w->chain, WIRE_FILE_READ, lab_path(&w->lab, "/home/u/.cloud/keys.pub"), 3);
	act(w, w->chain, WIRE_FILE_READ, lab_path(&w->lab, "/home/v/.cloud/keys"), 3);
	act(w, w->chain, WIRE_FILE_READ, w->cloud, -ENOENT);
	act(w, w->chain, WIRE_FILE_WRITE, w->cloud, 3);
	act(w, w->chain, WIRE_ENV_READ, w->token, -ENOENT); /* not set */
	assert_null(contact(w, w->chain, w->other));
	/* Under the name it was asked for. */
	uint32_t link = lab_target(&w->lab, (struct item_target){.kind = TARGET_PATH,
								 .path = STR_LIT("/dots/k"),
								 .asked = STR_LIT("/home/u/.cloud/k")});
	act(w, w->chain, WIRE_FILE_READ, link, 3);
	const struct outcome *found = contact(w, w->chain, w->peer);
	assert_non_null(found);
	assert_string_equal(found->secret->name, "/dots/k");
	assert_false(found->secret->is_variable);
}

static void test_whom_it_is_for(void **state)
{
	struct world *w = *state;
	uint32_t home = lab_peer(&w->lab, "10.0.0.1", 443, PROTO_TCP);
	uint32_t odd = lab_peer(&w->lab, "10.0.0.1", 8443, PROTO_TCP);
	uint32_t named = lab_peer(&w->lab, "10.0.0.2", 443, PROTO_TCP);
	lab_name(&w->lab, w->process, "10.0.0.2", "api.cloud.example");
	act(w, w->chain, WIRE_FILE_READ, w->cloud, 3);
	assert_null(contact(w, w->chain, home));
	assert_null(contact(w, w->chain, named));
	assert_non_null(contact(w, w->chain, odd));
	/* A second secret that is not for it. */
	uint32_t third = lab_peer(&w->lab, "10.0.0.3", 443, PROTO_TCP);
	lab_name(&w->lab, w->process, "10.0.0.3", "b.cloud.example");
	read_token(w, w->chain);
	const struct outcome *found = contact(w, w->chain, third);
	assert_non_null(found);
	assert_string_equal(found->secret->name, "API_TOKEN");
}

static void test_a_name_nobody_heard(void **state)
{
	struct world *w = *state;
	act(w, w->chain, WIRE_FILE_READ, w->cloud, 3);
	w->lab.event.flags = EVENT_UNHEARD;
	w->lab.event.time_ns = w->now + 1;
	lab_do(&w->lab, w->chain, WIRE_NET_CONNECT, w->other, 0);
	assert_null(sequence_of(w));
	assert_int_equal(w->lab.count, 2);
	assert_int_equal(w->lab.outcomes[1].kind, OUTCOME_UNHEARD);
	assert_false(w->lab.outcomes[1].is_lost);
}

static void test_known_by_its_name(void **state)
{
	struct world *w = *state;
	uint32_t tomorrow = lab_peer(&w->lab, "127.0.0.11", 443, PROTO_TCP);
	uint32_t port = lab_peer(&w->lab, "127.0.0.11", 444, PROTO_TCP);
	lab_name(&w->lab, w->process, "127.0.0.10", "db.example");
	contact(w, w->chain, w->peer);
	lab_name(&w->lab, w->process, "127.0.0.11", "db.example");
	read_token(w, w->chain);
	assert_null(contact(w, w->chain, tomorrow));
	assert_non_null(contact(w, w->chain, port));
}

static void test_who_names_the_peer(void **state)
{
	struct world *w = *state;
	const struct {
		const char *library;
		bool is_told, is_told_other;
	} rows[] = {
		{"libnamed.so", false, true},
		{"libwide.so", true, true},
		{"libfree.so", true, true},
		{"libexempt.so", false, false},
	};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t chain = chain_of(w, lab_library(&w->lab, rows[i].library));
		read_token(w, chain);
		assert_int_equal(contact(w, chain, w->peer) != NULL, rows[i].is_told);
		assert_int_equal(contact(w, chain, w->other) != NULL, rows[i].is_told_other);
	}
	/* A name buys nothing where no package owns the file. */
	uint32_t fake = lab_object_of(&w->lab,
				      (struct item_object){.path = STR_LIT("/tmp/libexempt.so"),
							   .soname = STR_LIT("libexempt.so")});
	read_token(w, chain_of(w, fake));
	assert_non_null(contact(w, chain_of(w, fake), w->peer));
}

/* What was learned from a run that had it does not excuse the next. */
static void test_learned_rules_name_nobody(void **state)
{
	(void)state;
	static const char base[] = "version: 1\n" SECRETS GUARD;
	static const char learned[] = "version: 1\nprofiles: [{name: foo, match: {library: libfoo.so}, "
				      "network: {connect: [{to: [127.0.0.66]}]}}]\n";
	for (unsigned i = 0; i < 2; i++) {
		struct policy_text texts[] = {
			{(char *)"base.yaml", (char *)base, strlen(base)},
			{(char *)(i ? "foo.learned.yaml" : "foo.yaml"), (char *)learned,
			 strlen(learned)}};
		struct world *w;
		char *errors;
		set_up((void **)&w);
		policy_free(w->lab.policy);
		w->lab.policy = lab_load(texts, 2, NULL, &errors);
		assert_non_null(w->lab.policy);
		free(errors);
		uint32_t chain = lab_chain(&w->lab, w->process, (int)w->foo, (int)w->app);
		read_token(w, chain);
		assert_int_equal(contact(w, chain, w->other) != NULL, i);
		tear_down((void **)&w);
	}
}

/* A later layer's group answers for a name that the shipped one knows, too; what it excepts is none. */
static void test_layers_of_secrets(void **state)
{
	(void)state;
	static const char base[] = "version: 1\n" SECRETS GUARD;
	static const char *const mine[] = {
		"version: 1\nsecrets: [{name: mine, variables: [API_TOKEN], peers: [{to: [127.0.0.66]}]}]\n",
		"version: 1\nsecrets: [{name: mine, except: [API_TOKEN]}]\n",
		"version: 1\nsecrets: [{name: any, peers: [{to: [127.0.0.66]}]}]\n"};
	for (unsigned i = 0; i < 3; i++) {
		struct policy_text texts[] = {{(char *)"base.yaml", (char *)base, strlen(base)},
					      {(char *)"", (char *)"", 0},
					      {(char *)"mine.yaml", (char *)mine[i], strlen(mine[i])}};
		struct world *w;
		char *errors;
		set_up((void **)&w);
		policy_free(w->lab.policy);
		w->lab.policy = lab_load(texts, 3, NULL, &errors);
		assert_non_null(w->lab.policy);
		free(errors);
		read_token(w, w->chain);
		assert_null(contact(w, w->chain, w->other));
		assert_int_equal(contact(w, w->chain, w->peer) != NULL, i != 1);
		tear_down((void **)&w);
	}
}

/* --- scripts and what they start ---------------------------------------------------------------- */

struct script {
	uint32_t process, chain, curl, ssh;
};

static uint32_t child_of(struct world *w, const struct script *script, const char *path)
{
	uint32_t program = lab_main(&w->lab, path, "package");
	uint32_t child =
		lab_process(&w->lab, script->process, script->chain, program, path, "");
	return lab_chain(&w->lab, child, (int)w->libc, (int)program);
}

static struct script script_of(struct world *w, const char *path)
{
	struct script script;
	uint32_t bash = lab_main(&w->lab, "/usr/bin/bash", "bash");
	script.process = lab_process(&w->lab, 0, 0, bash, "/usr/bin/bash", path);
	script.chain = lab_chain(&w->lab, script.process, (int)w->libc, (int)bash);
	script.curl = child_of(w, &script, "/usr/bin/curl");
	script.ssh = child_of(w, &script, "/usr/bin/ssh");
	return script;
}

static void test_scripts(void **state)
{
	struct world *w = *state;
	struct script script = script_of(w, "/srv/ci.sh");
	/* ssh's own key is nobody's affair; what curl reads is the script's. */
	act(w, script.ssh, WIRE_FILE_READ, w->cloud, 3);
	assert_null(contact(w, script.ssh, w->other));
	act(w, script.curl, WIRE_FILE_READ, w->cloud, 3);
	const struct outcome *found = contact(w, script.curl, w->peer);
	assert_non_null(found);
	assert_string_equal(found->charged->subject->name, "ci.sh");
	/* A shell whose commands nobody wrote down. */
	script = script_of(w, "");
	act(w, script.chain, WIRE_FILE_READ, w->cloud, 3);
	assert_null(contact(w, script.chain, w->other));
}

static void test_a_watcher(void **state)
{
	struct world *w = *state;
	struct script script = script_of(w, "/srv/boss.sh");
	uint32_t helper = child_of(w, &script, "/opt/helper");
	uint32_t library = lab_chain(&w->lab, model_chain(w->lab.model, helper)->process,
				     (int)w->foo, (int)w->app);
	act(w, library, WIRE_FILE_READ, w->cloud, 3);
	const struct outcome *found = contact(w, script.curl, w->other);
	assert_non_null(found);
	assert_string_equal(found->charged->subject->name, "boss.sh");
	assert_string_equal(found->secret->reader->name, "libfoo.so");
	/* The other way round: the nearest that did both is told, and only that one. */
	found = contact(w, library, w->peer);
	assert_non_null(found);
	assert_string_equal(found->charged->subject->name, "libfoo.so");
	unsigned told = 0;
	for (unsigned i = 0; i < w->lab.count; i++)
		told += w->lab.outcomes[i].kind == OUTCOME_DEVIATES;
	assert_int_equal(told, 1);
}

static void test_libc_at_work(void **state)
{
	struct world *w = *state;
	uint32_t dns = lab_peer(&w->lab, "192.0.2.53", 53, PROTO_UDP);
	read_token(w, w->chain);
	w->lab.event.function = (uint16_t)lab_function(&w->lab, "getaddrinfo");
	w->lab.event.time_ns = w->now + 1;
	lab_do(&w->lab, w->chain, WIRE_NET_SEND, dns, 1);
	assert_null(sequence_of(w));
	act(w, w->chain, WIRE_NET_SEND, dns, 1);
	assert_non_null(sequence_of(w));
}

/* Rings are drained one after the other: what is read later was not read before. */
static void test_order_of_time(void **state)
{
	struct world *w = *state;
	read_token(w, w->chain);
	w->now -= 5000;
	assert_null(contact(w, w->chain, w->other));
}

static void test_another_policy_takes_over(void **state)
{
	struct world *w = *state;
	char *errors;
	read_token(w, w->chain);
	struct policy *policy =
		lab_load_one("version: 1\n" SECRETS GUARD
			     "profiles: [{name: c, match: {library: libc.so.6}, role: conduit}]\n",
			     &errors);
	assert_non_null(policy);
	free(errors);
	policy_take_over(policy, w->lab.model);
	policy_free(w->lab.policy);
	w->lab.policy = policy;
	assert_non_null(contact(w, w->chain, w->other));
}

/* --- too much ----------------------------------------------------------------------------------- */

static void test_a_million_names(void **state)
{
	struct world *w = *state;
	char name[64];
	for (unsigned i = 0; i < 1000000; i++) {
		snprintf(name, sizeof(name), "TOKEN_%u", i);
		act(w, w->chain, WIRE_ENV_READ, lab_text(&w->lab, TARGET_VARIABLE, name), 0);
	}
	assert_false(model_secrets_are_lost(w->lab.model));
	uint32_t peer = lab_peer(&w->lab, "127.0.0.66", 443, PROTO_TCP);
	const struct outcome *found = contact(w, w->chain, peer);
	assert_non_null(found);
	assert_string_equal(found->secret->name, "TOKEN_0");
}

/* Whoever contacts so many that they are not all kept is not called innocent, nor guilty. */
static void test_too_many_peers(void **state)
{
	struct world *w = *state;
	char address[32];
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(address, sizeof(address), "10.1.%u.%u", i / 250, i % 250 + 1);
		contact(w, w->chain, lab_peer(&w->lab, address, 443, PROTO_TCP));
	}
	read_token(w, w->chain);
	uint32_t first = lab_peer(&w->lab, "10.1.0.1", 443, PROTO_TCP);
	uint32_t rogue = lab_peer(&w->lab, "127.0.0.66", 443, PROTO_TCP);
	assert_null(contact(w, w->chain, first));
	assert_int_equal(w->lab.count, 1);
	assert_null(contact(w, w->chain, rogue));
	assert_int_equal(w->lab.count, 2);
	assert_int_equal(w->lab.outcomes[1].kind, OUTCOME_UNHEARD);
	assert_true(w->lab.outcomes[1].is_lost);
	/* Others are told of as ever. */
	uint32_t bar = chain_of(w, w->bar);
	read_token(w, bar);
	assert_non_null(contact(w, bar, rogue));
}

static void test_too_many_readers(void **state)
{
	struct world *w = *state;
	char name[64];
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "lib%u.so", i);
		read_token(w, chain_of(w, lab_library(&w->lab, name)));
	}
	assert_true(model_secrets_are_lost(w->lab.model));
	uint32_t last = chain_of(w, lab_library(&w->lab, "liblast.so"));
	read_token(w, last);
	uint32_t peer = lab_peer(&w->lab, "127.0.0.66", 443, PROTO_TCP);
	assert_null(contact(w, last, peer));
	assert_int_equal(w->lab.count, 2);
	assert_true(w->lab.outcomes[1].is_lost);
}

/* --- explained, and refused --------------------------------------------------------------------- */

static void expect_mend(struct world *w, uint32_t chain, uint32_t target, const char *wanted)
{
	struct explanation *explanation;
	struct item_event event = {.chain = chain,
				   .process = w->process,
				   .target = target,
				   .action = WIRE_NET_CONNECT,
				   .time_ns = w->now + 1};
	assert_int_equal(policy_explain(w->lab.policy, w->lab.model, &event, &explanation), 0);
	if (!explanation->mend)
		fail_msg("no mend: %s", explanation->mend_problem ?: "none was looked for");
	if (!strstr(explanation->mend, wanted))
		fail_msg("no \"%s\" in: %s", wanted, explanation->mend);
	explanation_free(explanation);
}

static void test_explained(void **state)
{
	struct world *w = *state;
	read_token(w, w->chain);
	act(w, w->chain, WIRE_FILE_READ, w->cloud, 3);
	expect_mend(w, w->chain, w->other, "secrets: [\"cloud\", \"any\"]");
	uint32_t named = chain_of(w, lab_library(&w->lab, "libnamed.so"));
	read_token(w, named);
	expect_mend(w, named, w->other, "- {to: [\"127.0.0.66\"], ports: [443], proto: tcp}");
}

static void expect_error(const char *text, const char *wanted)
{
	char *errors = NULL;
	struct policy *policy = lab_load_one(text, &errors);
	assert_null(policy);
	if (!strstr(errors, wanted))
		fail_msg("no \"%s\" in: %s", wanted, errors);
	free(errors);
}

static void test_refused(void **state)
{
	(void)state;
	expect_error("version: 1\nprofiles: [{name: a, match: {library: a.so}, network: {connect: [{after: "
		     "secret}]}}]\n",
		     "\"after\" is for guards only");
	expect_error("version: 1\nguards: [{name: a, network: {bind: [{after: secret}]}}]\n",
		     "\"after\" is for connect and send only");
	expect_error("version: 1\nguards: [{name: a, network: {connect: [{after: dinner}]}}]\n",
		     "\"after\" must be secret, not \"dinner\"");
	expect_error("version: 1\nsecrets: [{variables: [A]}]\n", "needs a \"name\"");
	expect_error("version: 1\nsecrets: [{name: a}]\n", "this says nothing");
	expect_error("version: 1\nsecrets: [{name: a, files: [etc/x]}]\n", "can never match");
	expect_error("version: 1\nsecrets: [{name: a, variables: [A], peers: [{after: secret}]}]\n",
		     "\"after\" is for guards only");
	expect_error("version: 1\nsecrets: [{name: aws, variables: [A]}]\n"
		     "profiles: [{name: a, match: {library: a.so}, secrets: [awz]}]\n",
		     "unknown group of secrets \"awz\" (did you mean \"aws\"?)");
	char text[8192] = "version: 1\nsecrets:\n";
	for (unsigned i = 0; i < 65; i++)
		sprintf(text + strlen(text), "  - {name: g%u, variables: [A%u]}\n", i, i);
	expect_error(text, "more than 64 groups of secrets");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_the_sequence),
		TEST(test_a_datagram),
		TEST(test_who_read_it),
		TEST(test_what_is_a_secret),
		TEST(test_whom_it_is_for),
		TEST(test_a_name_nobody_heard),
		TEST(test_known_by_its_name),
		TEST(test_who_names_the_peer),
		TEST(test_scripts),
		TEST(test_a_watcher),
		TEST(test_libc_at_work),
		TEST(test_order_of_time),
		TEST(test_another_policy_takes_over),
		TEST(test_a_million_names),
		TEST(test_too_many_peers),
		TEST(test_too_many_readers),
		TEST(test_explained),
#undef TEST
		cmocka_unit_test(test_learned_rules_name_nobody),
		cmocka_unit_test(test_layers_of_secrets),
		cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
