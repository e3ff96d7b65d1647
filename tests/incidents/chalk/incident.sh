# SPDX-License-Identifier: Apache-2.0
need_program node
install()
{
	mkdir "$app/node_modules"
	cp -r "$folder/$1/." "$app/node_modules/"
	cp "$folder/app.js" "$app/"
}
command=(node "$app/app.js")
