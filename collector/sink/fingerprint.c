/* SPDX-License-Identifier: Apache-2.0 */
#include <sodium.h>
#include <string.h>

#include "fold.h"
#include "words.h"

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

/* /proc/1234/maps is the same in every run, its pid is not. */
static void hash_path(crypto_generichash_state *state, struct str path)
{
	static const char proc[] = "/proc/";
	size_t from = sizeof(proc) - 1, to = from;
	if (path.len > from && !memcmp(path.data, proc, from))
		while (to < path.len && path.data[to] >= '0' && path.data[to] <= '9')
			to++;
	if (to == from) {
		hash_part(state, path.data, path.len);
		return;
	}
	hash_part(state, "/proc/PID", 9);
	hash_part(state, path.data + to, path.len - to);
}

static void hash_peer(crypto_generichash_state *state, const struct finding *finding,
		      const struct item_target *target)
{
	const char *host = words_host(finding->model, finding->event->process, target);
	/* Who connects to us does it from another port each time. */
	uint16_t port = finding->event->action == WIRE_NET_ACCEPT ? 0 : target->port;
	unsigned char numbers[3] = {(unsigned char)port, (unsigned char)(port >> 8), target->proto};
	hash_string(state, host);
	if (!*host)
		hash_part(state, (const char *)target->address, target->address_len);
	hash_part(state, (const char *)numbers, sizeof(numbers));
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
	hash_path(state, target->path.len ? target->path : target->asked);
	if (target->kind == TARGET_PATHS)
		hash_path(state, target->to);
}

void fold_fingerprint(const struct finding *finding, char ret_hex[33])
{
	const struct outcome *outcome = finding->outcome;
	const struct subject *subject = outcome->charged->subject;
	const char *id = outcome->rule.id;
	unsigned char hash[16];
	crypto_generichash_state state;
	crypto_generichash_init(&state, NULL, 0, sizeof(hash));
	hash_string(&state, "sowatch fingerprint 1");
	hash_string(&state, finding->kind);
	hash_string(&state, words_kind(subject->kind));
	hash_string(&state, subject->name);
	hash_string(&state, words_action(finding->event->action));
	hash_target(&state, finding);
	hash_string(&state, outcome->rule.profile);
	hash_string(&state, id && *id ? id : words_family(finding->event->action));
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(ret_hex, 33, hash, sizeof(hash));
}
