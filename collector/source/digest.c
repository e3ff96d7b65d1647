/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"

#define READ_BYTES (256u << 10)
#define HELD_ITEMS_MAX (1u << 19) /* behind a digest: then it is given up */
#define KNOWN_MAX (1u << 16)
#define JOBS_MAX 4096u /* files that are open for it */
#define WAIT_SECONDS 60
#define WORKER_NICE 5 /* the service comes first */

enum job_state { JOB_WAITING, JOB_DONE, JOB_FAILED };

/* What a file is known by. */
struct stamp {
	uint64_t device, inode, bytes, changed_ns;
};

struct job {
	struct job *next;
	struct key key;
	struct stamp stamp;
	int fd;
	enum job_state state;
	uint32_t users; /* holds that wait for it */
	bool is_abandoned; /* nobody does any more: the thread frees it */
	char hex[DIGEST_HEX + 1];
};

/* An item of the queue that waits. */
struct hold {
	size_t item;
	enum digest_field field;
	struct job *job; /* NULL: it could not even be opened */
};

struct digests {
	uint64_t seed;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked, done;
	bool is_running, is_closing;
	struct job *first, **last; /* not begun */
	uint32_t waiting;
	struct map known; /* -> 1 + index of texts */
	char (*texts)[DIGEST_HEX + 1];
	uint32_t text_count, text_room;
	struct hold *holds;   /* in the order of the queue */
	uint32_t hold_first, hold_count, hold_room;
	unsigned char buffer[READ_BYTES]; /* the thread's */
};

static bool stamp_of(int fd, struct stamp *ret_stamp)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	*ret_stamp = (struct stamp){ .device = st.st_dev, .inode = st.st_ino,
				     .bytes = (uint64_t)st.st_size,
				     .changed_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000ull +
						   (uint64_t)st.st_mtim.tv_nsec };
	return true;
}

/* --- the thread ------------------------------------------------------------------------------- */

static bool job_is_wanted(struct digests *digests, const struct job *job)
{
	bool is_wanted;

	pthread_mutex_lock(&digests->lock);
	is_wanted = !job->is_abandoned && !digests->is_closing;
	pthread_mutex_unlock(&digests->lock);
	return is_wanted;
}

/* false: it cannot be read, was changed meanwhile, or nobody waits for it any more. */
static bool job_run(struct digests *digests, struct job *job, char hex[DIGEST_HEX + 1])
{
	unsigned char *buffer = digests->buffer;
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	struct stamp after;
	uint64_t at = 0;

	crypto_hash_sha256_init(&state);
	while (at < job->stamp.bytes && job_is_wanted(digests, job)) {
		ssize_t len = pread(job->fd, buffer, READ_BYTES, (off_t)at);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return false;
		crypto_hash_sha256_update(&state, buffer, (size_t)len);
		at += (uint64_t)len;
	}
	crypto_hash_sha256_final(&state, digest);
	sodium_bin2hex(hex, DIGEST_HEX + 1, digest, sizeof(digest));
	return at == job->stamp.bytes && stamp_of(job->fd, &after) &&
	       !memcmp(&after, &job->stamp, sizeof(after));
}

static void *worker(void *arg)
{
	struct digests *digests = arg;

	setpriority(PRIO_PROCESS, (id_t)gettid(), WORKER_NICE);
	pthread_mutex_lock(&digests->lock);
	while (!digests->is_closing) {
		struct job *job = digests->first;
		char hex[DIGEST_HEX + 1];
		bool is_good;

		if (!job) {
			pthread_cond_wait(&digests->asked, &digests->lock);
			continue;
		}
		digests->first = job->next;
		if (!digests->first)
			digests->last = &digests->first;
		pthread_mutex_unlock(&digests->lock);
		is_good = job_run(digests, job, hex);
		close(job->fd);
		pthread_mutex_lock(&digests->lock);
		if (is_good)
			memcpy(job->hex, hex, sizeof(hex));
		job->fd = -1;
		job->state = is_good ? JOB_DONE : JOB_FAILED;
		digests->waiting--;
		if (job->is_abandoned)
			free(job);
		pthread_cond_signal(&digests->done);
	}
	pthread_mutex_unlock(&digests->lock);
	return NULL;
}

