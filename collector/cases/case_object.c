/* SPDX-License-Identifier: Apache-2.0
 *
 * What is acted on: a text in the short form of its action, or a mapping with the fields of the
 * alerts' object.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "cases_inner.h"

static struct str str_of(const char *text)
{
	return (struct str){text, (uint32_t)strlen(text)};
}

/* IPv4-mapped IPv6 is IPv4, as in logs. */
static bool parse_address(const char *text, struct item_target *target)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	if (inet_pton(AF_INET, text, target->address) == 1) {
		target->address_len = 4;
		return true;
	}
	if (inet_pton(AF_INET6, text, target->address) != 1)
		return false;
	target->address_len = 16;
	if (!memcmp(target->address, mapped, sizeof(mapped))) {
		memmove(target->address, target->address + 12, 4);
		memset(target->address + 4, 0, 12);
		target->address_len = 4;
	}
	return true;
}

/* A name without an address gets one that is kept for documentation. */
static void set_host(struct case_object *object, const char *host)
{
	static const uint8_t example[4] = {192, 0, 2, 1};
	if (parse_address(host, &object->target))
		return;
	memcpy(object->target.address, example, sizeof(example));
	object->target.address_len = sizeof(example);
	object->resolved = host;
}

static uint8_t default_proto(unsigned action)
{
	return action == WIRE_NET_SEND ? PROTO_UDP : PROTO_TCP;
}

static void set_unix(struct case_object *object, const char *path)
{
	object->target.kind = TARGET_UNIX;
	object->target.path = object->target.asked = str_of(path);
}

/* HOST:PORT[/tcp|/udp] with brackets around an IPv6 address, or unix:PATH. */
static void read_peer_text(struct cases *cases, const struct node *node, unsigned action,
			   struct case_object *object)
{
	if (!strncmp(node->text, "unix:", 5)) {
		set_unix(object, node->text + 5);
		return;
	}
	char *text = pool_copy(&cases->pool, node->text, node->len);
	char *colon = strrchr(text, ':'), *slash = strchr(text, '/'), *end = NULL;
	object->target.kind = TARGET_PEER;
	object->target.proto = default_proto(action);
	if (slash) {
		*slash = 0;
		object->target.proto = !strcmp(slash + 1, "udp")   ? PROTO_UDP
				       : !strcmp(slash + 1, "tcp") ? PROTO_TCP
								   : PROTO_OTHER;
	}
	bool is_bracketed = *text == '[' && colon && colon > text && colon[-1] == ']';
	unsigned long port =
		colon && colon[1] >= '0' && colon[1] <= '9' ? strtoul(colon + 1, &end, 10) : 65536;
	if (!colon || colon == text || !end || *end || port > 65535 ||
	    object->target.proto == PROTO_OTHER ||
	    (!is_bracketed && memchr(text, ':', (size_t)(colon - text)))) {
		report_error(&cases->loader->reports, node->place,
			     "\"%s\" is no peer: HOST:PORT, [IPv6]:PORT, with /tcp or /udp, or "
			     "unix:PATH",
			     report_quote(&cases->pool, node->text, node->len));
		return;
	}
	colon[is_bracketed ? -1 : 0] = 0;
	object->target.port = (uint16_t)port;
	set_host(object, text + is_bracketed);
}

