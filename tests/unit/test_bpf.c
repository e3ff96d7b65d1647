/* SPDX-License-Identifier: Apache-2.0
 *
 * The probes: files. Needs root and BPF, else it is skipped with the reason. Children are small;
 * what they did is compared with what the kernel told.
 */
#include "test_bpf_watch.h"

#include <pthread.h>

/* --- opens ------------------------------------------------------------------------------------ */

static void act_opens(void *arg)
{
	int dir;

	(void)arg;
	MUST(!mkdir("d", 0755) && !symlink("d", "dl") && !symlink("real", "d/link"));
	MUST(creat("d/real", 0600) >= 0);
	MUST((dir = open("d", O_RDONLY | O_DIRECTORY)) >= 0);
	MUST(open("dl/../d/link", O_RDONLY) >= 0);
	MUST(openat(dir, "link", O_RDWR) >= 0);
	MUST(open("/proc/self/root/etc/hostname", O_RDONLY) >= 0);
	MUST(open("d/real", O_PATH) >= 0);
	MUST(open("none", O_RDONLY) < 0);
	MUST(!unlink("d/link") && !unlink("d/real"));
	MUST(!chroot("d") && !chdir("/"));
	MUST(open("/inside", O_CREAT | O_WRONLY, 0600) >= 0);
	MUST(open("/absent", O_RDONLY) < 0);
}

static void test_open_real_path(void **state)
{
	const struct wire_kernel_event *event;

	(void)state;
	watch_run(act_opens, NULL);
	event = event_must(WIRE_FILE_WRITE, "d/real", 0);
	assert_path(event, in_dir("d/real"));
	assert_int_equal(event->truth, WIRE_TRUTH_OBJECT);
	assert_true(event->inode != 0);
	event = event_must(WIRE_FILE_READ, "dl/../d/link", 0);
	assert_path(event, in_dir("d/real"));
	assert_int_equal(event->inode, event_must(WIRE_FILE_WRITE, "d/real", 0)->inode);
	event = event_must(WIRE_FILE_WRITE, "link", 0);
	assert_path(event, in_dir("d/real"));
	assert_false(event->head.flags & WIRE_KERNEL_CREATED);
	assert_path(event_must(WIRE_FILE_READ, "/proc/self/root/etc/hostname", 0), "/etc/hostname");
	assert_path(event_must(WIRE_FILE_LIST, "d", 0), in_dir("d"));
	assert_null(event_find(WIRE_FILE_READ, "d/real", 0)); /* O_PATH neither reads nor writes */
}

static void test_open_failed_and_chroot(void **state)
{
	const struct wire_kernel_event *event;

	(void)state;
	unlink(in_dir("d/inside"));
	rmdir(in_dir("d"));
	unlink(in_dir("dl"));
	watch_run(act_opens, NULL);
	event = event_must(WIRE_FILE_READ, "none", 0);
	assert_path(event, in_dir("none"));
	assert_int_equal(event->result, -ENOENT);
	assert_int_equal(event->truth, WIRE_TRUTH_ARGUMENT);
	event = event_must(WIRE_FILE_WRITE, "/inside", 0);
	assert_path(event, in_dir("d/inside"));
	assert_true(event->head.flags & WIRE_KERNEL_CREATED);
	assert_path(event_must(WIRE_FILE_READ, "/absent", 0), in_dir("d/absent"));
}

