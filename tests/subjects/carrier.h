/* SPDX-License-Identifier: Apache-2.0 */
/* look NAME, open PATH, connect or send ADDRESS:PORT: 0 or negative errno. */
#ifndef SUBJECT_CARRIER_H
#define SUBJECT_CARRIER_H

int carrier_do(const char *what, const char *object);

#endif
