/* SPDX-License-Identifier: Apache-2.0
 *
 * libhooked: makes every call of calls.tbl.h, so that all of it is charged to one library.
 */
#include <aliases.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fstab.h>
#include <fts.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <gshadow.h>
#include <iconv.h>
#include <ifaddrs.h>
#include <locale.h>
#include <mntent.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/ether.h>
#include <nl_types.h>
#include <pthread.h>
#include <pty.h>
#include <pwd.h>
#include <resolv.h>
#include <rpc/netdb.h>
#include <semaphore.h>
#include <shadow.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <utmpx.h>
#include <wordexp.h>

#include "hooked.h"

/* libc's own names for what the fortified headers call. */
int __open(const char *path, int flags, ...);
int __open64(const char *path, int flags, ...);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);
FILE *_IO_fopen(const char *path, const char *mode);
FILE *_IO_popen(const char *command, const char *mode);
int __connect(int fd, const struct sockaddr *address, socklen_t len);

static void resolver_to_nowhere(void);

extern char **environ;
static const time_t some_time = 1700000000;

/* --- file --------------------------------------------------------------------------------- */

static long fd_done(int fd)
{
	return fd < 0 ? fd : close(fd);
}

static long file_done(FILE *file)
{
	return file ? fclose(file) : -1;
}

static long directory_done(DIR *directory)
{
	return directory ? closedir(directory) : -1;
}

static long iconv_done(iconv_t conversion)
{
	return conversion == (iconv_t)-1 ? -1 : iconv_close(conversion);
}

static char *template(const char *text)
{
	static char buffer[64];

	return strcpy(buffer, text);
}

static int fchmod_to(int fd)
{
	return fchmod(fd, 0640);
}

static int fchown_to(int fd)
{
	return fchown(fd, geteuid(), getegid());
}

static long with_fd(const char *path, int (*act)(int fd))
{
	int fd = open(path, O_RDONLY);
	int result = act(fd);

	close(fd);
	return result;
}

static long read_inner_and_return(int back)
{
	long result = fd_done(open("inner", O_RDONLY));

	if (fchdir(back))
		result = -1;
	close(back);
	return result;
}

static long chdir_and_read(const char *directory)
{
	int back = open(".", O_RDONLY | O_DIRECTORY);

	return chdir(directory) ? -1 : read_inner_and_return(back);
}

static long fchdir_and_read(const char *directory)
{
	int back = open(".", O_RDONLY | O_DIRECTORY);
	int fd = open(directory, O_RDONLY | O_DIRECTORY);
	int result = fchdir(fd);

	close(fd);
	return result ? -1 : read_inner_and_return(back);
}

static int any(const struct dirent *entry)
{
	return entry->d_name[0] != 0;
}

static int any64(const struct dirent64 *entry)
{
	return entry->d_name[0] != 0;
}

/* How many, in order. */
static long list_done(int count, struct dirent **list)
{
	int is_sorted = 1;

	for (int i = 1; i < count; i++)
		is_sorted &= strcmp(list[i - 1]->d_name, list[i]->d_name) <= 0;
	for (int i = 0; i < count; i++)
		free(list[i]);
	if (count >= 0)
		free(list);
	return is_sorted ? count : -1;
}

static long scandir_count(const char *directory)
{
	struct dirent **list;
	int count = scandir(directory, &list, any, alphasort);

	return list_done(count, list);
}

static long scandir64_count(const char *directory)
{
	struct dirent64 **list;
	int count = scandir64(directory, &list, any64, alphasort64);

	return list_done(count, (struct dirent **)list);
}

static long scandirat_count(const char *directory)
{
	struct dirent **list;
	int count = scandirat(AT_FDCWD, directory, &list, NULL, alphasort);

	return list_done(count, list);
}

static int ftw_nothing(const char *path, const struct stat *status, int kind)
{
	return !path || !status || kind < 0;
}

