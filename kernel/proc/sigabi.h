/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sigabi.h: signals as user programs see them (book: abi 4)
 *
 * Offers    numbers, codes, flags, and the layouts that the kernel writes to
 *           and reads from user memory: siginfo, sigaction, the signal frame.
 * Needs     nothing.
 */
#ifndef PROC_SIGABI_H
#define PROC_SIGABI_H

#include "lib/types.h"

#define NSIG 64            /* highest number */
#define SIGRTMIN 32        /* from here on signals queue */

enum signo {
	SIGHUP = 1, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE,
	SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM,
	SIGSTKFLT, SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU,
	SIGURG, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO, SIGPWR,
	SIGSYS
};

#define SIGBIT(n) (1ul << ((n) - 1))

/* si_code */
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_SIGIO (-5)      /* a file is ready: where POLL_* mean something else */
#define SI_TKILL (-6)
#define POLL_IN 1
#define POLL_OUT 2
#define POLL_HUP 6
#define ILL_ILLOPN 2
#define FPE_INTDIV 1
#define FPE_FLTDIV 3
#define FPE_FLTOVF 4
#define FPE_FLTUND 5
#define FPE_FLTRES 6
#define FPE_FLTINV 7
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define TRAP_BRKPT 1
#define TRAP_TRACE 2
#define TRAP_HWBKPT 4
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_DUMPED 3
#define CLD_TRAPPED 4
#define CLD_STOPPED 5
#define CLD_CONTINUED 6

/* sa_flags */
#define SA_NOCLDSTOP 0x00000001ul
#define SA_NOCLDWAIT 0x00000002ul
#define SA_SIGINFO 0x00000004ul
#define SA_EXPOSE_TAGBITS 0x00000800ul /* of addresses, where they have any */
#define SA_RESTORER 0x04000000ul
#define SA_ONSTACK 0x08000000ul
#define SA_RESTART 0x10000000ul
#define SA_NODEFER 0x40000000ul
#define SA_RESETHAND 0x80000000ul
#define SA_KNOWN (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_EXPOSE_TAGBITS | \
	SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND)

#define SIG_DFL 0
#define SIG_IGN 1

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SS_ONSTACK 1
#define SS_DISABLE 2
#define SS_AUTODISARM (1u << 31)
#define MINSIGSTKSZ 2048

struct abi_sigaction {
	uint64_t handler;      /* SIG_DFL, SIG_IGN or an address */
	uint64_t flags;        /* SA_* */
	uint64_t restorer;
	uint64_t mask;
};

struct abi_siginfo {
	int32_t signo, err, code, pad0;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			uint64_t value;
		} rt;                  /* SI_USER, SI_QUEUE */
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status, pad;
			int64_t utime, stime;
		} chld;
		uint64_t addr;         /* faults */
		uint8_t bytes[112];
	};
};
_Static_assert(sizeof(struct abi_siginfo) == 128, "book: abi 4");

struct abi_stack {
	uint64_t sp;
	uint32_t flags, pad;
	uint64_t size;
};

enum abi_greg {
	GR_R8, GR_R9, GR_R10, GR_R11, GR_R12, GR_R13, GR_R14, GR_R15, GR_RDI,
	GR_RSI, GR_RBP, GR_RBX, GR_RDX, GR_RAX, GR_RCX, GR_RSP, GR_RIP,
	GR_EFLAGS, GR_CSGSFSSS, GR_ERR, GR_TRAPNO, GR_OLDMASK, GR_CR2,
	GR_COUNT
};

#define UC_SAVED_SS 6      /* uc_flags: SS is saved, restore it strictly */

struct abi_ucontext {
	uint64_t flags, link;
	struct abi_stack stack;
	uint64_t gregs[GR_COUNT];
	uint64_t fpstate;      /* address of the FXSAVE image */
	uint64_t reserved[8];
	uint64_t mask;
};
_Static_assert(sizeof(struct abi_ucontext) == 304, "book: abi 4");

/* What lies at rsp when a handler is entered; rsp % 16 == 8. */
struct abi_sigframe {
	uint64_t restorer;     /* where the handler returns to */
	struct abi_ucontext uc;
	struct abi_siginfo info;
};
_Static_assert(sizeof(struct abi_sigframe) == 440, "book: abi 4");

#endif
