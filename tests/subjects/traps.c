/* SPDX-License-Identifier: Apache-2.0
 *
 * A library that does nothing of its own accord, but calls libc for what many honest libraries call
 * it for. Each trap makes libc (or the loader) touch files and sockets in the library's name.
 */
#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <grp.h>
#include <iconv.h>
#include <langinfo.h>
#include <libintl.h>
#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <semaphore.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

int traps_spring(const char *name);

static void resolve(void)
{
	struct addrinfo hints = {.ai_flags = AI_ADDRCONFIG, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	if (!getaddrinfo("localhost", "http", &hints, &found))
		freeaddrinfo(found);
}

static void resolve_old(void)
{
	gethostbyname("localhost");
	getservbyname("http", "tcp");
}

static void users(void)
{
	char buffer[4096];
	struct passwd entry, *found;
	getpwuid(getuid());
	getpwnam_r("nobody-of-this-name", &entry, buffer, sizeof(buffer), &found);
	getgrgid(getgid());
	gid_t groups[64];
	int count = 64;
	getgrouplist("root", 0, groups, &count);
}

static void all_users(void)
{
	while (getpwent())
		;
	endpwent();
}

static void times(void)
{
	time_t now = time(NULL);
	struct tm tm;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	localtime_r(&now, &tm);
	unsetenv("TZ");
	localtime(&now);
}

static void locales(void)
{
	setlocale(LC_ALL, "en_US.UTF-8");
	locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", NULL);
	if (locale)
		freelocale(locale);
	bindtextdomain("coreutils", "/usr/share/locale");
	dgettext("coreutils", "no such file");
}

static void convert(void)
{
	iconv_t way = iconv_open("UTF-16", "ISO-8859-15");
	if (way != (iconv_t)-1)
		iconv_close(way);
}

static void tell(void)
{
	openlog("traps", LOG_PID | LOG_NDELAY, LOG_USER);
	syslog(LOG_DEBUG, "%s", "a line");
	closelog();
}

static void processors(void)
{
	sysconf(_SC_NPROCESSORS_ONLN);
	sysconf(_SC_NPROCESSORS_CONF);
	sysconf(_SC_PHYS_PAGES);
}

static void trace(void)
{
	void *frames[16];
	backtrace(frames, 16);
}

static void *wait_forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void cancel(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, wait_forever, NULL))
		return;
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

static void *churn(void *arg)
{
	void *blocks[512];
	for (unsigned i = 0; i < 512; i++)
		blocks[i] = malloc(100000);
	for (unsigned i = 512; i-- > 0;)
		free(blocks[i]);
	return arg;
}

/* free() of a second arena asks for the memory's policy. */
static void arena(void)
{
	pthread_t thread;
	if (!pthread_create(&thread, NULL, churn, NULL))
		pthread_join(thread, NULL);
}

static void temporary(void)
{
	FILE *file = tmpfile();
	if (file)
		fclose(file);
}

static void semaphore(void)
{
	char name[64];
	snprintf(name, sizeof(name), "/sowatch-trap-%d", (int)getpid());
	sem_t *made = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	if (made != SEM_FAILED)
		sem_close(made);
	sem_unlink(name);
}

static void login(void)
{
	char name[64];
	getlogin_r(name, sizeof(name));
}

static void randomness(void)
{
	char bytes[16];
	if (getentropy(bytes, sizeof(bytes)))
		return;
	getrandom(bytes, sizeof(bytes), 0);
}

static const struct {
	const char *name;
	void (*spring)(void);
} traps[] = {
	{"resolve", resolve},	    {"resolve_old", resolve_old},
	{"users", users},	    {"all_users", all_users},
	{"times", times},	    {"locales", locales},
	{"convert", convert},	    {"tell", tell},
	{"processors", processors}, {"trace", trace},
	{"cancel", cancel},	    {"arena", arena},
	{"temporary", temporary},   {"semaphore", semaphore},
	{"login", login},	    {"randomness", randomness},
};

int traps_spring(const char *name)
{
	int count = 0;
	if (!strcmp(name, "itself")) { /* no trap: the same file, but the library's own act */
		FILE *file = fopen("/etc/passwd", "r");
		if (file)
			fclose(file);
		return file != NULL;
	}
	for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
		if (strcmp(name, "all") && strcmp(name, traps[i].name))
			continue;
		traps[i].spring();
		count++;
	}
	return count;
}
