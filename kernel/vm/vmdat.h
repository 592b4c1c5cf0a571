/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmdat.h: data dictionary of the virtual memory manager
 *
 * Every struct, field by field with the lock that guards it.  For kernel/vm/
 * and its tests only.
 *
 * Tags: [M] map_lock  [W] ws_lock  [O] object lock  [X] object's mapping list
 * [F] FMO lock  [P] PFN lock  [S] swap lock  [A] atomic  [c] constant after
 * construction  [cpu] per CPU, preemption off  [B] the thread whose I/O made
 * the word BUSY  [pool] the lock of a vad_pool  [s] valid only in the named state or for the named home
 * [own] the thread that made it  [L] the list lock of its file  [bsm] thread
 * bsm alone.
 *
 * Lock order (a lower rank is taken first; book: locks):
 *
 *   1  vnode rwlock        sleep   file size, read/write atomicity
 *   2  as->map_lock        sleep   VAD tree, brk, commit.  Shared: fault, /proc
 *   3  kernel map_lock     sleep   kernel arenas; never held while waiting
 *   4  vmo->maps_lock      sleep   mapping list
 *   5  as->ws_lock         sleep   user page tables; two only in fork
 *   6  kernel ws_lock      sleep   kernel PTEs of kpaged
 *   7  vmo, fmo, anon …    spin    tree and radix words, entry refs
 *   8  PFN lock            spin    page states, queues, pins, mapcount, nres
 *   9  swap, wait buckets  spin    leaves
 *
 * R1 never wait for a page, a frame or I/O with rank >= 3 held.  R2 paged
 * kernel memory needed under rank >= 5 is pinned first.  R3 after unlock and
 * relock everything read before is void.  R5 home and TRANS/BUSY words change
 * under [P].  R6 a frame leaves LIMBO only after the ack.  R6a no flush with
 * rank >= 7 held.  R7 a word becomes VALID in the ws_lock hold in which size
 * and identity were checked.
 */
#ifndef VM_VMDAT_H
#define VM_VMDAT_H

#include "dev/dev.h"
#include "lib/errno.h"
#include "mem/mem.h"
#include "vm/vm.h"

/* ---- page-table words (book: words) ---- */

enum pte_kind {
	PTE_ABSENT, /* all bits 0: the VAD says what it means */
	PTE_VALID,
	PTE_TRANS,  /* 1: resident, not mapped here */
	PTE_BUSY,   /* 2: frame is being filled */
	PTE_SWAP,   /* 3: in a slot */
	PTE_FORK,   /* 4: an entry of a forked memory object */
	PTE_ERROR   /* 5: could not be read */
};

enum pte_src {         /* bits 10:9 of a VALID word */
	SRC_OBJ,       /* home VNODE or AOBJ */
	SRC_PRIV,      /* home is this word */
	SRC_FORK,      /* home is an FMO entry */
	SRC_SPEC       /* zero page, device: no mapcount, no ws_pages */
};

#define PTE_SRC_SHIFT 9
#define PTE_SRC_MASK (3ul << PTE_SRC_SHIFT)
#define PTE_LOCK (1ul << 11)
#define PTE_AGE_SHIFT 52
#define PTE_AGE_MASK (3ul << PTE_AGE_SHIFT)
#define PTE_ZERO_MASK 0x7fc0000000000000ul /* 62:54 must be 0 when VALID */
#define PTE_GONE (1ul << 54) /* in a batch only: no word names the page */
#define PTE_KIND_SHIFT 1
#define PTE_KIND_MASK (7ul << PTE_KIND_SHIFT)
#define PTE_PFN_MASK MD_PTE_PFN
#define PTE_ERRNO_SHIFT 8 /* 15:8 of an ERROR word */

/* The kind of a word; a corrupt one panics (page.c). */
enum pte_kind pte_kind(uint64_t word);
const char *pte_kind_name(enum pte_kind);

static inline enum pte_src
pte_src(uint64_t w)
{
	return (enum pte_src)((w & PTE_SRC_MASK) >> PTE_SRC_SHIFT);
}

static inline pfn_t
pte_pfn(uint64_t w)
{
	return (pfn_t)((w & PTE_PFN_MASK) >> PAGE_SHIFT);
}

