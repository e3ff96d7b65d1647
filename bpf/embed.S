/* SPDX-License-Identifier: Apache-2.0 */
	.section .rodata
	.balign 8
	.globl probes_object
	.globl probes_object_end
probes_object:
	.incbin PROBES
probes_object_end:
	.byte 0
	.section .note.GNU-stack,"",@progbits
