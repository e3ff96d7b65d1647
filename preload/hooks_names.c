/* SPDX-License-Identifier: Apache-2.0
 *
 * file: public functions of libc that open files for their caller: user and group names, who is
 * logged in, the system log, locales, conversions, time zones. They fill the call slot and record
 * nothing. Those of the network's names are in hooks_netdb.c.
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

HOOK_MARK_VOID(setpwent, (void), ())
HOOK_MARK(int, getpwent_r,
	  (struct passwd *entry, char *buffer, size_t bytes, struct passwd **ret_entry),
	  (entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK_VOID(endpwent, (void), ())
HOOK_MARK_VOID(setgrent, (void), ())
HOOK_MARK(int, getgrent_r,
	  (struct group *entry, char *buffer, size_t bytes, struct group **ret_entry),
	  (entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK_VOID(endgrent, (void), ())
HOOK_MARK_VOID(setspent, (void), ())
HOOK_MARK(struct spwd *, getspent, (void), (), NULL)
HOOK_MARK(int, getspent_r,
	  (struct spwd *entry, char *buffer, size_t bytes, struct spwd **ret_entry),
	  (entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK_VOID(endspent, (void), ())
HOOK_MARK_VOID(setsgent, (void), ())
HOOK_MARK(struct sgrp *, getsgent, (void), (), NULL)
HOOK_MARK(int, getsgent_r,
	  (struct sgrp *entry, char *buffer, size_t bytes, struct sgrp **ret_entry),
	  (entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK_VOID(endsgent, (void), ())
HOOK_MARK_VOID(setaliasent, (void), ())
HOOK_MARK(struct aliasent *, getaliasent, (void), (), NULL)
HOOK_MARK(int, getaliasent_r,
	  (struct aliasent *entry, char *buffer, size_t bytes, struct aliasent **ret_entry),
	  (entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK_VOID(endaliasent, (void), ())
HOOK_MARK(int, getspnam_r,
	  (const char *name, struct spwd *entry, char *buffer, size_t bytes,
	   struct spwd **ret_entry),
	  (name, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(struct sgrp *, getsgnam, (const char *name), (name), NULL)
HOOK_MARK(int, getsgnam_r,
	  (const char *name, struct sgrp *entry, char *buffer, size_t bytes,
	   struct sgrp **ret_entry),
	  (name, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(struct aliasent *, getaliasbyname, (const char *name), (name), NULL)
HOOK_MARK(int, getaliasbyname_r,
	  (const char *name, struct aliasent *entry, char *buffer, size_t bytes,
	   struct aliasent **ret_entry),
	  (name, entry, buffer, bytes, ret_entry), ENOSYS)
HOOK_MARK(int, getpw, (uid_t uid, char *ret_line), (uid, ret_line), -1)
HOOK_MARK(int, innetgr,
	  (const char *group, const char *host, const char *user, const char *domain),
	  (group, host, user, domain), 0)
HOOK_MARK(int, setnetgrent, (const char *group), (group), 0)
HOOK_MARK_VOID(endnetgrent, (void), ())
HOOK_MARK(int, getnetgrent,
	  (char **ret_host, char **ret_user, char **ret_domain),
	  (ret_host, ret_user, ret_domain), 0)
HOOK_MARK(int, getnetgrent_r,
	  (char **ret_host, char **ret_user, char **ret_domain, char *buffer, size_t bytes),
	  (ret_host, ret_user, ret_domain, buffer, bytes), 0)
HOOK_MARK(int, lckpwdf, (void), (), -1)
HOOK_MARK(char *, cuserid, (char *ret_name), (ret_name), NULL)
HOOK_MARK(char *, getlogin, (void), (), NULL)
HOOK_MARK(int, getlogin_r, (char *ret_name, size_t bytes), (ret_name, bytes), ENOSYS)
HOOK_MARK(int, __getlogin_r_chk,
	  (char *ret_name, size_t bytes, size_t room), (ret_name, bytes, room), ENOSYS)
HOOK_MARK(char *, ttyname, (int fd), (fd), NULL)
HOOK_MARK(int, ttyname_r, (int fd, char *ret_name, size_t bytes), (fd, ret_name, bytes), ENOSYS)
HOOK_MARK(int, __ttyname_r_chk,
	  (int fd, char *ret_name, size_t bytes, size_t room), (fd, ret_name, bytes, room), ENOSYS)
HOOK_MARK(char *, getusershell, (void), (), NULL)
HOOK_MARK_VOID(setusershell, (void), ())
HOOK_MARK(int, setfsent, (void), (), 0)
HOOK_MARK(struct fstab *, getfsent, (void), (), NULL)
HOOK_MARK(struct fstab *, getfsspec, (const char *name), (name), NULL)
HOOK_MARK(struct fstab *, getfsfile, (const char *name), (name), NULL)
HOOK_MARK_VOID(setutent, (void), ())
HOOK_MARK(struct utmp *, getutent, (void), (), NULL)
HOOK_MARK(struct utmp *, getutid, (const struct utmp *like), (like), NULL)
HOOK_MARK(struct utmp *, getutline, (const struct utmp *like), (like), NULL)
HOOK_MARK_VOID(setutxent, (void), ())
HOOK_MARK(struct utmpx *, getutxent, (void), (), NULL)
HOOK_MARK(struct utmpx *, getutxid, (const struct utmpx *like), (like), NULL)
HOOK_MARK(struct utmpx *, getutxline, (const struct utmpx *like), (like), NULL)
HOOK_MARK(int, getutent_r, (struct utmp *entry, struct utmp **ret_entry), (entry, ret_entry), -1)
HOOK_MARK(int, getutid_r,
	  (const struct utmp *like, struct utmp *entry, struct utmp **ret_entry),
	  (like, entry, ret_entry), -1)
HOOK_MARK(int, getutline_r,
	  (const struct utmp *like, struct utmp *entry, struct utmp **ret_entry),
	  (like, entry, ret_entry), -1)
HOOK_MARK(int, pthread_setname_np, (pthread_t thread, const char *name), (thread, name), ENOSYS)

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
