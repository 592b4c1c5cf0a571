/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_ptrace.c: ptrace(2), decoded, and memory of other processes
 *
 * Problem   Requests of a tracer name registers by their place in Linux's struct
 *           user; proc/ knows a struct trapframe.
 *
 * Picture   request ─→ trace_order(): a copy ─→ struct user ─→ the tracer
 *                      trace_order() ←─ checked ←─ struct user
 *           PEEK, POKE ─→ as_force(): as a debugger
 *           process_vm_* ─→ two struct uio: as the process
 *
 * Rules     1. A tracee that is not stopped is -ESRCH, before all other errors.
 *           2. Selectors cannot be changed.
 *           3. Registers get only values that a signal frame could set, too.
 *
 * Read next proc/ptrace.c, vm/access/uaccess.c.  Book: ch09.
 */
#include "sys/filecall.h"
#include "sys/sys.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "proc/tracee.h"

#define USER_BYTES 928u          /* struct user */
#define USER_DEBUG 848u          /* eight debug registers in it */
#define USER_DEBUG_END 912u
#define NT_PRSTATUS 1
#define NT_PRFPREG 2
#define NT_X86_XSTATE 0x202
#define AUDIT_ARCH_X86_64 0xc000003eu
#define ERRNO_MOST 4095

/* To the caller, or from it. */
enum way { WAY_OUT, WAY_IN };

/* struct user_regs_struct, in words. */
enum user_reg {
	UR_R15, UR_R14, UR_R13, UR_R12, UR_RBP, UR_RBX, UR_R11, UR_R10, UR_R9,
	UR_R8, UR_RAX, UR_RCX, UR_RDX, UR_RSI, UR_RDI, UR_ORIG, UR_RIP, UR_CS,
	UR_FLAGS, UR_RSP, UR_SS, UR_FS_BASE, UR_GS_BASE, UR_DS, UR_ES, UR_FS,
	UR_GS, UR_COUNT
};

#define UR_BYTES (UR_COUNT * 8u)