static inline struct vm_page *
pte_page(uint64_t w)
{
	return &pfdb[pte_pfn(w)];
}

/* How long ago a VALID word was used, in age passes. */
static inline unsigned
pte_age(uint64_t w)
{
	return (unsigned)((w & PTE_AGE_MASK) >> PTE_AGE_SHIFT);
}

/* Does the word refer to a frame (VALID, TRANS, BUSY)?  Counts in nres. */
static inline bool
pte_names_frame(uint64_t w)
{
	unsigned k = (w >> PTE_KIND_SHIFT) & 7;

	return (w & MD_PTE_P) != 0 || k == 1 || k == 2;
}

static inline uint64_t
pte_make_soft(enum pte_kind kind, uint64_t payload_at_12)
{
	return ((uint64_t)(kind - 1) << PTE_KIND_SHIFT) |
	    (payload_at_12 << PAGE_SHIFT);
}

/*
 * A table that is not in use: its parent's word, TRANS, BUSY, SWAP or ERROR,
 * keeps what its descriptor would forget.  Words of data have none of this.
 */
#define PTE_TABLE_LATE (1ul << 62)        /* tbl.late */
#define PTE_TABLE_USED_SHIFT 52           /* 61:52 nused */
#define PTE_TABLE_USED_MASK (0x3fful << PTE_TABLE_USED_SHIFT)
#define PTE_TABLE_MASK (PTE_TABLE_LATE | PTE_TABLE_USED_MASK)

static inline unsigned
pte_table_used(uint64_t w)
{
	return (unsigned)((w & PTE_TABLE_USED_MASK) >> PTE_TABLE_USED_SHIFT);
}

/* Such a word: no other soft one has these bits, and a table that is out has words. */
static inline bool
pte_is_table_out(uint64_t w)
{
	return (w & MD_PTE_P) == 0 && (w & PTE_TABLE_USED_MASK) != 0;
}

static inline uint64_t
pte_make_trans(const struct vm_page *pg)
{
	return pte_make_soft(PTE_TRANS, page_pfn(pg));
}

/* flags: MD_PTE_W | _D | _A | _NX | PTE_LOCK; U and P are added. */
static inline uint64_t
pte_make_valid(const struct vm_page *pg, enum pte_src src, uint64_t flags)
{
	return page_pa(pg) | MD_PTE_P | MD_PTE_U |
	    ((uint64_t)src << PTE_SRC_SHIFT) | flags;
}

/* ---- VAD: 2.3 ---- */

enum vad_flag {
	VAD_SHARED = 1, VAD_GROWSDOWN = 2, VAD_LOCKED = 4, VAD_NORESERVE = 8,
	VAD_DONTFORK = 16, VAD_WIPEONFORK = 32, VAD_STACK = 64, VAD_NOMERGE = 128,
	VAD_HEAP = 256,
	/* Private pages and leaf tables are paid for (vm/map/vadcommit.c).  A table
	 * made under a VAD without it is charged late (pt_pin, pt_make). */
	VAD_CHARGED = 512,
	VAD_RANDOM = 1024, VAD_SEQUENTIAL = 2048, /* madvise: how far to read ahead */
	VAD_LOCKONFAULT = 4096, /* with LOCKED: only what is touched */
	/* Has pages of a parent's: what the child maps is of another origin, and
	 * the two are not joined. */
	VAD_INHERITED = 8192,
	/* The open file behind it can write, whatever the mapping itself may. */
	VAD_WRITER = 16384
};

#define VAD_LOCK_FLAGS ((uint32_t)(VAD_LOCKED | VAD_LOCKONFAULT))

struct vad {
	struct rb_node rb;         /* [M] tree by start */
	uint64_t start, end;       /* [M] vpn, end exclusive */
	uint64_t gap, maxgap;      /* [M] free pages before start; max in subtree */
	struct vmo *vmo;           /* [M] holds a reference; NULL: private anonymous */
	uint64_t off;              /* [M] pgoff of start in vmo */
	struct vm_maplink *link;   /* [M] NULL if no vmo */
	void *dpriv;               /* [M] of the design */
	uint32_t flags;            /* [M] VAD_* */
	uint8_t prot, maxprot;     /* [M] PROT_* */
	uint16_t rsv;              /* [c] 0 */
};

