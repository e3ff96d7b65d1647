/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch run: everything is opened first, then the command is started with the shim in its
 * environment and nothing else changed, then its rings are drained until the last process ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../source/source.h"
#include "cli.h"
#include "../../preload/wire/ring.h"
#include "../../preload/wire/session.h"
#include "run.h"

#define DRAIN_ITEMS 65536u /* then look at signals and the clock again */
#define COLLECTOR_NICE (-10)
#define FLUSH_NS 1000000000ull
#define PATIENCE_NS 1000000000ull /* the command is over, others live: say so after this */

struct run {
	struct run_options options;
	struct cli_judge *judge;
	struct source *source;
	struct run_signals signals;
	pid_t root;
	bool is_root_over, is_ended, is_told;
	int gate_error;	      /* why the probes would not watch the command: negative errno */
	int status;	      /* of the root, as a shell says it */
	unsigned interrupts;
	uint64_t flushed_ns, over_ns;
};

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* --- start ---------------------------------------------------------------------------------- */

static int source_try(const struct run *run, const char *vantage, struct source **ret_source,
		      char *error, size_t error_bytes)
{
	const struct source_ring_options options = {
		.service = run->options.service,
		.ring_bytes = run->options.ring_kib << 10,
		.wait_ms = run->options.wait_ms,
		.session_flags = (run->options.is_nop ? WIRE_SESSION_NOP : 0) |
				 (cli_judge_wants_exchange(run->judge) ? WIRE_SESSION_EXCHANGE : 0),
		.shim_path = cli_shim_path(),
		.vantage = vantage,
		.check_actions = cli_judge_severe(run->judge),
		.has_digests = cli_judge_wants_digests(run->judge),
		.redact = cli_judge_redact(run->judge),
	};

	return source_ring_open(&options, ret_source, error, error_bytes);
}

static bool is_auto(const struct run *run)
{
	return !run->options.vantage || !strcmp(run->options.vantage, "auto");
}

/* Both where the kernel lets us, else the shim, and why. Said either way: what a verdict is worth
 * depends on who watched. A shim that records nothing needs no probes beside it. */
static int source_open_auto(struct run *run, char *error, size_t error_bytes)
{
	bool is_told = !run->options.judge.is_quiet && !run->options.is_nop;
	char *detail;

	if (!run->options.is_nop &&
	    source_try(run, "both", &run->source, error, error_bytes) == 0) {
		if (is_told)
			cli_error("vantage: both");
		return 0;
	}
	/* What libbpf adds to it is for who asks: doctor, --vantage both. */
	detail = strstr(error, ": libbpf: ");
	if (detail)
		*detail = '\0';
	if (is_told)
		cli_error("vantage: shim (%s)", error);
	return source_try(run, "shim", &run->source, error, error_bytes);
}

static int run_open_source(struct run *run)
{
	const char *vantage = is_auto(run) ? "auto" : run->options.vantage;
	bool has_shim = strcmp(vantage, "kernel") != 0;
	char error[512] = "";
	int result;

	if (has_shim && !cli_shim_path()) {
		cli_error("libsowatch.so is not beside this program; $SOWATCH_SHIM can name it");
		return CLI_USAGE;
	}
	if (run->options.ring_kib > WIRE_RING_DATA_MAX >> 10) {
		cli_error("--ring: %u KiB is more than %u", run->options.ring_kib,
			  WIRE_RING_DATA_MAX >> 10);
		return CLI_USAGE;
	}
	if (is_auto(run))
		result = source_open_auto(run, error, sizeof(error));
	else
		result = source_try(run, vantage, &run->source, error, sizeof(error));
	if (result == 0)
		return 0;
	if (!strcmp(vantage, "kernel") || !strcmp(vantage, "both"))
		cli_error("--vantage %s is not possible here: %s", vantage, error);
	else
		cli_error("%s", error);
	return CLI_USAGE;
}

static int run_gate_open(void *arg, pid_t pid)
{
	struct run *run = arg;

	run->gate_error = source_ring_watch(run->source, pid);
	return run->gate_error;
}

static int run_spawn_watched(struct run *run, char **command)
{
	char **environment = source_ring_environ(run->source, environ);
	const struct run_gate gate = { run_gate_open, run };
	bool has_probes = source_ring_mechanism(run->source);

	return environment ? run_spawn(run->options.program, command, environment, &run->signals,
				       has_probes ? &gate : NULL, &run->root)
			   : ENOMEM;
}

/* The probes are attached, but would not watch this command. */
static int run_spawn_auto(struct run *run, char **command)
{
	char error[512] = "";

	if (!run->options.judge.is_quiet)
		cli_error("vantage: shim (the probes cannot watch the command: %s)",
			  strerror(-run->gate_error));
	source_close(run->source);
	run->source = NULL;
	run->gate_error = 0;
	if (source_try(run, "shim", &run->source, error, sizeof(error)) == 0)
		return run_spawn_watched(run, command);
	cli_error("%s", error);
	return ENOMEM;
}

static int run_start(struct run *run, char **command)
{
	int error = run_spawn_watched(run, command);

	if (error && run->gate_error && is_auto(run))
		error = run_spawn_auto(run, command);
	if (!error) {
		/* Where processors are scarce full rings must not wait for us. Root only; after the
		 * fork, so that the command does not inherit it. */
		setpriority(PRIO_PROCESS, 0, COLLECTOR_NICE);
		source_ring_started(run->source, run->root, run->options.program, command);
		run_privileges_drop();
		cli_judge_started(run->judge);
		return 0;
	}
	cli_error("cannot run %s: %s", command[0], strerror(error));
	return error == ENOENT ? 127 : 126;
}