/* What a stop at a call is about. */
struct abi_call_info {
	uint8_t op, pad[3];      /* enum trace_call */
	uint32_t arch;
	uint64_t ip, sp;
	union {
		struct {
			uint64_t nr, args[6];
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
	};
};
_Static_assert(sizeof(struct abi_call_info) == 80, "Linux");

/* ---- registers ---- */

/* Which word of the frame a register is; NULL: none. */
static uint64_t *
frame_word(struct trapframe *tf, unsigned reg)
{
	uint64_t *const words[UR_COUNT] = {
		[UR_R15] = &tf->r15, [UR_R14] = &tf->r14, [UR_R13] = &tf->r13,
		[UR_R12] = &tf->r12, [UR_RBP] = &tf->rbp, [UR_RBX] = &tf->rbx,
		[UR_R11] = &tf->r11, [UR_R10] = &tf->r10, [UR_R9] = &tf->r9,
		[UR_R8] = &tf->r8, [UR_RAX] = &tf->rax, [UR_RCX] = &tf->rcx,
		[UR_RDX] = &tf->rdx, [UR_RSI] = &tf->rsi, [UR_RDI] = &tf->rdi,
		[UR_ORIG] = &tf->error, [UR_RIP] = &tf->rip, [UR_CS] = &tf->cs,
		[UR_FLAGS] = &tf->rflags, [UR_RSP] = &tf->rsp,
		[UR_SS] = &tf->ss,
	};

	return words[reg];
}

static uint64_t
get_reg(struct trace_regs *r, unsigned reg)
{
	const uint64_t *word = frame_word(&r->frame, reg);

	return word != NULL ? *word : reg == UR_FS_BASE ? r->fsbase :
	    reg == UR_GS_BASE ? r->gsbase : 0;
}

/* 0, -EIO: rule 2. */
static int
put_reg(struct trace_regs *r, unsigned reg, uint64_t v)
{
	uint64_t *word = frame_word(&r->frame, reg), now = r->frame.rflags;
	uint64_t *base = reg == UR_FS_BASE ? &r->fsbase :
	    reg == UR_GS_BASE ? &r->gsbase : NULL;

	if (reg == UR_CS || reg == UR_SS)
		return (uint16_t)v == (uint16_t)*word ? 0 : -EIO;
	if (base != NULL && v < MD_USER_END)
		*base = v;
	else if (base != NULL || word == NULL)
		return base == NULL && v == 0 ? 0 : -EIO;
	else
		*word = v;
	if (reg == UR_FLAGS)
		(void)md_frame_sanitize(&r->frame, now);
	return 0;
}

/* Registers first … of a tracee come from buf. */
static int
put_regs(int tid, const uint64_t *buf, unsigned first, unsigned n)
{
	struct trace_regs regs;
	struct trace_order o = { .regs = &regs };
	int r = trace_order(tid, PTRACE_GETREGS, &o);

	for (unsigned i = 0; r == 0 && i < n; i++)
		r = put_reg(&regs, first + i, buf[i]);
	return r == 0 ? trace_order(tid, PTRACE_SETREGS, &o) : r;
}

static int
get_regs(int tid, uint64_t buf[UR_COUNT])
{
	struct trace_regs regs;
	int r = trace_order(tid, PTRACE_GETREGS, &(struct trace_order){ .regs = &regs });

	for (unsigned i = 0; r == 0 && i < UR_COUNT; i++)
		buf[i] = get_reg(&regs, i);
	return r;
}

/* ---- registers as the tracer asks for them ---- */

static int64_t
peek_user(int tid, uint64_t at, va_t data)
{
	struct trace_order o = { .debug = (unsigned)(at - USER_DEBUG) / 8 };
	uint64_t regs[UR_COUNT];

	if (at % 8 != 0 || at >= USER_BYTES)
		return -EIO;
	if (at < UR_BYTES) {
		if (get_regs(tid, regs) != 0)
			return -ESRCH;
		o.value = regs[at / 8];
	} else if (at >= USER_DEBUG && at < USER_DEBUG_END) {
		if (trace_order(tid, PTRACE_PEEKUSER, &o) != 0)
			return -ESRCH;
	}
	return copyout(data, &o.value, sizeof(o.value));
}

static int64_t
poke_user(int tid, uint64_t at, uint64_t v)
{
	struct trace_order o = { .debug = (unsigned)(at - USER_DEBUG) / 8, .value = v };

	if (at % 8 != 0 || at >= USER_BYTES)
		return -EIO;
	if (at < UR_BYTES)
		return put_regs(tid, &v, (unsigned)at / 8, 1);
	if (at >= USER_DEBUG && at < USER_DEBUG_END)
		return trace_order(tid, PTRACE_POKEUSER, &o);
	return -EIO;
}

/* The first n bytes of the general registers. */
static int64_t
move_regs(int tid, va_t data, size_t n, enum way dir)
{
	uint64_t regs[UR_COUNT];
	int r = get_regs(tid, regs);

	if (r != 0)
		return r;
	if (dir == WAY_OUT)
		return copyout(data, regs, n);
	if (copyin(regs, data, n) != 0)
		return -EFAULT;
	return put_regs(tid, regs, 0, (unsigned)(n / 8));
}

/* arch_prctl(2) for the tracee; what is asked for goes to the tracer. */
static int64_t
arch_prctl_of(int tid, uint32_t what, uint64_t arg)
{
	unsigned reg = what == ARCH_SET_FS || what == ARCH_GET_FS ? UR_FS_BASE : UR_GS_BASE;
	uint64_t regs[UR_COUNT];
	int r;

	switch (what) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		return arg >= MD_USER_END ? -EPERM : put_regs(tid, &arg, reg, 1);
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		r = get_regs(tid, regs);
		return r != 0 ? r : copyout(arg, &regs[reg], sizeof(regs[reg]));
	}
	return -EINVAL;
}

/* Of the FP registers: to be set they are wanted whole. */
static int64_t
move_fpu(int tid, va_t data, size_t n, enum way dir)
{
	struct trace_regs regs;
	struct trace_order o = { .regs = &regs };
	int64_t r;

	if (dir == WAY_IN && n != MD_FPU_SIZE)
		return -EINVAL;
	r = trace_order(tid, PTRACE_GETREGS, &o);
	if (r != 0)
		return r;
	if (dir == WAY_OUT)
		return copyout(data, regs.fpu, n);
	if (copyin(regs.fpu, data, n) != 0)
		return -EFAULT;
	return !md_fpu_is_valid(regs.fpu) ? -EINVAL : trace_order(tid, PTRACE_SETREGS, &o);
}

/* A set by the number of its note in a core file; how much of it was moved is said. */
static int64_t
move_set(int tid, uint64_t note, va_t at, enum way dir)
{
	struct abi_iovec iov;
	int64_t r;

	if (copyin(&iov, at, sizeof(iov)) != 0)
		return -EFAULT;
	if (iov.len % 8 != 0)
		return -EINVAL;
	switch ((uint32_t)note) {
	case NT_PRSTATUS:
		iov.len = MIN(iov.len, UR_BYTES);
		r = move_regs(tid, iov.base, iov.len, dir);
		break;
	case NT_PRFPREG:
		iov.len = MIN(iov.len, MD_FPU_SIZE);
		r = move_fpu(tid, iov.base, iov.len, dir);
		break;
	case NT_X86_XSTATE:
		return -ENODEV; /* as Linux on a processor without XSAVE */
	default:
		return -EINVAL;
	}
	return r != 0 ? r : copyout(at + offsetof(struct abi_iovec, len),
	    &iov.len, sizeof(iov.len));
}

