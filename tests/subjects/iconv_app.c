/* SPDX-License-Identifier: Apache-2.0 */
/* iconv_app FILE: opens a conversion whose module opens $GCONV_FILE, then opens FILE itself. */
#include <iconv.h>

#include "libs.h"
#include "subject.h"

int main(int argc, char **argv)
{
	iconv_t conversion = iconv_open("UTF-8", "SOWATCHTEST");

	want(conversion != (iconv_t)-1, "iconv_open");
	iconv_close(conversion);
	want(argc == 2 && opener_open(argv[1]) >= 0, "open");
	puts("converted");
	return 0;
}
