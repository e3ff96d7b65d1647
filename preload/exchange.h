/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of requests and replies on one connection, followed where a policy asks for it
 * (WIRE_SESSION_EXCHANGE): a second request that is sent while the reply to the first is
 * outstanding means that some later reply goes to the wrong asker. Seen are lengths and order. What
 * was sent is looked at in place for two things, and never kept: whether it is a TLS handshake,
 * and whether it turns a Redis connection into a stream of messages.
 *
 * Followed are stream connections that this process began itself. Given up are those on which one
 * thread sends what another receives, and those that somebody reads behind our back: there no
 * order can be told, and none is accused.
 *
 * hooks_exchange.c receives and waits, hooks_net.c sends, hooks_fd.c closes, exchange.c knows.
 */
#ifndef SOWATCH_EXCHANGE_H
#define SOWATCH_EXCHANGE_H

#include "hook.h"

struct exchange_conn;

/* Some policy asks, and there is a connection to follow: 0 in all other processes. */
extern uint32_t exchange_is_on;

/* Where a call was made from: for those who publish. */
struct exchange_place {
	unsigned hook;
	void **frame;
};
#define EXCHANGE_HERE(name)                                                                        \
	(&(struct exchange_place){ HOOK_##name, __builtin_frame_address(0) })

/* A stream connection was begun by call. */
void exchange_connected(const struct call *call, int fd, const void *address, socklen_t len);
void exchange_closed(int fd, const struct exchange_place *place);
void exchange_closed_range(unsigned first, unsigned last);
void exchange_copied(int from, int to);
/* A copy of the process: whose turn it is on a connection that two have, neither can know. */
void exchange_forked(void);
/* ... and in the one that was copied: what was read by the other is not seen where the kernel does
 * not count it. */
void exchange_shared(void);

/* Around a call that sends. false: fd is not followed, or no more. */
struct exchange_send {
	struct exchange_conn *conn;
	int fd;
	uint32_t serial;
	uint8_t kind;	     /* enum wire_exchange that this would be, 0: in order */
	bool is_sure;	     /* the thread looked for a reply here, and there was none */
	uint64_t open_bytes; /* of the request without a reply */
};
bool exchange_send_begin(struct exchange_send *send, int fd);
/* first: how that begins which was to be sent; want: how much it was. */
void exchange_send_end(struct exchange_send *send, long sent, struct blob first, size_t want,
		       const struct exchange_place *place);

/* Around a call that receives. */
struct exchange_receive {
	struct exchange_conn *conn;
	int fd;
	uint32_t serial;
};
bool exchange_receive_begin(struct exchange_receive *receive, int fd);
void exchange_receive_end(struct exchange_receive *receive, long received, bool is_peek,
			  const struct exchange_place *place);

/* Around a wait for input on fd; is_ready: there was some. */
void exchange_wait_begin(int fd);
void exchange_wait_end(int fd, bool is_ready);

/* A wait for anything at all came back to this thread. */
static inline void exchange_turned(void)
{
	thread_self.turns++;
}

/* The bodies of functions that send, for the sake of one test when nobody asks. */
#define EXCHANGE_SEND(name, type, fd, args, first, want, total)                                    \
	do {                                                                                       \
		struct exchange_send exchange_;                                                    \
		if (unlikely(exchange_is_on) && exchange_send_begin(&exchange_, fd)) {             \
			type sent = real.name args;                                                \
			int saved_ = errno;                                                        \
			if (sent > 0)                                                              \
				exchange_send_end(&exchange_, total, first, want,                  \
						  EXCHANGE_HERE(name));                            \
			errno = saved_;                                                            \
			return sent;                                                               \
		}                                                                                  \
	} while (0)

#endif
