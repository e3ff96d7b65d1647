#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# apt-get update and download against a repository of our own, in a place of its own.
. "$(dirname "$0")/lib.sh"

need_root
need_program apt-get dpkg-deb dpkg-scanpackages
port=$(free_port)
mkdir -p "$TMPDIR" "$work/repo" "$work/pkg/DEBIAN"
printf 'Package: sowatch-nothing\nVersion: 1\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: nothing\n' >"$work/pkg/DEBIAN/control"
dpkg-deb -b "$work/pkg" "$work/repo/nothing_1_all.deb" >/dev/null
(cd "$work/repo" && dpkg-scanpackages -m . >Packages 2>/dev/null && gzip -k Packages)
serve http 127.0.0.1 "$port" "$work/repo"
prepare()
{
	mkdir -p state/lists/partial cache/archives/partial etc
	echo "deb [trusted=yes] http://127.0.0.1:$port ./" >etc/sources.list
	cat >apt.conf <<CONF
Dir::State "$cwd/state";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$cwd/cache";
Dir::Etc::sourcelist "$cwd/etc/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
APT::Sandbox::User "root";
Acquire::Languages "none";
CONF
}
quiet update --any-stderr --filter '/Fetched|Get:|Ign:|Reading|^[0-9]+%/d' -- bash -c 'export APT_CONFIG=$PWD/apt.conf; apt-get -q update && apt-get -q download sowatch-nothing && ls *.deb && apt-cache policy sowatch-nothing | head -3'
expect "the package came" grep -qx sowatch-nothing_1_all.deb "$here/out"
