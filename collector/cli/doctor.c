/* SPDX-License-Identifier: Apache-2.0
 *
 * sowatch doctor: what this machine allows, found out by trying, one line each with the reason
 * and the mend.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "doctor.h"

void doctor_say(enum doctor_level level, const char *what, const char *reason, const char *mend,
		const char *format, ...)
{
	static const char *const names[] = { "ok", "warn", "no" };
	va_list arguments;

	printf("%-5s %s: ", names[level], what);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	if (reason)
		printf(" — %s", reason);
	if (mend)
		printf("; %s", mend);
	putchar('\n');
}

bool doctor_read(const char *path, char *text, size_t bytes)
{
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(text, (int)bytes, file);

	if (file)
		fclose(file);
	if (is_read)
		text[strcspn(text, "\n")] = '\0';
	return is_read;
}

int cli_doctor(int argc, char **argv)
{
	const struct cli_usage usage = {
		.verb = "doctor",
		.operands = "",
		.about = "Says what this machine allows sowatch to see: one line each, ok, warn or "
			 "no, with the\nreason and the mend. Exit status: 0 when a run with the "
			 "shim is possible, else 1.",
	};
	const struct cli_option options[] = { { 0 } };
	bool is_possible = true;
	int first;
	int parsed = cli_parse(&usage, options, argc, argv, &first);

	if (parsed)
		return parsed > 0 ? CLI_OK : CLI_USAGE;
	if (first < argc) {
		cli_error("doctor: '%s' is too much, there is nothing to name", argv[first]);
		return CLI_USAGE;
	}
	is_possible &= doctor_glibc();
	is_possible &= doctor_memfd();
	is_possible &= doctor_shim();
	doctor_unwinder();
	doctor_environment();
	is_possible &= doctor_log();
	is_possible &= doctor_policies();
	doctor_packages();
	doctor_container();
	doctor_seccomp();
	doctor_ptrace();
	doctor_kernel();
	doctor_btf();
	doctor_capabilities();
	doctor_bpf_programs();
	doctor_tracefs();
	doctor_probes();
	doctor_io_uring();
	printf("%s\n", is_possible ? "A run with the shim is possible here."
				   : "A run with the shim is not possible here.");
	return is_possible ? CLI_OK : CLI_DEVIATES;
}
