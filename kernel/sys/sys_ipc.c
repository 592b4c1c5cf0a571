/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_ipc.c: System V IPC
 *
 * Problem   Three families of calls whose last one, …ctl, has a dozen commands of
 *           different layouts; ipc/ knows
 *           segments, sets and queues.
 *
 * Rules     Each command first says which one it means, then whether that is allowed,
 *           then copies.
 *
 * Read next ipc/README.md.
 */
#include "sys/sys.h"

#include "ipc/ipc.h"
#include "lib/errno.h"
#include "mem/mem.h"

#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3
#define GETPID 11
#define GETVAL 12
#define GETALL 13
#define GETNCNT 14
#define GETZCNT 15
#define SETVAL 16
#define SETALL 17
#define SEM_STAT 18
#define SEM_INFO 19
#define SEM_STAT_ANY 20
#define MSG_STAT 11
#define MSG_INFO 12
#define MSG_STAT_ANY 13
#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_STAT 13
#define SHM_INFO 14
#define SHM_STAT_ANY 15
#define NO_LIMIT (UINT64_MAX - (1ul << 24)) /* Linux's SHMMAX and SHMALL */

struct ipc_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad;
	uint32_t pad2;
	uint64_t none[2];
};
_Static_assert(sizeof(struct ipc_perm) == 48, "Linux");

struct shmid_ds {
	struct ipc_perm perm;
	uint64_t size, atime, dtime, ctime;
	int32_t cpid, lpid;
	uint64_t nattch, none[2];
};
_Static_assert(sizeof(struct shmid_ds) == 112, "Linux");

struct shminfo {
	uint64_t max, min, mni, seg, all, none[4];
};

struct shm_info {
	int32_t used, pad;
	uint64_t tot, rss, swp, attempts, successes;
};

static struct ipc_perm
perm_of(const struct ipc *i)
{
	return (struct ipc_perm){ .key = i->key, .uid = i->uid, .gid = i->gid,
		.cuid = i->cuid, .cgid = i->cgid, .mode = i->mode,
		.seq = (uint16_t)((unsigned)i->id / IPC_SLOTS) };
}

static struct ipc_set
set_of(const struct ipc_perm *p)
{
	return (struct ipc_set){ .uid = p->uid, .gid = p->gid, .mode = p->mode };
}

/* Which of them a …_STAT asks for. */
static enum ipc_stat_by
stat_by(int cmd, int by_slot, int any)
{
	return cmd == by_slot ? BY_SLOT : cmd == any ? BY_SLOT_ANY : BY_ID;
}

/* ---- shared memory ---- */

int64_t
sys_shmget(const uint64_t a[6])
{
	return shm_get((int)a[0], a[1], (int)a[2]);
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

/* What is told of all of them: the result is the highest slot. */
static int64_t
shm_info(int cmd, va_t at)
{
	struct shminfo limits = { .max = NO_LIMIT, .min = 1, .mni = IPC_MAX,
		.seg = IPC_MAX, .all = NO_LIMIT };
	struct shm_info now = { 0 };
	struct shm_sums sum;
	int r;

	shm_sum(&sum);
	now.used = (int32_t)sum.n;
	now.tot = sum.pages;
	now.rss = sum.resident;
	r = cmd == IPC_INFO ? copyout(at, &limits, sizeof(limits)) :
	    copyout(at, &now, sizeof(now));
	return r < 0 ? r : sum.last;
}

static int64_t
shm_tell(int id, int cmd, va_t at)
{
	struct shmid_ds ds = { .nattch = 0 };
	struct ipc_view v;
	int r = shm_stat(id, stat_by(cmd, SHM_STAT, SHM_STAT_ANY), &v);

	if (r < 0)
		return r;
	ds.perm = perm_of(&v.is);
	ds.size = v.n[SHM_SIZE];
	ds.atime = v.n[SHM_ATIME];
	ds.dtime = v.n[SHM_DTIME];
	ds.ctime = v.is.ctime;
	ds.cpid = (int32_t)v.n[SHM_CPID];
	ds.lpid = (int32_t)v.n[SHM_LPID];
	ds.nattch = v.n[SHM_NATTCH];
	return copyout(at, &ds, sizeof(ds)) < 0 ? -EFAULT : r;
}

int64_t
sys_shmctl(const uint64_t a[6])
{
	int id = (int)a[0], cmd = (int)a[1];
	struct ipc_set set;
	struct shmid_ds ds;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SHM_INFO:
		return shm_info(cmd, a[2]);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return shm_tell(id, cmd, a[2]);
	case IPC_SET:
		if (copyin(&ds, a[2], sizeof(ds)) < 0)
			return -EFAULT;
		set = set_of(&ds.perm);
		return shm_set(id, &set);
	case IPC_RMID:
		return shm_remove(id);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return -EPERM; /* mlock(2) is there */
	default:
		return -EINVAL;
	}
}

