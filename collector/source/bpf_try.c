/* SPDX-License-Identifier: Apache-2.0
 *
 * Can the kernel be watched here? Found out by doing it.
 */
#include <stdio.h>
#include <string.h>

#include "../../bpf/loader.h"
#include "source.h"

int source_probes_try(char *text, size_t bytes)
{
	/* No hello has this secret: the probes will not believe anybody. */
	const struct bpf_loader_options options = { .mechanism = "auto", .ring_bytes = 1u << 16 };
	const char *const *missing;
	struct bpf_loader *loader;
	size_t len;
	int result = bpf_loader_open(&options, &loader, text, bytes);

	if (result < 0)
		return result;
	snprintf(text, bytes, "%s: %s", bpf_loader_mechanism(loader), bpf_loader_reason(loader));
	missing = bpf_loader_missing(loader);
	for (unsigned i = 0; missing && missing[i]; i++) {
		len = strlen(text);
		snprintf(text + len, bytes - len, "%s%s", i ? ", " : "; not attached: ", missing[i]);
	}
	bpf_loader_close(loader);
	return 0;
}
