/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a policy: an error or a policy, never a crash, never half a policy. What loads must
 * load again from its own texts with the same hash, print, and judge; and it must have a canonical
 * form that says the same and is its own. Two inputs split by a NUL byte make two layers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/policy/policy.h"
#include "fuzz.h"
#include "tests/unit/policy_meaning.h"

static const char *const seeds[] = {
	"version: 1\n"
	"grants:\n"
	"  - via: [getaddrinfo, \"gethostby*\"]\n"
	"    file: {read: [/etc/resolv.conf, \"~/x\", \"${HOME}/**\"]}\n"
	"    network: {connect: [{to: [\"unix:/run/nscd/socket\"]}]}\n"
	"    reason: the resolver\n"
	"guards:\n"
	"  - name: foreign-memory\n"
	"    exec: {inspect: any}\n"
	"    severity: critical\n"
	"    reason: memory of others\n",
	"version: 1\n"
	"profiles:\n"
	"  - name: libcurl\n"
	"    match: {library: \"libcurl*.so*\"}\n"
	"    carries: [net.*]\n"
	"    reason: transport\n"
	"    network:\n"
	"      connect: [{to: [\"10.0.0.0/8\", \"*.example.org\", \"::1\"], ports: [443, "
	"\"8000-8099\"], proto: tcp}]\n"
	"      resolve: [\"*.example.org\"]\n"
	"    file: {read: [{path: \"/etc/ssl/**\", id: a, severity: high, message: m, reason: "
	"r}]}\n"
	"    exec: {run: [git, {program: \"/usr/bin/env\", args: []}], load: none, code: none, "
	"inspect: any}\n"
	"    env: {read: [\"HOME\", \"LC_*\"]}\n",
	"version: 1\n"
	"profiles:\n"
	"  - name: uploader\n"
	"    match: {script: \"**/codecov*\"}\n"
	"    watch: [descendants]\n"
	"    exempt: [foreign-memory]\n"
	"    base: none\n"
	"    severity: high\n"
	"    network: none\n"
	"  - name: more\n"
	"    extends: uploader\n"
	"    match: {executable: \"/usr/bin/x\"}\n"
	"    role: conduit\n"
	"accept:\n"
	"  - {hole: shim-only, reason: known, expires: 2027-06-30}\n",
	"version: 1\n"
	"redact: [\"a-([0-9]+)\", \"glob:--key=*\"]\n"
	"grants:\n"
	"  - {via: [importlib, \"python:re*\"], phase: load, file: {read: [/x]}}\n"
	"guards:\n"
	"  - {name: g, phase: [startup], judge: attempts, network: {connect: any}}\n"
	"profiles:\n"
	"  - name: all\n"
	"    match:\n"
	"      - {python: My_Pkg, version: \">=1!2.0rc1.post2.dev3+a.1 <3,!=2.5\"}\n"
	"      - {package: libx1, version: \">=1:2.0~rc1-1 <3\", build-id: aabbccdd}\n"
	"      - {script: up, origin: \"*codecov.io:443\", sha256: "
	"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}\n"
	"    watch: [descendants, anywhere]\n"
	"    threads: pool\n"
	"    judge: attempts\n"
	"    phase: [load, steady]\n"
	"    file: {read: [{path: /x, phase: steady, judge: attempts}]}\n"
	"    exec: {run: [{program: x, child: own}, {program: y, child: mine}, {program: z, child: "
	"free}]}\n",
	"# SPDX-License-Identifier: Apache-2.0\n"
	"\n"
	"version: 1 # one\n"
	"# who may what\n"
	"profiles:\n"
	"  # the first\n"
	"  - match: # whom\n"
	"      library: [\"b.so\", # b\n"
	"                'a.so'] # a\n"
	"    name: one\n"
	"    reason: >-\n"
	"      words that go on and on, and on, until they do not fit into a line: of a hundred\n"
	"      characters # not a comment\n"
	"\n"
	"    file:\n"
	"      read:\n"
	"        - \"/a\" # first\n"
	"        # own files\n"
	"        - {severity: low, path: \"/b#c\"}\n"
	"        # behind\n"
	"    # behind that\n"
	"  - {name: two, match: [{script: x}, {executable: \"/y\"}], carries: [net.*, env.*]}\n"
	"# the end\n",
	"version: 1\n"
	"profiles:\n"
	"  - name: shadows\n"
	"    match: [{python: redis, version: \">=4,<6\"}, {sha256: "
	"\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}]\n"
	"    phase: [load, steady]\n"
	"    judge: attempts\n"
	"    file: {read: [\"/a/**\", /a/b, /a//c], rename: [{from: /a/../b, to: /c/}]}\n"
	"    network: {connect: [{to: \"*.com\"}, {to: [\"*\", localhost], ports: 1-9}], "
	"resolve: [\"*.co.uk\"]}\n"
	"    exec: {run: [git, {program: git, args: [log, \"**\"], child: mine}]}\n"
	"    env: {read: [\"*\", A]}\n",
};

static const char *variable(void *arg, const char *name)
{
	(void)arg;
	return !strcmp(name, "HOME") ? "/home/some*body" : NULL;
}

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static struct str text_of(const char *text)
{
	return (struct str){text, (uint32_t)strlen(text)};
}

