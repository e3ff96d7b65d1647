/* SPDX-License-Identifier: Apache-2.0
 *
 * Who resolves names without libc: by datagrams or connections of his own to a name server, or by
 * calls whose answers only he can read. What he is answered is not heard, so that from then on an
 * address he reaches may have any name. Only a look-up that nobody forbids counts: a library that
 * may not talk to name servers gets no doubt in its favour by doing so, it gets one more deviation.
 */
#include <errno.h>
#include <string.h>

#include "pipeline_inner.h"

/* DNS; DNS over TLS; multicast DNS. DNS over HTTPS looks like anything else on its port. */
static bool is_name_port(uint16_t port)
{
	return port == 53 || port == 853 || port == 5353;
}

static bool is_one_of(const char *function, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(*names, function))
			return true;
	return false;
}

/* Libc's own look-ups: what they answer is in the log, or no answer to a name. */
static bool is_libcs(const char *function)
{
	static const char *const names[] = {
		"getaddrinfo",	  "gethostbyname",   "gethostbyname2",	 "gethostbyname_r",
		"gethostbyaddr",  "gethostbyname2_r", "gethostbyaddr_r", "getnameinfo",
		NULL};
	return function && is_one_of(function, names);
}

/* Their answers are packets for the caller to read, or come when the call is long over. */
static bool is_private(const char *function)
{
	static const char *const names[] = {"res_query",   "res_search",    "res_nquery",
					    "res_nsearch", "getaddrinfo_a", NULL};
	return function && is_one_of(function, names);
}

static bool is_within_libcs(struct pipeline *pipeline, const struct item_event *event)
{
	bool is_it = is_libcs(model_function(pipeline->model, event->function));
	for (unsigned i = 0; !is_it && i < WIRE_VIA_MAX && event->via[i]; i++)
		is_it = is_libcs(model_function(pipeline->model, event->via[i]));
	return is_it;
}

bool lookup_is(struct pipeline *pipeline, const struct item_event *event)
{
	const struct item_target *target;
	switch (event->action) {
	case WIRE_NET_RESOLVE:
		return event->result >= 0 &&
		       is_private(model_function(pipeline->model, event->function));
	case WIRE_NET_CONNECT:
		/* Connecting a datagram socket asks nobody; its first packet does. */
		if (event->flags & EVENT_DATAGRAM ||
		    (event->result < 0 && event->result != -EINPROGRESS))
			return false;
		break;
	case WIRE_NET_SEND:
		if (event->result < 0)
			return false;
		break;
	default:
		return false;
	}
	target = model_target(pipeline->model, event->target);
	return target && target->kind == TARGET_PEER && target->address_len &&
	       is_name_port(target->port) && !is_within_libcs(pipeline, event);
}

int lookup_note(struct pipeline *pipeline, const struct item_event *event,
		const struct chain *chain, const struct outcome *outcomes, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (outcomes[i].kind == OUTCOME_DEVIATES)
			return 0;
	return model_resolves_itself(pipeline->model, event->process, chain);
}