/* The memory of a space's VADs: vm/map/vadpool.c. */
struct vad_pool {
	struct spinlock lock;      /* [pool] leaf */
	struct list pages;         /* [pool] struct vad_page */
};

/* Object side of a mapping: non-paged, VADs are not. */
struct vm_maplink {
	struct list_node node;     /* [X] on vmo->maps */
	struct aspace *as;         /* [X] */
	uint64_t start, end, off;  /* [X] the VAD's range; changed under [M][X] */
	uint32_t nwr, rsv;         /* [X] 1: shared, is or can be made writable */
	uint32_t flags;            /* [X] VAD_* */
	uint32_t zap_seq;          /* [X] resize_seq it was last zapped for; 0: none */
};

#define VAD_MAX 65530              /* per space, as Linux */
#define STACK_GUARD_PAGES 256
#define MMAP_MIN_ADDR 65536ul       /* below: only MAP_FIXED of the privileged */

/* ---- working sets: 4.11 ---- */

#define WS_AGES 4                  /* 0 young … 3 old */
#define WS_AGE (WS_AGES - 1)       /* min_age: its bits */
#define WS_HAS_PLACE 4             /* min_age: and only pages that need no new slot */

/* A word of a leaf table. */
struct ws_spot {
	struct vm_page *leaf;      /* [own] */
	unsigned index;            /* [own] */
	uint64_t *word;            /* [own] */
	va_t va;                   /* [own] set by ws_take() */
};

/* ---- address space: 2.4 ---- */

#define AS_CLOSING 0x80000000u     /* of aspace.holders: is being torn down */
#define UPPER_TABLES 4             /* pages charged with each space */

struct aspace {
	struct md_space md;            /* [c] root_pa; [A] cpus, tlb_gen */
	const struct vmm_ops *ops;     /* [c] */
	struct list_node all;          /* [L] published spaces */
	struct rwlock map_lock;        /* rank 2 */
	struct rb_root vads;           /* [M] */
	struct vad *hint;              /* [A] last hit, revalidated under [M] */
	struct vad *spare_vad;         /* [M] two, through rb.left, each with a link: one hole */
	struct vad_pool vad_pool;      /* [pool] */
	_Atomic bool vads_lost;        /* [A] some could not be read: SIGKILL */
	_Atomic bool words_lost;       /* [A] mremap could not move some: SIGKILL */
	uint64_t nvads;                /* [M] */
	struct mutex ws_lock;          /* rank 5: PTEs of the user half, tables */
	struct tlb_batch *batch;       /* [W] one batch under construction */
	uint64_t brk0, brk;            /* [M] bytes */
	_Atomic uint64_t stack_pages;  /* [A] limit of every GROWSDOWN mapping */
	_Atomic uint64_t data_pages;   /* [A] limit of all private writable memory */
	_Atomic uint64_t size_pages;   /* [A] limit of what grows at a touch: RLIMIT_AS */
	uint64_t mmap_base;            /* [c] vpn: mappings are placed below */
	uint64_t total_pages;          /* [M] sum of VAD sizes, for RLIMIT_AS */
	uint64_t peak_pages;           /* [M] */
	uint64_t locked_pages;         /* [M] of VADs with LOCKED */
	uint64_t lock_limit;           /* [M] bytes that a stack may lock: RLIMIT_MEMLOCK */
	uint32_t lock_future;          /* [M] VAD_LOCK_FLAGS of new mappings */
	_Atomic bool hides;            /* [A] VALID words without U: PROT_NONE, locked */
	uint64_t ws_pages, ws_peak;    /* [W] VALID, SRC != SPEC */
	uint64_t ws_min, ws_max;       /* [A] */
	uint64_t n_priv;               /* [W] VALID/PRIV, TRANS, BUSY, SWAP and ERROR words */
	uint64_t n_fork;               /* [W] FORK + VALID/FORK words */
	uint64_t n_table;              /* [W] tables in use, without root */
	uint64_t n_table_out;          /* [W] on swap, or on the way there or back */
	uint32_t idle_head, idle_tail; /* [P] tables that name no frame but SPEC ones */
	uint64_t n_idle;               /* [P] so many */
	bool lost;                     /* [W] a table could not be read: no exact counts */
	uint64_t n_locked;             /* [W] VALID with LOCK: word_set(), mlock.c */
	uint32_t n_upper;              /* [W] upper tables that the 4 pages of as_init pay */
	_Atomic uint64_t n_swap;       /* [A] */
	uint64_t commit;               /* [M] what its VADs have paid, + UPPER_TABLES */
	_Atomic uint64_t late;         /* [A] charged at touch */
	_Atomic uint64_t prepaid;      /* [A] charged by exec, not used yet: commit_prepay() */
	uint32_t ws_head, hand_tbl;    /* [W] ring of leaf tables by pfn; clock */
	uint16_t hand_idx;             /* [W] */
	uint32_t ws_tables;            /* [W] on the ring */
	uint8_t ws_missed, age_missed; /* [bsm] visits that found [W] taken */
	uint32_t ws_visit;             /* [bsm] the last one, to come once a round */
	uint64_t ws_ages[WS_AGES];     /* [W] pages by age, at the last age pass */
	uint64_t ws_used_ns;           /* [A] an age pass last found a page used */
	uint64_t ws_trimmed;           /* [W] so far */
	uint32_t pacer, pacer_missed;  /* [W] force.c: whose faults age, others since */
	struct rb_root shared_refs;    /* [W] of the design: what its shared words name */
	uint32_t n_shared_refs;        /* [W] so many */
	uint32_t id;                   /* [c] for traces */
	_Atomic uint32_t refs;         /* [A] */
	_Atomic uint32_t users;        /* [A] processes that run on it */
	_Atomic uint32_t holders;      /* [A] others who pin tables; AS_CLOSING */
	_Atomic uint64_t minflt, majflt; /* [A] */
	void *dpriv;                   /* [c] */
};

