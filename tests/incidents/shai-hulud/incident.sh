# SPDX-License-Identifier: Apache-2.0
peer_files()
{
	echo prebuilt >"$work/peers/cdn/prebuilt.txt"
	cp "$(readlink -f /bin/sh)" "$work/peers/cdn/bun"
}
home()
{
	mkdir "$HOME/.aws"
	echo DUMMY >"$HOME/.aws/credentials"
	echo DUMMY >"$HOME/.npmrc"
}
install()
{
	cp "$folder/$1/preinstall.sh" "$folder/bun_environment.js" "$app/"
}
command=(sh "$app/preinstall.sh")
damaged() { grep -q '^cdn PUT' "$work/peers/received"; }
spared() { ! grep -q '^cdn PUT' "$work/peers/received"; }
