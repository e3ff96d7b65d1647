# SPDX-License-Identifier: Apache-2.0
# image_make DIRECTORY OUTPUT: an initramfs of the built tree (at its own path), the tests' scripts,
# the programs they use, and every shared library these need. Whoever sources this adds its own
# files in image_extra, with $staging as the root.

# What scenarios call; those that are not here are left out, and the scenario says so.
image_programs="bash sh dash jq timeout env cat mktemp readlink chmod mkdir rm cp ln mv cmp diff grep sed
sort uniq head tail cut tr wc true false unshare mount setpriv basename dirname sleep touch id kill ls
awk mawk mkfifo xargs test printf seq date stat find openssl git python3 strace busybox chroot install
ldd objdump nproc tee sync"

image_file() # PATH: it, by every name on the way to it, and the libraries it needs
{
	local path=$1 library
	while :; do
		[ ! -e "$staging$path" ] || return 0
		mkdir -p "$staging${path%/*}"
		[ -L "$path" ] || break
		cp -P "$path" "$staging$path"
		case $(readlink "$path") in
		/*) path=$(readlink "$path") ;;
		*) path=$(realpath -s "${path%/*}/$(readlink "$path")") ;;
		esac
	done
	cp "$path" "$staging$path"
	# A line with "(0x" is about a library; of other kinds are the words about static files.
	ldd "$path" 2>/dev/null | sed -nE 's/^.*[ \t](\/[^ ]+) \(0x.*/\1/p' | while read -r library; do
		image_file "$library"
	done
}

image_skeleton()
{
	local name
	mkdir -p "$staging"/{proc,sys,dev,tmp,root,run,etc,var/lib/dpkg/info,usr/bin,usr/sbin,usr/lib,usr/lib64}
	for name in bin sbin lib lib64; do
		ln -s "usr/$name" "$staging/$name"
	done
	cp /etc/passwd /etc/group /etc/ld.so.cache /etc/nsswitch.conf "$staging/etc/"
	echo '127.0.0.1 localhost' >"$staging/etc/hosts"
	cp -r /etc/alternatives "$staging/etc/" 2>/dev/null
	mkdir -p "$staging/usr/lib/locale" && cp -r /usr/lib/locale/C.utf8 "$staging/usr/lib/locale/"
	# Which package owns a file decides what a profile may carry.
	cp /var/lib/dpkg/status "$staging/var/lib/dpkg/"
	cp /var/lib/dpkg/info/*.list "$staging/var/lib/dpkg/info/"
}

# What programs open by themselves: Python's library, character sets, the loader of musl's programs.
image_data()
{
	local directory version
	version=$(/usr/bin/python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])' 2>/dev/null)
	for directory in "/usr/lib/$version" /usr/lib/x86_64-linux-gnu/gconv; do
		[ -d "$directory" ] && [ "$directory" != /usr/lib/ ] || continue
		mkdir -p "$staging$directory"
		tar -C "$directory" --exclude=test --exclude=__pycache__ --exclude='config-*' \
			--exclude=idlelib --exclude=lib2to3 -cf - . | tar -C "$staging$directory" -xf -
	done
	find "$staging/usr/lib/$version/lib-dynload" -name '*.so' 2>/dev/null | while read -r directory; do
		rm "$directory"
		image_file "${directory#"$staging"}"
	done
	for directory in /lib/ld-musl-*.so.1; do
		[ ! -e "$directory" ] || image_file "$(realpath -s "$directory")"
	done
}

image_make()
{
	local staging=$1 output=$2 program file
	rm -rf "$staging"
	image_skeleton
	for program in $image_programs; do
		# The system's own, not what a version manager puts before it.
		file=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin type -P "$program") && image_file "$file"
	done
	image_data
	for file in $(find "$SOWATCH_BUILD"/bin "$SOWATCH_BUILD"/lib "$SOWATCH_BUILD"/tests/subjects \
		"$SOWATCH_BUILD"/tests/qemu -type f \( -perm -u+x -o -name '*.so*' -o -name '*.bpf.o' \) \
		-not -path '*/CMakeFiles/*') /usr/lib/x86_64-linux-gnu/libunwind.so.8 \
		/usr/lib/x86_64-linux-gnu/libgcc_s.so.1; do
		[ ! -e "$file" ] || image_file "$file"
	done
	mkdir -p "$staging$root/tests"
	cp -r "$root/policies" "$staging$root/"
	for file in lib scenario evasion qemu hook; do
		cp -r "$root/tests/$file" "$staging$root/tests/"
	done
	cp "$root/tests/qemu/init.sh" "$staging/init"
	chmod 755 "$staging/init"
	image_extra
	(cd "$staging" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$output"
}