/* One process, one library, one event of every action on a path, a peer and a pair of paths. */
static void judge_some(struct policy *policy)
{
	struct model *model = model_new();
	struct item_frame frame = {.object = 1, .offset = 1};
	struct item items[] = {
		{.type = ITEM_OBJECT,
		 .object = {.id = 1,
			    .kind = OBJECT_ELF,
			    .path = text_of("/l/a.so"),
			    .soname = text_of("a.so"),
			    .package = text_of("a")}},
		{.type = ITEM_PROCESS,
		 .process = {.id = 1,
			     .how = PROCESS_ROOT,
			     .pid = 7,
			     .exe = text_of("/bin/a"),
			     .home = text_of("/h"),
			     .script = text_of("/s/a.sh")}},
		{.type = ITEM_STACK, .stack = {.id = 1, .count = 1, .frames = &frame}},
		{.type = ITEM_CHAIN, .chain = {.id = 1, .process = 1, .stack = 1}},
		{.type = ITEM_TARGET,
		 .target = {.id = 1, .kind = TARGET_PATH, .path = text_of("/proc/7/a")}},
		{.type = ITEM_TARGET, .target = {.id = 2, .kind = TARGET_PEER, .address_len = 4}},
		{.type = ITEM_TARGET,
		 .target = {.id = 3,
			    .kind = TARGET_PATHS,
			    .path = text_of("/a"),
			    .to = text_of("/h/b")}},
		{.type = ITEM_TARGET,
		 .target = {.id = 4,
			    .kind = TARGET_PROGRAM,
			    .path = text_of("/bin/a"),
			    .asked = text_of("a"),
			    .argv = {"a\0b", 3}}},
	};
	for (size_t i = 0; model && i < sizeof(items) / sizeof(items[0]); i++)
		model_ingest(model, &items[i]);
	for (unsigned at = 0; model && at < WIRE_ACTIONS * 4; at++) {
		struct item_event event = {.process = 1,
					   .chain = 1,
					   .target = at % 4 + 1,
					   .action = (uint8_t)(at / 4)};
		struct outcome first[POLICY_OUTCOMES], again[POLICY_OUTCOMES];
		unsigned count = policy_judge(policy, model, &event, first);
		demand(count >= 1 && count <= POLICY_OUTCOMES);
		demand(policy_judge(policy, model, &event, again) == count);
		demand(!memcmp(first, again, count * sizeof(first[0])));
	}
	model_free(model);
}

static void format_and_compare(const struct policy *policy, const struct policy_text *text,
			       const struct policy_options *options)
{
	char *once = NULL, *twice = NULL;
	size_t once_len = 0, twice_len = 0;
	int error = policy_format(text->path, text->text, text->len, NULL, &once, &once_len);
	demand(!error || !policy);
	if (error)
		return;
	demand(!policy_format(text->path, once, once_len, NULL, &twice, &twice_len));
	demand(once_len == twice_len && !memcmp(once, twice, once_len));
	struct policy_text other = {text->path, once, once_len};
	struct policy *formatted = NULL;
	policy_load_texts(&other, 1, options, &formatted);
	demand(!policy == !formatted);
	if (policy) {
		char *a = meaning_of(policy), *b = meaning_of(formatted);
		demand(!strcmp(a, b));
		free(a);
		free(b);
	}
	policy_free(formatted);
	free(once);
	free(twice);
}

size_t fuzz_seed(unsigned number, uint8_t *buffer, size_t bytes)
{
	size_t len;

	if (number >= sizeof(seeds) / sizeof(*seeds))
		return 0;
	len = strlen(seeds[number]);
	if (len > bytes)
		return 0;
	memcpy(buffer, seeds[number], len);
	return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_text texts[3];
	unsigned count = 0;
	char *copy = malloc(size + 1);
	memcpy(copy, data, size);
	copy[size] = 0;
	size_t split = strnlen(copy, size);
	texts[count++] = (struct policy_text){(char *)"a.yaml", copy, split};
	if (split < size) {
		texts[count++] = (struct policy_text){(char *)"", (char *)"", 0};
		texts[count++] = (struct policy_text){(char *)"b.learned.yaml", copy + split + 1,
						      size - split - 1};
	}
	char *said = NULL;
	size_t said_bytes = 0;
	FILE *sink = open_memstream(&said, &said_bytes);
	struct policy_options options = {.variable = variable, .errors = sink, .is_warning = true};
	struct policy *policy = NULL, *again = NULL;
	int errors = policy_load_texts(texts, count, &options, &policy);
	fflush(sink);
	demand(!errors == (policy != NULL) && (!errors || said_bytes));
	if (policy) {
		const struct policy_text *stored;
		unsigned stored_count = policy_texts(policy, &stored);
		demand(!policy_load_texts(stored, stored_count, &options, &again));
		demand(!strcmp(policy_hash(policy), policy_hash(again)));
		policy_print_effective(again, sink);
		judge_some(again);
	}
	if (count == 1)
		format_and_compare(policy, &texts[0], &options);
	policy_free(policy);
	policy_free(again);
	fclose(sink);
	free(said);
	free(copy);
	return 0;
}
