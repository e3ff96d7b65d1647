#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Small tools: sqlite3, ssh-keygen, gpg, tar with xz, zstd and gzip, perl, ruby, sort, find.
. "$(dirname "$0")/lib.sh"

need_program sqlite3 ssh-keygen gpg tar xz zstd perl ruby
quiet sqlite -- sqlite3 x.db 'create table t (n); insert into t values (1), (2); select sum(n) from t; vacuum; pragma integrity_check;'
quiet ssh-keygen -- bash -c 'ssh-keygen -q -t rsa -b 2048 -N "" -f key && ssh-keygen -y -f key >key.again && cut -d" " -f1,2 key.pub | cmp - <(cut -d" " -f1,2 key.again) && echo same'
quiet gpg --any-stderr -- bash -c 'export GNUPGHOME=$TMPDIR/g; mkdir -m 700 $GNUPGHOME
gpg --batch --quiet --passphrase "" --quick-generate-key tester@example.org default default never
seq 100 >text; gpg --batch --yes --quiet --sign text && gpg --batch --quiet --verify text.gpg && gpg --batch --quiet --passphrase x --pinentry-mode loopback -c text && echo fine; gpgconf --kill all'
quiet tar -- bash -c 'mkdir d && seq 20000 >d/a && seq 30000 >d/b && for how in J z --zstd; do tar c${how#--zstd}f x.tar $( [ $how = --zstd ] && echo --zstd ) d 2>/dev/null || tar -c --zstd -f x.tar d; tar tf x.tar | sort; done; xz -9 -T2 -k d/a; xz -dc d/a.xz | md5sum; zstd -q -T2 d/b; zstd -dcq d/b.zst | md5sum'
quiet perl -- perl -MFile::Temp -MFile::Find -MPOSIX -MSocket -MIO::Socket -e 'my $t = File::Temp->new; print $t "x"; find(sub { }, "/usr/share/perl"); print POSIX::strftime("%Y", gmtime(0)), "\n"; print qx(echo child); print scalar(getpwuid($<)), "\n"; print inet_ntoa(scalar gethostbyname("localhost")), "\n"'
quiet ruby -- ruby -rjson -rsocket -rtempfile -rdigest -e 'puts JSON.generate([1]); s = TCPServer.new("127.0.0.1", 0); t = Thread.new { c = s.accept; c.puts "hi"; c.close }; puts TCPSocket.new("127.0.0.1", s.addr[1]).gets; t.join; Tempfile.create { |f| f.puts 1 }; puts `echo child`; puts Digest::SHA256.hexdigest("x")[0, 8]'
quiet shell -- bash -c 'find /usr/include -name "std*.h" | sort | head -3; seq 200000 | sort -rn -S 1M -T "$TMPDIR" | head -1; ls -l / >/dev/null; date -d @0 +%Y; id -un; env -i env; awk "BEGIN { print 1 + 1 }"; grep -rl "stdio" /usr/include/std*.h | head -1; du -s /usr/include/linux >/dev/null; df / >/dev/null; ps >/dev/null; diff <(seq 3) <(seq 4) || true'
