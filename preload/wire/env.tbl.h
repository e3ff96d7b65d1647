/* SPDX-License-Identifier: Apache-2.0
 *
 * The two environment variables that carry sowatch across exec. Both are taken out of the
 * program's own view by the shim's constructor.
 * ENV(ID, "NAME", meaning)
 */
ENV(PRELOAD, "LD_PRELOAD", "the shim's path first, then whatever the user had there")
ENV(SESSION, "SOWATCH",    "the session record, see wire/session.h")
