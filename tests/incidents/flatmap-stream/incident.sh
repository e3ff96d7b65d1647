# SPDX-License-Identifier: Apache-2.0
need_program node
dormant() { export npm_package_description='Another'; }
awake() { export npm_package_description='A Secure Dummy Wallet'; }
awake
install()
{
	mkdir -p "$app/node_modules/zxing"
	cp -r "$folder/$1/." "$app/node_modules/"
	cp "$folder/decoder.js" "$app/node_modules/zxing/"
	cp "$folder/app.js" "$app/"
}
command=(node "$app/app.js")
damaged() { grep -q '^rogue POST' "$work/peers/received"; }
spared() { ! grep -q '^rogue' "$work/peers/received"; }
