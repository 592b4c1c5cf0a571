/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc.h: System V IPC: what programs find by a key
 *
 * Offers    the calls for sys_ipc.c; the table that the three kinds share.
 * Needs     proc/, vm/.
 * Sleeps?   All but *_locked.
 * In interrupts?  Never.
 *
 * Tags      [I] ipc_lock   [c] constant after construction   [own] the thread's
 *
 * Locks     ipc_lock (spin, LR_LEAF) guards all tables and what is in them; nothing
 *           sleeps under it.  proc_lock is never taken within.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include "lib/tree.h"
#include "proc/procdat.h"

#define IPC_CREAT 01000
#define IPC_EXCL 02000
#define IPC_NOWAIT 04000
#define IPC_PRIVATE 0
#define IPC_MAX 4096u            /* of a kind */

/* The common head of all three kinds, and what STAT tells of each: the words of Linux's
 * struct shmid_ds … behind the permissions. */
#define IPC_WORDS 10u
struct ipc {
	struct rb_node node;     /* [I] in the table, by slot */
	uint64_t slot;           /* [I] of the id */
	int id;                  /* [I] */
	int key;                 /* [I] IPC_PRIVATE: found by id only */
	uint64_t size;           /* [c] bytes of a segment, semaphores of a set; else 0 */
	uint64_t weight;         /* [c] it counts as so many */
	struct user *payer;      /* [c] of this user; NULL: it was never found */
	uint32_t uid, gid;       /* [I] */
	uint32_t cuid, cgid;     /* [c] */
	uint32_t mode;           /* [I] permission bits, and of shm two more */
	union {
		uint64_t n[IPC_WORDS];
		struct {         /* [A]; nattch, resident: of a view */
			uint64_t size, atime, dtime, ctime;
			int cpid, lpid;
			uint64_t nattch, none[2], pages, resident;
		} shm;
		struct {         /* [I] times in s */
			uint64_t otime, none, ctime, none_either, n;
		} sem;
		struct {         /* [I] max: of both, bytes and messages */
			uint64_t stime, rtime, ctime, bytes, n, max;
			int lspid, lrpid;
		} msg;
	};
	unsigned refs;           /* [I] the table's, and of each that sleeps */
	bool removed;            /* [I] by its owner; of that a segment still has its id */
};

_Static_assert(offsetof(struct ipc, msg.max) == offsetof(struct ipc, n[5]), "IPC_QBYTES");
#define IPC_QBYTES 5u            /* the word that IPC_SET changes */

/* [own] The result of STAT. */
struct ipc_view {
	struct ipc is;
	struct vmo *vmo;         /* of a segment: a reference, until it was looked at */
};
enum ipc_stat_by { BY_ID, BY_SLOT, BY_SLOT_ANY };

/* [own] what IPC_SET changes */
struct ipc_set {
	uint32_t uid, gid, mode;
	uint64_t qbytes;         /* of a queue */
};

/* [own] The arguments of …get(2). */
struct ipc_want {
	int key, flags;
	uint64_t size;           /* of a segment bytes, of a set semaphores */
};

/* The operations of a kind; *_locked under ipc_lock.  NULL: nothing to do. */
struct ipc_ops {
	/* A new one that nobody finds yet.  0, -EINVAL, -ENOMEM. */
	int (*make)(const struct ipc_want *, struct ipc **out);
	void (*free)(struct ipc *);
	/* 0, -EPERM. */
	int (*set_locked)(struct ipc *, const struct ipc_set *);
	/* Its owner has removed it: wake the sleepers. */
	void (*removed_locked)(struct ipc *);
	void (*view_locked)(const struct ipc *, struct ipc_view *);
	void (*look)(struct ipc_view *);             /* what needs other locks */
	void (*line)(const struct ipc *, struct out *);  /* of /proc/sysvipc */
};

/* All of one kind. */
struct ipc_ids {
	struct rb_root all;      /* [I] */
	unsigned n;              /* [I] */
	unsigned slot, turn;     /* [I] of the last id; ids of a slot differ by turn */
	const struct ipc_ops *ops;   /* [c] */
	enum user_use use;           /* [c] limits what a user has */
	unsigned ctime;              /* [c] its word */
	const char *head;        /* [c] first line of /proc/sysvipc/… */
};
#define IPC_SLOTS 32768u
#define IPC_NO_IDS .slot = IPC_SLOTS - 1, .turn = UINT16_MAX

extern struct spinlock ipc_lock;
extern struct ipc_ids shm_ids, sem_ids, msg_ids;

enum ipc_access { IPC_R = 4, IPC_W = 2, IPC_X = 1 };

/* ipc.c */
void ipc_init(void);                                 /* /proc, hooks; boot */
uint64_t ipc_now(void);                              /* s since 1970 */
struct ipc *ipc_find_locked(struct ipc_ids *, int id);
bool ipc_may_locked(const struct ipc *, unsigned access);
struct ipc *ipc_open_locked(struct ipc_ids *, int id, unsigned access, int *r);
void ipc_remove_locked(struct ipc_ids *, struct ipc *);
void ipc_put(struct ipc_ids *, struct ipc *);
void ipc_free(struct ipc_ids *, struct ipc *);
int ipc_get(struct ipc_ids *, const struct ipc_want *) MUST_CHECK;
int ipc_set(struct ipc_ids *, int id, const struct ipc_set *) MUST_CHECK;
int ipc_remove(struct ipc_ids *, int id) MUST_CHECK;
int ipc_stat(struct ipc_ids *, int id, enum ipc_stat_by, struct ipc_view *) MUST_CHECK;
/* [own] */
struct ipc_sums {
	unsigned n;
	int last;                /* highest slot in use, 0 if none */
	struct ipc of;           /* its words alone */
};
void ipc_sum(struct ipc_ids *, struct ipc_sums *);
void ipc_show_owners(const struct ipc *, struct out *);

/* shm.c */
#define SHM_RDONLY 010000
#define SHM_RND 020000
#define SHM_REMAP 040000
#define SHM_EXEC 0100000
int shm_attach(int id, va_t at, int flags, va_t *out) MUST_CHECK;
int shm_detach(va_t at) MUST_CHECK;

/* sem.c */
#define SEM_MAX 250u             /* in a set */
#define SEM_VALUE_MAX 32767
#define SEM_OPS_MAX 500u
/* [own] as the program gives it */
struct sembuf {
	uint16_t num;            /* [own] */
	int16_t op, flags;       /* [own] */
};
enum sem_ask { SEM_PID = 11, SEM_VAL, SEM_NCNT = 14, SEM_ZCNT }; /* GETPID … */
int sem_op(int id, const struct sembuf *, unsigned n, uint64_t deadline) MUST_CHECK;
int sem_ask(int id, int num, enum sem_ask) MUST_CHECK;
int sem_get_all(int id, unsigned access, uint16_t *values) MUST_CHECK;
int sem_set(int id, int first, const uint16_t *values, unsigned n) MUST_CHECK;
void sem_init(void);

/* msg.c */
#define MSG_BYTES_MAX 8192u      /* of a message */
#define MSG_QUEUE_BYTES 16384u   /* of a queue's, unless root allows more */
int msg_send(int id, int64_t type, va_t from, uint64_t n, int flags) MUST_CHECK;
ssize_t msg_receive(int id, va_t to, uint64_t n, int64_t type, int flags) MUST_CHECK;

#endif
