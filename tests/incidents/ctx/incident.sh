# SPDX-License-Identifier: Apache-2.0
. "$scenario_dir/lib/python_twin.sh"
export DUMMY_KEY=DUMMY DUMMY_SECRET=not-a-secret
install()
{
	python_install "$site" "$1" ctx 0.2.6
	cp "$folder/app.py" "$app/"
}
command=("$python" -S "$app/app.py" "$site")
damaged() { grep -q '^rogue GET' "$work/peers/received"; }
spared() { ! grep -q '^rogue' "$work/peers/received"; }