/* ---- memory ---- */

static int64_t
move_word(int tid, va_t at, uint64_t *word, enum access access)
{
	struct trace_order o;
	int r = trace_order(tid, PTRACE_PEEKDATA, &o);
	ssize_t n;

	if (r != 0)
		return r;
	n = as_force(o.as, at, word, sizeof(*word), access);
	as_put(o.as);
	return n == sizeof(*word) ? 0 : -EIO;
}

static int64_t
peek(int tid, va_t at, va_t data)
{
	uint64_t word;
	int64_t r = move_word(tid, at, &word, ACCESS_READ);

	return r != 0 ? r : copyout(data, &word, sizeof(word));
}

/* ---- signals ---- */

static int64_t
move_mask(int tid, uint32_t request, uint64_t size, va_t data)
{
	bool out = request == PTRACE_GETSIGMASK;
	struct trace_order o;
	int r;

	if (size != sizeof(o.value))
		return -EINVAL;
	if (!out && copyin(&o.value, data, sizeof(o.value)) != 0)
		return -EFAULT;
	r = trace_order(tid, request, &o);
	return r != 0 || !out ? r : copyout(data, &o.value, sizeof(o.value));
}

/* ---- what the stop is ---- */

static int64_t
get_info(const struct trace_order *is, va_t data)
{
	struct abi_siginfo si;

	if (is->info.signo == 0)
		return -EINVAL;
	sig_to_abi(&is->info, &si);
	return copyout(data, &si, sizeof(si));
}

static int64_t
set_info(int tid, va_t data)
{
	struct trace_order o;
	struct abi_siginfo si;

	if (copyin(&si, data, sizeof(si)) != 0)
		return -EFAULT;
	memcpy(&o.info, &si, sizeof(o.info));
	return trace_order(tid, PTRACE_SETSIGINFO, &o);
}

/* Which call it stops at, if it is one: only with TRACE_SYSGOOD is that known. */
static int64_t
get_call(int tid, const struct trace_order *is, uint64_t size, va_t data)
{
	struct abi_call_info ci = { .arch = AUDIT_ARCH_X86_64 };
	uint64_t bytes = offsetof(struct abi_call_info, entry);
	uint64_t regs[UR_COUNT];
	int r = get_regs(tid, regs);

	if (r != 0)
		return r;
	ci.ip = regs[UR_RIP];
	ci.sp = regs[UR_RSP];
	if (is->info.signo != 0 && is->info.code == (SIGTRAP | 0x80))
		ci.op = (uint8_t)is->message;
	if (ci.op == TRACE_CALL_ENTRY) {
		ci.entry.nr = (uint64_t)(int32_t)regs[UR_ORIG];
		for (unsigned i = 0; i < 6; i++)
			ci.entry.args[i] = regs[(const uint8_t[]){ UR_RDI,
			    UR_RSI, UR_RDX, UR_R10, UR_R8, UR_R9 }[i]];
		bytes = offsetof(struct abi_call_info, entry.args[6]);
	} else if (ci.op == TRACE_CALL_EXIT) {
		ci.exit.rval = (int64_t)regs[UR_RAX];
		ci.exit.is_error = regs[UR_RAX] >= (uint64_t)-ERRNO_MOST;
		bytes = offsetof(struct abi_call_info, exit.is_error) + 1;
	}
	return copyout(data, &ci, MIN(bytes, size)) != 0 ? -EFAULT :
	    (int64_t)bytes;
}

/* ---- requests ---- */

/* A thread is looked for before its options are.  0, -ESRCH, -EIO, -EPERM, -ENOMEM. */
static int64_t
seize(int tid, uint64_t addr, uint64_t options)
{
	struct proc *p = proc_lookup(tid);

	if (p == NULL)
		return -ESRCH;
	proc_put(p);
	if (addr != 0 || (options & ~(uint64_t)TRACE_OPTIONS) != 0)
		return -EIO;
	return trace_attach(tid, TRACE_SEIZE, (unsigned)options);
}

