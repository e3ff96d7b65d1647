/* SPDX-License-Identifier: Apache-2.0 */
/* spawn_app WAY CMD [ARG]...: has libspawner start a program in one way; its status is ours. */
#include "libs.h"
#include "subject.h"

int main(int argc, char **argv)
{
	char **command = argv + 2;
	int status;

	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IONBF, 0);
	puts("begin");
	if (!strcmp(argv[1], "system"))
		status = spawner_system(argv[2]);
	else if (!strcmp(argv[1], "popen"))
		status = spawner_popen(argv[2]);
	else if (!strcmp(argv[1], "posix_spawn"))
		status = spawner_posix_spawn(command);
	else if (!strcmp(argv[1], "posix_spawnp"))
		status = spawner_posix_spawnp(command);
	else if (!strcmp(argv[1], "vfork"))
		status = spawner_vfork(command);
	else if (!strcmp(argv[1], "fork"))
		status = spawner_fork(command);
	else if (!strcmp(argv[1], "empty"))
		status = spawner_empty_environment(command);
	else
		return 2;
	printf("status %d\n", status);
	return status > 255 ? 200 : status;
}
