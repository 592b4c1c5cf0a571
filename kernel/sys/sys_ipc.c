/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_ipc.c: System V IPC
 *
 * Problem   Three families of calls whose last one, …ctl, has a dozen commands, of which
 *           most are the same; ipc/ knows segments, sets and queues.
 *
 * Picture   struct shmid_ds, semid_ds, msqid_ds: permissions, then words of a view
 *
 * Read next ipc/README.md.
 */
#include "sys/sys.h"

#include "ipc/ipc.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3
#define MSG_STAT 11
#define SHM_STAT 13
#define SEM_STAT 18
#define GETALL 13
#define SETVAL 16
#define SETALL 17
#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define NO_LIMIT (UINT64_MAX - (1ul << 24)) /* Linux's SHMMAX and SHMALL */

struct ipc_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad;
	uint32_t pad2;
	uint64_t none[2];
};

/* shmid_ds, semid_ds, msqid_ds, each as long as it is. */
struct ipc_ds {
	struct ipc_perm perm;
	uint64_t n[IPC_WORDS];
};
_Static_assert(offsetof(struct ipc_ds, n) == 48, "Linux");
#define DS_BYTES(words) (offsetof(struct ipc_ds, n) + (words) * sizeof(uint64_t))

/* What …_INFO tells: the limits, or what there is. */
union ipc_info {
	struct shm_limits {
		uint64_t max, min, mni, seg, all, none[4];
	} shm;
	struct shm_now {
		int32_t used, pad;
		uint64_t tot, rss, swp, attempts, successes;
	} shm_now;
	struct sem_info {
		int32_t map, mni, mns, mnu, msl, opm, ume, usz, vmx, aem;
	} sem;
	struct msg_info {
		int32_t pool, map, max, mnb, mni, ssz, tql;
		uint16_t seg, pad;
	} msg;
};

/* How a kind's …ctl differs. */
struct ipc_ctl {
	struct ipc_ids *ids;
	int stat;                /* its …_STAT; …_INFO and …_STAT_ANY follow */
	size_t bytes;            /* of its ds */
	/* How long it is.  now: NULL, or what there is. */
	size_t (*info)(union ipc_info *, const struct ipc_sums *now);
};

/* The result is the highest slot. */
static int64_t
info(const struct ipc_ctl *c, bool limits, va_t at)
{
	union ipc_info i = { .shm = { .max = 0 } };
	struct ipc_sums sum;

	ipc_sum(c->ids, &sum);
	return copyout(at, &i, c->info(&i, limits ? NULL : &sum)) < 0 ? -EFAULT :
	    sum.last;
}

static int64_t
tell(const struct ipc_ctl *c, int id, enum ipc_stat_by by, va_t at)
{
	struct ipc_view v;
	struct ipc_ds ds;
	int r = ipc_stat(c->ids, id, by, &v);

	if (r < 0)
		return r;
	ds.perm = (struct ipc_perm){ .key = v.is.key, .uid = v.is.uid, .gid = v.is.gid,
		.cuid = v.is.cuid, .cgid = v.is.cgid, .mode = v.is.mode,
		.seq = (uint16_t)((unsigned)v.is.id / IPC_SLOTS) };
	memcpy(ds.n, v.is.n, sizeof(ds.n));
	return copyout(at, &ds, c->bytes) < 0 ? -EFAULT : r;
}

static int64_t
change(const struct ipc_ctl *c, int id, va_t at)
{
	struct ipc_ds ds;
	struct ipc_set set;

	if (copyin(&ds, at, c->bytes) < 0)
		return -EFAULT;
	set = (struct ipc_set){ ds.perm.uid, ds.perm.gid, ds.perm.mode, ds.n[IPC_QBYTES] };
	return ipc_set(c->ids, id, &set);
}

static int64_t
ctl(const struct ipc_ctl *c, int id, int cmd, va_t at)
{
	if (id < 0)
		return -EINVAL;
	if (cmd == IPC_RMID)
		return ipc_remove(c->ids, id);
	if (cmd == IPC_SET)
		return change(c, id, at);
	if (cmd == IPC_INFO || cmd == c->stat + 1)
		return info(c, cmd == IPC_INFO, at);
	if (cmd == IPC_STAT)
		return tell(c, id, BY_ID, at);
	if (cmd == c->stat)
		return tell(c, id, BY_SLOT, at);
	return cmd == c->stat + 2 ? tell(c, id, BY_SLOT_ANY, at) : -EINVAL;
}

/* ---- shared memory ---- */

int64_t
sys_shmget(const uint64_t a[6])
{
	return ipc_get(&shm_ids, &(struct ipc_want){ (int)a[0], (int)a[2], a[1] });
}

int64_t
sys_shmat(const uint64_t a[6])
{
	va_t at;
	int r = shm_attach((int)a[0], a[1], (int)a[2], &at);

	return r < 0 ? r : (int64_t)at;
}

int64_t
sys_shmdt(const uint64_t a[6])
{
	return shm_detach(a[0]);
}

static size_t
shm_info(union ipc_info *i, const struct ipc_sums *now)
{
	if (now == NULL) {
		i->shm = (struct shm_limits){ .max = NO_LIMIT, .min = 1, .mni = IPC_MAX,
			.seg = IPC_MAX, .all = NO_LIMIT };
		return sizeof(i->shm);
	}
	i->shm_now = (struct shm_now){ .used = (int32_t)now->n,
		.tot = now->of.shm.pages, .rss = now->of.shm.resident };
	return sizeof(i->shm_now);
}

