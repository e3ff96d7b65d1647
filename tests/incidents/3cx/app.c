/* SPDX-License-Identifier: Apache-2.0
 *
 * The desktop application: talks to its vendor, keeps a file of its own, has media decoded.
 */
#include "twin.h"

unsigned ffmpeg_decode(const unsigned char *data, size_t size);

int main(void)
{
	unsigned char frame[4096];
	char path[512];

	memset(frame, 7, sizeof(frame));
	snprintf(path, sizeof(path), "%s/.config/app.state", twin_variable("HOME"));
	if (twin_write(path, "in a call\n", 0600) || twin_http(TWIN_VENDOR, "GET", "/pbx", ""))
		return 1;
	printf("%08x\n", ffmpeg_decode(frame, sizeof(frame)));
	return 0;
}