static void act_nameless(void *arg)
{
	char name[64];
	int fd, pipes[2];

	(void)arg;
	MUST((fd = open("gone", O_CREAT | O_RDWR, 0600)) >= 0 && !unlink("gone"));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	MUST(open(name, O_RDONLY) >= 0 && !fchmod(fd, 0600));
	MUST((fd = memfd_create("held", 0)) >= 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	MUST(open(name, O_RDONLY) >= 0);
	MUST(!pipe(pipes));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", pipes[0]);
	MUST(open(name, O_RDONLY) >= 0);
}

static void test_open_nameless(void **state)
{
	const struct wire_kernel_event *event;
	char deleted[300];

	(void)state;
	watch_run(act_nameless, NULL);
	snprintf(deleted, sizeof(deleted), "%s (deleted)", in_dir("gone"));
	assert_path(event_must(WIRE_FILE_READ, NULL, 0), deleted);
	assert_path(event_must(WIRE_FILE_MODE, NULL, 0), deleted);
	event = event_must(WIRE_FILE_WRITE, "held", 0);
	assert_path(event, "memfd:held");
	assert_path(event_must(WIRE_FILE_READ, NULL, 1), "memfd:held");
	assert_int_equal(strncmp(event_text(event_must(WIRE_FILE_READ, NULL, 2), 0), "pipe:[", 6), 0);
}

static void act_deep(void *arg)
{
	char name[201];

	(void)arg;
	memset(name, 'n', 200);
	name[200] = 0;
	for (int i = 0; i < 25; i++)
		MUST(!mkdir(name, 0755) && !chdir(name));
	MUST(creat("leaf", 0600) >= 0);
	MUST(!chdir(watch.dir));
}

/* Longer than a path may be: the end of it, and the word that it was cut. */
static void test_open_deep(void **state)
{
	const struct wire_kernel_event *event;
	const char *path;

	(void)state;
	watch_run(act_deep, NULL);
	event = event_must(WIRE_FILE_WRITE, "leaf", 0);
	path = event_text(event, 0);
	assert_true(event->head.flags & WIRE_KERNEL_CUT);
	assert_true(strlen(path) > 3500);
	assert_string_equal(path + strlen(path) - 5, "/leaf");
}

/* --- by name ---------------------------------------------------------------------------------- */

static void act_names(void *arg)
{
	int dir;

	(void)arg;
	MUST(!mkdir("n", 0755) && (dir = open("n", O_RDONLY)) >= 0);
	MUST(creat("n/a", 0600) >= 0);
	MUST(!renameat(dir, "a", dir, "b"));
	MUST(!link("n/b", "n/c") && !symlinkat("b", dir, "s"));
	MUST(!chmod("n/c", 0640) && !chown("n/c", 0, 0) && !truncate("n/c", 7));
	MUST(!unlinkat(dir, "c", 0) && !unlink("n/b") && !unlink("n/s"));
	MUST(unlink("n/absent") < 0);
	MUST(!unlinkat(AT_FDCWD, "n", AT_REMOVEDIR));
}

static void assert_paths(const struct wire_kernel_event *event, const char *path, const char *path2)
{
	assert_path(event, in_dir(path));
	if (path2)
		assert_string_equal(event_text(event, 1), in_dir(path2));
	assert_false(event->head.flags & (WIRE_KERNEL_CHANGED | WIRE_KERNEL_UNREADABLE));
}

static void test_names(void **state)
{
	(void)state;
	watch_run(act_names, NULL);
	assert_paths(event_must(WIRE_FILE_RENAME, "a", 0), "n/a", "n/b");
	assert_paths(event_must(WIRE_FILE_LINK, "n/b", 0), "n/b", "n/c");
	assert_paths(event_must(WIRE_FILE_LINK, "b", 0), "n/b", "n/s");
	assert_paths(event_must(WIRE_FILE_MODE, "n/c", 0), "n/c", NULL);
	assert_int_equal(event_must(WIRE_FILE_MODE, "n/c", 0)->detail, 0640);
	assert_paths(event_must(WIRE_FILE_MODE, "n/c", 1), "n/c", NULL);
	assert_int_equal(event_must(WIRE_FILE_WRITE, "n/c", 0)->detail, O_TRUNC);
	assert_true(event_must(WIRE_FILE_WRITE, "n", 0)->detail & S_IFDIR);
	assert_paths(event_must(WIRE_FILE_DELETE, "c", 0), "n/c", NULL);
	assert_paths(event_must(WIRE_FILE_DELETE, "n/b", 0), "n/b", NULL);
	assert_int_equal(event_must(WIRE_FILE_DELETE, "n/absent", 0)->result, -ENOENT);
	assert_int_equal(event_must(WIRE_FILE_DELETE, "n", 0)->detail, AT_REMOVEDIR);
}

static void act_names_by_link(void *arg)
{
	(void)arg;
	MUST(!mkdir("m", 0755) && !symlink("m", "ml") && creat("ml/../m/f", 0600) >= 0);
	MUST(!chmod("ml/../m/f", 0640));
	MUST(!mkdir("ml/sub", 0755) && !rename("ml/f", "ml/sub/g") && !link("ml/sub/g", "ml/h"));
	MUST(!truncate("ml/h", 0) && !symlink("h", "ml/s") && !chown("ml/s", 0, 0));
	MUST(!unlink("ml/s") && !unlink("ml/h"));
}

/* Where the mechanism shows objects, links on the way are resolved by the kernel. */
static void test_names_by_link(void **state)
{
	bool has_objects = !strcmp(bpf_loader_mechanism(watch.loader), "lsm");

	(void)state;
	watch_run(act_names_by_link, NULL);
	if (!has_objects) {
		assert_paths(event_must(WIRE_FILE_MODE, "ml/../m/f", 0), "ml/../m/f", NULL);
		assert_int_equal(event_must(WIRE_FILE_MODE, NULL, 0)->truth, WIRE_TRUTH_ARGUMENT);
		return;
	}
	assert_paths(event_must(WIRE_FILE_MODE, "ml/../m/f", 0), "m/f", NULL);
	assert_int_equal(event_must(WIRE_FILE_MODE, NULL, 0)->truth, WIRE_TRUTH_OBJECT);
	assert_paths(event_must(WIRE_FILE_RENAME, "ml/f", 0), "m/f", "m/sub/g");
	assert_paths(event_must(WIRE_FILE_LINK, "ml/sub/g", 0), "m/sub/g", "m/h");
	assert_paths(event_must(WIRE_FILE_WRITE, "ml/sub", 0), "m/sub", NULL);
	assert_paths(event_must(WIRE_FILE_WRITE, "ml/h", 0), "m/h", NULL);
	assert_string_equal(event_text(event_must(WIRE_FILE_LINK, "h", 0), 1), in_dir("m/s"));
	assert_paths(event_must(WIRE_FILE_MODE, "ml/s", 0), "m/h", NULL);
	assert_paths(event_must(WIRE_FILE_DELETE, "ml/s", 0), "m/s", NULL);
	for (int i = 0; event_find(WIRE_FILE_DELETE, NULL, i); i++) {
		assert_int_equal(event_find(WIRE_FILE_DELETE, NULL, i)->truth, WIRE_TRUTH_OBJECT);
		assert_true(event_find(WIRE_FILE_DELETE, NULL, i)->inode != 0);
	}
}

/* --- a thread that rewrites the argument ------------------------------------------------------ */

#define REWRITES 3000
static char argument[64];
static volatile bool is_rewriting;

static void *rewrite(void *arg)
{
	(void)arg;
	while (is_rewriting) {
		*(volatile char *)argument = 'x';
		*(volatile char *)argument = 'y';
	}
	return NULL;
}

static void act_rewrite(void *arg)
{
	uint64_t *inodes = watch.shared;
	pthread_t thread;

	(void)arg;
	MUST(creat("x-file", 0600) >= 0 && creat("y-file", 0600) >= 0);
	strcpy(argument, "x-file");
	is_rewriting = true;
	MUST(!pthread_create(&thread, NULL, rewrite, NULL));
	for (int i = 0; i < REWRITES; i++) {
		struct stat st;
		int fd = open(argument, O_RDONLY);

		MUST(fd >= 0 && !fstat(fd, &st));
		inodes[i] = st.st_ino;
		close(fd);
	}
	is_rewriting = false;
	pthread_join(thread, NULL);
}

static void test_rewritten_argument(void **state)
{
	const uint64_t *inodes = watch.shared;
	unsigned read = 0;
	struct stat x;

	(void)state;
	watch_run(act_rewrite, NULL);
	assert_int_equal(stat(in_dir("x-file"), &x), 0);
	for (size_t i = 0; i < watch.count; i++) {
		const struct wire_kernel_event *event = event_at(i);

		if (!event || event->head.tid != event->head.pid)
			continue;
		if (event->action != WIRE_FILE_READ || event->head.size < sizeof(*event) ||
		    !strstr(event_text(event, 0), "-file"))
			continue;
		assert_true(read < REWRITES);
		assert_int_equal(event->inode, inodes[read]);
		assert_path(event, in_dir(inodes[read] == x.st_ino ? "x-file" : "y-file"));
		read++;
	}
	assert_int_equal(read, REWRITES);
}

static void *rewrite_once(void *arg)
{
	(void)arg;
	usleep(30000);
	argument[0] = 'y';
	*(volatile char *)watch.shared = 1;
	return NULL;
}

/* truncate waits until the holder of a lease gives it back: long enough to rewrite its argument. */
static void act_rewrite_once(void *arg)
{
	pthread_t thread;

	(void)arg;
	strcpy(argument, "x-leased");
	MUST(!pthread_create(&thread, NULL, rewrite_once, NULL));
	MUST(!truncate(argument, 0) && argument[0] == 'y');
	pthread_join(thread, NULL);
}

static void test_changed_argument(void **state)
{
	const struct wire_kernel_event *event;
	int fd;

	(void)state;
	file_make(in_dir("x-leased"), "x");
	fd = open(in_dir("x-leased"), O_RDONLY);
	signal(SIGIO, SIG_IGN);
	if (fd < 0 || fcntl(fd, F_SETLEASE, F_RDLCK))
		skip();
	*(volatile char *)watch.shared = 0;
	watch_start(act_rewrite_once, NULL);
	for (int i = 0; i < 2000 && !*(volatile char *)watch.shared; i++)
		usleep(1000);
	assert_int_equal(fcntl(fd, F_SETLEASE, F_UNLCK), 0);
	close(fd);
	watch_finish();
	assert_int_equal(watch.status, 0);
	event = event_must(WIRE_FILE_WRITE, "x-leased", 0);
	assert_path(event, in_dir("x-leased"));
	/* Where the object was seen, the argument does not matter any more. */
	if (event->truth == WIRE_TRUTH_ARGUMENT)
		assert_true(event->head.flags & WIRE_KERNEL_CHANGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_real_path),
		cmocka_unit_test(test_open_failed_and_chroot),
		cmocka_unit_test(test_open_nameless),
		cmocka_unit_test(test_open_deep),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_by_link),
		cmocka_unit_test(test_rewritten_argument),
		cmocka_unit_test(test_changed_argument),
	};
	int ret = watch_open(64u << 20, 0);

	if (ret)
		return ret;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	watch_close();
	return ret;
}
