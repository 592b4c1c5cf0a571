/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libt.c: a program's beginning, system calls, children, meant faults
 *
 * Problem   A test must not depend on parts of the kernel that its lab has not
 *           come to: no copy on write for a stack or for data, no allocator.
 *
 * Picture   _start: private stack of exec ─→ shared stack ─→ main()
 *           child(): clone with the top of another shared stack
 *
 * Rules     1. No variable outlives a function: state is on the stack or in
 *              memory that the test has mapped.
 *           2. Plain Linux calls: each test runs on Linux as well.
 */
#include "libt.h"

#define STACK_PAGES 8
#define STACK_ROOM 64 /* between the top and the end of the memory */
#define PR_VMM_MARK 0x564e

/* ---- calls ---- */

long
sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
	    : "=a"(r)
	    : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	    : "rcx", "r11", "memory");
	return r;
}

void *
map(void *at, u64 bytes, int prot, int flags, int fd, u64 off)
{
	return (void *)sys6(9, (long)at, (long)bytes, prot, flags, fd,
	    (long)off);
}

static void *
need(void *p)
{
	EXPECT((long)p > 0);
	return p;
}

void *
anon(u64 pages)
{
	return need(map(NULL, pages * PAGE, PROT_R | PROT_W,
	    MAP_PRIVATE | MAP_ANON, -1, 0));
}

void *
shared(u64 pages)
{
	return need(map(NULL, pages * PAGE, PROT_R | PROT_W,
	    MAP_SHARED | MAP_ANON, -1, 0));
}

long
unmap(void *p, u64 bytes)
{
	return sys(11, p, bytes, 0);
}

long
protect(void *p, u64 bytes, int prot)
{
	return sys(10, p, bytes, prot);
}

long
open(const char *path, int flags)
{
	return sys(2, path, flags, 0644);
}

int
open_new(const char *path)
{
	long fd = open(path, O_RDWR | O_CREAT | O_TRUNC);

	EXPECT(fd >= 0 && sys(87, path, 0, 0) == 0);
	return (int)fd;
}

long
close(int fd)
{
	return sys(3, fd, 0, 0);
}

long
pread(int fd, void *p, u64 n, u64 off)
{
	return sys6(17, fd, (long)p, (long)n, (long)off, 0, 0);
}

long
pwrite(int fd, const void *p, u64 n, u64 off)
{
	return sys6(18, fd, (long)p, (long)n, (long)off, 0, 0);
}

void
exit(int status)
{
	for (;;)
		sys(231, status, 0, 0);
}

void
yield(void)
{
	sys(24, 0, 0, 0);
}

/*
 * Sleep for 0.1 ms: to wait for another CPU.  (Where the emulator counts
 * instructions it runs one CPU at a time, and a loop of yields on the first
 * leaves the others hardly any.)
 */
void
nap(void)
{
	u64 ts[2] = { 0, 100000 };

	sys(35, ts, 0, 0);
}

/* ---- words ---- */

void
mark(unsigned id)
{
	sys(157, PR_VMM_MARK, id, 0);
}

u64
length(const char *s)
{
	u64 n = 0;

	while (s[n] != 0)
		n++;
	return n;
}

static void
put(int fd, const char *s)
{
	sys(1, fd, s, length(s));
}

static void
put_number(int fd, u64 v)
{
	char text[24], *p = text + sizeof(text) - 1;

	*p = 0;
	do
		*--p = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	put(fd, p);
}

void
say(const char *text)
{
	put(1, text);
	put(1, "\n");
}

void
answer(const char *name, u64 value)
{
	put(1, name);
	put(1, " ");
	put_number(1, value);
	put(1, "\n");
}

void
fail(const char *file, int line, const char *what)
{
	put(2, file);
	put(2, ":");
	put_number(2, (u64)line);
	put(2, ": does not hold: ");
	put(2, what);
	put(2, "\n");
	exit(1);
}

static int
equal(const char *a, const char *b)
{
	while (*a != 0 && *a == *b)
		a++, b++;
	return *a == *b;
}

const char *
option_text(char **argv, const char *name)
{
	for (; *argv != NULL; argv++)
		if (argv[0][0] == '-' && argv[0][1] == '-' &&
		    equal(argv[0] + 2, name) && argv[1] != NULL)
			return argv[1];
	fail("arguments", 0, name);
}

u64
option(char **argv, const char *name)
{
	const char *s = option_text(argv, name);
	u64 v = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (u64)(*s - '0');
	return v;
}

/* ---- the beginning ---- */

__asm__(".globl _start\n"
	"_start:\n"
	"	xor %ebp, %ebp\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call libt_stack\n"
	"	mov (%rax), %rdi\n"   /* argc */
	"	mov 8(%rax), %rsi\n"  /* argv */
	"	mov %rax, %rsp\n"
	"	call main\n"
	"	mov %eax, %edi\n"
	"	call exit\n");

/* The top of a stack of shared memory, all of it touched. */
static void *
new_stack(void)
{
	volatile u8 *p = shared(STACK_PAGES);
	u64 i;

	for (i = 0; i < STACK_PAGES; i++)
		p[i * PAGE] = 0;
	return (u8 *)p + STACK_PAGES * PAGE - STACK_ROOM;
}

void *libt_stack(long *args);

