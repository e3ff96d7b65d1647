# SPDX-License-Identifier: Apache-2.0
peer_files() { echo 'an icon, DUMMY' >"$work/peers/cdn/icon3.ico"; }
install()
{
	cp "$twins/3cx/softphone" "$twins/3cx/$1/libffmpeg.so" "$app/"
	head -c 4096 /dev/zero >"$app/libd3dcompiler.so"
}
export NEIGHBOUR=$app/libd3dcompiler.so
command=("$app/softphone")
damaged() { grep -q '^rogue POST' "$work/peers/received"; }
spared() { ! grep -q '^rogue' "$work/peers/received"; }
