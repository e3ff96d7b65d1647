/* SPDX-License-Identifier: Apache-2.0 */
/* popens: what popen, pclose and system promise, down to the errors. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "subject.h"

#pragma GCC diagnostic ignored "-Wmismatched-dealloc"

#define SAY(...) (printf(__VA_ARGS__), fflush(stdout))

static void modes(void)
{
	static const char *const all[] = { "r",  "w",  "re", "we", "er", "rw", "",
					   "x", "rr", "r+", "rb", "ee", "e" };

	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
		FILE *stream;

		errno = 0;
		stream = popen("cat /dev/null", all[i]);
		SAY("mode '%s': %s, errno %d, descriptor flags %d\n", all[i],
		    stream ? "open" : "refused", stream ? 0 : errno,
		    stream ? fcntl(fileno(stream), F_GETFD) : -1);
		if (stream)
			SAY("  ended with %x\n", pclose(stream));
	}
}

/* The child is gone before we write. */
static void broken_pipe(int (*end)(FILE *), const char *command)
{
	FILE *stream = popen(command, "w");
	siginfo_t info;
	int ret;

	want(stream != NULL, "popen");
	waitid(P_ALL, 0, &info, WEXITED | WNOWAIT);
	fprintf(stream, "nobody reads this\n");
	errno = 0;
	ret = end(stream);
	SAY("%s: %x, errno %d\n", command, ret, errno);
}

static void statuses(void)
{
	signal(SIGPIPE, SIG_IGN);
	broken_pipe(pclose, "exit 0");
	broken_pipe(pclose, "exit 3");
	broken_pipe(fclose, "exit 0");
	SAY("killed: %x\n", pclose(popen("kill -9 $$", "r")));
	SAY("fclose: %x\n", fclose(popen("exit 5", "r")));
	SAY("a plain stream: %x\n", pclose(fopen("/dev/null", "r")));
	SAY("system: %x %x %x %d\n", system("exit 9"), system("kill -TERM $$"),
	    system("/no/such 2>/dev/null"), system(NULL));
	signal(SIGCHLD, SIG_IGN);
	errno = 0;
	SAY("nobody to wait for: %x, errno %d", system("exit 3"), errno);
	errno = 0;
	SAY(" %x, errno %d\n", pclose(popen("exit 3", "r")), errno);
	signal(SIGCHLD, SIG_DFL);
}

static void inheritance(void)
{
	static const char signals[] = "grep -E 'Sig(Ign|Blk|Cgt)' /proc/self/status";
	FILE *one = popen("cat", "w"), *two = popen("cat", "we");

	system(signals);
	pclose(popen(signals, "w"));
	signal(SIGINT, SIG_IGN);
	system(signals);
	signal(SIGINT, SIG_DFL);
	system("echo /proc/self/fd/*");
	pclose(popen("echo /proc/self/fd/*", "w"));
	SAY("two: %x %x\n", pclose(one), pclose(two));
	close(0);
	SAY("in place of stdin: %x\n", pclose(popen("cat; exit 6", "r")));
}

static void *wait_there(void *argument)
{
	if (argument)
		system("sleep 5");
	else
		SAY("pclose goes on: %x\n", pclose(popen("sleep 0.4; exit 7", "r")));
	pthread_testcancel();
	return NULL;
}

static void cancelled(int in_system)
{
	struct sigaction interrupt;
	pthread_t thread;
	void *ret;

	want(!pthread_create(&thread, NULL, wait_there, in_system ? &thread : NULL), "thread");
	usleep(150000);
	pthread_cancel(thread);
	pthread_join(thread, &ret);
	sigaction(SIGINT, NULL, &interrupt);
	SAY("cancelled %d, left behind %d, SIGINT as before %d\n", ret == PTHREAD_CANCELED,
	    waitpid(-1, NULL, WNOHANG), interrupt.sa_handler == SIG_DFL);
}

static void refused(void)
{
	struct rlimit none = { 3, 3 };
	char *much = malloc(300000);

	memset(much, 'x', 299999);
	much[299999] = 0;
	errno = 0;
	SAY("too much: %x, errno %d", system(much), errno);
	SAY(" %d, errno %d\n", popen(much, "r") != NULL, errno);
	setrlimit(RLIMIT_NOFILE, &none);
	errno = 0;
	SAY("no descriptors: %d, errno %d\n", popen("true", "r") != NULL, errno);
}

int main(void)
{
	modes();
	statuses();
	inheritance();
	cancelled(1);
	cancelled(0);
	refused();
	return 0;
}