/* ---- semaphores ---- */

struct semid_ds {
	struct ipc_perm perm;
	uint64_t otime, none1, ctime, none2, nsems, none[2];
};
_Static_assert(sizeof(struct semid_ds) == 104, "Linux");

struct seminfo {
	int32_t map, mni, mns, mnu, msl, opm, ume, usz, vmx, aem;
};

int64_t
sys_semget(const uint64_t a[6])
{
	return sem_get((int)a[0], (int)a[1], (int)a[2]);
}

static int64_t
sem_steps(int id, va_t ops, unsigned n, uint64_t deadline)
{
	struct sembuf *b;
	int64_t r;

	if (n < 1)
		return -EINVAL;
	if (n > SEM_OPS_MAX)
		return -E2BIG;
	b = kmem_alloc(n * sizeof(*b));
	if (b == NULL)
		return -ENOMEM;
	r = copyin(b, ops, n * sizeof(*b)) < 0 ? -EFAULT :
	    sem_op(id, b, n, deadline);
	kmem_free(b);
	return r;
}

int64_t
sys_semop(const uint64_t a[6])
{
	return sem_steps((int)a[0], a[1], (unsigned)a[2], WAIT_FOREVER);
}

int64_t
sys_semtimedop(const uint64_t a[6])
{
	uint64_t ns;
	int r;

	if (a[3] == 0)
		return sys_semop(a);
	r = sys_get_timespec(a[3], &ns);
	return r < 0 ? r : sem_steps((int)a[0], a[1], (unsigned)a[2], sys_deadline(ns));
}

static int64_t
sem_info(int cmd, va_t at)
{
	struct seminfo info = { .map = IPC_MAX * SEM_MAX, .mni = IPC_MAX,
		.mns = IPC_MAX * SEM_MAX, .mnu = IPC_MAX * SEM_MAX, .msl = SEM_MAX,
		.opm = SEM_OPS_MAX, .ume = SEM_OPS_MAX, .usz = 20,
		.vmx = SEM_VALUE_MAX, .aem = SEM_VALUE_MAX };
	unsigned sets, all;
	int last = sem_sum(&sets, &all);

	if (cmd == SEM_INFO) {
		info.usz = (int32_t)sets;
		info.aem = (int32_t)all;
	}
	return copyout(at, &info, sizeof(info)) < 0 ? -EFAULT : last;
}

static int64_t
sem_tell(int id, int cmd, va_t at)
{
	struct semid_ds ds = { .none1 = 0 };
	struct ipc_view v;
	int r = sem_stat(id, stat_by(cmd, SEM_STAT, SEM_STAT_ANY), &v);

	if (r < 0)
		return r;
	ds.perm = perm_of(&v.is);
	ds.otime = v.n[SEM_OTIME];
	ds.ctime = v.is.ctime;
	ds.nsems = v.n[SEM_N];
	return copyout(at, &ds, sizeof(ds)) < 0 ? -EFAULT : r;
}

static int64_t
sem_all(int id, int cmd, va_t at)
{
	int n = sem_count(id, cmd == GETALL ? IPC_R : IPC_W);
	uint16_t values[SEM_MAX];
	int r;

	if (n < 0)
		return n;
	if (cmd == GETALL) {
		r = sem_get_all(id, values, (unsigned)n);
		return r < 0 ? r : copyout(at, values, (size_t)n * sizeof(values[0]));
	}
	if (copyin(values, at, (size_t)n * sizeof(values[0])) < 0)
		return -EFAULT;
	return sem_set_all(id, values, (unsigned)n);
}

