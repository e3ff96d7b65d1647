# SPDX-License-Identifier: Apache-2.0
need_program node
peer_files() { awake; }
awake() { echo XX >"$work/peers/rogue/geo"; }
dormant() { echo US >"$work/peers/rogue/geo"; }
home()
{
	local i
	mkdir "$HOME/documents"
	for i in 1 2 3 4 5; do echo "document $i" >"$HOME/documents/$i.txt"; done
}
install()
{
	mkdir "$app/node_modules"
	cp -r "$folder/$1/." "$app/node_modules/"
	cp "$folder/app.js" "$app/"
}
command=(node "$app/app.js")
damaged() { grep -qx '<3' "$HOME/documents/3.txt"; }
spared() { grep -qx 'document 3' "$HOME/documents/3.txt"; }
