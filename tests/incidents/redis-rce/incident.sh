# SPDX-License-Identifier: Apache-2.0
. "$scenario_dir/lib/python_twin.sh"
install()
{
	python_install "$site" "$1" redis 4.5.1
	cp "$folder/app.py" "$app/"
}
command=("$python" -S "$app/app.py" "$site")
damaged() { [ -e "$HOME/planted" ]; }
spared() { [ ! -e "$HOME/planted" ]; }