_Static_assert(sizeof(struct aspace) <= 1024, "book: objects");

/* ---- memory objects: 2.5 ---- */

#define VMO_MAX_PAGES (1ul << 36) /* 256 TiB */
#define ANON_DIRECT 6             /* words in the header */

enum vmo_type { VMO_VNODE, VMO_AOBJ, VMO_DEVICE };

struct vmo {
	uint8_t type;                  /* [c] */
	uint8_t charged_whole;         /* [c] AOBJ of MAP_SHARED|MAP_ANONYMOUS: size charged */
	const struct pager_ops *pager; /* [c] */
	void (*end)(struct vmo *);     /* [c] the last reference is gone */
	const struct vmo_client_ops *client_ops; /* [O] NULL: client is gone */
	void *client;                  /* [O] */
	_Atomic uint32_t refs;         /* [A] VADs + opens + node */
	uint64_t serial;               /* [c] of the key of futex words: an address comes again */
	struct spinlock lock;          /* rank 7 */
	uint64_t size;                 /* [O] bytes */
	uint32_t resize_seq;           /* [O] +1 on each change of size */
	uint32_t cuts;                         /* [O] truncates under way: pages beyond size go */
	struct mutex maps_lock;        /* rank 4 */
	struct list maps;              /* [X] vm_maplink */
	struct list_node all;          /* [L] */
	uint64_t n_resident;           /* [O] pages */
	uint64_t n_dirty;              /* [P] VNODE: pages with PF_DIRTY */
	union {
		struct {                       /* AOBJ */
			uint64_t direct[ANON_DIRECT];    /* [O] words of pages 0…5 */
			uint64_t ind[4];       /* [O] kpaged page numbers of the top tables, 0 none */
			uint64_t n_pages, n_tables; /* [O] */
			uint64_t charged;      /* [O] commit pages held by the object */
			struct vmo_quota *quota; /* [c] a reference; NULL: none */
			uint64_t keep;         /* [O] pages below may exist, whatever the size */
			bool lost;             /* [O] a table could not be read: counts are guesses */
			_Atomic bool whole;    /* [A] sealed: MADV_REMOVE is refused */
		} a;
		struct {                       /* VNODE */
			struct rb_root pages;  /* [O] vm_page by index */
			void *obj;             /* [c] what the pager calls it */
			uint64_t ra_next;      /* [O] a read here goes on from the last one */
			uint16_t ra_win;       /* [O] pages of the last read */
			uint64_t hole_lo, hole_hi; /* [O] a hole is being made: no pages enter */
			uint64_t short_lo, short_hi; /* [O] pages that may lack blocks */
			_Atomic int wb_error;  /* [A] a write-back failed, nobody was told */
			_Atomic uint64_t dirty_since; /* [A] when n_dirty left 0 */
			uint32_t visits;       /* [L] write-back threads at it */
			bool closed;           /* [L] its owner goes: no new visits */
		} v;
	};
};