static void read_peer(struct cases *cases, const struct node *node, unsigned action,
		      struct case_object *object)
{
	static const char *const protos[] = {"", "tcp", "udp", NULL};
	const char *address = case_text(cases, node, "address");
	const char *path = case_text(cases, node, "path");
	const char *name = case_text(cases, node, "name");
	if (*path) {
		set_unix(object, path);
		return;
	}
	object->target.kind = TARGET_PEER;
	object->target.port = (uint16_t)case_number(cases, node, "port", 65535, 0);
	int proto = case_word(cases, node, "proto", protos);
	object->target.proto = proto > 0 ? (uint8_t)proto : default_proto(action);
	if (*address && !parse_address(address, &object->target))
		report_error(&cases->loader->reports, case_get(node, "address")->place,
			     "\"%s\" is no address",
			     report_quote(&cases->pool, address, strlen(address)));
	else if (!*address && !*name)
		report_error(&cases->loader->reports, node->place,
			     "a peer needs an address or a name");
	else if (!*address)
		set_host(object, name);
	object->resolved = name;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static void set_program(struct case_object *object, const char *path, struct str argv)
{
	object->target.kind = TARGET_PROGRAM;
	object->target.path = str_of(path);
	if (!object->target.asked.len)
		object->target.asked = object->target.path;
	if (!argv.len) /* its own name, with the NUL behind it */
		argv = (struct str){base_name(path), (uint32_t)strlen(base_name(path)) + 1};
	object->target.argv = argv;
}

static enum target_kind kind_of(unsigned action)
{
	switch (action) {
	case WIRE_FILE_RENAME:
	case WIRE_FILE_LINK:
		return TARGET_PATHS;
	case WIRE_EXEC_RUN:
		return TARGET_PROGRAM;
	case WIRE_EXEC_LOAD:
		return TARGET_OBJECT;
	case WIRE_EXEC_CODE:
		return TARGET_MEMORY;
	case WIRE_EXEC_INSPECT:
		return TARGET_PROCESS;
	case WIRE_NET_RESOLVE:
		return TARGET_NAME;
	case WIRE_ENV_READ:
		return TARGET_VARIABLE;
	}
	return action <= WIRE_NET_EXCHANGE ? TARGET_PEER : TARGET_PATH;
}

static void read_text(struct cases *cases, const struct node *node, unsigned action,
		      struct case_object *object)
{
	enum target_kind kind = kind_of(action);
	object->target.path = object->target.asked = str_of(node->text);
	object->target.kind = (uint8_t)kind;
	switch (kind) {
	case TARGET_PEER:
		object->target.path = object->target.asked = str_of("");
		read_peer_text(cases, node, action, object);
		break;
	case TARGET_PROGRAM:
		set_program(object, node->text, (struct str){"", 0});
		break;
	case TARGET_PATHS:
		report_error(&cases->loader->reports, node->place,
			     "this action takes {path: ..., to: ...}");
		break;
	case TARGET_MEMORY:
		report_error(&cases->loader->reports, node->place,
			     "this action takes {bytes: ...}");
		break;
	case TARGET_PROCESS:
		if (*node->text == '/')
			object->target.kind = TARGET_PATH;
		else
			report_error(&cases->loader->reports, node->place,
				     "this action takes a path below /proc or {pid: ...}");
		break;
	default:
		break;
	}
}

static void read_paths(struct cases *cases, const struct node *node, struct case_object *object)
{
	const char *path = case_text(cases, node, "path"), *asked = case_text(cases, node, "asked");
	const char *program = case_text(cases, node, "program");
	object->target.path = str_of(*path ? path : program);
	object->target.asked = *asked ? str_of(asked) : object->target.path;
	object->target.to = str_of(case_text(cases, node, "to"));
	object->target.package = str_of(case_text(cases, node, "package"));
}

static void need(struct cases *cases, const struct node *node, const char *key)
{
	if (!case_get(node, key))
		report_error(&cases->loader->reports, node->place, "this object needs \"%s\"", key);
}

static void read_mapping(struct cases *cases, const struct node *node, unsigned action,
			 struct case_object *object)
{
	enum target_kind kind = kind_of(action);
	if (!case_check_keys(cases, node, IN_OBJECT))
		return;
	object->target.kind = (uint8_t)kind;
	read_paths(cases, node, object);
	switch (kind) {
	case TARGET_PEER:
		object->target.path = object->target.asked = str_of("");
		read_peer(cases, node, action, object);
		break;
	case TARGET_PROGRAM:
		need(cases, node, "program");
		set_program(object, case_text(cases, node, "program"), case_argv(cases, node));
		break;
	case TARGET_NAME:
	case TARGET_VARIABLE:
		need(cases, node, "name");
		object->target.path = object->target.asked = str_of(case_text(cases, node, "name"));
		break;
	case TARGET_MEMORY:
		object->target.number = case_number(cases, node, "bytes", UINT32_MAX, 4096);
		break;
	case TARGET_PROCESS:
		need(cases, node, "pid");
		object->target.number = case_number(cases, node, "pid", UINT32_MAX, 0);
		break;
	case TARGET_PATHS:
		need(cases, node, "to");
		/* fallthrough */
	default:
		need(cases, node, "path");
	}
}

static const char *describe(struct cases *cases, const struct node *node)
{
	static const char *const keys[] = {"path", "program", "address", "name", "pid", NULL};
	if (node->kind == NODE_SCALAR)
		return node->text;
	for (unsigned i = 0; keys[i]; i++) {
		const struct node *value = case_get(node, keys[i]);
		if (value && value->kind == NODE_SCALAR)
			return pool_print(&cases->pool, "%s", value->text);
	}
	return "";
}

void case_read_object(struct cases *cases, struct node *node, unsigned action,
		      struct case_object *ret_object)
{
	*ret_object = (struct case_object){.text = "", .resolved = ""};
	ret_object->target.path = ret_object->target.asked = ret_object->target.to =
		ret_object->target.argv = ret_object->target.package = str_of("");
	if (!node) { /* exec.code: any memory */
		ret_object->target.kind = TARGET_MEMORY;
		ret_object->target.number = 4096;
		return;
	}
	ret_object->text = describe(cases, node);
	if (node->is_broken)
		return;
	if (node->kind == NODE_SCALAR && node->len)
		read_text(cases, node, action, ret_object);
	else if (node->kind == NODE_MAPPING)
		read_mapping(cases, node, action, ret_object);
	else
		report_error(&cases->loader->reports, node->place, "expected an object");
}
