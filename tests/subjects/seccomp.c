/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp FILE COUNT [warm]: forbids itself everything but a handful of system calls, on pain of
 * death, and has libopener open FILE COUNT times. With "warm" one open comes before the filter. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "libs.h"
#include "subject.h"

#define ALLOW(number)                                               \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##number, 0, 1),   \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void confine(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(read),
		ALLOW(write),
		ALLOW(open),
		ALLOW(openat),
		ALLOW(close),
		ALLOW(exit),
		ALLOW(exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	want(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges");
	want(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp");
}

int main(int argc, char **argv)
{
	static const char done[] = "survived\n";
	int count;

	if (argc < 3)
		return 2;
	count = atoi(argv[2]);
	if (argc > 3)
		close(opener_open(argv[1]));
	confine();
	for (int i = 0; i < count; i++) {
		int fd = opener_open(argv[1]);

		if (fd < 0)
			_exit(3);
		close(fd);
	}
	if (write(1, done, sizeof(done) - 1) < 0)
		_exit(4);
	_exit(6);
}