/* --- watch ---------------------------------------------------------------------------------- */

/* 1: there may be more; 0: nothing now, or the end; else an exit status + 256: stop. */
static int run_drain(struct run *run, bool *ret_is_end)
{
	struct item item;

	for (unsigned i = 0; i < DRAIN_ITEMS; i++) {
		int next = source_next(run->source, &item);
		int status = next == 1 ? cli_judge_item(run->judge, &item) : 0;

		if (status)
			return status + 256;
		if (next == 1)
			continue;
		*ret_is_end = next == -ENODATA;
		if (next == 0 || next == -ENODATA)
			return 0;
		cli_error("%s", source_error(run->source));
		return CLI_USAGE + 256;
	}
	return 1;
}

static void run_reap(struct run *run)
{
	int status;

	if (run->is_root_over || waitpid(run->root, &status, WNOHANG) != run->root)
		return;
	run->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	run->is_root_over = true;
	run->over_ns = clock_ns();
	source_ring_ended(run->source, run->status);
}

/* A terminal sends SIGINT and SIGQUIT to the command as well: it is for the command to act on
 * them. The second one is for us. */
static void run_signal(struct run *run, int signal)
{
	switch (signal) {
	case SIGINT:
	case SIGQUIT:
		run->interrupts++;
		run->is_ended |= run->is_root_over || run->interrupts > 1;
		break;
	case SIGTERM:
	case SIGHUP:
		if (run->is_root_over)
			run->is_ended = true;
		else
			kill(run->root, signal);
		break;
	}
}

/* Not woken by hellos: a wake-up would be paid for by the starting process (an interrupt to
 * another processor, 40 us of its start on a virtual machine), and the ring loses nothing by
 * waiting for the next round. */
static void run_wait(struct run *run, bool has_more)
{
	struct pollfd signals = { .fd = run->signals.fd, .events = POLLIN };
	struct signalfd_siginfo info;

	poll(&signals, 1, has_more ? 0 : source_ring_poll_ms(run->source));
	while (read(run->signals.fd, &info, sizeof(info)) == sizeof(info))
		run_signal(run, (int)info.ssi_signo);
}

static void run_tell_waiting(struct run *run, unsigned alive)
{
	if (run->is_told || run->options.judge.is_quiet ||
	    clock_ns() - run->over_ns < PATIENCE_NS)
		return;
	run->is_told = true;
	cli_error("the command has ended (status %d), still watching %u process%s "
		  "(Ctrl-C ends the watch, they go on)",
		  run->status, alive, alive == 1 ? "" : "es");
}

/* Until the command and all its covered descendants have ended, or we are told to stop. 0, or an
 * exit status. */
static int run_watch(struct run *run)
{
	int result = 0;
	bool is_over = false;

	while (!is_over && !run->is_ended) {
		bool is_end = false;

		run_wait(run, result == 1);
		run_reap(run);
		cli_judge_reload(run->judge);
		result = run_drain(run, &is_end);
		if (result > 1)
			return result - 256;
		if (run->is_root_over && !result) {
			unsigned alive = source_ring_alive(run->source);

			is_over = !alive;
			if (alive)
				run_tell_waiting(run, alive);
		}
		if (clock_ns() - run->flushed_ns > FLUSH_NS) {
			cli_judge_flush(run->judge);
			run->flushed_ns = clock_ns();
		}
	}
	if (!run->is_root_over)
		run->status = 128 + SIGINT;
	return 0;
}

static int run_finish(struct run *run)
{
	bool is_end = false;
	int result;

	source_ring_finish(run->source);
	do {
		result = run_drain(run, &is_end);
	} while (result == 1 || (!result && !is_end));
	return result ? result - 256 : 0;
}

/* --- the verb ------------------------------------------------------------------------------- */

static int run_judged(struct run *run)
{
	enum verdict verdict;
	unsigned strangers;
	int closed, status = run_watch(run);

	if (!status)
		status = run_finish(run);
	verdict = cli_judge_finish(run->judge);
	closed = cli_judge_close(run->judge);
	run->judge = NULL;
	strangers = source_ring_strangers(run->source);
	if (strangers && !run->options.judge.is_quiet)
		cli_error("%u connection%s without the secret of this run turned away", strangers,
			  strangers == 1 ? " was" : "s were");
	if (!run->options.judge.is_quiet)
		cli_error("log: %s", run->options.judge.log_path);
	if (status)
		return status;
	status = cli_run_exit(&run->options.judge, verdict, run->status);
	return closed && !status ? closed : status;
}

static int run_command(struct run *run, char **command)
{
	int status = cli_judge_open(&run->options.judge, &run->judge);
	bool has_log = !status;

	if (!status)
		status = run_open_source(run);
	if (!status)
		status = run_signals_take(&run->signals) < 0 ? CLI_USAGE : 0;
	if (!status)
		status = run_start(run, command);
	if (!status)
		status = run_judged(run);
	else if (has_log)
		unlink(run->options.judge.log_path);
	cli_judge_close(run->judge);
	source_close(run->source);
	run_signals_done(&run->signals);
	return status;
}

int cli_run(int argc, char **argv)
{
	struct run run = { .signals = { .fd = -1 } };
	int first = 0;
	int status = run_options_parse(&run.options, argc, argv, &first);

	if (status < 0)
		status = run_command(&run, argv + first);
	run_options_done(&run.options);
	return status;
}
