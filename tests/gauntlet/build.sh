#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make and gcc building a small project with a configure script, a library and its test.
. "$(dirname "$0")/lib.sh"

need_program make gcc
prepare()
{
	cat >configure <<'SH'
#!/bin/sh
echo 'int main(void) { return 0; }' >conftest.c
${CC-cc} -o conftest conftest.c && ./conftest && echo "checking whether the compiler works... yes"
echo "CFLAGS = -O2 -fPIC" >config.mk
rm -f conftest conftest.c
SH
	chmod +x configure
	echo 'int twice(int n) { return 2 * n; }' >twice.c
	printf '#include <stdio.h>\n#include <math.h>\nint twice(int);\nint main(void) { printf("%%d %%.2f\\n", twice(21), sqrt(twice(1))); return 0; }\n' >main.c
	printf 'include config.mk\nall: main\nlibtwice.so: twice.o\n\t$(CC) -shared -o $@ $^\nmain: main.o libtwice.so\n\t$(CC) -o $@ main.o -L. -ltwice -lm -Wl,-rpath,.\ncheck: main\n\t./main\nclean:\n\trm -f *.o *.so main\n' >Makefile
}
quiet build --any-stderr -- sh -c './configure && make -s -j2 && make -s check && make -s clean && ls'
expect "what was built ran" grep -qx "42 1.41" "$here/out"
