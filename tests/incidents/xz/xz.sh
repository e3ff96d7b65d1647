# SPDX-License-Identifier: Apache-2.0
# All three forms; which one is the folder's name.
install()
{
	cp "$twins/$incident/sshd" "$app/sshd"
	cp "$twins/$incident/$1/liblzma.so.5" "$app/"
}
command=("$app/sshd")
damaged() { [ -s "$HOME/planted" ]; }
spared() { [ ! -e "$HOME/planted" ]; }
