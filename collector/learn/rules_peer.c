/* SPDX-License-Identifier: Apache-2.0
 *
 * Peers: names and addresses, their ports, and networks where several of one were seen.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "rules_inner.h"

#define PORT_CHOSEN RULES_PORT_CHOSEN
#define PORT_LAST 65535u
/* Addresses of one /24 or /64 that make it the peer. */
#define NETWORK_MIN 3u

struct entry {
	const struct fact *fact;
	const char *host;
	struct rule_ports port;
	const char *proto;
	bool is_general, has_port;
};

static bool is_address(const char *host)
{
	unsigned char buffer[16];
	return inet_pton(AF_INET, host, buffer) == 1 || inet_pton(AF_INET6, host, buffer) == 1;
}

static bool is_local_end(uint32_t action)
{
	return action == WIRE_NET_BIND || action == WIRE_NET_LISTEN;
}

static int compare_entries(const void *left, const void *right)
{
	const struct entry *one = left, *two = right;
	int order = strcmp(one->proto, two->proto);
	order = order ? order : strcmp(one->host, two->host);
	if (!order && one->port.low != two->port.low)
		order = one->port.low < two->port.low ? -1 : 1;
	return order;
}

/* Ports that Linux chose: two different ones at one peer, and for what binds 0 any. */
static void fold_ports(uint32_t action, struct entry *entries, uint32_t count)
{
	for (uint32_t first = 0, i = 1; i <= count; i++) {
		if (i < count && !strcmp(entries[i].proto, entries[first].proto) &&
		    !strcmp(entries[i].host, entries[first].host))
			continue;
		unsigned chosen = 0;
		bool has_zero = false;
		for (uint32_t at = first; at < i; at++) {
			chosen += entries[at].port.low >= PORT_CHOSEN &&
				  (at == first || entries[at].port.low != entries[at - 1].port.low);
			has_zero |= !entries[at].port.low;
		}
		for (uint32_t at = first; at < i; at++) {
			if (entries[at].port.low < PORT_CHOSEN ||
			    (chosen < 2 && !(has_zero && is_local_end(action))))
				continue;
			entries[at].is_general = true;
			entries[at].port = is_local_end(action)
						   ? (struct rule_ports){0, 0}
						   : (struct rule_ports){PORT_CHOSEN, PORT_LAST};
		}
		first = i;
	}
}

/* --- networks ---------------------------------------------------------------------------------- */

static const char *network_of(struct pool *pool, const char *host)
{
	unsigned char address[16];
	char text[INET6_ADDRSTRLEN];
	if (inet_pton(AF_INET, host, address) == 1) {
		address[3] = 0;
		inet_ntop(AF_INET, address, text, sizeof(text));
		return pool_print(pool, "%s/24", text);
	}
	if (inet_pton(AF_INET6, host, address) != 1)
		return NULL;
	memset(address + 8, 0, 8);
	inet_ntop(AF_INET6, address, text, sizeof(text));
	return pool_print(pool, "%s/64", text);
}

static bool is_special(const char *host)
{
	return !strcmp(host, "0.0.0.0") || !strcmp(host, "::") || !strncmp(host, "127.", 4);
}

struct member {
	struct entry *entry;
	const char *network;
};

static int compare_members(const void *left, const void *right)
{
	const struct member *one = left, *two = right;
	int order = strcmp(one->network, two->network);
	order = order ? order : strcmp(one->entry->proto, two->entry->proto);
	if (!order && one->entry->port.low != two->entry->port.low)
		order = one->entry->port.low < two->entry->port.low ? -1 : 1;
	return order ? order : strcmp(one->entry->host, two->entry->host);
}

static bool is_same_service(const struct member *one, const struct member *two)
{
	return !strcmp(one->network, two->network) &&
	       !strcmp(one->entry->proto, two->entry->proto) &&
	       one->entry->port.low == two->entry->port.low;
}

