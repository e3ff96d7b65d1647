/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <string.h>

#include "fold.h"
#include "words.h"

/* From here on Linux chooses ports itself. */
#define PORT_EPHEMERAL 32768u

/* Every part with its length, so that parts cannot flow into each other. */
static void hash_part(crypto_generichash_state *state, const char *data, size_t len)
{
	uint32_t size = (uint32_t)len;
	unsigned char head[4] = {(unsigned char)size, (unsigned char)(size >> 8),
				 (unsigned char)(size >> 16), (unsigned char)(size >> 24)};
	crypto_generichash_update(state, head, sizeof(head));
	if (len)
		crypto_generichash_update(state, (const unsigned char *)data, len);
}

static void hash_string(crypto_generichash_state *state, const char *string)
{
	hash_part(state, string ? string : "", string ? strlen(string) : 0);
}

/* --- what differs from run to run although it means the same ------------------------------------
 * Temporary names, pids and content hashes are replaced by a mark. Only in the fingerprint: within
 * a run, two temporary files are two objects and are told apart (fold_exact). */

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

struct word {
	const char *data;
	size_t len, digits, hex, upper, lower;
};

static struct word word_at(struct str path, size_t at)
{
	struct word word = {.data = path.data + at};
	for (; at < path.len && is_word(path.data[at]); at++) {
		char c = path.data[at];
		bool is_digit = c >= '0' && c <= '9';
		word.len++;
		word.digits += is_digit;
		word.upper += c >= 'A' && c <= 'Z';
		word.lower += c >= 'a' && c <= 'z';
		word.hex += is_digit || (c >= 'a' && c <= 'f');
	}
	return word;
}

/* mkstemp's six, tempfile's eight, hashes of contents. */
static bool is_random(const struct word *word, bool is_temporary)
{
	if (word->hex == word->len && word->len >= 16 && word->digits)
		return true;
	return is_temporary && word->len >= 6 && (word->digits || (word->upper && word->lower));
}

static bool is_pid(const char *digits, size_t len, const struct process *process)
{
	uint64_t number = 0;
	for (size_t i = 0; i < len && i < 10; i++)
		number = number * 10 + (uint64_t)(digits[i] - '0');
	return len < 10 && process &&
	       (number == process->pid || (process->parent && number == process->parent->pid));
}

static void hash_word(crypto_generichash_state *state, const struct word *word, bool is_temporary,
		      const struct process *process)
{
	if (is_random(word, is_temporary)) {
		hash_part(state, "*", 1);
		return;
	}
	for (size_t at = 0; at < word->len;) {
		size_t to = at;
		while (to < word->len && word->data[to] >= '0' && word->data[to] <= '9')
			to++;
		if (to > at && (is_temporary || is_pid(word->data + at, to - at, process)))
			hash_part(state, "#", 1);
		else
			hash_part(state, word->data + at, to > at ? to - at : (to = at + 1) - at);
		at = to;
	}
}

/* What is run or loaded keeps its name: one known temporary program must not excuse the next. */
static bool is_temporary_path(struct str path, const struct item_event *event)
{
	static const char *const places[] = {"/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/", "@",
					     "/proc/"};
	if (event && (event->action == WIRE_EXEC_RUN || event->action == WIRE_EXEC_LOAD))
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (path.len >= strlen(places[i]) &&
		    !memcmp(path.data, places[i], strlen(places[i])))
			return true;
	return false;
}

/* event: what was done to path; NULL for the path of a subject. */
static void hash_path(crypto_generichash_state *state, struct str path,
		      const struct item_event *event, const struct process *process)
{
	bool is_temporary = is_temporary_path(path, event);
	for (size_t at = 0; at < path.len;) {
		struct word word = word_at(path, at);
		if (word.len)
			hash_word(state, &word, is_temporary, process);
		else
			hash_part(state, path.data + at, 1);
		at += word.len ? word.len : 1;
	}
	hash_part(state, NULL, 0);
}

