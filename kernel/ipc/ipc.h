/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc.h: System V IPC: what programs find by a key
 *
 * Offers    what sys_ipc.c asks; the table that the three kinds share.
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
#define IPC_USER_MAX 1024u       /* of them one user's; root is not asked */

/* What every one has. */
struct ipc {
	struct rb_node node;     /* [I] in the table, by slot */
	int id;                  /* [I] */
	int key;                 /* [I] IPC_PRIVATE: found by id only */
	uint32_t uid, gid;       /* [I] */
	uint32_t cuid, cgid;     /* [c] */
	uint32_t mode;           /* [I] permission bits, and of shm two more */
	uint64_t ctime;          /* [I] s */
};

struct ipc_ids {
	struct rb_root all;      /* [I] */
	unsigned n;              /* [I] */
	unsigned slot, turn;     /* [I] of the last id; ids of a slot differ by turn */
};
#define IPC_SLOTS 32768u
#define IPC_NO_IDS { .slot = IPC_SLOTS - 1, .turn = UINT16_MAX }

extern struct spinlock ipc_lock;

enum ipc_access { IPC_R = 4, IPC_W = 2, IPC_X = 1 };

/* ipc.c */
uint64_t ipc_now(void);                              /* s since 1970 */
struct ipc *ipc_find_locked(struct ipc_ids *, int id);
struct ipc *ipc_nth_locked(struct ipc_ids *, unsigned slot);  /* or behind it; NULL */
unsigned ipc_slot(int id);
bool ipc_may_locked(const struct ipc *, unsigned access);
bool ipc_owns_locked(const struct ipc *);
int ipc_look_locked(struct ipc_ids *, int key, int flags, struct ipc **) MUST_CHECK;
int ipc_add_locked(struct ipc_ids *, struct ipc *, int key, int flags) MUST_CHECK;
void ipc_remove_locked(struct ipc_ids *, struct ipc *);
/* [own] what IPC_SET changes */
struct ipc_set {
	uint32_t uid, gid, mode;
	uint64_t qbytes;         /* of a queue */
};
void ipc_set_locked(struct ipc *, const struct ipc_set *);
int ipc_set(struct ipc_ids *, int id, const struct ipc_set *) MUST_CHECK;
int ipc_last_locked(struct ipc_ids *);
bool ipc_next(struct ipc_ids *, uint64_t *at);

/* [own] what STAT tells of all kinds */
struct ipc_view {
	struct ipc is;
	uint64_t n[8];           /* by kind: shm_view … */
};
enum ipc_stat_by { BY_ID, BY_SLOT, BY_SLOT_ANY };
struct ipc *ipc_stat_locked(struct ipc_ids *, int id, enum ipc_stat_by, int *r);

void ipc_init(void);                                 /* /proc, hooks; boot */

/* shm.c */
enum shm_view { SHM_SIZE, SHM_ATIME, SHM_DTIME, SHM_CPID, SHM_LPID, SHM_NATTCH };
#define SHM_DEST 01000u
#define SHM_LOCKED 02000u
#define SHM_NORESERVE 010000
#define SHM_HUGETLB 04000
#define SHM_RDONLY 010000
#define SHM_RND 020000
#define SHM_REMAP 040000
#define SHM_EXEC 0100000
int shm_get(int key, uint64_t bytes, int flags) MUST_CHECK;
int shm_attach(int id, va_t at, int flags, va_t *out) MUST_CHECK;
int shm_detach(va_t at) MUST_CHECK;
int shm_stat(int id, enum ipc_stat_by, struct ipc_view *) MUST_CHECK;
int shm_set(int id, const struct ipc_set *) MUST_CHECK;
int shm_remove(int id) MUST_CHECK;
/* [own] */
struct shm_sums {
	unsigned n;
	int last;                /* highest slot in use, 0 if none */
	uint64_t pages, resident;
};
void shm_sum(struct shm_sums *);

/* sem.c */
#define SEM_MAX 250u             /* in a set */
#define SEM_VALUE_MAX 32767
#define SEM_OPS_MAX 500u
#define SEM_UNDO 0x1000
enum sem_view { SEM_N, SEM_OTIME };
/* [own] as the program gives it */
struct sembuf {
	uint16_t num;            /* [own] */
	int16_t op, flags;       /* [own] */
};
enum sem_ask { SEM_VAL, SEM_PID, SEM_NCNT, SEM_ZCNT };
int sem_get(int key, int n, int flags) MUST_CHECK;
int sem_op(int id, const struct sembuf *, unsigned n, uint64_t deadline) MUST_CHECK;
int sem_ask(int id, int num, enum sem_ask) MUST_CHECK;
int sem_count(int id, unsigned access) MUST_CHECK;
int sem_set_value(int id, int num, int value) MUST_CHECK;
int sem_get_all(int id, uint16_t *values, unsigned n) MUST_CHECK;
int sem_set_all(int id, const uint16_t *values, unsigned n) MUST_CHECK;
int sem_stat(int id, enum ipc_stat_by, struct ipc_view *) MUST_CHECK;
int sem_set(int id, const struct ipc_set *) MUST_CHECK;
int sem_remove(int id) MUST_CHECK;
int sem_sum(unsigned *sets, unsigned *all);

/* msg.c */
#define MSG_BYTES_MAX 8192u      /* of a message */
#define MSG_QUEUE_BYTES 16384u   /* of a queue's, unless root allows more */
#define MSG_NOERROR 010000
#define MSG_EXCEPT 020000
#define MSG_COPY 040000
enum msg_view { MSGV_STIME, MSGV_RTIME, MSGV_BYTES, MSGV_N, MSGV_MAX, MSGV_LSPID,
	MSGV_LRPID };
int msg_get(int key, int flags) MUST_CHECK;
int msg_send(int id, int64_t type, va_t from, uint64_t n, int flags) MUST_CHECK;
ssize_t msg_receive(int id, va_t to, uint64_t n, int64_t type, int flags) MUST_CHECK;
int msg_stat(int id, enum ipc_stat_by, struct ipc_view *) MUST_CHECK;
int msg_set(int id, const struct ipc_set *) MUST_CHECK;
int msg_remove(int id) MUST_CHECK;
int msg_sum(unsigned *queues, unsigned *messages, unsigned *bytes);

/* Each has its part of /proc/sysvipc. */
void shm_init(void);
void sem_init(void);
void msg_init(void);

#endif
