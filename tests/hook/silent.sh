#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What libc opens on its caller's behalf is granted inside that function, by all vantages alike; the
# same file opened by the library itself is not.
. "$(dirname "$0")/../lib/scenario.sh"

app=$SOWATCH_BUILD/tests/hook/hook_app
prepare()
{
	mkdir open.d
	ln -s /etc/passwd open
}

watch silent --policy "$scenario_dir/silent.yaml" --any-stderr -- "$app" run \
	getpwnam getgrgid getpwent_r getgrent_r getspent getspnam_r getsgnam getaliasbyname getpw \
	innetgr getnetgrent getlogin_r ttyname_r getusershell setusershell getfsent getutent getutxid \
	pthread_setname_np localtime setlocale iconv_open \
	getservbyname getservbyname_r getservent getprotobyname getprotobynumber getprotoent \
	getnetbyname gethostent getrpcbyname ether_hostton getifaddrs if_nameindex gethostid __res_init
expect "most calls succeed (or this would show nothing)" test "$(grep -c failed "$here/out")" -le 3
if has_shim; then
	expect_no_deviation libhooked.so
else
	# A public function that ends in a jump to the resolver's inner ones is not on a stack.
	for action in file.read file.write file.list net.connect exec.load; do
		check
		others=$(deviation_count libhooked.so $action '(?!/etc/(resolv|host)[.]conf$).*')
		[ "${others:-0}" = 0 ] || fail "$others deviations $action" - < <(alerts_told)
	done
fi
expect_no_deviation hook_app
watch itself --policy "$scenario_dir/silent.yaml" --any-stderr -- "$app" run getpwnam open
expect_deviations 1 libhooked.so file.read /etc/passwd
