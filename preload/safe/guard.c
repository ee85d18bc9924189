/* SPDX-License-Identifier: MIT */
/*
 * The one instruction that may fault. In assembly, because its address must
 * be known; struct guarded comes back in rax and rdx.
 */
#include "safe/guard.h"

__asm__(".text\n"
	".globl guard_load, guard_instruction, guard_fixup\n"
	".hidden guard_load, guard_instruction, guard_fixup\n"
	".type guard_load, @function\n"
	".p2align 4\n"
	"guard_load:\n"
	"	.cfi_startproc\n"
	"	xorl %edx, %edx\n"
	"guard_instruction:\n"
	"	movq (%rdi), %rax\n"
	"	ret\n"
	"guard_fixup:\n"
	"	xorl %eax, %eax\n"
	"	movl $1, %edx\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size guard_load, .-guard_load\n");
