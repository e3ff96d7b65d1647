/* SPDX-License-Identifier: Apache-2.0
 *
 * net: the data bases of hosts, networks, protocols, services, and what goes to the resolver without
 * a name in it. They fill the call slot and record nothing; see hooks_resolve.c for those that do.
 */
#include "hook.h"

HOOK_MARK(struct netent *, getnetbyname, (const char *name), (name), NULL)
HOOK_MARK(struct netent *, getnetbyaddr, (uint32_t net, int type), (net, type), NULL)
HOOK_MARK(int, getnetbyname_r,
	  (const char *name, struct netent *entry, char *buffer, size_t bytes,
	   struct netent **ret_entry, int *ret_error),
	  (name, entry, buffer, bytes, ret_entry, ret_error), ENOSYS)
HOOK_MARK(int, getnetbyaddr_r,
	  (uint32_t net, int type, struct netent *entry, char *buffer, size_t bytes,
	   struct netent **ret_entry, int *ret_error),
	  (net, type, entry, buffer, bytes, ret_entry, ret_error), ENOSYS)
HOOK_MARK(struct protoent *, getprotobyname, (const char *name), (name), NULL)
HOOK_MARK(struct protoent *, getprotobynumber, (int number), (number), NULL)
HOOK_MARK(int, getprotobyname_r,
	  (const char *name, struct protoent *entry, char *buffer, size_t bytes,
	   struct protoent **ret_entry),
	  (name, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(int, getprotobynumber_r,
	  (int number, struct protoent *entry, char *buffer, size_t bytes,
	   struct protoent **ret_entry),
	  (number, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(int, getservbyname_r,
	  (const char *name, const char *proto, struct servent *entry, char *buffer, size_t bytes,
	   struct servent **ret_entry),
	  (name, proto, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(int, getservbyport_r,
	  (int port, const char *proto, struct servent *entry, char *buffer, size_t bytes,
	   struct servent **ret_entry),
	  (port, proto, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(struct rpcent *, getrpcbyname, (const char *name), (name), NULL)
HOOK_MARK(struct rpcent *, getrpcbynumber, (int number), (number), NULL)
HOOK_MARK(int, getrpcbyname_r,
	  (const char *name, struct rpcent *entry, char *buffer, size_t bytes,
	   struct rpcent **ret_entry),
	  (name, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(int, getrpcbynumber_r,
	  (int number, struct rpcent *entry, char *buffer, size_t bytes, struct rpcent **ret_entry),
	  (number, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK_VOID(sethostent, (int stay_open), (stay_open))
HOOK_MARK(struct hostent *, gethostent, (void), (), NULL)
HOOK_MARK(int, gethostent_r,
	  (struct hostent *entry, char *buffer, size_t bytes, struct hostent **ret_entry,
	   int *ret_error),
	  (entry, buffer, bytes, ret_entry, ret_error), ENOSYS)
HOOK_MARK_VOID(endhostent, (void), ())
HOOK_MARK_VOID(setnetent, (int stay_open), (stay_open))
HOOK_MARK(struct netent *, getnetent, (void), (), NULL)
HOOK_MARK(int, getnetent_r,
	  (struct netent *entry, char *buffer, size_t bytes, struct netent **ret_entry,
	   int *ret_error),
	  (entry, buffer, bytes, ret_entry, ret_error), ENOSYS)
HOOK_MARK_VOID(endnetent, (void), ())
HOOK_MARK_VOID(setprotoent, (int stay_open), (stay_open))
HOOK_MARK(struct protoent *, getprotoent, (void), (), NULL)
HOOK_MARK(int, getprotoent_r,
	  (struct protoent *entry, char *buffer, size_t bytes, struct protoent **ret_entry),
	  (entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK_VOID(endprotoent, (void), ())
HOOK_MARK_VOID(setservent, (int stay_open), (stay_open))
HOOK_MARK(struct servent *, getservent, (void), (), NULL)
HOOK_MARK(int, getservent_r,
	  (struct servent *entry, char *buffer, size_t bytes, struct servent **ret_entry),
	  (entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK_VOID(endservent, (void), ())
HOOK_MARK_VOID(setrpcent, (int stay_open), (stay_open))
HOOK_MARK(struct rpcent *, getrpcent, (void), (), NULL)
HOOK_MARK(int, getrpcent_r,
	  (struct rpcent *entry, char *buffer, size_t bytes, struct rpcent **ret_entry),
	  (entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK_VOID(endrpcent, (void), ())
HOOK_MARK(int, ether_hostton,
	  (const char *name, struct ether_addr *ret_address), (name, ret_address), -1)
HOOK_MARK(int, ether_ntohost,
	  (char *ret_name, const struct ether_addr *address), (ret_name, address), -1)
HOOK_MARK(int, __res_init, (void), (), -1)
HOOK_MARK(int, __res_ninit, (void *state), (state), -1)
HOOK_MARK(int, res_send,
	  (const unsigned char *query, int query_bytes, unsigned char *answer, int bytes),
	  (query, query_bytes, answer, bytes), -1)
HOOK_MARK(int, res_nsend,
	  (void *state, const unsigned char *query, int query_bytes, unsigned char *answer,
	   int bytes),
	  (state, query, query_bytes, answer, bytes), -1)
HOOK_MARK(int, res_querydomain,
	  (const char *name, const char *domain, int class, int type, unsigned char *answer,
	   int bytes),
	  (name, domain, class, type, answer, bytes), -1)
HOOK_MARK(int, res_nquerydomain,
	  (void *state, const char *name, const char *domain, int class, int type,
	   unsigned char *answer, int bytes),
	  (state, name, domain, class, type, answer, bytes), -1)
HOOK_MARK(int, getifaddrs, (struct ifaddrs **ret_list), (ret_list), -1)
HOOK_MARK(struct if_nameindex *, if_nameindex, (void), (), NULL)
HOOK_MARK(long, gethostid, (void), (), 0)
