/* SPDX-License-Identifier: MIT */
/*
 * clone(2) with a new stack cannot be called from C: the child returns to a
 * stack that has nothing on it. The function's address travels there.
 */
#include "safe/spawn.h"

__asm__(".text\n"
	".globl spawn\n"
	".hidden spawn\n"
	".type spawn, @function\n"
	".p2align 4\n"
	"spawn:\n"
	"	.cfi_startproc\n"
	"	subq $16, %rsi\n"
	"	movq %r8, (%rsi)\n"
	"	movq %rcx, %r10\n"
	"	xorl %r8d, %r8d\n"
	"	movl $56, %eax\n" /* SYS_clone */
	"	syscall\n"
	"	testq %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:\n"
	"	.cfi_undefined rip\n"
	"	xorl %ebp, %ebp\n"
	"	movq (%rsp), %rax\n"
	"	addq $16, %rsp\n"
	"	call *%rax\n"
	"	hlt\n"
	"	.cfi_endproc\n"
	".size spawn, .-spawn\n");
