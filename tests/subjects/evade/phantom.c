/* SPDX-License-Identifier: Apache-2.0 */
/* WAY DECOY SECRET ROUNDS: a second thread changes what is opened while it is being opened, and the
 * first counts what it really got by the first letter (s: the secret). WAY is path (the argument's
 * text is rewritten, Phantom-style) or link (a symlink of the name in argument 5 is swapped by
 * rename). Tells the two counts on standard error. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "evade.h"

struct race {
	const char *decoy, *secret, *link;
	volatile char *path;
	volatile int is_over;
};

/* Both names have one length; a byte at the end tells them apart. */
static void *rewrite(void *arg)
{
	struct race *race = arg;
	size_t last = strlen(race->decoy) - 1;

	while (!race->is_over) {
		race->path[last] = race->secret[last];
		for (volatile int i = 0; i < 50; i++)
			;
		race->path[last] = race->decoy[last];
		for (volatile int i = 0; i < 50; i++)
			;
	}
	return NULL;
}

static void *swap(void *arg)
{
	struct race *race = arg;
	char other[256];

	snprintf(other, sizeof(other), "%s.new", race->link);
	for (int i = 0; !race->is_over; i++) {
		raw3(SYS_symlink, (long)(i & 1 ? race->secret : race->decoy), (long)other, 0);
		raw3(SYS_rename, (long)other, (long)race->link, 0);
	}
	return NULL;
}

static int rounds(const char *path, int count, int got[2])
{
	char first;

	for (int i = 0; i < count; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, &first, 1) != 1)
			return 1;
		got[first == 's']++;
		close(fd);
	}
	return 0;
}

int evade(int argc, char **argv)
{
	char path[256];
	struct race race;
	pthread_t thread;
	int got[2] = { 0, 0 }, ret, is_link = argc == 5;

	if (argc < 4 || strlen(argv[1]) != strlen(argv[2]) || strlen(argv[1]) >= sizeof(path))
		return 2;
	race = (struct race){ argv[1], argv[2], is_link ? argv[4] : NULL, path, 0 };
	strcpy(path, is_link ? argv[4] : argv[1]);
	if (is_link && symlink(argv[1], argv[4]))
		return 2;
	if (pthread_create(&thread, NULL, is_link ? swap : rewrite, &race))
		return 2;
	ret = rounds(path, atoi(argv[3]), got);
	race.is_over = 1;
	pthread_join(thread, NULL);
	fprintf(stderr, "decoy %d secret %d\n", got[0], got[1]);
	return ret;
}
