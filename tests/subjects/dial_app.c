/* SPDX-License-Identifier: Apache-2.0 */
/* dial_app HOST PORT [DNS_ADDRESS DNS_PORT]: has libdialer talk to a server; with a name server
 * given, libc's resolver asks that one instead of the system's. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <resolv.h>

#include "libs.h"
#include "subject.h"

static void resolver_use(const char *address, const char *port)
{
	want(!res_init(), "res_init");
	_res.nscount = 1;
	_res.nsaddr_list[0].sin_family = AF_INET;
	_res.nsaddr_list[0].sin_port = htons((unsigned short)atoi(port));
	want(inet_pton(AF_INET, address, &_res.nsaddr_list[0].sin_addr) == 1, address);
	_res.retrans = 2;
	_res.retry = 2;
}

int main(int argc, char **argv)
{
	char answer[64];
	ssize_t bytes;
	int fd;

	if (argc != 3 && argc != 5)
		return 2;
	if (argc == 5)
		resolver_use(argv[3], argv[4]);
	fd = dialer_dial(argv[1], argv[2]);
	if (fd < 0) {
		puts("no connection");
		return 1;
	}
	bytes = read(fd, answer, sizeof(answer) - 1);
	want(bytes >= 0, "read");
	printf("got %.*s\n", (int)bytes, answer);
	return 0;
}
