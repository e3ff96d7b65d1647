/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox FILE: sets filters that kill on calls which libc does not need for what follows, and goes
 * on: threads, forks, programs, sockets. Each in a child of its own. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "libs.h"
#include "subject.h"

/* The last two are needed by a shell. */
static const int deadly[] = {
	SYS_memfd_create, SYS_ftruncate, SYS_process_vm_readv, SYS_gettid,	SYS_readlink,
	SYS_faccessat,	  SYS_sendmsg,	 SYS_getsockopt,       SYS_accept4,	SYS_sched_yield,
	SYS_open,	  SYS_fstat,	 SYS_getsockname,      SYS_getpeername, SYS_nanosleep,
	SYS_getpid,	  SYS_getcwd,
};
static const char *file;

static void confine(int has_shell)
{
	struct sock_filter filter[64] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   offsetof(struct seccomp_data, nr)) };
	struct sock_fprog program = { 1, filter };

	for (unsigned i = 0; i < sizeof(deadly) / sizeof(*deadly) - 2 * (has_shell != 0); i++) {
		filter[program.len++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, (unsigned)deadly[i], 0, 1);
		filter[program.len++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	}
	filter[program.len++] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	want(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
	want(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

static void *act(void *unused)
{
	int fd = opener_open(file), root = open("/", O_RDONLY | O_DIRECTORY);

	(void)unused;
	unlinkat(root, "no/such", 0);
	close(root);
	close(fd);
	return fd < 0 ? NULL : &file;
}

static int in_thread(void)
{
	pthread_t thread;
	void *ret = NULL;

	if (pthread_create(&thread, NULL, act, NULL) || pthread_join(thread, &ret))
		return 1;
	return !ret;
}

static int ended(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int in_fork(void)
{
	pid_t child = fork();

	if (!child)
		_exit(act(NULL) ? in_thread() : 1);
	return ended(child);
}

static int by_vfork(void)
{
	pid_t child = vfork();

	if (!child) {
		execl("/bin/sh", "sh", "-c", "exit 0", NULL);
		_exit(98);
	}
	return ended(child);
}

static int by_spawn(void)
{
	char *const argv[] = { "sh", "-c", "exit 0", NULL };
	pid_t child;

	return posix_spawn(&child, "/bin/sh", NULL, NULL, argv, environ) ? 97 : ended(child);
}

static int by_popen(void)
{
	FILE *stream = popen("exit 0", "r");

	return stream ? pclose(stream) : 96;
}

static int by_system(void)
{
	return system("exit 0");
}

static int datagram(void)
{
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons(9),
				    .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return connect(fd, (struct sockaddr *)&peer, sizeof(peer)) || write(fd, "x", 1) != 1;
}

static int by_number(void)
{
	return syscall(SYS_accept, -1, NULL, NULL) != -1 || errno != EBADF;
}

static int as_daemon(void)
{
	pid_t child = fork();

	if (!child)
		_exit(daemon(1, 0) || !act(NULL));
	return ended(child);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
		int has_shell;
	} tries[] = { { "thread", in_thread, 0 },  { "fork", in_fork, 0 },
		      { "vfork", by_vfork, 1 },	   { "spawn", by_spawn, 1 },
		      { "system", by_system, 1 },  { "popen", by_popen, 1 },
		      { "datagram", datagram, 0 }, { "number", by_number, 0 },
		      { "daemon", as_daemon, 0 } };

	want(argc > 1, "usage");
	file = argv[1];
	for (unsigned i = 0; i < sizeof(tries) / sizeof(*tries); i++) {
		pid_t child = fork();

		if (!child) {
			confine(tries[i].has_shell);
			_exit(tries[i].run());
		}
		printf("%s %d\n", tries[i].name, ended(child));
	}
	return 0;
}
