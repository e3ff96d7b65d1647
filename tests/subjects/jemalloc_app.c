/* SPDX-License-Identifier: Apache-2.0 */
/* Linked with jemalloc, which opens files by raw syscall() before main and allocates under us. */
#include <pthread.h>

#include "libs.h"
#include "subject.h"

static void *churn(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		void *block = malloc(64 + (size_t)i * 16);
		int fd = opener_fopen(arg);

		want(block && fd >= 0, "churn");
		close(fd);
		free(block);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[4];

	if (argc != 2)
		return 2;
	for (int i = 0; i < 4; i++)
		want(!pthread_create(&threads[i], NULL, churn, argv[1]), "pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	puts("churned");
	return 0;
}
