# SPDX-License-Identifier: Apache-2.0
install()
{
	cp "$twins/sunburst/orion_host" "$twins/sunburst/$1/liborion_bl.so" "$app/"
	echo 'ReportWatcherRetry=3' >"$app/bl.config"
}
command=("$app/orion_host" "$app")
damaged() { grep -q '^rogue PUT' "$work/peers/received"; }
spared() { ! grep -q '^rogue' "$work/peers/received"; }
