/* SPDX-License-Identifier: Apache-2.0 */
/* bad_pointers: calls with arguments nobody can read. Most fail before the kernel has looked at
 * the bad one. Each in a child of its own; its result and errno, or what it died of, is printed. */
#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "subject.h"

#pragma GCC diagnostic ignored "-Wnonnull"
#pragma GCC diagnostic ignored "-Wstringop-overread"

#define BAD ((char *)1)
#define BAD_LIST ((char **)1)
#define ADDRESS(p) ((const struct sockaddr *)(p))

#define TRY(expression)                                                                    \
	do {                                                                               \
		pid_t child_ = fork();                                                     \
		int status_;                                                               \
		if (!child_) {                                                             \
			errno = 0;                                                         \
			long result_ = (long)(expression);                                 \
			printf("%s = %ld, errno %d\n", #expression, result_, errno);       \
			fflush(stdout);                                                    \
			_exit(0);                                                          \
		}                                                                          \
		want(waitpid(child_, &status_, 0) == child_, "waitpid");                   \
		if (status_)                                                               \
			printf("%s died: %x\n", #expression, (unsigned)status_);           \
		fflush(stdout);                                                            \
	} while (0)

static char *const fine[] = { "true", NULL };
static char *const broken[] = { "true", BAD, NULL };

/* Three bytes and then nothing: no terminator, no room for an address. */
static char *edge(void)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	want(pages != MAP_FAILED && !munmap(pages + 4096, 4096), "mmap");
	return memcpy(pages + 4096 - 3, "abc", 3);
}

static void files(const char *end)
{
	TRY(open(BAD, O_RDONLY));
	TRY(open(BAD, O_TMPFILE));
	TRY(open(NULL, O_RDONLY));
	TRY(open(end, O_RDONLY));
	TRY(openat(-1, BAD, O_RDONLY));
	TRY(truncate(BAD, -1));
	TRY(rename("no/such", BAD));
	TRY(renameat2(-1, BAD, -1, BAD, 0xff00));
	TRY(unlinkat(AT_FDCWD, BAD, 0xff00));
	TRY(unlink(end));
	TRY(linkat(-1, BAD, -1, BAD, 0xff00));
	TRY(link("/no/such", BAD));
	TRY(symlink("content", BAD));
	TRY(fchmodat(AT_FDCWD, BAD, 0, 0xff00));
	TRY(fchownat(AT_FDCWD, BAD, 0, 0, 0xff0000));
	TRY(mknod(BAD, S_IFDIR, 0));
	TRY(syscall(SYS_openat2, AT_FDCWD, BAD, BAD, 1));
	TRY(syscall(SYS_openat2, AT_FDCWD, "/", BAD, 100000));
	TRY(memfd_create(BAD, 0));
	TRY(opendir(BAD));
	TRY(fopen(BAD, "r"));
	TRY(fopen(BAD, "q"));
}

static void sockets(const char *end)
{
	int stream = socket(AF_INET, SOCK_STREAM, 0), datagram = socket(AF_INET, SOCK_DGRAM, 0);

	TRY(connect(-1, ADDRESS(BAD), 16));
	TRY(connect(stream, ADDRESS(BAD), 16));
	TRY(connect(stream, ADDRESS(BAD), (socklen_t)-1));
	TRY(connect(stream, ADDRESS(end), 16));
	TRY(bind(-1, ADDRESS(end), 100));
	TRY(bind(stream, ADDRESS(BAD), (socklen_t)-1));
	TRY(sendto(datagram, "x", 1, 0, ADDRESS(BAD), 16));
	TRY(sendmsg(datagram, (void *)BAD, 0));
	TRY(sendmmsg(datagram, (void *)BAD, 1, 0));
	TRY(accept(stream, (void *)BAD, (void *)BAD));
}

static void programs(const char *end)
{
	pid_t pid;

	TRY(execve(BAD, fine, environ));
	TRY(execve(end, fine, environ));
	TRY(execve("/bin/true", BAD_LIST, environ));
	TRY(execve("/bin/true", fine, BAD_LIST));
	TRY(execve("/bin/true", broken, environ));
	TRY(execve("/bin/true", fine, broken));
	TRY(execve("/no/such", broken, broken));
	TRY(execve("/bin/true", NULL, NULL));
	TRY(execv("/bin/true", BAD_LIST));
	TRY(execvpe("true", broken, broken));
	TRY(execveat(-1, BAD, fine, environ, 0));
	TRY(fexecve(0, broken, environ));
	TRY(execlp("true", "true", BAD, NULL));
	TRY(syscall(SYS_execve, "/bin/true", broken, broken));
	TRY(posix_spawn(&pid, BAD, NULL, NULL, fine, environ));
	TRY(posix_spawn(&pid, "/bin/true", NULL, NULL, broken, environ));
	TRY(posix_spawn(&pid, "/bin/true", NULL, NULL, fine, broken));
	TRY(posix_spawn(&pid, "/bin/true", NULL, NULL, BAD_LIST, BAD_LIST));
	environ = NULL;
	TRY(system("exit 3"));
	TRY(posix_spawn(&pid, "/bin/true", NULL, NULL, fine, NULL));
	environ = (char **)broken;
	TRY(system("exit 3"));
	TRY(popen("exit 1", "r") != NULL);
}

int main(void)
{
	const char *end = edge();

	files(end);
	sockets(end);
	programs(end);
	return 0;
}