/* Of one that is stopped, as o says. */
static int64_t
ask(uint32_t request, int tid, uint64_t addr, uint64_t data,
    struct trace_order *o)
{
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(tid, addr, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return move_word(tid, addr, &data, ACCESS_WRITE);
	case PTRACE_PEEKUSER:
		return peek_user(tid, addr, data);
	case PTRACE_POKEUSER:
		return poke_user(tid, addr, data);
	case PTRACE_GETREGS:
		return move_regs(tid, data, UR_BYTES, WAY_OUT);
	case PTRACE_SETREGS:
		return move_regs(tid, data, UR_BYTES, WAY_IN);
	case PTRACE_GETFPREGS:
		return move_fpu(tid, data, MD_FPU_SIZE, WAY_OUT);
	case PTRACE_SETFPREGS:
		return move_fpu(tid, data, MD_FPU_SIZE, WAY_IN);
	case PTRACE_GETREGSET:
		return move_set(tid, addr, data, WAY_OUT);
	case PTRACE_SETREGSET:
		return move_set(tid, addr, data, WAY_IN);
	case PTRACE_ARCH_PRCTL:
		return arch_prctl_of(tid, (uint32_t)data, addr);
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return move_mask(tid, request, addr, data);
	case PTRACE_OLDSETOPTIONS:
	case PTRACE_SETOPTIONS:
		if ((data & ~(uint64_t)TRACE_OPTIONS) != 0)
			return -EINVAL;
		o->options = (unsigned)data;
		return trace_order(tid, PTRACE_SETOPTIONS, o);
	case PTRACE_GETEVENTMSG:
		return copyout(data, &o->message, sizeof(o->message));
	case PTRACE_GETSIGINFO:
		return get_info(o, data);
	case PTRACE_SETSIGINFO:
		return set_info(tid, data);
	case PTRACE_GET_SYSCALL_INFO:
		return get_call(tid, o, addr, data);
	default:
		o->signo = data > NSIG ? -1 : (int)data;
		return trace_order(tid, request, o);
	}
}

int64_t
sys_ptrace(const uint64_t a[6])
{
	uint32_t request = a[0] > UINT32_MAX ? UINT32_MAX : (uint32_t)a[0];
	struct trace_order o;
	int r, tid = (int)a[1];

	switch (request) {
	case PTRACE_TRACEME:
		return trace_me();
	case PTRACE_ATTACH:
		return trace_attach(tid, TRACE_ATTACH, 0);
	case PTRACE_SEIZE:
		return seize(tid, a[2], a[3]);
	case PTRACE_KILL:
	case PTRACE_INTERRUPT:
		return trace_order(tid, request, &o);
	}
	r = trace_order(tid, PTRACE_GETSIGINFO, &o);
	return r != 0 ? r : ask(request, tid, a[2], a[3], &o);
}

/* ---- process_vm_readv, process_vm_writev ---- */

/* From one to the other, a page at a time; short where either ends. */
static int64_t
move_between(struct uio *from, struct uio *to)
{
	char *buf = kmem_alloc(PAGE_SIZE);
	int64_t done = 0;
	ssize_t n, want;

	if (buf == NULL)
		return -ENOMEM;
	do {
		want = (ssize_t)MIN(MIN(from->left, to->left), PAGE_SIZE);
		n = uio_get(from, buf, (size_t)want);
		if (n > 0)
			n = uio_put(to, buf, (size_t)n);
		done += MAX(n, 0);
	} while (n == want && from->left > 0 && to->left > 0 && !thread_is_killed());
	kmem_free(buf);
	return done > 0 ? done : n;
}

static int64_t
vm_move(const uint64_t a[6], enum way dir)
{
	struct uio near = { .as = as_current(), .nvec = (unsigned)a[2] };
	struct uio far = { .nvec = (unsigned)a[4] };
	struct uio_vec *mine, *theirs = NULL;
	int64_t r;

	if (a[5] != 0)
		return -EINVAL;
	r = a[2] > IOV_MAX ? -EINVAL :
	    sys_iov_copyin(a[1], (int)a[2], &mine, &near.left);
	if (r != 0)
		return r;
	if (near.left > 0)
		r = a[4] > IOV_MAX ? -EINVAL :
		    sys_iov_copyin(a[3], (int)a[4], &theirs, &far.left);
	if (r == 0 && far.left > 0)
		r = trace_space_of((int)a[0], &far.as);
	if (r == 0 && far.left > 0) {
		near.vec = mine;
		far.vec = theirs;
		r = dir == WAY_OUT ? move_between(&far, &near) : move_between(&near, &far);
		as_put(far.as);
	}
	sys_iov_free(mine, a[2]);
	if (theirs != NULL)
		sys_iov_free(theirs, a[4]);
	return r;
}

int64_t
sys_process_vm_readv(const uint64_t a[6])
{
	return vm_move(a, WAY_OUT);
}

int64_t
sys_process_vm_writev(const uint64_t a[6])
{
	return vm_move(a, WAY_IN);
}