void *
libt_stack(long *args)
{
	long *top = new_stack();

	top[0] = args[0];
	top[1] = (long)(args + 1);
	return top;
}

/* ---- children, threads ---- */

#define SIGCHLD 17
/* VM FS FILES SIGHAND THREAD SYSVSEM PARENT_SETTID CHILD_CLEARTID */
#define THREAD_FLAGS 0x350f00

/* The new one calls fn(arg) on its stack and ends with call nr of the result. */
static long
clone(long flags, volatile int *tid, int (*fn)(void *), void *arg, long nr)
{
	void *stack = new_stack(); /* before the registers get their values */
	register long r10 __asm__("r10") = (long)tid;
	register long r8 __asm__("r8") = 0;
	register void *r12 __asm__("r12") = (void *)fn;
	register void *r13 __asm__("r13") = arg;
	register long r14 __asm__("r14") = nr;
	long r;

	__asm__ volatile("syscall\n"
	    "	test %%rax, %%rax\n"
	    "	jnz 1f\n"
	    "	xor %%ebp, %%ebp\n"
	    "	mov %%r13, %%rdi\n"
	    "	call *%%r12\n"
	    "	mov %%eax, %%edi\n"
	    "	mov %%r14, %%rax\n"
	    "	syscall\n"
	    "	hlt\n"
	    "1:\n"
	    : "=a"(r)
	    : "a"(56l), "D"(flags), "S"(stack), "d"(tid), "r"(r10), "r"(r8),
	    "r"(r12), "r"(r13), "r"(r14)
	    : "rcx", "r11", "memory");
	return r;
}

long
child(int (*fn)(void *), void *arg)
{
	return clone(SIGCHLD, NULL, fn, arg, 231);
}

long
thread(int (*fn)(void *), void *arg, volatile int *tid)
{
	return clone(THREAD_FLAGS, tid, fn, arg, 60);
}

void
thread_join(volatile int *tid)
{
	int i;

	while (*tid != 0)
		nap();
	/* tid is cleared on its way out: let it come to its end. */
	for (i = 0; i < 100; i++)
		yield();
}

int
wait_for(long pid)
{
	int status = -1;

	EXPECT(sys6(61, pid, (long)&status, 0, 0, 0, 0) == pid);
	return status;
}

/* ---- faults that are meant ---- */

struct sigaction {
	void *handler;
	u64 flags;
	void *restorer;
	u64 mask;
};

void libt_return(void);
__asm__("libt_return:\n"
	"	mov $15, %eax\n"
	"	syscall\n");

/*
 * Registers of the interrupted program in a ucontext: r10 holds where to go
 * on, r11 the struct trap.
 */
enum { UC_GREGS = 5, GREG_R10 = 2, GREG_R11 = 3, GREG_RIP = 16 };

static void
on_trap(int signo, const int *info, u64 *uc)
{
	u64 *greg = uc + UC_GREGS;
	struct trap *t = (struct trap *)greg[GREG_R11];

	t->signo = signo;
	t->code = info[2];
	t->addr = *(const u64 *)(info + 4);
	greg[GREG_RIP] = greg[GREG_R10];
}

void
trap_begin(struct trap *t)
{
	/* SA_SIGINFO, SA_RESTORER */
	struct sigaction sa = { (void *)on_trap, 0x04000004,
		(void *)libt_return, 0 };

	t->signo = 0;
	EXPECT(sys6(13, SIGSEGV, (long)&sa, 0, 8, 0, 0) == 0);
	EXPECT(sys6(13, SIGBUS, (long)&sa, 0, 8, 0, 0) == 0);
}

int
try_load(struct trap *t, const volatile u8 *p)
{
	register struct trap *r11 __asm__("r11") = t;

	t->signo = 0;
	__asm__ volatile("lea 1f(%%rip), %%r10\n"
	    "	movzbl (%1), %%eax\n"
	    "1:\n" : : "r"(r11), "r"(p) : "rax", "r10", "memory");
	return t->signo;
}

int
try_store(struct trap *t, volatile u8 *p, u8 value)
{
	register struct trap *r11 __asm__("r11") = t;

	t->signo = 0;
	__asm__ volatile("lea 1f(%%rip), %%r10\n"
	    "	movb %2, (%1)\n"
	    "1:\n" : : "r"(r11), "r"(p), "q"(value) : "r10", "memory");
	return t->signo;
}

/* ---- bytes and numbers ---- */

/* xorshift64*; *state is not 0. */
u64
random_next(u64 *state)
{
	u64 x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dul;
}

void
fill(void *p, u64 n, u8 value)
{
	volatile u8 *b = p;

	while (n-- != 0)
		*b++ = value;
}

int
same(const void *a, const void *b, u64 n)
{
	const u8 *x = a, *y = b;

	while (n != 0 && *x == *y)
		x++, y++, n--;
	return n == 0;
}

/* What the compiler itself calls. */
void *memset(void *, int, u64);
void *memcpy(void *, const void *, u64);

void *
memset(void *p, int c, u64 n)
{
	fill(p, n, (u8)c);
	return p;
}

void *
memcpy(void *to, const void *from, u64 n)
{
	volatile u8 *t = to;
	const u8 *f = from;

	while (n-- != 0)
		*t++ = *f++;
	return to;
}
