/* SPDX-License-Identifier: Apache-2.0 */
/* libgappy: linked for pages of 2 MiB, so that most of what lies between its segments cannot be
 * read; and its one function, which leaves by a jump, holds bytes that look like jumps through
 * words in there. Real libraries of this shape: whatever was linked with binutils before 2.30. */
#if __x86_64__
int gappy_open(const char *path);
#define LOOKS_LIKE_A_JUMP(offset) "	.byte 0xff, 0x25\n	.long " #offset "\n"
__asm__("	.text\n"
	"	.globl gappy_open\n"
	"	.type gappy_open, @function\n"
	"gappy_open:\n"
	"	.cfi_startproc\n"
	"	jmp 1f\n"
	LOOKS_LIKE_A_JUMP(0x80000) LOOKS_LIKE_A_JUMP(0x80001) LOOKS_LIKE_A_JUMP(0x80002)
	LOOKS_LIKE_A_JUMP(0x80003) LOOKS_LIKE_A_JUMP(0x80004) LOOKS_LIKE_A_JUMP(0x80005)
	LOOKS_LIKE_A_JUMP(0x80006) LOOKS_LIKE_A_JUMP(0x80007)
	"1:	mov open@GOTPCREL(%rip), %rax\n"
	"	xor %esi, %esi\n"
	"	jmp *%rax\n"
	"	.cfi_endproc\n"
	"	.size gappy_open, . - gappy_open\n");
#endif
