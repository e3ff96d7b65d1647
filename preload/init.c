/* SPDX-License-Identifier: Apache-2.0
 *
 * When and whether the shim wakes up. Other libraries' constructors run before ours (a preloaded
 * object is initialised after everything the program links), so the first hooked call starts us,
 * not the constructor; calls from IFUNC resolvers come before our own relocations are done and
 * must touch nothing but code and zero-initialised data.
 */
#include "python.h"
#include "script.h"

#include <sys/auxv.h>

uint32_t shim_state;
__thread struct thread thread_self;

/* Holds its own address once the loader has relocated us. */
static const void *const volatile relocation_probe = (const void *)&relocation_probe;
static uint32_t early_calls;

static bool shim_is_relocated(void)
{
	const void *address;

	__asm__("lea %1, %0" : "=r"(address) : "m"(relocation_probe));
	return relocation_probe == address;
}

static void shim_start(void)
{
	static char value[SESSION_TEXT_MAX]; /* one start per image: not on a small stack */
	uint32_t state = SHIM_PASSIVE;

	if (real_init() < 0) {
		__atomic_store_n(&shim_state, SHIM_NEW, __ATOMIC_RELEASE);
		return;
	}
	if (!getauxval(AT_SECURE) && &_dl_find_object && environ_take(value, sizeof(value)) &&
	    session_init(value))
		state = SHIM_ACTIVE;
	memset(value, 0, sizeof(value));
	if (state == SHIM_ACTIVE && early_calls)
		__atomic_fetch_add(&session.ring->early_calls, early_calls, __ATOMIC_RELAXED);
	__atomic_store_n(&shim_state, state, __ATOMIC_RELEASE);
	if (state == SHIM_ACTIVE) {
		python_init();
		script_init();
	}
}

bool shim_enter(void)
{
	uint32_t expected = SHIM_NEW;

	if (shim_state >= SHIM_PASSIVE)
		return true;
	if (!shim_is_relocated()) {
		early_calls++;
		return false;
	}
	if (!__atomic_compare_exchange_n(&shim_state, &expected, SHIM_RESOLVING, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)) {
		/* Another thread, or the code a signal of ours interrupted, is starting us: this
		 * one call goes by without us. Never wait here. */
		early_calls++;
		return expected >= SHIM_PASSIVE;
	}
	shim_start();
	return shim_state >= SHIM_PASSIVE;
}

static void __attribute__((constructor, used)) shim_constructor(void)
{
	shim_enter();
}
