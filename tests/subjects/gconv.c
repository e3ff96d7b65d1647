/* SPDX-License-Identifier: Apache-2.0 */
/* A character set module that libc loads inside iconv_open(3), and that opens $GCONV_FILE when it is
 * set up: an act inside a marked function, by code that is not libc. */
#include <fcntl.h>
#include <gconv.h>
#include <stdlib.h>
#include <unistd.h>

int gconv_init(struct __gconv_step *step);
int gconv(struct __gconv_step *step, struct __gconv_step_data *data, const unsigned char **in,
	  const unsigned char *end, unsigned char **out, size_t *irreversible, int flush, int consume);

int gconv_init(struct __gconv_step *step)
{
	const char *path = getenv("GCONV_FILE");
	int fd = path ? open(path, O_RDONLY) : -1;

	if (fd >= 0)
		close(fd);
	step->__min_needed_from = step->__max_needed_from = 1;
	step->__min_needed_to = step->__max_needed_to = 4;
	step->__stateful = 0;
	return __GCONV_OK;
}

int gconv(struct __gconv_step *step, struct __gconv_step_data *data, const unsigned char **in,
	  const unsigned char *end, unsigned char **out, size_t *irreversible, int flush, int consume)
{
	(void)step, (void)data, (void)out, (void)irreversible, (void)flush, (void)consume;
	*in = end;
	return __GCONV_EMPTY_INPUT;
}