/* Who connects to us does it from another port each time; so do peers a datagram is answered to,
 * and what binds port 0 or talks to itself. */
static uint16_t stable_port(const struct item_event *event, const struct item_target *target)
{
	static const uint8_t loopback6[16] = {[15] = 1};
	bool is_loopback = target->address_len == 4
				   ? target->address[0] == 127
				   : !memcmp(target->address, loopback6, sizeof(loopback6));
	bool is_chosen = event->action == WIRE_NET_BIND || event->action == WIRE_NET_LISTEN ||
			 event->action == WIRE_NET_SEND || is_loopback;
	if (event->action == WIRE_NET_ACCEPT || (is_chosen && target->port >= PORT_EPHEMERAL))
		return 0;
	return target->port;
}

static void hash_peer(crypto_generichash_state *state, const struct finding *finding,
		      const struct item_target *target)
{
	const char *host = words_host(finding->model, finding->event->process, target);
	uint16_t port = stable_port(finding->event, target);
	unsigned char numbers[3] = {(unsigned char)port, (unsigned char)(port >> 8), target->proto};
	hash_string(state, host);
	if (!*host)
		hash_part(state, (const char *)target->address, target->address_len);
	hash_part(state, (const char *)numbers, sizeof(numbers));
}

/* Two files of one name are two subjects: a package's, and one that lies anywhere. */
static void hash_subject(crypto_generichash_state *state, const struct subject *subject)
{
	struct str path = {subject->path, (uint32_t)strlen(subject->path)};
	hash_string(state, words_kind(subject->kind));
	hash_string(state, subject->name);
	if (*subject->package)
		hash_string(state, subject->package);
	else
		hash_path(state, path, NULL, NULL);
	if (subject->kind == SUBJECT_CODE && subject->maker)
		hash_subject(state, subject->maker);
}

static void hash_target(crypto_generichash_state *state, const struct finding *finding)
{
	const struct item_target *target = model_target(finding->model, finding->event->target);
	if (!target)
		return;
	hash_part(state, (const char *)&target->kind, 1);
	if (target->kind == TARGET_PEER) {
		hash_peer(state, finding, target);
		return;
	}
	const struct item_event *event = finding->event;
	const struct process *process = model_process(finding->model, event->process);
	hash_path(state, target->path.len ? target->path : target->asked, event, process);
	if (target->kind == TARGET_PATHS)
		hash_path(state, target->to, event, process);
}

void fold_fingerprint(const struct finding *finding, char ret_hex[33])
{
	const struct outcome *outcome = finding->outcome;
	const char *id = outcome->rule.id;
	unsigned char hash[16];
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	hash_string(&state, "sowatch fingerprint 2");
	hash_string(&state, finding->kind);
	hash_subject(&state, outcome->charged->subject);
	hash_string(&state, words_action(finding->event->action));
	hash_target(&state, finding);
	hash_string(&state, outcome->rule.profile);
	hash_string(&state, id && *id ? id : words_family(finding->event->action));
	/* Which of a group's secrets came first may differ from run to run. */
	if (outcome->secret)
		hash_string(&state, outcome->secret->group);
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(ret_hex, 33, hash, sizeof(hash));
}

/* Who connects to us is one deviation however many do; everything else is what it is. */
void fold_exact(const struct finding *finding, const char *fingerprint, char ret_hex[33])
{
	const struct item_target *target = model_target(finding->model, finding->event->target);
	unsigned char hash[16];
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	hash_string(&state, fingerprint);
	if (target && finding->event->action != WIRE_NET_ACCEPT) {
		struct str path = target->path.len ? target->path : target->asked;
		unsigned char port[2] = {(unsigned char)target->port,
					 (unsigned char)(target->port >> 8)};
		hash_part(&state, path.data, path.len);
		hash_part(&state, target->to.data, target->to.len);
		hash_part(&state, (const char *)target->address, target->address_len);
		hash_part(&state, (const char *)port, sizeof(port));
	}
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(ret_hex, 33, hash, sizeof(hash));
}
