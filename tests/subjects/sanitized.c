/* SPDX-License-Identifier: Apache-2.0 */
/* sanitized FILE: built with a sanitizer, whose runtime stands in front of libc as we do. */
#include <netdb.h>
#include <pthread.h>
#include <sys/wait.h>

#include "subject.h"

static void *read_file(void *name)
{
	FILE *stream = fopen(name, "r");
	char line[64] = "";

	want(stream != NULL, "fopen");
	want(fgets(line, sizeof(line), stream) != NULL, "fgets");
	fclose(stream);
	printf("%s", line);
	return NULL;
}

int main(int argc, char **argv)
{
	struct addrinfo *list = NULL;
	char line[64] = "";
	pthread_t thread;
	FILE *stream;

	want(argc > 1, "usage");
	read_file(argv[1]);
	want(!pthread_create(&thread, NULL, read_file, argv[1]), "pthread_create");
	pthread_join(thread, NULL);
	fflush(stdout);
	printf("%x\n", system("exit 3"));
	want((stream = popen("echo child; exit 4", "r")) != NULL, "popen");
	want(fgets(line, sizeof(line), stream) != NULL, "fgets");
	printf("%s%x\n", line, pclose(stream));
	if (!getaddrinfo("localhost", NULL, NULL, &list))
		freeaddrinfo(list);
	fflush(stdout);
	if (!fork()) {
		read_file(argv[1]);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