static int64_t
sem_change(int id, va_t at)
{
	struct semid_ds ds;
	struct ipc_set set;

	if (copyin(&ds, at, sizeof(ds)) < 0)
		return -EFAULT;
	set = set_of(&ds.perm);
	return sem_set(id, &set);
}

int64_t
sys_semctl(const uint64_t a[6])
{
	int id = (int)a[0], num = (int)a[1], cmd = (int)a[2];

	if (id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case SEM_INFO:
		return sem_info(cmd, a[3]);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return sem_tell(id, cmd, a[3]);
	case GETALL:
	case SETALL:
		return sem_all(id, cmd, a[3]);
	case GETVAL:
		return sem_ask(id, num, SEM_VAL);
	case GETPID:
		return sem_ask(id, num, SEM_PID);
	case GETNCNT:
		return sem_ask(id, num, SEM_NCNT);
	case GETZCNT:
		return sem_ask(id, num, SEM_ZCNT);
	case SETVAL:
		return sem_set_value(id, num, (int)a[3]);
	case IPC_SET:
		return sem_change(id, a[3]);
	case IPC_RMID:
		return sem_remove(id);
	default:
		return -EINVAL;
	}
}

/* ---- messages ---- */

struct msqid_ds {
	struct ipc_perm perm;
	uint64_t stime, rtime, ctime, cbytes, qnum, qbytes;
	int32_t lspid, lrpid;
	uint64_t none[2];
};
_Static_assert(sizeof(struct msqid_ds) == 120, "Linux");

struct msginfo {
	int32_t pool, map, max, mnb, mni, ssz, tql;
	uint16_t seg, pad;
};

int64_t
sys_msgget(const uint64_t a[6])
{
	return msg_get((int)a[0], (int)a[1]);
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

static int64_t
msg_info(int cmd, va_t at)
{
	struct msginfo info = { .pool = IPC_MAX * MSG_QUEUE_BYTES / 1024,
		.map = MSG_QUEUE_BYTES, .max = MSG_BYTES_MAX, .mnb = MSG_QUEUE_BYTES,
		.mni = IPC_MAX, .ssz = 16, .tql = MSG_QUEUE_BYTES, .seg = UINT16_MAX };
	unsigned queues, messages, bytes;
	int last = msg_sum(&queues, &messages, &bytes);

	if (cmd == MSG_INFO) {
		info.pool = (int32_t)queues;
		info.map = (int32_t)messages;
		info.tql = (int32_t)bytes;
	}
	return copyout(at, &info, sizeof(info)) < 0 ? -EFAULT : last;
}

static int64_t
msg_tell(int id, int cmd, va_t at)
{
	struct msqid_ds ds = { .stime = 0 };
	struct ipc_view v;
	int r = msg_stat(id, stat_by(cmd, MSG_STAT, MSG_STAT_ANY), &v);

	if (r < 0)
		return r;
	ds.perm = perm_of(&v.is);
	ds.stime = v.n[MSGV_STIME];
	ds.rtime = v.n[MSGV_RTIME];
	ds.ctime = v.is.ctime;
	ds.cbytes = v.n[MSGV_BYTES];
	ds.qnum = v.n[MSGV_N];
	ds.qbytes = v.n[MSGV_MAX];
	ds.lspid = (int32_t)v.n[MSGV_LSPID];
	ds.lrpid = (int32_t)v.n[MSGV_LRPID];
	return copyout(at, &ds, sizeof(ds)) < 0 ? -EFAULT : r;
}

int64_t
sys_msgctl(const uint64_t a[6])
{
	int id = (int)a[0], cmd = (int)a[1];
	struct ipc_set set;
	struct msqid_ds ds;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return msg_info(cmd, a[2]);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY:
		return msg_tell(id, cmd, a[2]);
	case IPC_SET:
		if (copyin(&ds, a[2], sizeof(ds)) < 0)
			return -EFAULT;
		set = set_of(&ds.perm);
		set.qbytes = ds.qbytes;
		return msg_set(id, &set);
	case IPC_RMID:
		return msg_remove(id);
	default:
		return -EINVAL;
	}
}
