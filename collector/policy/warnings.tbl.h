/* SPDX-License-Identifier: Apache-2.0
 *
 * WARNING(ID, "name in JSON and SARIF", "what is told under it")
 */
/* clang-format off */
WARNING(GENERAL, "policy", "something in a policy that does not count")
WARNING(EXPIRED, "expired", "a rule whose date is past")
WARNING(LINK, "link", "a path that goes through a link on this machine, and rules match the real path")
WARNING(TWICE, "twice", "a rule that stands twice in its list")
WARNING(SHADOWED, "shadowed", "a rule that another one of its list makes superfluous")
WARNING(UNREACHED, "unreached", "a profile that a later layer answers instead of")
WARNING(NEVER, "never", "something that can never match")
WARNING(WIDE, "wide", "names anybody can register, profiles that let everybody do anything")
/* clang-format on */
