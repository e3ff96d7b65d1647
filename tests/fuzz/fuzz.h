/* SPDX-License-Identifier: Apache-2.0
 *
 * What a fuzzer offers: libFuzzer's entry point, and seeds for the driver in fuzz_main.c.
 */
#ifndef SOWATCH_FUZZ_H
#define SOWATCH_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Seed number `number` into buffer; its length, or 0 when there is none of that number. */
size_t fuzz_seed(unsigned number, uint8_t *buffer, size_t bytes);

#endif