_Static_assert(sizeof(struct vmo) <= 320, "small");

struct vmo_quota {
	_Atomic uint32_t refs;         /* [A] the file system and its objects */
	_Atomic uint64_t used, max;    /* [A] pages; QUOTA_NONE: no limit */
};

/* ---- TLB batch: 2.8, 3.3 ---- */

#define BATCH_FEW 64           /* words of a batch without a frame of its own */

enum batch_end {               /* step 6, after the ack, by the old word's SRC */
	BATCH_ZAP,             /* PRIV freed; OBJ unmapped; FORK: shared->unmapped() */
	BATCH_TRIM,            /* PRIV to a queue; OBJ, FORK unmapped */
	BATCH_CLEAN            /* still mapped, without W and D: D to PF_DIRTY */
};

struct tlb_batch {
	struct aspace *as;     /* [W] */
	uint64_t lo, hi;       /* [W] vpn range to flush */
	uint32_t n, max;       /* [W] entries in old, and room for so many */
	enum batch_end end;    /* [W] */
	bool tables;           /* [W] table pages were unlinked */
	pfn_t table_chain;     /* [W] unlinked tables, through qnext */
	pfn_t out_chain;       /* [W] tables that leave for swap, through qnext */
	struct vm_page *frame; /* [W] holds a whole leaf table's words; NULL: few does */
	uint64_t *old;         /* [W] the words that were replaced */
	uint64_t few[BATCH_FEW]; /* [W] */
};

/* ---- faults: 2.8, 4.1 ---- */

enum fault_outcome {
	FAULT_DONE,      /* the word allows the access now */
	FAULT_RESTART,   /* look everything up again */
	FAULT_WAIT,      /* F6: sleep for f->wait_page, then restart */
	FAULT_IO,        /* F2, F5, F10: f->need says what to read; restart */
	FAULT_NEEDMEM,   /* f->need says what; then restart */
	FAULT_SIGNAL     /* f->sig; ends the fault */
};

enum fault_case {
	FC_F0, FC_F1, FC_F1Z, FC_F2, FC_F3, FC_F4, FC_F5, FC_F6, FC_F7, FC_F8,
	FC_F9, FC_F10, FC_F11, FC_UPGRADE
};

enum fault_need {
	NEED_NONE, NEED_FRAME, NEED_TABLE, NEED_KPAGED,
	NEED_PATH,       /* anon_fault_path(f) */
	NEED_READ,       /* cache_fault_read(f) */
	NEED_EXTEND,     /* cache_fault_extend(f) */
	NEED_BIO         /* swap_wait() */
};

#define FAULT_PINS 9 /* tables 3, object's tables or entries 5, data 1 */
/* The wait brings one more; the pass after it 3 tables, an entry, what it reads. */
#define FAULT_MAXPINS (FAULT_PINS + 6)

/*
 * The tables of one address, for an operation that works on the words of many:
 * fork, munmap, mremap, truncate.  Zero: nothing is held.
 */
struct pt_hold {
	va_t va;                       /* [own] whose tables these are to be */
	bool away;                     /* [own] one of them is out: pt_bring() */
	bool late;                     /* [own] leaf tables made are charged late */
	bool lost;                     /* [own] one on the way could not be read */
	uint8_t npin;                  /* [own] */
	struct vm_page *pin[MD_PT_LEVELS - 1]; /* [own] */
	va_t pinned;                   /* [own] the pins are for this address */
	pfn_t spare;                   /* [own] zeroed frames for pt_make(), through qnext */
};

/* What a fault can raise, in Linux's numbers (book: abi 3). */
enum fault_signo { SIGBUS = 7, SIGKILL = 9, SIGSEGV = 11 };
enum fault_code { SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRERR = 2 };

