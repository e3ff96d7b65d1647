/* SPDX-License-Identifier: Apache-2.0 */
#include "mount.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define STATX_MOUNT 0x1000u /* STATX_MNT_ID, Linux 5.8 */

static uint32_t home;

/* Not where a filter may kill for a call that it does not know. */
void mount_home_init(uint32_t id)
{
	home = sys_call1(SYS_prctl, PR_GET_SECCOMP) == 0 ? id : 0;
}

uint32_t mount_home(void)
{
	return home;
}

uint32_t mount_here(void)
{
	struct statx st;

	if (!home || session.has_seccomp ||
	    sys_call5(SYS_statx, AT_FDCWD, "/", AT_NO_AUTOMOUNT, STATX_MOUNT, &st) < 0 ||
	    !(st.stx_mask & STATX_MOUNT))
		return 0;
	return (uint32_t)st.stx_mnt_id;
}

bool mount_program(uint32_t here, struct wire_file *ret)
{
	struct stat st;

	if (!here || here == home ||
	    sys_call4(SYS_newfstatat, AT_FDCWD, "/proc/self/exe", &st, 0) < 0)
		return false;
	*ret = (struct wire_file){ st.st_dev, st.st_ino };
	return true;
}

/* --- /proc/self/maps, as it comes ---------------------------------------------------------------- */

struct reader {
	long fd;
	uint32_t at, len;
	char text[512]; /* not more: threads may have stacks of 16 KiB */
};

/* -1: the end. */
static int reader_next(struct reader *reader)
{
	long got;

	if (reader->at == reader->len) {
		do
			got = sys_call3(SYS_read, reader->fd, reader->text, sizeof(reader->text));
		while (got == -EINTR);
		if (got <= 0)
			return -1;
		reader->at = 0;
		reader->len = (uint32_t)got;
	}
	return (unsigned char)reader->text[reader->at++];
}

/* A number and the byte behind it. */
static int reader_number(struct reader *reader, unsigned base, uint64_t *ret)
{
	int byte;

	for (*ret = 0; (byte = reader_next(reader)) >= 0; ) {
		unsigned digit = byte >= '0' && byte <= '9' ? (unsigned)byte - '0' :
				 byte >= 'a' && byte <= 'f' ? (unsigned)byte - 'a' + 10 : base;

		if (digit >= base)
			break;
		*ret = *ret * base + digit;
	}
	return byte;
}

static int reader_skip(struct reader *reader, int until)
{
	int byte;

	do
		byte = reader_next(reader);
	while (byte >= 0 && byte != until);
	return byte;
}

/* makedev is a call in glibc, and absent in musl, whose programs the shim must not stop. */
static uint64_t device_of(uint64_t number_major, uint64_t number_minor)
{
	return (number_major & 0xfffff000) << 32 | (number_major & 0xfff) << 8 |
	       (number_minor & 0xffffff00) << 12 | (number_minor & 0xff);
}

/* "start-end perms offset major:minor inode   path". False: no such line. */
static bool line_find(struct reader *reader, uint64_t address, struct wire_file *ret)
{
	uint64_t start, end, offset, number_major, number_minor;

	for (;;) {
		if (reader_number(reader, 16, &start) != '-' ||
		    reader_number(reader, 16, &end) != ' ' || reader_skip(reader, ' ') < 0 ||
		    reader_number(reader, 16, &offset) != ' ' ||
		    reader_number(reader, 16, &number_major) != ':' ||
		    reader_number(reader, 16, &number_minor) != ' ')
			return false;
		if (address >= start && address < end)
			break;
		if (reader_skip(reader, '\n') < 0)
			return false;
	}
	reader_number(reader, 10, &ret->inode);
	ret->device = device_of(number_major, number_minor);
	return ret->inode != 0;
}

bool mount_mapped(uint32_t here, uint64_t address, struct wire_file *ret)
{
	struct reader reader = { .at = 0, .len = 0 };
	bool is_found;

	if (!here || here == home)
		return false;
	reader.fd = sys_call4(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
	if (reader.fd < 0)
		return false;
	is_found = line_find(&reader, address, ret);
	sys_call1(SYS_close, reader.fd);
	return is_found;
}
