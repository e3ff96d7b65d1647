/* SPDX-License-Identifier: Apache-2.0 */
/* cancel FILE: cancels threads that are blocked in hooked calls; their clean-up handlers run, and
 * the next act is attributed as if nothing had been. */
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "libs.h"
#include "subject.h"

static int cleaned;

static void clean(void *arg)
{
	int fd = opener_open(arg);

	if (fd >= 0)
		close(fd);
	cleaned++;
}

static void *block(void *arg)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd;

	any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	want(fd >= 0 && !bind(fd, (struct sockaddr *)&any, sizeof(any)) && !listen(fd, 1), "listen");
	pthread_cleanup_push(clean, arg);
	accept(fd, NULL, NULL);
	pthread_cleanup_pop(0);
	return NULL;
}

int main(int argc, char **argv)
{
	int cancelled = 0, fd;

	if (argc != 2)
		return 2;
	for (int i = 0; i < 20; i++) {
		pthread_t thread;
		void *result;

		want(!pthread_create(&thread, NULL, block, argv[1]), "pthread_create");
		usleep(2000);
		pthread_cancel(thread);
		pthread_join(thread, &result);
		cancelled += result == PTHREAD_CANCELED;
	}
	fd = opener_open(argv[1]);
	want(fd >= 0, argv[1]);
	printf("cancelled %d cleaned %d\n", cancelled, cleaned);
	return 0;
}