/* One fault of one thread: [own]. */
struct fctx {
	struct aspace *as;
	va_t va;
	enum access access;
	bool kernel;                   /* on behalf of the kernel */
	bool major, exclusive;         /* waited for I/O; map_lock held for writing */
	uint16_t restarts;
	uint8_t tables_in;             /* read for this fault */
	struct {                       /* copy of the VAD, made in S0 */
		uint64_t start, end, off;
		struct vmo *vmo;
		void *dpriv;
		uint32_t flags;
		uint8_t prot;
	} v;
	struct vm_page *leaf;          /* [W] leaf table of va, set by pt_pin */
	uint64_t *word;                /* [W] its word */
	struct vm_page *pin[FAULT_MAXPINS];
	uint8_t npin;
	bool data_pinned;              /* its data too: it went away once */
	struct vm_page *spare;         /* a frame, zeroed if spare_zeroed */
	bool spare_zeroed;
	struct vm_page *spare_tbl;     /* a zeroed frame for a table */
	enum fault_need need;
	bool need_zeroed;
	va_t need_kva;                 /* NEED_KPAGED: pin this, then restart */
	struct vm_page *wait_page;     /* FAULT_WAIT */
	struct vm_page *file_page;     /* pinned: read, or extended, for this fault */
	bool extended;                 /* file_page may become dirty */
	uint32_t extend_seq;           /* resize_seq when that began */
	bool token;                    /* of token.c, given back at the end */
	bool let_go;                   /* pins and spares, for rule c of it */
	struct fctx *outer;            /* thread.vmfault before this one */
	uint64_t charge;               /* pages charged ahead, not yet used */
	struct vm_page **pin_out;      /* vm_pin_user: leave the page pinned here */
	struct vm_siginfo sig;
};

/* ---- ops tables: 4.17 ---- */

/*
 * SHARED_ONLY: words that map the object's pages; private copies stay.
 * CLEAN: such words stay too, but lose W and D; the page learns of D.
 */
enum zap_how { ZAP_EVEN_PRIVATE, ZAP_SHARED_ONLY, ZAP_CLEAN };
/*
 * A zap may not wait.  It says what it lacks; brought, that is held here until
 * the zap has got through.
 */
struct zap_job {
	enum zap_how how;          /* [own] */
	struct pt_hold tables;     /* [own] away: a table is out */
	va_t kva;                  /* [own] an entry page that is, or 0 */
	struct vm_page *held;      /* [own] entry page, pinned, or NULL */
};

struct vm_report;
struct vm_stat;
struct swap_walk;
/*
 * One word of a leaf table, pages 1; or pte_is_table_out(): the table of these
 * pages is not in use, and word is that in its parent.
 */
typedef int vm_walk_fn(void *arg, va_t va, uint64_t word, uint64_t pages);

struct vmm_ops {
	const char *name;
	int (*as_init)(struct aspace *);
	void (*as_fini)(struct aspace *);
	int (*attach)(struct aspace *, struct vad *);
	int (*split)(struct aspace *, struct vad *lo, struct vad *hi, uint64_t vpn);
	int (*merge)(struct aspace *, struct vad *lo, struct vad *hi);
	/* Words of [lo, hi) vpn go, M exclusive; waits but does not fail. */
	void (*detach)(struct aspace *, struct vad *, uint64_t lo, uint64_t hi);
	/* [X] held, takes [W]: truncate.  [lo, hi) vpn in link's space.  0; -EAGAIN:
	 * the job says what is to be brought first. */
	int (*zap)(struct aspace *, struct vm_maplink *, uint64_t lo, uint64_t hi,
	    struct zap_job *);
	/* vad->prot is still the old one; fewer rights only.  0. */
	int (*protect)(struct aspace *, struct vad *, uint8_t prot);
	/* Words of from (n pages) to to; target tables made first.  0, -ENOMEM. */
	int (*move)(struct aspace *, struct vad *from, struct vad *to, uint64_t n);
	/* PAGEOUT: how many pages are still to be written first; else 0. */
	int (*advise)(struct aspace *, struct vad *, uint64_t lo, uint64_t hi,
	    int advice);
	int (*dup)(struct aspace *parent, struct aspace *child);
	enum fault_outcome (*fault)(struct fctx *);
	/* [W]: up to want pages of min_age 0 … 3 out of the working set, with
	 * WS_HAS_PLACE only those that could leave memory now.  How many. */
	size_t (*evict)(struct aspace *, size_t want, int min_age);
	void (*stat)(struct aspace *, struct vm_as_stat *);
	int (*walk)(struct aspace *, uint64_t lo, uint64_t hi, vm_walk_fn *, void *);
	int (*check)(struct aspace *, struct vm_report *);
	void (*init)(void); /* once, by vm_init() */
	/* Text about what words of as name that others share, or NULL: of all. */
	void (*show)(struct aspace *, struct out *);
	const char *const *caches; /* slabs that one process's fork leaves to others */
	void (*reap)(void); /* no rank >= 3 held: free what died meanwhile */
	/* [W]: its words that are SWAP or TRANS, and those that they share. */
	int (*swapped)(struct aspace *, struct swap_walk *);
	const struct shared_ops *shared; /* NULL: no word is ever shared */
};