static void fold_networks(struct maker *maker, struct entry *entries, uint32_t count)
{
	struct member *members = pool_alloc(maker->pool, (count + 1) * sizeof(*members));
	uint32_t member_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		const char *network = is_special(entries[i].host)
					      ? NULL
					      : network_of(maker->pool, entries[i].host);
		if (network)
			members[member_count++] = (struct member){&entries[i], network};
	}
	qsort(members, member_count, sizeof(*members), compare_members);
	for (uint32_t first = 0, i = 1; i <= member_count; i++) {
		if (i < member_count && is_same_service(&members[i], &members[first]))
			continue;
		unsigned distinct = first < member_count;
		for (uint32_t at = first + 1; at < i; at++)
			distinct += strcmp(members[at].entry->host, members[at - 1].entry->host) != 0;
		for (uint32_t at = first; at < i && distinct >= NETWORK_MIN; at++) {
			members[at].entry->host = members[at].network;
			members[at].entry->is_general = true;
		}
		first = i;
	}
}

/* --- names and sockets with numbers in them ---------------------------------------------------- */

static bool is_open_end(const char *host)
{
	unsigned dots = 0;
	for (size_t at = strlen(host); at-- > 0 && dots < 2;) {
		if (host[at] == '*')
			return true;
		dots += host[at] == '.';
	}
	return false;
}

static void fold_hosts(struct maker *maker, struct entry *entries, uint32_t count, bool is_unix)
{
	struct normal_value *values = pool_alloc(maker->pool, (count + 1) * sizeof(*values));
	struct normal_pattern *patterns;
	const char **hosts = pool_alloc(maker->pool, (count + 1) * sizeof(*hosts));
	uint32_t value_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		bool is_path = !strcmp(entries[i].proto, "unix");
		if (is_path != is_unix || (!is_path && is_address(entries[i].host)))
			continue;
		hosts[i] = entries[i].host + (is_path ? strlen("unix:") : 0);
		values[value_count++] =
			(struct normal_value){&hosts[i], 1, entries[i].fact->pids, i};
	}
	if (!value_count)
		return;
	uint32_t pattern_count =
		normal_fold(maker->pool, maker->fans, is_unix ? NORMAL_PATH : NORMAL_NAME, values,
			    value_count, &patterns);
	for (uint32_t i = 0; i < pattern_count; i++) {
		if (!is_unix && (!patterns[i].is_general || is_open_end(patterns[i].parts[0])))
			continue;
		for (uint32_t at = 0; at < patterns[i].member_count; at++) {
			struct entry *entry = &entries[patterns[i].members[at]->index];
			entry->is_general |= patterns[i].is_general;
			entry->host = is_unix ? pool_print(maker->pool, "unix:%s",
							   patterns[i].parts[0])
					      : patterns[i].parts[0];
		}
	}
}

/* --- rules ------------------------------------------------------------------------------------- */

static int compare_ports(const void *left, const void *right)
{
	const struct rule_ports *one = left, *two = right;
	return one->low < two->low ? -1 : one->low > two->low;
}

void rules_add_port(struct pool *pool, struct learned_rule *rule, struct rule_ports port)
{
	for (uint32_t i = 0; i < rule->port_count; i++)
		if (rule->ports[i].low <= port.low && rule->ports[i].high >= port.high)
			return;
	rule->ports = pool_grow(pool, rule->ports, rule->port_count, sizeof(*rule->ports));
	rule->ports[rule->port_count++] = port;
	qsort(rule->ports, rule->port_count, sizeof(*rule->ports), compare_ports);
}

void rules_open_ports(struct learned_rule *rule)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < rule->port_count; i++)
		if (rule->ports[i].low < PORT_CHOSEN)
			rule->ports[kept++] = rule->ports[i];
	rule->ports[kept++] = (struct rule_ports){PORT_CHOSEN, PORT_LAST};
	rule->port_count = kept;
	rule->is_general = true;
}

static void push_entries(struct maker *maker, uint32_t action, struct entry *entries,
			 uint32_t count)
{
	qsort(entries, count, sizeof(*entries), compare_entries);
	for (uint32_t first = 0, i = 1; i <= count; i++) {
		/* Compared are ports one by one; a rule lists them. */
		if (i < count && !strcmp(entries[i].proto, entries[first].proto) &&
		    !strcmp(entries[i].host, entries[first].host) &&
		    (!maker->is_narrow || !entries[i].has_port ||
		     entries[i].port.low == entries[first].port.low))
			continue;
		struct learned_rule *rule = rule_push(maker, action, false);
		bool is_unix = !strcmp(entries[first].proto, "unix");
		rule_add_part(maker, rule, entries[first].host);
		rule->proto = is_unix ? "" : entries[first].proto;
		for (uint32_t at = first; at < i; at++) {
			rule->is_general |= entries[at].is_general;
			rule_add_fact(maker, rule, entries[at].fact);
			if (!is_unix && entries[at].has_port)
				rules_add_port(maker->pool, rule, entries[at].port);
		}
		first = i;
	}
}