static int nftw_nothing(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	return ftw_nothing(path, status, kind) || path[place->base] == 0;
}

static long glob_count(const char *pattern)
{
	glob_t found;
	long count = glob(pattern, 0, NULL, &found) ? -1 : (long)found.gl_pathc;

	if (count >= 0)
		globfree(&found);
	return count;
}

static int fts_order(const FTSENT **one, const FTSENT **two)
{
	return strcmp((*one)->fts_name, (*two)->fts_name);
}

static long fts_count(const char *directory, int options)
{
	char *paths[] = { (char *)directory, NULL };
	FTS *walk = fts_open(paths, FTS_PHYSICAL | options, fts_order);
	long count = 0;

	while (walk && fts_read(walk))
		count++;
	return walk && !fts_close(walk) ? count : -1;
}

/* --- what libc opens in its caller's name ---------------------------------------------------- */

static const struct utmp some_login = { .ut_type = USER_PROCESS, .ut_id = "hook", .ut_line = "hook" };
static struct ether_addr some_ether;
static unsigned char answer[512];

static long semaphore_made(void)
{
	sem_t semaphore;
	int value = 0;

	if (sem_init(&semaphore, 0, 3) || sem_getvalue(&semaphore, &value))
		return -1;
	sem_destroy(&semaphore);
	return value == 3 ? 0 : -1;
}

static long semaphore_done(sem_t *semaphore)
{
	return semaphore == SEM_FAILED ? -1 : sem_close(semaphore);
}

static long openpty_done(void)
{
	int one, two;

	if (openpty(&one, &two, NULL, NULL, NULL))
		return -1;
	close(two);
	return close(one);
}

static long mount_table_done(FILE *table)
{
	return table && endmntent(table) ? 0 : -1;
}

/* A text is no catalogue, but it was opened. */
static long catalogue_done(nl_catd catalogue)
{
	return catalogue == (nl_catd)-1 ? 0 : catclose(catalogue);
}

static long getpwent_done(void)
{
	struct passwd entry, *found = NULL;
	char buffer[1024];

	setpwent();
	getpwent_r(&entry, buffer, sizeof(buffer), &found);
	endpwent();
	return found ? 0 : -1;
}

static long getgrent_done(void)
{
	struct group entry, *found = NULL;
	char buffer[1024];

	setgrent();
	getgrent_r(&entry, buffer, sizeof(buffer), &found);
	endgrent();
	return found ? 0 : -1;
}

static long getspnam_done(const char *name)
{
	struct spwd entry, *found = NULL;
	char buffer[1024];

	getspnam_r(name, &entry, buffer, sizeof(buffer), &found);
	return 0;
}

static long getservbyname_done(const char *name)
{
	struct servent entry, *found = NULL;
	char buffer[1024];

	getservbyname_r(name, "tcp", &entry, buffer, sizeof(buffer), &found);
	return found ? 0 : -1;
}

static long netgroup_done(const char *name)
{
	char *host, *user, *domain;
	int found = setnetgrent(name) && getnetgrent(&host, &user, &domain);

	endnetgrent();
	return found;
}

static long interfaces_done(void)
{
	struct ifaddrs *list;
	int error = getifaddrs(&list);

	if (!error)
		freeifaddrs(list);
	return error;
}

static long interface_names_done(void)
{
	struct if_nameindex *names = if_nameindex();

	if (names)
		if_freenameindex(names);
	return names ? 0 : -1;
}

/* --- exec --------------------------------------------------------------------------------- */

static void child_execve(const char *self)
{
	execve(self, (char *[]){ (char *)self, NULL }, environ);
}

static void child_execv(const char *self)
{
	execv(self, (char *[]){ (char *)self, NULL });
}

static void child_execvp(const char *self)
{
	(void)self;
	execvp("./execvp", (char *[]){ (char *)self, NULL });
}

