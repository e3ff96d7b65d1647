/* SPDX-License-Identifier: Apache-2.0
 *
 * The libraries of test_unwind_jumps.c, all of one file. Built at -O2: each function ends in a jump.
 */
int jump_end(void); /* of the test */
int jump_leaf(void);
int jump_mid(void);
int jump_through(int (*function)(void));
int jump_twin(int (*function)(void));
int jump_chosen(void);

#ifdef JUMP_LEAF
int jump_leaf(void)
{
	return jump_end();
}
#endif

#ifdef JUMP_MID
int jump_mid(void)
{
	return jump_leaf();
}

int jump_through(int (*function)(void))
{
	return function();
}

/* The other one of this name goes on to the test. */
int jump_chosen(void)
{
	return 1;
}
#endif

#ifdef JUMP_OTHER
int jump_chosen(void)
{
	return jump_end();
}
#endif

#if defined(JUMP_MID) || defined(JUMP_OTHER)
int jump_twin(int (*function)(void))
{
	return function();
}
#endif
