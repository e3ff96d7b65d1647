/* SPDX-License-Identifier: Apache-2.0 */
#include "said.h"

#include "policy_inner.h"

bool policy_says(const struct policy_binding *binding, uint8_t action)
{
	return binding && action < WIRE_ACTIONS && binding->families[action_family(action)];
}

bool policy_carries(const struct policy_binding *binding, uint8_t action)
{
	return binding && action < WIRE_ACTIONS &&
	       (binding->carries | binding->denied) >> action & 1;
}
