# SPDX-License-Identifier: Apache-2.0
. "$scenario_dir/lib/python_twin.sh"
home()
{
	local i
	for ((i = 0; i < 20; i++)); do echo DUMMY >"$HOME/notes.$i"; done
	echo '# DUMMY' >"$HOME/.gitconfig"
}
install()
{
	python_install "$site" "$1" torchtriton 3.0.0
	mkdir "$site/triton/runtime"
	cp "$twins/torchtriton/triton" "$site/triton/runtime/"
	cp "$folder/app.py" "$app/"
}
command=("$python" -S "$app/app.py" "$site")
