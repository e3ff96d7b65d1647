/* SPDX-License-Identifier: Apache-2.0
 *
 * net: the resolver. The question is an event, the answer a name record published before it, so
 * that a connect that follows can be judged by name.
 */
#include "hook.h"

/* Marks take no stack by themselves; these record an event as well. */
#define STACK_FOR(name)                                                                            \
	do {                                                                                       \
		if (call.is_on && !call.stack)                                                     \
			call.stack = stack_capture(__builtin_frame_address(0), HOOK_##name,        \
						   &call.origin);                                  \
	} while (0)

#define ANSWERS_MAX 64

struct answers {
	const char *name;
	uint8_t v4[ANSWERS_MAX][4], v6[ANSWERS_MAX][16];
	uint8_t v4_count, v6_count;
};

/* "127.0.0.1" and "::1" are not asked of any resolver. */
static bool is_numeric(const char *name)
{
	bool has_letter = false, has_colon = false;

	for (const char *c = name; *c; c++) {
		has_colon |= *c == ':';
		has_letter |= !(*c == '.' || (*c >= '0' && *c <= '9'));
	}
	return has_colon || !has_letter;
}

static void answers_publish(const struct answers *answers)
{
	uint32_t name = (uint32_t)strnlen(answers->name, 1024);
	uint32_t bytes = ring_round((uint32_t)sizeof(struct wire_name) + name +
				    answers->v4_count * 4u + answers->v6_count * 16u);
	struct wire_name *record;
	char *at;

	if (!answers->v4_count && !answers->v6_count)
		return;
	record = ring_reserve(bytes, WIRE_FAMILY_NET);
	if (!record)
		return;
	record->time_ns = clock_now_ns();
	record->name_len = (uint16_t)name;
	record->v4_count = answers->v4_count;
	record->v6_count = answers->v6_count;
	record->pad = 0;
	at = mempcpy(record + 1, answers->name, name);
	at = mempcpy(at, answers->v4, answers->v4_count * 4u);
	memcpy(at, answers->v6, answers->v6_count * 16u);
	ring_commit(record, bytes, WIRE_NAME, 0);
}

static void answers_add(struct answers *answers, int family, const void *address)
{
	if (family == AF_INET && answers->v4_count < ANSWERS_MAX)
		memcpy(answers->v4[answers->v4_count++], address, 4);
	else if (family == AF_INET6 && answers->v6_count < ANSWERS_MAX)
		memcpy(answers->v6[answers->v6_count++], address, 16);
}

static void resolve_event(const struct call *call, const char *name, const char *service,
			  int32_t result)
{
	struct event_args args = { .result = result, .action = WIRE_NET_RESOLVE };
	int saved = errno;

	if (!call->is_on || !name || is_numeric(name))
		return;
	args.blob[0] = (struct blob){ name, (uint32_t)strnlen(name, 1024) };
	if (service)
		args.blob[1] = (struct blob){ service, (uint32_t)strnlen(service, 64) };
	event_publish(call, &args);
	errno = saved;
}

static NOINLINE void addrinfo_publish(const char *name, const struct addrinfo *list)
{
	struct answers answers = { .name = name };

	for (; list; list = list->ai_next) {
		if (list->ai_family == AF_INET)
			answers_add(&answers, AF_INET,
				    &((const struct sockaddr_in *)(void *)list->ai_addr)->sin_addr);
		else if (list->ai_family == AF_INET6)
			answers_add(&answers, AF_INET6,
				    &((const struct sockaddr_in6 *)(void *)list->ai_addr)->sin6_addr);
	}
	answers_publish(&answers);
}

static NOINLINE void hostent_publish(const char *name, const struct hostent *entry)
{
	struct answers answers = { .name = name };

	for (char **at = entry->h_addr_list; at && *at; at++)
		answers_add(&answers, entry->h_addrtype, *at);
	answers_publish(&answers);
}

/* A question answered with a hostent. */
static void hostent_event(const struct call *call, const char *name, const struct hostent *entry)
{
	int saved = errno;

	if (!call->is_on || !name || is_numeric(name))
		return;
	if (entry)
		hostent_publish(name, entry);
	resolve_event(call, name, NULL, entry ? 0 : -ENOENT);
	errno = saved;
}

EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret_list)
{
	HOOK_BEGIN_MARK(getaddrinfo, return EAI_SYSTEM);
	STACK_FOR(getaddrinfo);
	int ret = real.getaddrinfo(node, service, hints, ret_list);

	if (call.is_on && node && !is_numeric(node)) {
		int saved = errno;

		if (!ret)
			addrinfo_publish(node, *ret_list);
		resolve_event(&call, node, service, ret ? -ENOENT : 0);
		errno = saved;
	}
	HOOK_END();
	return ret;
}