static void child_execvpe(const char *self)
{
	execvpe("./execvpe", (char *[]){ (char *)self, NULL }, environ);
}

static void child_execl(const char *self)
{
	execl(self, self, "one", "two", NULL);
}

static void child_execle(const char *self)
{
	execle(self, self, "one", NULL, environ);
}

static void child_execlp(const char *self)
{
	execlp("./execlp", self, "one", NULL);
}

static void child_fexecve(const char *self)
{
	fexecve(open(self, O_RDONLY | O_CLOEXEC), (char *[]){ (char *)self, NULL }, environ);
}

static void child_execveat(const char *self)
{
	execveat(AT_FDCWD, self, (char *[]){ (char *)self, NULL }, environ, 0);
}

static long wait_status(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static long in_child(const char *self, void (*act)(const char *))
{
	pid_t pid = fork();

	if (!pid) {
		act(self);
		_exit(99);
	}
	return wait_status(pid);
}

static long spawn(const char *path,
		  int (*act)(pid_t *, const char *, const posix_spawn_file_actions_t *,
			     const posix_spawnattr_t *, char *const[], char *const[]))
{
	char *argv[] = { (char *)path, NULL };
	pid_t pid;
	int error = act(&pid, path, NULL, NULL, argv, environ);

	errno = error;
	return error ? -1 : wait_status(pid);
}

static long wordexp_words(const char *text)
{
	wordexp_t words;
	int error = wordexp(text, &words, 0);
	long count = error ? -1 : (long)words.we_wordc;

	if (!error)
		wordfree(&words);
	return count;
}

/* --- load, code, inspect ------------------------------------------------------------------- */

static long load_done(void *handle)
{
	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	return handle ? 0 : -1;
}

static long map_done(void *address)
{
	return address == MAP_FAILED ? -1 : munmap(address, 4096);
}

static long protect(int with_key)
{
	void *address = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int result = with_key ? pkey_mprotect(address, 4096, PROT_READ | PROT_EXEC, -1) :
				mprotect(address, 4096, PROT_READ | PROT_EXEC);

	munmap(address, 4096);
	return result;
}

static pid_t sleeping_child(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	return pid;
}

static long end_child(pid_t pid, long result)
{
	int error = errno;

	kill(pid, SIGKILL);
	wait_status(pid);
	errno = error;
	return result;
}

static long trace_child(void)
{
	pid_t pid = sleeping_child();

	return end_child(pid, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
}

static long peek_child(int poke)
{
	static char there[16] = "in both";
	char here[16] = "";
	struct iovec local = { here, sizeof(here) }, remote = { there, sizeof(there) };
	pid_t pid = sleeping_child();

	return end_child(pid, poke ? process_vm_writev(pid, &local, 1, &remote, 1, 0) :
				     process_vm_readv(pid, &local, 1, &remote, 1, 0));
}

/* --- net ---------------------------------------------------------------------------------- */

static struct sockaddr_in address_of(const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	inet_pton(AF_INET, text, &address.sin_addr);
	return address;
}

static int bound(int type, const char *text)
{
	struct sockaddr_in address = address_of(text);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	return fd;
}

static int listening(const char *text)
{
	int fd = bound(SOCK_STREAM, text);

	return fd < 0 || listen(fd, 4) ? -1 : fd;
}

static int connected(int fd, int to)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);

	if (fd < 0 || getsockname(to, (struct sockaddr *)&address, &len))
		return -1;
	return connect(fd, (struct sockaddr *)&address, len);
}

static long connect_to(const char *text)
{
	int server = listening(text), fd = socket(AF_INET, SOCK_STREAM, 0);
	int result = connected(fd, server);

	close(fd);
	close(server);
	return result;
}

static long connect_by_other_name(const char *text)
{
	struct sockaddr_in address = {0};
	socklen_t len = sizeof(address);
	int server = listening(text), fd = socket(AF_INET, SOCK_STREAM, 0);
	int result = getsockname(server, (struct sockaddr *)&address, &len);

	if (!result)
		result = __connect(fd, (struct sockaddr *)&address, len);

	close(fd);
	close(server);
	return result;
}