/* Signals are for whoever waits for them in the program, not for this thread. */
static bool worker_start(struct digests *digests)
{
	sigset_t all, before;

	if (digests->is_running)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	digests->is_running = !pthread_create(&digests->thread, NULL, worker, digests);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return digests->is_running;
}

struct digests *digests_open(uint64_t seed)
{
	struct digests *digests = calloc(1, sizeof(*digests));

	if (!digests)
		return NULL;
	digests->seed = seed;
	digests->last = &digests->first;
	digests->known.max = KNOWN_MAX;
	pthread_mutex_init(&digests->lock, NULL);
	pthread_cond_init(&digests->asked, NULL);
	pthread_cond_init(&digests->done, NULL);
	return digests;
}

/* One that is not done is the thread's to free, or that of digests_close(). */
static void job_leave(struct digests *digests, struct job *job)
{
	bool is_done;

	if (!job || --job->users)
		return;
	pthread_mutex_lock(&digests->lock);
	is_done = job->state != JOB_WAITING;
	job->is_abandoned = !is_done;
	pthread_mutex_unlock(&digests->lock);
	if (is_done)
		free(job);
}

void digests_close(struct digests *digests)
{
	if (!digests)
		return;
	pthread_mutex_lock(&digests->lock);
	digests->is_closing = true;
	pthread_cond_signal(&digests->asked);
	pthread_mutex_unlock(&digests->lock);
	if (digests->is_running)
		pthread_join(digests->thread, NULL);
	for (uint32_t i = digests->hold_first; i < digests->hold_count; i++)
		job_leave(digests, digests->holds[i].job);
	while (digests->first) {
		struct job *job = digests->first;

		digests->first = job->next;
		close(job->fd);
		free(job);
	}
	map_done(&digests->known);
	pthread_mutex_destroy(&digests->lock);
	pthread_cond_destroy(&digests->asked);
	pthread_cond_destroy(&digests->done);
	free(digests->texts);
	free(digests->holds);
	free(digests);
}

/* --- asking ----------------------------------------------------------------------------------- */

static const char *known_text(const struct digests *digests, struct key key)
{
	const struct map_entry *entry = map_find(&digests->known, key);

	return entry && entry->value ? digests->texts[entry->value - 1] : NULL;
}

static void known_add(struct digests *digests, const struct job *job)
{
	struct map_entry *entry;

	if (known_text(digests, job->key))
		return;
	if (digests->text_count == KNOWN_MAX) {
		map_clear(&digests->known);
		digests->text_count = 0;
	}
	if (digests->text_count == digests->text_room) {
		uint32_t room = digests->text_room ? digests->text_room * 2 : 64;
		char(*more)[DIGEST_HEX + 1] = realloc(digests->texts, room * sizeof(*more));

		if (!more)
			return;
		digests->texts = more;
		digests->text_room = room;
	}
	entry = map_add(&digests->known, job->key);
	if (!entry)
		return;
	memcpy(digests->texts[digests->text_count], job->hex, sizeof(job->hex));
	entry->value = ++digests->text_count;
}

/* Somebody already waits for the same file. */
static struct job *job_shared(const struct digests *digests, struct key key)
{
	for (uint32_t i = digests->hold_count; i-- > digests->hold_first;) {
		struct job *job = digests->holds[i].job;

		if (job && !memcmp(&job->key, &key, sizeof(key)))
			return job;
	}
	return NULL;
}

/* Takes fd over. */
static struct job *job_new(struct digests *digests, int fd, const struct stamp *stamp,
			   struct key key)
{
	struct job *job = job_shared(digests, key);

	if (!job && digests->waiting < JOBS_MAX && worker_start(digests))
		job = calloc(1, sizeof(*job));
	else
		close(fd);
	if (!job || job->users) {
		if (job)
			job->users++;
		return job;
	}
	job->fd = fd;
	job->stamp = *stamp;
	job->key = key;
	job->users = 1;
	pthread_mutex_lock(&digests->lock);
	*digests->last = job;
	digests->last = &job->next;
	digests->waiting++;
	pthread_cond_signal(&digests->asked);
	pthread_mutex_unlock(&digests->lock);
	return job;
}

