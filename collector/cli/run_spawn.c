/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting the command: its signals, descriptors and terminal are exactly what we were given.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

/* Each watched process costs us two descriptors; how many the command may have is not our business
 * and is put back before it starts. */
static void files_raise(struct rlimit *ret_given)
{
	struct rlimit most;

	if (getrlimit(RLIMIT_NOFILE, ret_given) < 0) {
		*ret_given = (struct rlimit){ 0, 0 };
		return;
	}
	most = (struct rlimit){ 1u << 18, 1u << 18 }; /* for those who may */
	if (ret_given->rlim_max >= most.rlim_max || setrlimit(RLIMIT_NOFILE, &most) < 0) {
		most = *ret_given;
		most.rlim_cur = most.rlim_max;
		setrlimit(RLIMIT_NOFILE, &most);
	}
}

int run_signals_take(struct run_signals *signals)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, usual = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->fd < 0) {
		int error = errno;

		cli_error("cannot read signals: %s", strerror(error));
		return -error;
	}
	sigprocmask(SIG_BLOCK, &set, &signals->mask);
	sigaction(SIGPIPE, &ignore, &signals->pipe);
	/* A log at the file size limit is an error to tell, not a reason to die. */
	sigaction(SIGXFSZ, &ignore, &signals->file_size);
	files_raise(&signals->files);
	/* With SIGCHLD ignored, as some starters leave it, there would be nothing to reap. */
	sigaction(SIGCHLD, &usual, &signals->child);
	return 0;
}

static void signals_restore(const struct run_signals *signals)
{
	sigaction(SIGPIPE, &signals->pipe, NULL);
	sigaction(SIGXFSZ, &signals->file_size, NULL);
	if (signals->files.rlim_cur)
		setrlimit(RLIMIT_NOFILE, &signals->files);
	sigaction(SIGCHLD, &signals->child, NULL);
	sigprocmask(SIG_SETMASK, &signals->mask, NULL);
}

void run_signals_done(struct run_signals *signals)
{
	if (signals->fd < 0)
		return;
	signals_restore(signals);
	close(signals->fd);
	signals->fd = -1;
}

/* What a shell does with a file the kernel does not know: a script without #!. */
static void exec_script(const char *program, char *const argv[], char *const envp[])
{
	char *shell_argv[1024];
	int count = 2;

	shell_argv[0] = "/bin/sh";
	shell_argv[1] = (char *)program;
	for (int i = 1; argv[i] && count < 1023; i++)
		shell_argv[count++] = argv[i];
	shell_argv[count] = NULL;
	execve("/bin/sh", shell_argv, envp);
}

static void child_run(const char *program, char *const argv[], char *const envp[],
		      const struct run_signals *signals, int gate_fd, int news_fd)
{
	char go = 0;
	int error;

	if (gate_fd >= 0 && read(gate_fd, &go, 1) != 1)
		_exit(126);
	signals_restore(signals);
	execve(program, argv, envp);
	if (errno == ENOEXEC)
		exec_script(program, argv, envp);
	error = errno;
	if (write(news_fd, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static int gate_pass(const struct run_gate *gate, pid_t pid, int gate_fd)
{
	int result = gate->open(gate->arg, pid);

	if (result < 0)
		return -result;
	return write(gate_fd, "g", 1) == 1 ? 0 : errno;
}

static void pipe_close(int pipe[2])
{
	for (int i = 0; i < 2; i++) {
		if (pipe[i] >= 0)
			close(pipe[i]);
		pipe[i] = -1;
	}
}

int run_spawn(const char *program, char *const argv[], char *const envp[],
	      const struct run_signals *signals, const struct run_gate *gate, pid_t *ret_pid)
{
	int news[2] = { -1, -1 }, gates[2] = { -1, -1 }, error = 0;
	pid_t pid = -1;

	if (pipe2(news, O_CLOEXEC) < 0 || (gate && pipe2(gates, O_CLOEXEC) < 0) ||
	    (pid = fork()) < 0) {
		error = errno;
		goto out;
	}
	if (!pid) {
		if (gates[1] >= 0)
			close(gates[1]);
		child_run(program, argv, envp, signals, gates[0], news[1]);
	}
	close(news[1]);
	news[1] = -1;
	if (gate)
		error = gate_pass(gate, pid, gates[1]);
	pipe_close(gates); /* a child that was not let go ends now */
	/* Ends with the exec: the pipe closes then. */
	while (!error && read(news[0], &error, sizeof(error)) < 0 && errno == EINTR)
		;
	if (error)
		waitpid(pid, NULL, 0);
	*ret_pid = pid;
out:
	pipe_close(news);
	pipe_close(gates);
	return error;
}