static long accept_from(const char *text, int with_flags)
{
	int server = listening("127.0.0.1"), client = bound(SOCK_STREAM, text), fd;

	if (connected(client, server))
		return -1;
	fd = with_flags ? accept4(server, NULL, NULL, SOCK_CLOEXEC) : accept(server, NULL, NULL);
	close(client);
	close(server);
	return fd_done(fd);
}

enum how { by_send, by_sendto, by_sendmsg, by_sendmmsg, by_write, by_writev };

static long datagram(const char *text, enum how how)
{
	int receiver = bound(SOCK_DGRAM, text), fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to;
	socklen_t len = sizeof(to);
	struct iovec part = { (char *)"hook", 4 };
	struct mmsghdr message = { .msg_hdr = { .msg_name = &to, .msg_namelen = sizeof(to),
						.msg_iov = &part, .msg_iovlen = 1 } };
	long result = -1;

	getsockname(receiver, (struct sockaddr *)&to, &len);
	if (how == by_send || how == by_write || how == by_writev)
		connected(fd, receiver);
	switch (how) {
	case by_send:
		result = send(fd, "hook", 4, 0);
		break;
	case by_sendto:
		result = sendto(fd, "hook", 4, 0, (struct sockaddr *)&to, len);
		break;
	case by_sendmsg:
		result = sendmsg(fd, &message.msg_hdr, 0);
		break;
	case by_sendmmsg:
		result = sendmmsg(fd, &message, 1, 0);
		break;
	case by_write:
		result = write(fd, "hook", 4);
		break;
	case by_writev:
		result = writev(fd, &part, 1);
		break;
	}
	close(fd);
	close(receiver);
	return result;
}

/* The resolver asks a port of 127.0.0.67 where nobody is: names fail, and nothing leaves. */
static void resolver_to_nowhere(void)
{
	res_init();
	_res.nscount = 1;
	_res.nsaddr_list[0] = address_of("127.0.0.67");
	_res.nsaddr_list[0].sin_port = htons(9);
	_res.retrans = 1;
	_res.retry = 1;
	_res.dnsrch[0] = NULL;
}

static long resolve_with(const char *name, int later)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_flags = later ? AI_NUMERICHOST : 0 };
	struct gaicb one = { .ar_name = name, .ar_request = &hints }, *list[] = { &one };
	struct addrinfo *result = NULL;
	int error = later ? getaddrinfo_a(GAI_WAIT, list, 1, NULL) :
			    getaddrinfo(name, "http", &hints, &result);

	if (result)
		freeaddrinfo(result);
	return error ? -2 : 0;
}

static long query(const char *name, int search)
{
	unsigned char answer[512];

	return search ? res_search(name, 1, 1, answer, sizeof(answer)) :
			res_query(name, 1, 1, answer, sizeof(answer));
}

static long name_of_localhost(void)
{
	struct sockaddr_in address = address_of("127.0.0.1");
	char host[256];

	return getnameinfo((struct sockaddr *)&address, sizeof(address), host, sizeof(host), NULL, 0,
			   NI_NUMERICHOST);
}

/* --- all of it ----------------------------------------------------------------------------- */

#define CALL(name, action, object, expression)         \
	static long call_##name(void)                  \
	{                                              \
		const char *self = #name;              \
		(void)self;                            \
		return (long)(expression);             \
	}
#include "calls.tbl.h"
#undef CALL

const struct hooked_call hooked_calls[] = {
#define CALL(name, action, object, expression) { #name, action, object, call_##name },
#include "calls.tbl.h"
#undef CALL
	{ NULL, NULL, NULL, NULL },
};

void hooked_prepare(void)
{
	resolver_to_nowhere();
}
