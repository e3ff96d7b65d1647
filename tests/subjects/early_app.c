/* SPDX-License-Identifier: Apache-2.0 */
/* Its library has acted before main. */
#include <stdio.h>

int early_calls(void);

int main(void)
{
	printf("early calls %d\n", early_calls());
	return 0;
}
