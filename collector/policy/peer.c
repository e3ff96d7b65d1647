/* SPDX-License-Identifier: Apache-2.0
 *
 * Peers: {to: [...], ports: [...], proto: tcp}.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "policy_inner.h"

bool address_parse(const char *text, size_t len, uint8_t ret_address[16], uint8_t *ret_len)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	char copy[INET6_ADDRSTRLEN + 1];
	if (len >= sizeof(copy) || memchr(text, 0, len))
		return false;
	memcpy(copy, text, len);
	copy[len] = 0;
	memset(ret_address, 0, 16);
	*ret_len = 4;
	if (inet_pton(AF_INET, copy, ret_address) == 1)
		return true;
	*ret_len = 16;
	if (inet_pton(AF_INET6, copy, ret_address) != 1)
		return false;
	if (!memcmp(ret_address, mapped, sizeof(mapped))) {
		memmove(ret_address, ret_address + 12, 4);
		memset(ret_address + 4, 0, 12);
		*ret_len = 4;
	}
	return true;
}

bool address_within(const uint8_t *address, uint8_t len, const struct peer *peer)
{
	unsigned bytes = peer->prefix_bits / 8u, bits = peer->prefix_bits % 8u;
	if (len != peer->address_len || memcmp(address, peer->address, bytes))
		return false;
	return !bits || !((address[bytes] ^ peer->address[bytes]) >> (8 - bits));
}

static bool parse_number(const char *text, size_t len, unsigned max, unsigned *ret_number)
{
	unsigned number = 0;
	if (!len || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (unsigned)(text[i] - '0');
	}
	*ret_number = number;
	return number <= max;
}

/* Clears the bits behind the prefix; true when there were any. */
static bool mask_address(struct peer *peer)
{
	bool had_bits = false;
	for (unsigned bit = peer->prefix_bits; bit < peer->address_len * 8u; bit++) {
		uint8_t mask = (uint8_t)(0x80u >> (bit % 8));
		had_bits |= peer->address[bit / 8] & mask;
		peer->address[bit / 8] &= (uint8_t)~mask;
	}
	return had_bits;
}

static bool compile_cidr(struct loader *loader, const struct node *node, struct peer *peer)
{
	const char *slash = strchr(node->text, '/');
	size_t len = (size_t)(slash - node->text);
	unsigned bits = 0;
	bool is_mapped = !strncasecmp(node->text, "::ffff:", 7);
	if (!address_parse(node->text, len, peer->address, &peer->address_len) ||
	    !parse_number(slash + 1, strlen(slash + 1), 128, &bits) ||
	    (is_mapped && peer->address_len == 4 && bits < 96)) {
		report_error(&loader->reports, node->place, "bad CIDR \"%s\"",
			     report_quote(&loader->scratch, node->text, node->len));
		return false;
	}
	if (is_mapped && peer->address_len == 4)
		bits -= 96;
	if (bits > peer->address_len * 8u) {
		report_error(&loader->reports, node->place, "bad CIDR \"%s\": at most /%u",
			     report_quote(&loader->scratch, node->text, node->len),
			     peer->address_len * 8u);
		return false;
	}
	peer->prefix_bits = (uint8_t)bits;
	if (mask_address(peer))
		report_warning(&loader->reports, node->place,
			       "\"%s\" has bits set behind the prefix, they do not count",
			       report_quote(&loader->scratch, node->text, node->len));
	return true;
}

static bool compile_host(struct loader *loader, const struct node *node, struct peer *peer)
{
	char *name = pool_copy(&loader->scratch, node->text, node->len);
	size_t len = node->len;
	const char *quoted = report_quote(&loader->scratch, node->text, node->len);
	bool is_numeric = true;
	if (len > 1 && name[len - 1] == '.')
		name[--len] = 0;
	for (size_t i = 0; i < len; i++) {
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] = (char)(name[i] - 'A' + 'a');
		bool is_digit = name[i] >= '0' && name[i] <= '9';
		is_numeric &= is_digit || name[i] == '.';
		if (name[i] == ':' || (is_numeric && i + 1 == len)) {
			report_error(&loader->reports, node->place,
				     "bad address \"%s\" (a port belongs in \"ports\")", quoted);
			return false;
		}
		bool is_letter = name[i] >= 'a' && name[i] <= 'z';
		if (!is_letter && !is_digit && !strchr("-_.*?[]!^", name[i])) {
			report_error(&loader->reports, node->place, "bad host name \"%s\"", quoted);
			return false;
		}
	}
	peer->kind = PEER_NAME;
	return compile_glob(loader, node, name, len, GLOB_NAME, &peer->glob);
}

static bool compile_unix(struct loader *loader, const struct node *node, struct peer *peer)
{
	const char *path = node->text + strlen("unix:");
	if (*path != '/' && *path != '@' && strncmp(path, "**", 2)) {
		report_error(&loader->reports, node->place,
			     "bad peer \"%s\": a Unix socket is unix:/path or unix:@name",
			     report_quote(&loader->scratch, node->text, node->len));
		return false;
	}
	peer->kind = PEER_UNIX;
	return compile_glob(loader, node, path, strlen(path), GLOB_PATH, &peer->glob);
}