int64_t
sys_shmctl(const uint64_t a[6])
{
	static const struct ipc_ctl shm = { &shm_ids, SHM_STAT, DS_BYTES(8), shm_info };
	int id = (int)a[0], cmd = (int)a[1];

	if (id >= 0 && (cmd == SHM_LOCK || cmd == SHM_UNLOCK))
		return -EPERM; /* not provided: programs can use mlock(2) */
	return ctl(&shm, id, cmd, a[2]);
}

/* ---- semaphores ---- */

int64_t
sys_semget(const uint64_t a[6])
{
	if ((unsigned)a[1] > SEM_MAX)
		return -EINVAL;
	return ipc_get(&sem_ids, &(struct ipc_want){ (int)a[0], (int)a[2], (unsigned)a[1] });
}

static int64_t
sem_steps(const uint64_t a[6], uint64_t deadline)
{
	unsigned n = (unsigned)a[2];
	struct sembuf *b;
	int64_t r;

	if (n < 1)
		return -EINVAL;
	if (n > SEM_OPS_MAX)
		return -E2BIG;
	b = kmem_alloc(n * sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	r = copyin(b, a[1], n * sizeof(*b)) < 0 ? -EFAULT :
	    sem_op((int)a[0], b, n, deadline);
	kmem_free(b);
	return r;
}

int64_t
sys_semtimedop(const uint64_t a[6])
{
	uint64_t deadline;
	int r = sys_timespec_deadline(a[3], &deadline);

	return r < 0 ? r : sem_steps(a, deadline);
}

static size_t
sem_info(union ipc_info *i, const struct ipc_sums *now)
{
	const int32_t all = IPC_MAX * SEM_MAX;

	i->sem = (struct sem_info){ .map = all, .mni = IPC_MAX, .mns = all, .mnu = all,
		.msl = SEM_MAX, .opm = SEM_OPS_MAX, .ume = SEM_OPS_MAX,
		.usz = now == NULL ? 20 : (int32_t)now->n, .vmx = SEM_VALUE_MAX,
		.aem = now == NULL ? SEM_VALUE_MAX : (int32_t)now->of.sem.n };
	return sizeof(i->sem);
}

static int64_t
sem_all(int id, int cmd, va_t at)
{
	uint16_t values[SEM_MAX];
	int n = sem_get_all(id, cmd == GETALL ? IPC_R : IPC_W, values);

	if (n < 0)
		return n;
	if (cmd == GETALL)
		return copyout(at, values, (size_t)n * sizeof(values[0]));
	if (copyin(values, at, (size_t)n * sizeof(values[0])) < 0)
		return -EFAULT;
	return sem_set(id, 0, values, (unsigned)n);
}

int64_t
sys_semctl(const uint64_t a[6])
{
	static const struct ipc_ctl sem = { &sem_ids, SEM_STAT, DS_BYTES(7), sem_info };
	uint16_t value = (uint16_t)MIN((uint32_t)a[3], (uint32_t)UINT16_MAX);
	int id = (int)a[0], num = (int)a[1], cmd = (int)a[2];

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case GETALL:
	case SETALL:
		return sem_all(id, cmd, a[3]);
	case SEM_VAL:
	case SEM_PID:
	case SEM_NCNT:
	case SEM_ZCNT:
		return sem_ask(id, num, (enum sem_ask)cmd);
	case SETVAL:
		return sem_set(id, num, &value, 1);
	}
	return ctl(&sem, id, cmd, a[3]);
}

/* ---- messages ---- */

int64_t
sys_msgget(const uint64_t a[6])
{
	return ipc_get(&msg_ids, &(struct ipc_want){ (int)a[0], (int)a[1], 0 });
}

int64_t
sys_msgsnd(const uint64_t a[6])
{
	int64_t type;

	if (copyin(&type, a[1], sizeof(type)) < 0)
		return -EFAULT;
	return msg_send((int)a[0], type, a[1] + sizeof(type), a[2], (int)a[3]);
}

int64_t
sys_msgrcv(const uint64_t a[6])
{
	return msg_receive((int)a[0], a[1], a[2], (int64_t)a[3], (int)a[4]);
}

static size_t
msg_info(union ipc_info *i, const struct ipc_sums *now)
{
	i->msg = (struct msg_info){ .pool = IPC_MAX * MSG_QUEUE_BYTES / 1024,
		.map = MSG_QUEUE_BYTES, .max = MSG_BYTES_MAX, .mnb = MSG_QUEUE_BYTES,
		.mni = IPC_MAX, .ssz = 16, .tql = MSG_QUEUE_BYTES, .seg = UINT16_MAX };
	if (now != NULL) {
		i->msg.pool = (int32_t)now->n;
		i->msg.map = (int32_t)now->of.msg.n;
		i->msg.tql = (int32_t)now->of.msg.bytes;
	}
	return sizeof(i->msg);
}

int64_t
sys_msgctl(const uint64_t a[6])
{
	static const struct ipc_ctl msg = { &msg_ids, MSG_STAT, DS_BYTES(9), msg_info };

	return ctl(&msg, (int)a[0], (int)a[1], a[2]);
}
