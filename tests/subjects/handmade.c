/* SPDX-License-Identifier: Apache-2.0 */
/* handmade HOW FILE: has libopener open FILE on stacks that no unwinder can be sure of. HOW:
 *   none     a coroutine whose stack ends with its mapping, no return address in its first frame
 *   zero     one with a return address of zero, as careful people leave it
 *   garbage  one with letters there      code     one with an address inside some function
 *   overflow from the handler, on an alternate stack, of the overflow of the main one */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "libs.h"
#include "subject.h"

#if __x86_64__
void switch_to(void **ret_from, void *to);
__asm__("	.text\n"
	"switch_to:\n"
	"	push %rbp\n	push %rbx\n	push %r12\n"
	"	push %r13\n	push %r14\n	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n"
	"	pop %r12\n	pop %rbx\n	pop %rbp\n"
	"	ret\n");
#endif

#define BYTES 65536
static void *main_sp, *coroutine_sp;
static const char *file;
static volatile int result;

static void coroutine(void)
{
	for (;;) {
		result = opener_open(file);
		switch_to(&coroutine_sp, main_sp);
	}
}

static void run(const char *how)
{
	char *stack = mmap(NULL, BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	void **top = (void **)(void *)(stack + BYTES);

	want(stack != MAP_FAILED && !munmap(top, 4096), "mmap");
	memset(stack, strcmp(how, "garbage") ? 0 : 'A', BYTES);
	if (strcmp(how, "none"))
		top--;
	if (!strcmp(how, "code"))
		*top = (char *)coroutine + 9;
	*--top = (void *)coroutine;
	coroutine_sp = top - 6;
	for (int i = 0; i < 3; i++) {
		switch_to(&main_sp, coroutine_sp);
		want(result >= 0, file);
	}
	puts("came back");
}

static void overflown(int number)
{
	static const char text[] = "handled\n";

	(void)number;
	_exit(opener_open(file) < 0 || write(1, text, sizeof(text) - 1) < 0 ? 1 : 7);
}

static volatile int is_endless = 1;

static int fall(volatile char *above)
{
	volatile char here[4096];

	here[0] = above ? *above : 0;
	return is_endless ? fall(here) + here[1] : 0;
}

static void overflow(void)
{
	static char room[65536];
	stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };
	struct sigaction action = { .sa_handler = overflown, .sa_flags = SA_ONSTACK };

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	fall(NULL);
}

int main(int argc, char **argv)
{
	want(argc > 2, "usage");
	file = argv[2];
	if (!strcmp(argv[1], "overflow"))
		overflow();
	run(argv[1]);
	return 0;
}
