/* SPDX-License-Identifier: Apache-2.0
 *
 * What was downloaded: outlives Python, reaches its pool, works for a moment.
 */
#include "twin.h"

int main(void)
{
	if (twin_http(TWIN_ROGUE, "GET", "/pool", ""))
		return 1;
	twin_sleep_ms(100);
	return 0;
}