static bool compile_to(struct loader *loader, struct node *written, struct peer *peer)
{
	bool is_unix = !strncmp(written->text, "unix:", 5);
	struct node *node = loader_expand(loader, written, is_unix);
	if (!node)
		return false;
	peer->text = pool_copy(&loader->policy->pool, node->text, node->len);
	peer->kind = PEER_ADDRESS;
	if (!strncmp(node->text, "unix:", 5))
		return compile_unix(loader, node, peer);
	if (!strcasecmp(node->text, "localhost")) {
		peer->kind = PEER_LOCALHOST;
		return true;
	}
	if (strchr(node->text, '/'))
		return compile_cidr(loader, node, peer);
	if (address_parse(node->text, node->len, peer->address, &peer->address_len)) {
		peer->prefix_bits = (uint8_t)(peer->address_len * 8);
		return true;
	}
	return compile_host(loader, node, peer);
}

static bool compile_port(struct loader *loader, struct node *written, struct port_range *port)
{
	struct node *node = loader_expand(loader, written, false);
	if (!node)
		return false;
	const char *dash = strchr(node->text, '-');
	size_t len = dash ? (size_t)(dash - node->text) : node->len;
	unsigned low = 0, high = 0;
	bool is_good = parse_number(node->text, len, UINT16_MAX, &low);
	high = low;
	if (dash)
		is_good &= parse_number(dash + 1, strlen(dash + 1), UINT16_MAX, &high);
	if (!is_good || low > high) {
		report_error(&loader->reports, node->place, "bad port range \"%s\"%s",
			     report_quote(&loader->scratch, node->text, node->len),
			     is_good ? ": it runs backwards" : "");
		return false;
	}
	*port = (struct port_range){(uint16_t)low, (uint16_t)high};
	return true;
}

/* "codecov.io, *.codecov.io port 443 tcp" */
static const char *peer_phrase(struct pool *pool, const struct rule *rule, const char *proto)
{
	const char *text = rule->peer.to_count ? rule->peer.to[0].text : "any peer";
	for (uint32_t i = 1; i < rule->peer.to_count && i < 16; i++)
		text = pool_print(pool, "%s, %s", text, rule->peer.to[i].text);
	if (rule->peer.to_count > 16)
		text = pool_print(pool, "%s … and %u more", text, rule->peer.to_count - 16);
	for (uint32_t i = 0; i < rule->peer.port_count && i < 16; i++) {
		const struct port_range *port = &rule->peer.ports[i];
		const char *between = i ? "," : rule->peer.port_count > 1 ? " ports" : " port";
		text = port->low == port->high
			       ? pool_print(pool, "%s%s %u", text, between, port->low)
			       : pool_print(pool, "%s%s %u-%u", text, between, port->low,
					    port->high);
	}
	return proto ? pool_print(pool, "%s %s", text, proto) : text;
}

bool compile_peer(struct loader *loader, struct node *mapping, struct rule *rule)
{
	struct pool *pool = &loader->policy->pool;
	struct node *to = schema_get(mapping, AT_PEER, "to");
	struct node *ports = schema_get(mapping, AT_PEER, "ports");
	const char *proto = schema_text(mapping, AT_PEER, "proto");
	bool is_good = true;
	rule->is_after =
		only_word(loader, schema_get(mapping, AT_PEER, "after"), "after", "secret");
	if ((to && to->kind == NODE_LIST && !to->count) ||
	    (ports && ports->kind == NODE_LIST && !ports->count)) {
		report_error(&loader->reports, mapping->place,
			     "an empty list matches nothing, leave the key out to match any");
		is_good = false;
	}
	rule->kind = RULE_PEER;
	for (struct node *item = texts_first(to); item; item = to == item ? NULL : item->next) {
		rule->peer.to =
			pool_grow(pool, rule->peer.to, rule->peer.to_count, sizeof(struct peer));
		is_good &= compile_to(loader, item, &rule->peer.to[rule->peer.to_count++]);
	}
	for (struct node *item = texts_first(ports); item;
	     item = ports == item ? NULL : item->next) {
		rule->peer.ports = pool_grow(pool, rule->peer.ports, rule->peer.port_count,
					     sizeof(struct port_range));
		is_good &= compile_port(loader, item, &rule->peer.ports[rule->peer.port_count++]);
	}
	if (proto && !strcmp(proto, "tcp")) {
		rule->peer.proto = PROTO_TCP;
	} else if (proto && !strcmp(proto, "udp")) {
		rule->peer.proto = PROTO_UDP;
	} else if (proto) {
		report_error(&loader->reports, schema_get(mapping, AT_PEER, "proto")->place,
			     "\"proto\" must be tcp or udp, not \"%s\"",
			     report_quote(&loader->scratch, proto, strlen(proto)));
		is_good = false;
	}
	if (is_good)
		rule->text = peer_phrase(pool, rule, proto);
	if (is_good && rule->is_after)
		rule->text = pool_print(pool, "%s, first contacted after reading a secret", rule->text);
	return is_good;
}