struct pte_spot;

/*
 * What the words mean that a fork has made common to several spaces, FORK and
 * VALID/FORK: of the design whose space has such.
 */
struct shared_ops {
	/* F4, F8: a write to, a read of such a page; as ops->fault. */
	enum fault_outcome (*write_fault)(struct fctx *);
	enum fault_outcome (*read_fault)(struct fctx *);
	/* [W]: a VALID/FORK word is about to lose its mapping.  What it becomes;
	 * the last owner may take the page back first: VALID/PRIV, and TRANS. */
	uint64_t (*trim)(const struct pte_spot *);
	/* [W]: the FORK words of one leaf table in [*va, end) go.  0, or the address
	 * of kernel memory to be pinned into *held first; *va has moved on. */
	va_t (*drop)(struct aspace *, struct vm_page *leaf, va_t *va, va_t end,
	    struct vm_page **held);
	/* [W]: a VALID/FORK word that mapped the page is gone, its flush has been
	 * acknowledged: drop mapping and reference. */
	void (*unmapped)(struct aspace *, struct vm_page *);
	/* [W]: tables of the space are lost, and with them what they named. */
	void (*forget)(struct aspace *);
	/* [W]: references to what such a word names, -1 if that is out; what its
	 * owning word says (0: not known). */
	int64_t (*refs)(struct aspace *, uint64_t word, uint64_t *named);
	/* [M] at most: pin what such a word names, or named; 0, -EINTR.  *out NULL:
	 * it is no more. */
	int (*bring)(struct aspace *, uint64_t word, struct vm_page **out);
	/* [W]: walk->fn for the word that a FORK word names; as ops->swapped.  NULL,
	 * 0 and as_lock_all(): for all that any word names, each once. */
	int (*swapped)(struct aspace *, uint64_t word, struct swap_walk *);
	/* as_lock_all(): vm_check meets such a word; all those of a space are done;
	 * all spaces are. */
	void (*check_word)(struct aspace *, va_t, uint64_t word, struct vm_report *);
	void (*check_space)(struct aspace *, struct vm_report *);
	void (*check_end)(struct vm_report *);
};

struct owner_ops {             /* one per home kind: pq_set_owner() */
	/* [P] held: forget the STANDBY page, home NONE, slot 0 (the owning word
	 * has it).  False: busy just now. */
	bool (*steal)(struct vm_page *);
	/* [P] held: pg and neighbours that may be written to swap together, in the
	 * order of their words, at most SWAP_RUN.  Returns how many.  NULL: pages
	 * of this home do not go to swap. */
	unsigned (*cluster)(struct vm_page *, struct vm_page **out);
};

/* What frames ask of whoever takes pages out of memory: swap_init(). */
struct swap_ops {
	void (*wake)(void);        /* frames are low: write; any lock up to LR_MEM */
	uint64_t (*places)(void);  /* slots that hold pages, or could */
	bool (*is_frozen)(void);   /* vm_check looks: nothing is stolen */
	void (*drop)(struct vm_page *); /* [P]: its slot is out of date */
	void (*hit)(struct vm_page *);  /* [P]: read ahead, and now wanted */
	void (*miss)(struct vm_page *); /* [P]: read ahead, and given up */
};

/* ---- swap: 2.7 ---- */

