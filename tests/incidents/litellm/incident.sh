# SPDX-License-Identifier: Apache-2.0
# A .pth file works only where site looks: a virtual environment, made once.
. "$scenario_dir/lib/python_twin.sh"
home()
{
	mkdir "$HOME/.aws"
	echo DUMMY >"$HOME/.aws/credentials"
	echo DUMMY >"$HOME/.pgpass"
}
install()
{
	[ -d "$work/venv" ] || "$python" -m venv --without-pip "$work/venv" || { fail "no venv"; exit 1; }
	cp -r "$work/venv" "$app/venv"
	sed -i "s,$work/venv,$app/venv,g" "$app/venv/pyvenv.cfg"
	python_install "$(echo "$app"/venv/lib/python3*/site-packages)" "$1" litellm 1.82.8
	cp "$folder/app.py" "$app/"
	cp "$folder/program.py" "$app/venv/"
}
command=("$app/venv/bin/python3" "$app/app.py")
damaged() { grep -q '^rogue POST' "$work/peers/received"; }
spared() { ! grep -q '^rogue' "$work/peers/received"; }
