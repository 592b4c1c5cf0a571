/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.h: the door of the virtual memory manager, for fs/, proc/, sys/
 *
 * Offers    address spaces, mmap and its family, faults, user copies.  Memory objects,
 *           pages of files, swap areas: objects.h.
 * Needs     kern/, mem/, md.h.
 * Sleeps?   All but vm_check's readers, *_get, and those that say so.
 * In interrupts?  Never.
 */
#ifndef VM_VM_H
#define VM_VM_H

#include "kern/kern.h"

struct aspace;
struct vmo;
struct vmo_client_ops;
struct vm_page;
struct design;

#define PROT_R 1
#define PROT_W 2
#define PROT_X 4

void vm_init(void);         /* after kern_init; before the first thread sleeps */
void vm_start(void);        /* threads of the VM */
bool vm_frames_come(void); /* the kernel lacked one: waits a while for it */
bool vm_is_short(void);     /* no frames for another process: -EAGAIN */
/* Registered by proc/: does the current thread act for a user, not for root (commit.c,
 * rule 6)?  Called with any lock. */
void vm_set_user_fn(bool (*is_user)(void));

/* When a mapping or pin of a page is dropped: was the page stored to? */
enum page_dirt { PAGE_CLEAN, PAGE_DIRTY };

/* ---- address spaces (as.c) ---- */

/* New, empty; refs 1.  ops NULL: the default design.  0, -ENOMEM. */
int as_create(const struct design *design, struct aspace **out) MUST_CHECK;
/* Fork (book: fork).  0, -ENOMEM, -EINTR, -EIO: nothing changed. */
int as_dup(struct aspace *parent, struct aspace **out) MUST_CHECK;
void as_get(struct aspace *);
void as_put(struct aspace *);       /* the last one frees the header */
/* Users of the mappings: processes that run on the space (vfork shares it).
 * as_attach_user when a process starts to use it; as_detach_user at its exec
 * or exit, by a thread that runs on another root: the last one tears all
 * mappings down (book: exit). */
SYSTEM_ONLY void as_attach_user(struct aspace *);
SYSTEM_ONLY void as_detach_user(struct aspace *);
uint32_t as_users(const struct aspace *);
struct md_space *as_space(struct aspace *);
struct aspace *as_current(void);    /* of the current thread, or NULL */
/* The thread's space: kern/ stores the pointer, vm/ uses it. */
SYSTEM_ONLY void as_bind_thread(struct thread *, struct aspace *);
const struct design *design_find(unsigned n);         /* PR_VMM_DESIGN; NULL */
const struct design *design_by_name(const char *);

/* RLIMIT_RSS: the limit of the working set (the boot word wsmax may say less). */
SYSTEM_ONLY void as_set_rss(struct aspace *, uint64_t bytes);
void as_slide_maps(struct aspace *);          /* in a new one, they begin anywhere */

/* ---- mappings (map.c, brk.c): Linux's answers (book: abi 3) ---- */

#define MAP_SHARED 0x01
#define MAP_PRIVATE 0x02
#define MAP_SHARED_VALIDATE 0x03
#define MAP_TYPE 0x0f
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_32BIT 0x40
#define MAP_GROWSDOWN 0x0100
#define MAP_LOCKED 0x2000
#define MAP_NORESERVE 0x4000
#define MAP_POPULATE 0x8000
#define MAP_NONBLOCK 0x10000
#define MAP_STACK 0x20000
#define MAP_HUGETLB 0x40000
#define MAP_SYNC 0x80000
#define MAP_FIXED_NOREPLACE 0x100000

struct map_limits {             /* rlimits of the caller, bytes */
	uint64_t as, data, stack, memlock;
};

struct map_args {
	va_t addr;
	uint64_t len;
	unsigned prot, flags;   /* PROT_*, MAP_* */
	unsigned maxprot;       /* what mprotect may give later; anonymous, 0: all */
	struct vmo *vmo;        /* NULL: anonymous; the mapping takes its own ref */
	uint64_t off;           /* bytes, page-aligned */
	bool writer;            /* vmo's file was opened for writing */
	bool is_zero_device;    /* private, of /dev/zero */
	const struct map_limits *lim;
	bool privileged;        /* may map below mmap_min_addr */
};

/* May something be mapped at this address, and for FIXED_NOREPLACE, is it free now?
 * 0, -ENOMEM, -EINVAL, -EPERM, -EEXIST.  Locks: takes [M] shared. */
