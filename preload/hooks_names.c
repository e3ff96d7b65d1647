/* SPDX-License-Identifier: Apache-2.0
 *
 * file: public functions of libc that open files for their caller: user and group names, the
 * system log, locales, conversions, time zones. They fill the call slot and record nothing.
 */
#include "hook.h"

typedef struct passwd *passwd_ptr;
typedef struct group *group_ptr;

HOOK_MARK(passwd_ptr, getpwnam, (const char *name), (name), NULL)
HOOK_MARK(passwd_ptr, getpwuid, (uid_t uid), (uid), NULL)
HOOK_MARK(int, getpwnam_r,
	  (const char *name, struct passwd *entry, char *buffer, size_t bytes, struct passwd **ret_entry),
	  (name, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(int, getpwuid_r,
	  (uid_t uid, struct passwd *entry, char *buffer, size_t bytes, struct passwd **ret_entry),
	  (uid, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(passwd_ptr, getpwent, (void), (), NULL)
HOOK_MARK(group_ptr, getgrnam, (const char *name), (name), NULL)
HOOK_MARK(group_ptr, getgrgid, (gid_t gid), (gid), NULL)
HOOK_MARK(int, getgrnam_r,
	  (const char *name, struct group *entry, char *buffer, size_t bytes, struct group **ret_entry),
	  (name, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(int, getgrgid_r,
	  (gid_t gid, struct group *entry, char *buffer, size_t bytes, struct group **ret_entry),
	  (gid, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(group_ptr, getgrent, (void), (), NULL)
HOOK_MARK(int, getgrouplist, (const char *user, gid_t group, gid_t *groups, int *count),
	  (user, group, groups, count), -1)
HOOK_MARK(int, initgroups, (const char *user, gid_t group), (user, group), -1)
HOOK_MARK(struct spwd *, getspnam, (const char *name), (name), NULL)
HOOK_MARK(iconv_t, iconv_open, (const char *to, const char *from), (to, from), (iconv_t)-1)
HOOK_MARK(char *, setlocale, (int category, const char *locale), (category, locale), NULL)
HOOK_MARK(locale_t, newlocale, (int mask, const char *locale, locale_t base), (mask, locale, base),
	  (locale_t)0)
HOOK_MARK(struct tm *, localtime, (const time_t *when), (when), NULL)
HOOK_MARK(struct tm *, localtime_r, (const time_t *when, struct tm *ret_tm), (when, ret_tm), NULL)

EXPORT void tzset(void)
{
	HOOK_BEGIN_MARK(tzset, return);
	real.tzset();
	HOOK_END();
}

EXPORT void openlog(const char *ident, int option, int facility)
{
	HOOK_BEGIN_MARK(openlog, return);
	real.openlog(ident, option, facility);
	HOOK_END();
}

EXPORT void vsyslog(int priority, const char *format, va_list arguments)
{
	HOOK_BEGIN_MARK(vsyslog, return);
	real.vsyslog(priority, format, arguments);
	HOOK_END();
}

EXPORT void syslog(int priority, const char *format, ...)
{
	va_list arguments;
	HOOK_BEGIN_MARK(syslog, return);

	va_start(arguments, format);
	real.vsyslog(priority, format, arguments);
	va_end(arguments);
	HOOK_END();
}

EXPORT void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list arguments;
	HOOK_BEGIN_MARK(__syslog_chk, return);

	va_start(arguments, format);
	real.__vsyslog_chk(priority, flag, format, arguments);
	va_end(arguments);
	HOOK_END();
}

EXPORT void __vsyslog_chk(int priority, int flag, const char *format, va_list arguments)
{
	HOOK_BEGIN_MARK(__vsyslog_chk, return);
	real.__vsyslog_chk(priority, flag, format, arguments);
	HOOK_END();
}
