/* SPDX-License-Identifier: Apache-2.0
 *
 * See reload.h. The thread owns the watches; what it hands over goes through one place under a
 * lock, and a flag that says whether looking there is worth while.
 */
#include "reload.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "reload_watch.h"

#define SETTLE_MS 100	  /* a file may come in several writes */
#define SETTLE_ROUNDS 10u /* but not for ever */

struct reload {
	const char **paths;
	unsigned count;
	struct watches watches;
	int ask_fd;
	pthread_t thread;
	bool is_started;
	atomic_bool is_over, has_news;
	pthread_mutex_t lock; /* what follows */
	struct policy *fresh;
	char *problem;	/* errors as printed, or NULL */
	bool is_mended; /* it was broken, and is what judges anyway */
	/* The thread's own. */
	char hash[33]; /* of the policy that judges, or is about to */
	char *told;    /* the last problem */
};

static void add_all(struct reload *reload)
{
	for (unsigned i = 0; i < reload->count; i++)
		watches_add(&reload->watches, reload->paths[i]);
}

struct reload *reload_new(const char *const *paths, unsigned count)
{
	struct reload *reload = calloc(1, sizeof(*reload));
	int error = reload ? 0 : -ENOMEM;
	if (!reload)
		goto failed;
	pthread_mutex_init(&reload->lock, NULL);
	reload->watches.fd = reload->ask_fd = -1;
	reload->paths = calloc(count, sizeof(*reload->paths));
	error = reload->paths ? watches_open(&reload->watches) : -ENOMEM;
	if (error)
		goto failed;
	reload->ask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reload->ask_fd < 0)
		error = -errno;
	for (unsigned i = 0; i < count && !error; i++) {
		reload->paths[reload->count++] = paths[i];
		error = watches_add(&reload->watches, paths[i]);
	}
	if (!error)
		return reload;
failed:
	cli_error("changes of the policy will not be noticed: %s", strerror(-error));
	reload_free(reload);
	return NULL;
}

/* --- in the thread --------------------------------------------------------------------------- */

/* Hands over what is not NULL, in place of what was not taken yet. */
static void hand_over(struct reload *reload, struct policy *policy, char *problem, bool is_mended)
{
	struct policy *old = NULL;
	pthread_mutex_lock(&reload->lock);
	char *old_problem = reload->problem;
	if (policy) {
		old = reload->fresh;
		reload->fresh = policy;
	}
	reload->problem = problem;
	reload->is_mended = is_mended;
	atomic_store_explicit(&reload->has_news, true, memory_order_release);
	pthread_mutex_unlock(&reload->lock);
	policy_free(old);
	free(old_problem);
}

static void told_keep(struct reload *reload, const char *problem)
{
	free(reload->told);
	reload->told = problem ? strdup(problem) : NULL;
}

static void load_again(struct reload *reload)
{
	struct policy *policy = NULL;
	char *errors = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&errors, &bytes);
	struct policy_options options = {.variable = cli_variable, .errors = file};
	if (!file)
		return;
	add_all(reload); /* directories may have come, and lost watches come back */
	int count = policy_load(reload->paths, reload->count, &options, &policy);
	fclose(file);
	if (count) {
		if (!reload->told || !errors || strcmp(reload->told, errors)) {
			told_keep(reload, errors);
			hand_over(reload, NULL, errors, false);
			errors = NULL;
		}
	} else if (strcmp(policy_hash(policy), reload->hash)) {
		memcpy(reload->hash, policy_hash(policy), sizeof(reload->hash));
		told_keep(reload, NULL);
		hand_over(reload, policy, NULL, false);
	} else {
		policy_free(policy);
		if (reload->told)
			hand_over(reload, NULL, NULL, true);
		told_keep(reload, NULL);
	}
	free(errors);
}

/* True when it is time to load; false: over. */
static bool wait_for_change(struct reload *reload)
{
	struct pollfd fds[2] = {{.fd = reload->watches.fd, .events = POLLIN},
				{.fd = reload->ask_fd, .events = POLLIN}};
	uint64_t asked;
	bool has_change = false;
	for (unsigned round = 0; round < SETTLE_ROUNDS;) {
		int ready = poll(fds, 2, has_change ? SETTLE_MS : -1);
		if (atomic_load(&reload->is_over))
			return false;
		if (has_change && !ready)
			break;
		has_change |= read(reload->ask_fd, &asked, sizeof(asked)) == sizeof(asked);
		has_change |= watches_read(&reload->watches);
		round += has_change;
	}
	return true;
}

static void *watch(void *arg)
{
	struct reload *reload = arg;
	/* The collector may stand before the service in the queue for a processor; this may not. */
	setpriority(PRIO_PROCESS, 0, 0);
	while (wait_for_change(reload))
		load_again(reload);
	return NULL;
}

/* --- outside it ------------------------------------------------------------------------------ */

int reload_start(struct reload *reload, const char *hash)
{
	snprintf(reload->hash, sizeof(reload->hash), "%s", hash);
	int error = pthread_create(&reload->thread, NULL, watch, reload);
	reload->is_started = !error;
	return -error;
}

void reload_ask(struct reload *reload)
{
	uint64_t one = 1;
	if (write(reload->ask_fd, &one, sizeof(one)) < 0)
		return; /* it is asked already */
}

struct policy *reload_take(struct reload *reload, bool is_telling)
{
	if (!atomic_load_explicit(&reload->has_news, memory_order_acquire))
		return NULL;
	pthread_mutex_lock(&reload->lock);
	struct policy *policy = reload->fresh;
	char *problem = reload->problem;
	bool is_mended = reload->is_mended;
	reload->fresh = NULL;
	reload->problem = NULL;
	reload->is_mended = false;
	atomic_store_explicit(&reload->has_news, false, memory_order_relaxed);
	pthread_mutex_unlock(&reload->lock);
	if (policy && is_telling)
		cli_error("the policy has changed: from here on %s judges", policy_hash(policy));
	if (problem) {
		fputs(problem, stderr);
		cli_error("the policy has changed and is broken: the one from before stays in "
			  "force");
	}
	if (is_mended && is_telling)
		cli_error("the policy is again the one that is in force");
	free(problem);
	return policy;
}

void reload_free(struct reload *reload)
{
	if (!reload)
		return;
	if (reload->is_started) {
		atomic_store(&reload->is_over, true);
		reload_ask(reload);
		pthread_join(reload->thread, NULL);
	}
	watches_done(&reload->watches);
	if (reload->ask_fd >= 0)
		close(reload->ask_fd);
	pthread_mutex_destroy(&reload->lock);
	policy_free(reload->fresh);
	free(reload->problem);
	free(reload->told);
	free(reload->paths);
	free(reload);
}
