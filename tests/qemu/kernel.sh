# SPDX-License-Identifier: Apache-2.0
# kernel_get DIRECTORY: the kernel of Debian's linux-image-amd64, taken out of the package, not
# installed; its path on stdout. Kept in DIRECTORY. Else 1, and the reason on stdout.

kernel_get()
{
	local directory=$1 package found
	found=$(kernel_kept "$directory") && { echo "$found"; return 0; }
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "no apt here"; return 1; }
	package=$(kernel_package)
	if [ -z "$package" ]; then
		apt-get update -qq >/dev/null 2>&1
		package=$(kernel_package)
	fi
	[ -n "$package" ] || { echo "apt knows no linux-image-amd64"; return 1; }
	mkdir -p "$directory/download" &&
		(cd "$directory/download" && apt-get download -qq "$package" >/dev/null 2>&1) ||
		{ echo "apt could not download $package"; return 1; }
	dpkg-deb --fsys-tarfile "$directory/download/$package"_*.deb |
		tar -x -C "$directory" --strip-components=2 --wildcards './boot/vmlinuz-*'
	rm -rf "$directory/download"
	kernel_kept "$directory" || { echo "no kernel in $package"; return 1; }
}

kernel_kept() { ls "$1"/vmlinuz-* 2>/dev/null | sort -V | tail -n 1 | grep .; }

# linux-image-amd64 only depends on the one of the day.
kernel_package()
{
	apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1
}