EXPORT int getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event)
{
	HOOK_BEGIN_MARK(getaddrinfo_a, return EAI_SYSTEM);
	STACK_FOR(getaddrinfo_a);
	int ret = real.getaddrinfo_a(mode, list, count, event);

	/* Only the question: the answers come later, in a thread of libc's. */
	for (int i = 0; call.is_on && !ret && list && i < count; i++) {
		if (!list[i])
			continue;
		if (mode == GAI_WAIT && !gai_error(list[i]) && list[i]->ar_name)
			addrinfo_publish(list[i]->ar_name, list[i]->ar_result);
		resolve_event(&call, list[i]->ar_name, list[i]->ar_service, 0);
	}
	HOOK_END();
	return ret;
}

HOOK_MARK(int, getnameinfo,
	  (const struct sockaddr *address, socklen_t len, char *host, socklen_t host_len,
	   char *service, socklen_t service_len, int flags),
	  (address, len, host, host_len, service, service_len, flags), EAI_SYSTEM)

EXPORT struct hostent *gethostbyname(const char *name)
{
	HOOK_BEGIN_MARK(gethostbyname, return NULL);
	STACK_FOR(gethostbyname);
	struct hostent *ret = real.gethostbyname(name);

	hostent_event(&call, name, ret);
	HOOK_END();
	return ret;
}

EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
	HOOK_BEGIN_MARK(gethostbyname2, return NULL);
	STACK_FOR(gethostbyname2);
	struct hostent *ret = real.gethostbyname2(name, family);

	hostent_event(&call, name, ret);
	HOOK_END();
	return ret;
}

HOOK_MARK(struct hostent *, gethostbyaddr, (const void *address, socklen_t len, int family),
	  (address, len, family), NULL)

EXPORT int gethostbyname_r(const char *name, struct hostent *entry, char *buffer, size_t bytes,
			   struct hostent **ret_entry, int *ret_error)
{
	HOOK_BEGIN_MARK(gethostbyname_r, return ENOSYS);
	STACK_FOR(gethostbyname_r);
	int ret = real.gethostbyname_r(name, entry, buffer, bytes, ret_entry, ret_error);

	if (ret != ERANGE)
		hostent_event(&call, name, ret ? NULL : *ret_entry);
	HOOK_END();
	return ret;
}

EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *entry, char *buffer,
			    size_t bytes, struct hostent **ret_entry, int *ret_error)
{
	HOOK_BEGIN_MARK(gethostbyname2_r, return ENOSYS);
	STACK_FOR(gethostbyname2_r);
	int ret = real.gethostbyname2_r(name, family, entry, buffer, bytes, ret_entry, ret_error);

	if (ret != ERANGE)
		hostent_event(&call, name, ret ? NULL : *ret_entry);
	HOOK_END();
	return ret;
}

HOOK_MARK(int, gethostbyaddr_r,
	  (const void *address, socklen_t len, int family, struct hostent *entry, char *buffer,
	   size_t bytes, struct hostent **ret_entry, int *ret_error),
	  (address, len, family, entry, buffer, bytes, ret_entry, ret_error), ENOSYS)

/* res_*query: the answer is a packet for the caller to parse; only the question is told. */
#define HOOK_RES(name, params, args)                                                               \
	EXPORT int name params                                                                     \
	{                                                                                          \
		HOOK_BEGIN_MARK(name, return -1);                                                  \
		STACK_FOR(name);                                                                   \
		int ret = real.name args;                                                          \
		resolve_event(&call, domain, NULL, ret < 0 ? -ENOENT : 0);                         \
		HOOK_END();                                                                        \
		return ret;                                                                        \
	}

#undef res_query
#undef res_search
#undef res_nquery
#undef res_nsearch
HOOK_RES(res_query, (const char *domain, int class, int type, unsigned char *answer, int bytes),
	 (domain, class, type, answer, bytes))
HOOK_RES(res_search, (const char *domain, int class, int type, unsigned char *answer, int bytes),
	 (domain, class, type, answer, bytes))
HOOK_RES(res_nquery,
	 (void *state, const char *domain, int class, int type, unsigned char *answer, int bytes),
	 (state, domain, class, type, answer, bytes))
HOOK_RES(res_nsearch,
	 (void *state, const char *domain, int class, int type, unsigned char *answer, int bytes),
	 (state, domain, class, type, answer, bytes))

HOOK_MARK(struct servent *, getservbyname, (const char *name, const char *proto), (name, proto), NULL)
HOOK_MARK(struct servent *, getservbyport, (int port, const char *proto), (port, proto), NULL)
