# SPDX-License-Identifier: Apache-2.0
. "$scenario_dir/lib/python_twin.sh"
peer_files()
{
	echo weights >"$work/peers/cdn/weights.pt"
	cp "$twins/ultralytics/ultralytics_runner" "$work/peers/cdn/blob"
}
install()
{
	python_install "$site" "$1" ultralytics 8.3.41
	cp "$folder/app.py" "$app/"
}
command=("$python" -S "$app/app.py" "$site")
damaged() { grep -q '^rogue GET' "$work/peers/received"; }
spared() { ! grep -q '^rogue' "$work/peers/received"; }