int map_place_check(struct aspace *, const struct map_args *) MUST_CHECK;
/* Returns 0 with the address in *out, or -EINVAL, -ENOMEM, -EEXIST, -EPERM … */
int map_mmap(struct aspace *, const struct map_args *, va_t *out) MUST_CHECK;
int map_munmap(struct aspace *, va_t, uint64_t len) MUST_CHECK;
/* Shared memory that is mapped later, perhaps by several (shared.c).  NULL: no memory. */
enum shared_pay { SHARED_PROMISED, SHARED_LATE };
struct vmo *map_shared_object(uint64_t bytes, enum shared_pay,
    const struct vmo_client_ops *, void *client);
/* The object with these ops that was mapped at va as a whole, with a reference; NULL. */
struct vmo *map_object_at(struct aspace *, va_t, const struct vmo_client_ops *,
    void **client);
int map_unmap_object(struct aspace *, va_t, struct vmo *) MUST_CHECK;
#define PROT_GROWSDOWN 0x01000000u /* from the start of the stack on */
int map_mprotect(struct aspace *, va_t, uint64_t len, unsigned prot) MUST_CHECK;
void map_set_read_is_run(struct aspace *, bool);    /* personality(2) */
bool map_read_is_run(const struct aspace *);
struct mremap_args {
	va_t old;
	uint64_t old_len, new_len;
	unsigned flags;         /* MREMAP_MAYMOVE 1, FIXED 2, DONTUNMAP 4 */
	va_t new_addr;
	const struct map_limits *lim;
	bool privileged;        /* may map below mmap_min_addr */
};
int map_mremap(struct aspace *, const struct mremap_args *, va_t *out) MUST_CHECK;
/* Returns the new break, or the old one when it cannot be had. */
va_t map_brk(struct aspace *, va_t want, const struct map_limits *);
SYSTEM_ONLY void map_set_brk(struct aspace *, va_t start);            /* exec */
int map_madvise(struct aspace *, va_t, uint64_t len, int advice) MUST_CHECK;
/* What of a space is not known to have been used from now on; of PEAK, its peak. */
enum forget { FORGET_ALL = 1, FORGET_ANON, FORGET_FILES, FORGET_DIRTY, FORGET_PEAK };
void map_forget(struct aspace *, enum forget);
int map_msync(struct aspace *, va_t, uint64_t len, int flags) MUST_CHECK;
int map_mincore(struct aspace *, va_t, uint64_t len, uint8_t *vec) MUST_CHECK;
/* Locking (mlock.c); limit: RLIMIT_MEMLOCK in bytes, MLOCK_ANY for the privileged. */
#define MLOCK_ANY UINT64_MAX
enum mlock_how { MLOCK_NOW, MLOCK_ONFAULT };
enum mcl_flag { MCL_CURRENT = 1, MCL_FUTURE = 2, MCL_ONFAULT = 4 };
int map_mlock(struct aspace *, va_t, uint64_t len, enum mlock_how,
    uint64_t limit) MUST_CHECK;
int map_munlock(struct aspace *, va_t, uint64_t len) MUST_CHECK;
int map_mlockall(struct aspace *, unsigned flags, uint64_t limit) MUST_CHECK;
void map_munlockall(struct aspace *);
/* The stack of a new program: a GROWSDOWN VAD that ends at top. */
int map_stack(struct aspace *, va_t top, uint64_t limit, unsigned prot) MUST_CHECK;
uint64_t map_stack_room(uint64_t limit);    /* bytes kept free for it */
#define STACK_TOP_RANDOM (1ul << 22)        /* pages: its top lies lower by fewer */
SYSTEM_ONLY int map_prepay_start(struct aspace *) MUST_CHECK; /* exec: 0, -ENOMEM */
/* RLIMIT_STACK, RLIMIT_DATA, RLIMIT_AS: they hold for growth from now on. */
enum map_limit { LIMIT_STACK, LIMIT_DATA, LIMIT_SIZE, LIMITS };
void map_set_limit(struct aspace *, enum map_limit, uint64_t bytes);

/* ---- faults and copies (driver.c, uaccess.c, uio.c) ---- */

struct vm_siginfo {
	int signo, code;        /* SIGSEGV/SIGBUS/SIGKILL, si_code */
	va_t addr;
};

/* A user access: 0, or -EFAULT with the signal to send, or -EINTR (dying). */
int vm_user_fault(struct aspace *, va_t, enum access, struct vm_siginfo *);
/* The fault would be a signal: has another process resolved it?  May wait long. */
bool vm_fault_upcall(struct aspace *, va_t, enum access, struct trapframe *);
/* trap_ops.fault for kernel mode: a fault inside md_copy_user.  0, -EFAULT. */
int vm_kernel_fault(va_t, enum access);

