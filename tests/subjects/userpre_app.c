/* SPDX-License-Identifier: Apache-2.0 */
/* Shows whether the user's preloaded library is in force. */
#include "subject.h"

int main(void)
{
	printf("parent %d\n", getppid() == 4242 ? 4242 : 0);
	printf("LD_PRELOAD %s\n", getenv("LD_PRELOAD") ?: "(none)");
	return 0;
}