#define SWAP_AREAS 16
#define SWAP_INDEX_BITS 28        /* slot_t: area << 28 | index; 0: none */
#define SWAP_INDEX_MAX ((1u << SWAP_INDEX_BITS) - 1)
#define SWAP_RUN BIO_PAGES        /* slots of one cluster, at most */
#define SWAP_BLOCK 4096u          /* slots that share one hint */
#define SWAP_BIOS 32              /* of each area, made with it */

/* The SWAP word of a slot: index in 43:12, area in 47:44 (book: words). */
static inline uint64_t
swap_word(slot_t slot)
{
	uint64_t area = slot >> SWAP_INDEX_BITS;

	ASSERT(slot != 0);
	return pte_make_soft(PTE_SWAP, area << 32 | (slot & SWAP_INDEX_MAX));
}

/* The slot that a SWAP word names. */
static inline slot_t
swap_slot(uint64_t word)
{
	uint64_t payload = (word & PTE_PFN_MASK) >> PAGE_SHIFT;

	ASSERT(pte_kind(word) == PTE_SWAP);
	return (slot_t)((payload >> 32) << SWAP_INDEX_BITS |
	    (payload & SWAP_INDEX_MAX));
}

/* Slots [slot, slot + n) lie side by side from a sector of the device on. */
struct swap_extent {
	uint32_t slot, n;         /* [c] */
	uint64_t sector;          /* [c] */
};

struct swap_bio {
	struct bio io;            /* [own] */
	struct swap_area *area;   /* [own] */
	struct list_node node;    /* [S] among the idle ones */
	slot_t slot;              /* [own] of page[0] */
	unsigned n;               /* [own] pages */
	unsigned at, len;         /* [own] the request is for [at, at + len) of them */
	unsigned again;           /* [own] page[at] was read again so many times */
	struct vm_page *page[SWAP_RUN]; /* [own] */
};

struct swap_area {
	struct bdev *dev;         /* [c] */
	struct swap_extent *ext;  /* [c] in the order of slots */
	unsigned next;            /* [c] extents */
	unsigned max_ext;         /* [c] room for so many */
	unsigned no;              /* [c] its number in slots and words */
	uint32_t nslots;          /* [c] all, slot 0 (the header) too */
	int prio;                 /* [c] higher ones are filled first */
	uint64_t *map;            /* [S] a bit for each slot: used, bad, header */
	uint8_t *runhint;         /* [S] of each block: no longer free run than this */
	uint32_t nfree, nbad;     /* [S] nbad: retired and listed bad, not the header */
	uint32_t hint;            /* [S] block to look at next */
	uint32_t busy;            /* [S] bios under way */
	bool closing;             /* [S] swapoff empties it: nothing is allocated */
	struct list idle;         /* [S] swap_bio */
	struct swap_bio *bios;    /* [c] SWAP_BIOS of them */
	void *client;             /* [c] the open file, for who has called swap_on() */
	char path[64];            /* [c] for /proc/swaps */
};

/* Words whose pages are to be read from swap: the first, and some behind it. */
struct swap_words {
	struct vm_page *container; /* [own] that holds them; NULL: a WIRED header */
	uint64_t *word;           /* [own] */
	unsigned step;            /* [own] words from one to the next: entries of fmo 2 */
	unsigned max;             /* [own] so many from word on belong together */
	enum page_home home;      /* [own] */
	uint64_t index;           /* [own] page->index of the first page */
	bool pin;                 /* [own] the caller gets a pin on what is read */
};

/* A walk over words that are SWAP or TRANS: ops->swapped. */
struct swap_walk {
	va_t at;                  /* [own] where it goes on */
	va_t away;                /* [own] -EAGAIN: pin this first; 0: bring tables */
	struct pt_hold tables;    /* [own] of at, once they were out */
	/* 0: go on; else the walk ends with it. */
	int (*fn)(struct swap_walk *, const struct swap_words *); /* [c] */
};

/* Findings of vm_check: text lines, counted: [own]. */
struct vm_report {
	struct out *out;
	unsigned findings, level;
	uint32_t *mapcount;        /* per pfn, counted while walking; or NULL */
	uint64_t vads;             /* met in the trees */
	bool no_vads;              /* of the space that is walked: they are out */
	bool partial;              /* some words are on swap, or lost: not seen */
};

#endif