/* By address, no lock of rank >= 2 held.  0, -EFAULT: a part may have moved. */
int copyin(void *dst, va_t src, size_t n) MUST_CHECK;
int copyout(va_t dst, const void *src, size_t n) MUST_CHECK;
/* Copy one member of two bytes of each of n records, and no other byte: dst and src are
 * the member of the first, `step` is a record's size.  0, -EFAULT. */
int copyout_member(va_t dst, const void *src, size_t n, size_t step) MUST_CHECK;
/* NUL-terminated; returns the length without NUL, -EFAULT, -ENAMETOOLONG. */
ssize_t copyin_str(char *dst, va_t src, size_t cap) MUST_CHECK;
/* Any space, the current one by address, others by pins  (book: access). */
ssize_t as_read(struct aspace *, va_t, void *dst, size_t n);        /* short on error; -EFAULT if none */
ssize_t as_write(struct aspace *, va_t, const void *src, size_t n);
SYSTEM_ONLY ssize_t as_force(struct aspace *, va_t, void *buf, size_t n, enum access); /* as a debugger */

/* The buffers of a read or write: user iovecs, or one kernel buffer. */
struct uio_vec {
	uint64_t base, len;
};
struct uio {
	struct aspace *as;          /* NULL: kernel addresses */
	struct uio_vec *vec;        /* at the current vector */
	unsigned nvec;
	bool nowait;                /* -EAGAIN for sleeping until something comes */
	size_t done;                /* bytes moved so far */
	size_t left;                /* bytes still wanted */
	struct uio_vec one;         /* for the common single buffer */
};

void uio_init_user(struct uio *, va_t, size_t n);
void uio_init_kernel(struct uio *, void *buf, size_t n);
/* Kernel buffer → uio, uio → kernel buffer.  Bytes moved (may be short), or
 * -EFAULT when none could be.  No lock of rank >= 2 held. */
ssize_t uio_put(struct uio *, const void *src, size_t n);
ssize_t uio_get(struct uio *, void *dst, size_t n);
ssize_t uio_zero(struct uio *, size_t n);

/* Until vm_finish_end() a fatal signal ends no wait in the VM (token.c); nests. */
void vm_finish_begin(void);
void vm_finish_end(void);
/* Around the lock of a file's block map, without locks of rank >= 2: its frames
 * come from the reserve, so only two threads at a time may hold it.  Nests. */
void vm_blockmap_enter(void);
void vm_blockmap_leave(void);

/* Futex words and robust lists: fault the page in, pinned.  The word is at
 * *kva while pinned.  Key: for shared memory (object, byte offset), else
 * (space, address); a private one is always that, and another than that of a
 * call which is not private. */
struct vm_word_pin {
	struct vm_page *page;
	uint32_t *kva;
	uintptr_t key[2];
};
enum word_scope { WORD_SHARED, WORD_PRIVATE };
int vm_word_pin(struct aspace *, va_t, enum access, enum word_scope,
    struct vm_word_pin *) MUST_CHECK;
int vm_word_key(struct aspace *, va_t, enum word_scope, uintptr_t key[2])
    MUST_CHECK;
void vm_word_unpin(struct vm_word_pin *, enum page_dirt);

/* ---- promises (commit.c), and lost memory (space.c) ---- */

SYSTEM_ONLY void commit_adopt(uint64_t n); /* frames that boot/ has given back */
/* [A] Files of /proc/sys/vm, to be read: the mode, 2 (default), 1, 0; so many of a hundred
 * frames; what is root's. */
extern uint64_t overcommit_memory, overcommit_ratio, admin_reserve_kbytes;
SYSTEM_ONLY int commit_set_mode(uint64_t mode) MUST_CHECK;
SYSTEM_ONLY int commit_set_ratio(uint64_t percent) MUST_CHECK;
SYSTEM_ONLY int commit_set_reserve(uint64_t kbytes) MUST_CHECK;
uint64_t vad_max(void);            /* max_map_count: mappings of a space */
SYSTEM_ONLY int vad_set_max(uint64_t) MUST_CHECK;
/* Mappings, or words that mremap moves, could not be read from swap: the process
 * must be killed.  Called where evidence_is_asked(): EVIDENCE_LOST. */
bool vm_is_lost(struct aspace *);

#endif
