/* SPDX-License-Identifier: Apache-2.0 */
/* Frees enough in a secondary malloc arena for libc to give memory back: it then opens
 * /proc/sys/vm/overcommit_memory, in the name of nobody. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evade.h"

static void *churn(void *arg)
{
	enum { BLOCKS = 400, BYTES = 100 << 10 };
	void *blocks[BLOCKS];

	for (int i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(BYTES);
		memset(blocks[i], 1, BYTES);
	}
	for (int i = BLOCKS - 1; i >= 0; i--)
		free(blocks[i]);
	return arg;
}

int main(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, churn, NULL) || pthread_join(thread, NULL))
		return 1;
	puts("did it");
	go_on();
	return 0;
}
