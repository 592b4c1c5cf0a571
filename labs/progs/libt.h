/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libt.h: what the test programs of the labs stand on
 *
 * No C library, no writable data, and main() runs on shared memory: such a
 * program needs of the kernel's private memory nothing but what it tests.
 * Its children, too, have a shared stack each.
 *
 * A test prints lines "name value" (answer), brackets regions with mark(), and
 * ends with status 0, or says what does not hold and ends with 1.
 */
#ifndef LIBT_H
#define LIBT_H

typedef unsigned char u8;
typedef unsigned long u64;

#define PAGE 4096ul
#define NULL ((void *)0)

#define PROT_NONE 0
#define PROT_R 1
#define PROT_W 2
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_FIXED 16
#define MAP_ANON 32
#define MAP_NORESERVE 0x4000

#define O_RDONLY 0
#define O_RDWR 2
#define O_CREAT 0100
#define O_TRUNC 01000

#define EACCES 13
#define EFAULT 14
#define SIGBUS 7
#define SIGSEGV 11
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRERR 2

int main(int argc, char **argv);

/* ---- calls: a negative errno, or the result ---- */

long sys6(long nr, long a, long b, long c, long d, long e, long f);
#define sys(nr, a, b, c) \
	sys6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
void *map(void *at, u64 bytes, int prot, int flags, int fd, u64 off);
void *anon(u64 pages);                     /* private, writable; ends the test */
void *shared(u64 pages);
long unmap(void *, u64 bytes);
long protect(void *, u64 bytes, int prot);
long open(const char *path, int flags);
int open_new(const char *path);            /* an empty file, without a name */
long close(int fd);
long pread(int fd, void *, u64 n, u64 off);
long pwrite(int fd, const void *, u64 n, u64 off);
void exit(int status) __attribute__((noreturn));
void yield(void);
void nap(void);

/* ---- the test's own words ---- */

void mark(unsigned id);
void say(const char *text);
void answer(const char *name, u64 value);
void fail(const char *file, int line, const char *what)
    __attribute__((noreturn));
#define EXPECT(e) \
	do { \
		if (!(e)) \
			fail(__FILE__, __LINE__, #e); \
	} while (0)

/* --name N among the arguments; the word behind it. */
u64 option(char **argv, const char *name);
const char *option_text(char **argv, const char *name);

/* ---- children, threads ---- */

/* fork, the child on a stack of its own; it ends with what fn returns. */
long child(int (*fn)(void *), void *arg);
/* A thread of this process; *tid is cleared when it has ended. */
long thread(int (*fn)(void *), void *arg, volatile int *tid);
void thread_join(volatile int *tid);
int wait_for(long pid);                    /* the wait status */

/* ---- faults that are meant ---- */

/* In memory that the handler can write: on the stack of main(). */
struct trap {
	volatile int signo, code;
	volatile u64 addr;
};

void trap_begin(struct trap *);
/* One load or store of a byte: 0, or the signal, told in the trap. */
int try_load(struct trap *, const volatile u8 *);
int try_store(struct trap *, volatile u8 *, u8 value);

/* ---- bytes and numbers ---- */

u64 random_next(u64 *state);
void fill(void *, u64 n, u8 value);
int same(const void *, const void *, u64 n);
u64 length(const char *);

#endif