/* A socket without a name is any name's. */
static const char *peer_of(const struct fact *fact)
{
	return strcmp(fact->parts[0], "unix:") ? fact->parts[0] : "unix:@";
}

void rules_peer(struct maker *maker, uint32_t action, const struct fact *const *facts,
		uint32_t count)
{
	struct entry *entries = pool_alloc(maker->pool, (count + 1) * sizeof(*entries));
	uint32_t entry_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (facts[i]->part_count != 3)
			continue;
		uint32_t port = (uint32_t)atoi(facts[i]->parts[1]);
		entries[entry_count++] = (struct entry){.fact = facts[i],
							.host = peer_of(facts[i]),
							.port = {port, port},
							.proto = facts[i]->parts[2],
							.has_port = action != WIRE_NET_ACCEPT};
	}
	qsort(entries, entry_count, sizeof(*entries), compare_entries);
	fold_hosts(maker, entries, entry_count, false);
	fold_hosts(maker, entries, entry_count, true);
	qsort(entries, entry_count, sizeof(*entries), compare_entries);
	fold_ports(action, entries, entry_count);
	if (!maker->is_narrow)
		fold_networks(maker, entries, entry_count);
	push_entries(maker, action, entries, entry_count);
}

/* --- what another rule grants ------------------------------------------------------------------ */

static bool is_port_granted(const struct learned_rule *rule, struct rule_ports port)
{
	for (uint32_t i = 0; i < rule->port_count; i++)
		if ((rule->ports[i].low <= port.low && rule->ports[i].high >= port.high) ||
		    (!rule->ports[i].low && port.low >= PORT_CHOSEN))
			return true;
	return !rule->port_count;
}

static bool is_listen_granted(const struct maker *maker, const struct learned_rule *listen)
{
	for (uint32_t i = 0; i < maker->rules->count; i++) {
		const struct learned_rule *rule = &maker->rules->items[i];
		bool is_all = rule->action == WIRE_NET_BIND &&
			      !strcmp(rule->parts[0], listen->parts[0]) &&
			      !strcmp(rule->proto, listen->proto);
		for (uint32_t port = 0; is_all && port < listen->port_count; port++)
			is_all = is_port_granted(rule, listen->ports[port]);
		if (is_all)
			return true;
	}
	return false;
}

static bool is_name_granted(const struct maker *maker, const char *name)
{
	for (uint32_t i = 0; i < maker->rules->count; i++) {
		const struct learned_rule *rule = &maker->rules->items[i];
		bool is_peer = rule->action == WIRE_NET_CONNECT || rule->action == WIRE_NET_SEND;
		if (is_peer && !strcmp(rule->parts[0], name))
			return true;
		if (is_peer && !strcmp(rule->parts[0], "localhost") &&
		    (!strcmp(name, "127.0.0.1") || !strcmp(name, "::1")))
			return true;
	}
	return false;
}

/* bind speaks for listen where every listening socket was bound, and for accept. A listed peer may
 * have its name resolved. */
void rules_drop_granted(struct maker *maker)
{
	struct learned_rules *rules = maker->rules;
	bool has_bind = false, is_listen_free = true;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < rules->count; i++) {
		has_bind |= rules->items[i].action == WIRE_NET_BIND;
		if (rules->items[i].action == WIRE_NET_LISTEN)
			is_listen_free &= is_listen_granted(maker, &rules->items[i]);
	}
	bool *is_gone = pool_alloc(maker->pool, (rules->count + 1) * sizeof(*is_gone));
	for (uint32_t i = 0; i < rules->count; i++) {
		const struct learned_rule *rule = &rules->items[i];
		is_gone[i] = (rule->action == WIRE_NET_LISTEN && is_listen_free) ||
			     (rule->action == WIRE_NET_ACCEPT && has_bind) ||
			     (rule->action == WIRE_NET_RESOLVE && !rule->is_general &&
			      is_name_granted(maker, rule->parts[0]));
	}
	for (uint32_t i = 0; i < rules->count; i++)
		if (!is_gone[i])
			rules->items[kept++] = rules->items[i];
	rules->count = kept;
}
