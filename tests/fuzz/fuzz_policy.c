/* SPDX-License-Identifier: Apache-2.0
 *
 * Any text as a policy: it loads, or it is refused with at least one message, and nothing leaks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../collector/policy/policy.h"
#include "fuzz.h"

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
	"      connect: [{to: [\"10.0.0.0/8\", \"*.example.org\", \"::1\"], ports: [443, \"8000-8099\"], proto: tcp}]\n"
	"      resolve: [\"*.example.org\"]\n"
	"    file: {read: [{path: \"/etc/ssl/**\", id: a, severity: high, message: m, reason: r}]}\n"
	"    exec: {run: [git, {program: \"/usr/bin/env\", args: []}], load: none, code: none, inspect: any}\n"
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
};

static const char *variable(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "HOME") ? NULL : "/home/somebody";
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
	char *said = NULL;
	size_t said_bytes = 0;
	FILE *errors = open_memstream(&said, &said_bytes);
	struct policy_options options = { .variable = variable, .errors = errors };
	struct policy_text text = { (char *)"fuzz.yaml", (char *)malloc(size + 1), size };
	struct policy *policy = NULL;
	int result;

	if (!errors || !text.text)
		abort();
	memcpy(text.text, data, size);
	text.text[size] = 0;
	result = policy_load_texts(&text, 1, &options, &policy);
	fclose(errors);
	if ((result != 0) != (policy == NULL) || (result && !said_bytes))
		abort();
	policy_free(policy);
	free(text.text);
	free(said);
	return 0;
}
