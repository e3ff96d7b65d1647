/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_check OBJECT: loads an LSM and an fentry program, opens a few files, and says how often each
 * was run. 0: both ran for every open. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { OPENS = 10 };

static int attach_all(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) {
		struct bpf_link *link = bpf_program__attach(program);

		if (!link) {
			printf("%s: %s\n", bpf_program__section_name(program), strerror(errno));
			return 1;
		}
		printf("%s: attached\n", bpf_program__section_name(program));
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct rlimit no_limit = { RLIM_INFINITY, RLIM_INFINITY };
	unsigned long long before[2] = { 0, 0 }, after[2] = { 0, 0 };
	struct bpf_object *object;
	int map, ret = 0;

	setrlimit(RLIMIT_MEMLOCK, &no_limit);
	object = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
	if (!object || bpf_object__load(object)) {
		printf("loading: %s\n", strerror(errno));
		return 1;
	}
	if (attach_all(object))
		return 1;
	map = bpf_object__find_map_fd_by_name(object, "counts");
	for (unsigned key = 0; key < 2; key++)
		bpf_map_lookup_elem(map, &key, &before[key]);
	for (int i = 0; i < OPENS; i++)
		close(open("/proc/self/status", O_RDONLY));
	for (unsigned key = 0; key < 2; key++) {
		bpf_map_lookup_elem(map, &key, &after[key]);
		printf("%s: %llu of %d opens\n", key ? "fentry" : "lsm", after[key] - before[key], OPENS);
		ret |= after[key] - before[key] < OPENS;
	}
	return ret;
}