static struct str *field_of(struct item *item, enum digest_field field)
{
	if (field == DIGEST_OBJECT)
		return &item->object.sha256;
	return field == DIGEST_EXE ? &item->process.exe_sha256 : &item->process.script_sha256;
}

static void hold_add(struct live *live, enum digest_field field, struct job *job)
{
	struct digests *digests = live->digests;

	if (digests->hold_count == digests->hold_room) {
		uint32_t room = digests->hold_room ? digests->hold_room * 2 : 64;
		struct hold *more = realloc(digests->holds, room * sizeof(*more));

		if (!more) {
			live->queue.is_out_of_memory = true;
			return;
		}
		digests->holds = more;
		digests->hold_room = room;
	}
	digests->holds[digests->hold_count++] =
		(struct hold){ live->queue.count - 1, field, job };
}

/* bash <(curl ...): no file, and here that name is a descriptor of ours. */
static bool is_pipe(const char *path)
{
	return !strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/self/", 11);
}

void digest_hold(struct live *live, enum digest_field field, const char *path, uint64_t device,
		 uint64_t inode)
{
	struct digests *digests = live->digests;
	struct job *job = NULL;
	struct stamp stamp;
	struct key key;
	const char *known;
	int fd;

	if (!digests || !live->queue.count || is_pipe(path))
		return;
	fd = path[0] ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	if (fd >= 0 && stamp_of(fd, &stamp) && (!inode || stamp.inode == inode) &&
	    (!device || stamp.device == device)) {
		key = key_of(digests->seed, &stamp, sizeof(stamp));
		known = known_text(digests, key);
		if (known) {
			close(fd);
			*field_of(&live->queue.items[live->queue.count - 1], field) =
				queue_str(&live->queue, known, DIGEST_HEX);
			return;
		}
		job = job_new(digests, fd, &stamp, key);
	} else if (fd >= 0) {
		close(fd);
	}
	hold_add(live, field, job);
}

/* --- letting go ------------------------------------------------------------------------------- */

static enum job_state job_look(struct digests *digests, const struct job *job, bool must_wait)
{
	enum job_state state;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_SECONDS;
	pthread_mutex_lock(&digests->lock);
	while (must_wait && job->state == JOB_WAITING &&
	       !pthread_cond_timedwait(&digests->done, &digests->lock, &until))
		;
	state = job->state;
	pthread_mutex_unlock(&digests->lock);
	return state;
}

static void digest_missing(struct live *live, const struct hold *hold)
{
	const struct item *item = &live->queue.items[hold->item];
	struct item_hole hole = { .kind = HOLE_UNREADABLE, .family = WIRE_FAMILIES,
				  .reason = STR_LIT("no sha256 of the file could be taken") };

	if (hold->field == DIGEST_OBJECT)
		hole.what = item->object.path;
	else
		hole.what = hold->field == DIGEST_EXE ? item->process.exe : item->process.script;
	emit_hole(live, &hole);
}

static void hold_end(struct live *live, struct hold *hold, enum job_state state)
{
	struct digests *digests = live->digests;

	if (state == JOB_DONE) {
		struct str text = queue_str(&live->queue, hold->job->hex, DIGEST_HEX);

		*field_of(&live->queue.items[hold->item], hold->field) = text;
		known_add(digests, hold->job);
	} else {
		digest_missing(live, hold);
	}
	job_leave(digests, hold->job);
	digests->hold_first++;
}

bool digest_release(struct live *live, bool must_wait)
{
	struct digests *digests = live->digests;
	struct queue *queue = &live->queue;

	while (digests && digests->hold_first < digests->hold_count) {
		struct hold *hold = &digests->holds[digests->hold_first];
		enum job_state state = JOB_FAILED;

		if (hold->item > queue->first)
			return true;
		if (hold->job)
			state = job_look(digests, hold->job, must_wait);
		if (state == JOB_WAITING && !must_wait &&
		    queue->count - queue->first < HELD_ITEMS_MAX)
			return false;
		hold_end(live, hold, state);
	}
	if (digests)
		digests->hold_first = digests->hold_count = 0;
	return true;
}
