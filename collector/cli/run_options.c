/* SPDX-License-Identifier: Apache-2.0
 *
 * What `sowatch run` was asked for, checked before anything is opened.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../preload/wire/ring.h"
#include "run.h"

static int directory_make(const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i])
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

char *run_state_directory(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int result;

	if (state && state[0] == '/')
		result = asprintf(&path, "%s/sowatch", state);
	else
		result = asprintf(&path, "%s/.local/state/sowatch",
				  home && home[0] == '/' ? home : "/tmp");
	if (result < 0) {
		errno = ENOMEM;
		return NULL;
	}
	result = directory_make(path);
	if (!result && access(path, W_OK | X_OK) < 0)
		result = -errno;
	if (!result)
		return path;
	free(path);
	errno = -result;
	return NULL;
}

char *run_log_path(const char *service)
{
	char *directory = run_state_directory(), *path = NULL;
	char when[32], name[64];
	time_t now = time(NULL);
	struct tm parts;
	size_t len = 0;

	if (!directory) {
		cli_error("there is no place for the log: %s; -o names one", strerror(errno));
		return NULL;
	}
	for (; service[len] && len < sizeof(name) - 1; len++)
		name[len] = strchr("/ \t\n", service[len]) ? '_' : service[len];
	name[len] = '\0';
	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", localtime_r(&now, &parts));
	if (asprintf(&path, "%s/%s-%s-%d.swl", directory, name, when, (int)getpid()) < 0)
		path = NULL;
	free(directory);
	return path;
}

static bool is_runnable(const char *path, int *ret_status)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	*ret_status = 126;
	return S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int run_find(const char *command, char **ret_path)
{
	const char *path = getenv("PATH");
	int status = 127;

	if (strchr(command, '/')) {
		*ret_path = strdup(command);
		return is_runnable(command, &status) && *ret_path ? 0 : status;
	}
	for (path = path ? path : "/usr/local/bin:/usr/bin:/bin"; *command;) {
		size_t len = strcspn(path, ":");
		char *whole = NULL;

		if (asprintf(&whole, "%.*s%s%s", (int)len, path, len ? "/" : "", command) < 0)
			return 126;
		if (is_runnable(whole, &status)) {
			*ret_path = whole;
			return 0;
		}
		free(whole);
		if (!path[len])
			break;
		path += len + 1;
	}
	return status;
}

static int command_check(struct run_options *options, const char *command)
{
	int status = run_find(command, &options->program_found);

	options->program = options->program_found;
	if (status == 127)
		cli_error("%s: command not found", command);
	else if (status)
		cli_error("%s: cannot be executed", command);
	return status;
}

static int vantage_check(struct run_options *options)
{
	static const char *const names[] = { "auto", "shim", "kernel", "both", NULL };
	const char *given = options->vantage ? NULL : getenv("SOWATCH_VANTAGE");
	unsigned at = 0;

	while (given && names[at] && strcmp(names[at], given) != 0)
		at++;
	if (given && *given && !names[at]) {
		cli_error("SOWATCH_VANTAGE=%s: auto, shim, kernel or both is wanted", given);
		return CLI_USAGE;
	}
	if (given && *given)
		options->vantage = given;
	if (options->ring_kib < WIRE_RING_DATA_MIN >> 10 ||
	    options->ring_kib > WIRE_RING_DATA_MAX >> 10 ||
	    options->ring_kib & (options->ring_kib - 1)) {
		cli_error("--ring %u: a power of two from %u to %u is wanted", options->ring_kib,
			  WIRE_RING_DATA_MIN >> 10, WIRE_RING_DATA_MAX >> 10);
		return CLI_USAGE;
	}
	if (options->wait_ms > 1000) {
		cli_error("--wait %u: at most 1000 ms, the service would stand still",
			  options->wait_ms);
		return CLI_USAGE;
	}
	return 0;
}

static int options_settle(struct run_options *options, char *const *command)
{
	const char *slash = strrchr(command[0], '/');
	int status = vantage_check(options);

	if (!status)
		status = command_check(options, command[0]);
	if (status)
		return status;
	options->judge.may_reload = !options->reload || strcmp(options->reload, "off") != 0;
	if (!options->service)
		options->service = slash ? slash + 1 : command[0];
	if (!options->judge.log_path) {
		options->log_path = run_log_path(options->service);
		options->judge.log_path = options->log_path;
	}
	return options->judge.log_path ? -1 : CLI_USAGE;
}

int run_options_parse(struct run_options *options, int argc, char **argv, int *ret_first)
{
	const struct cli_usage usage = {
		.verb = "run",
		.operands = "-- CMD [ARG]...",
		.about = "Runs CMD and tells, on standard error, what its libraries do that their "
			 "profiles do not\nallow. Standard input and output are CMD's alone. Exit "
			 "status: CMD's own (128+n when a\nsignal ended it), unless --fail-on "
			 "applies: 1 deviates, 4 unknown; 2 usage or policy error,\nCMD was not "
			 "started; 126 or 127 CMD could not be run.",
		.stops_at_operand = true,
	};
	const struct cli_option table[] = {
		CLI_JUDGE_OPTIONS(&options->judge),
		{ "output", 'o', CLI_STRING, "LOG",
		  "the event log (default: a new file in $XDG_STATE_HOME/sowatch)",
		  &options->judge.log_path },
		{ "vantage", 0, CLI_CHOICE, "auto|shim|kernel|both", "who watches",
		  &options->vantage },
		{ "service", 0, CLI_STRING, "NAME", "label in log and alerts (default: CMD)",
		  &options->service },
		{ "ring", 0, CLI_NUMBER, "KIB", "memory for each process's records (2048)",
		  &options->ring_kib },
		{ "wait", 0, CLI_NUMBER, "MS", "how long a full ring may hold CMD up (20)",
		  &options->wait_ms },
		{ "reload", 0, CLI_CHOICE, "on|off",
		  "read the policy again when its files change (on)", &options->reload },
		{ "nop", 0, CLI_FLAG, NULL, "the shim passes through and records nothing: for "
		  "benchmarks", &options->is_nop },
		{ 0 },
	};
	int parsed;

	options->ring_kib = WIRE_RING_DATA_DEFAULT >> 10;
	options->wait_ms = 20;
	parsed = cli_parse(&usage, table, argc, argv, ret_first);
	if (parsed)
		return parsed > 0 ? CLI_OK : CLI_USAGE;
	if (*ret_first < argc)
		return options_settle(options, argv + *ret_first);
	cli_error("run: which command? `sowatch run --help` tells more");
	return CLI_USAGE;
}

void run_options_done(struct run_options *options)
{
	cli_list_done(&options->judge.policies);
	free(options->log_path);
	free(options->program_found);
}
