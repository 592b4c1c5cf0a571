/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_ipc.h: System V messages, semaphores and shared memory
 *
 * What is made outlives who made it: the ids of a seed are shared, by
 * which the next operation finds them and the parent removes them.
 */
#ifndef SEEDED_CALLS_IPC_H
#define SEEDED_CALLS_IPC_H

#include "calls.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define MESSAGE_BYTES 9000 /* more than a message may have */
#define SEMS 5

/* The place of an id, mostly one that was made. */
static int *
any_slot(enum ipc_kind kind)
{
	unsigned slot = chance(IPC_SLOTS);

	say(" %u", slot);
	return &shared->ipc[kind][slot];
}

static key_t
any_key(void)
{
	return (key_t)PICK(IPC_PRIVATE, 0x5601, 0x5602);
}

/* All processes see the same keys: seeds that run at the same time have their own. */
static key_t keys;

static key_t
own_key(key_t key)
{
	return key == IPC_PRIVATE ? key : key + keys;
}

static int
any_ipc_flags(void)
{
	int mode = PICK(0600, 0666, 0, 0444, 0622);
	int flags = PICK(IPC_CREAT, IPC_CREAT, IPC_CREAT | IPC_EXCL, 0);

	return mode | flags;
}

/* The id is kept for what comes, and for who removes it. */
static void
tell_made(enum ipc_kind kind, int *slot, int id)
{
	if (!tell_good(id >= 0))
		return;
	*slot = id;
	for (unsigned i = 0; i < shared->made; i++)
		if (shared->to_remove[i].kind == kind &&
		    shared->to_remove[i].id == id)
			return;
	CHECK(shared->made < MOST_MADE);
	shared->to_remove[shared->made].kind = kind;
	shared->to_remove[shared->made++].id = id;
}

/* What is left of a seed. */
static void
remove_ipc(void)
{
	for (unsigned i = 0; i < shared->made; i++) {
		int id = shared->to_remove[i].id;

		switch (shared->to_remove[i].kind) {
		case IPC_MESSAGES:
			msgctl(id, IPC_RMID, NULL);
			break;
		case IPC_SEMAPHORES:
			semctl(id, 0, IPC_RMID);
			break;
		default:
			shmctl(id, IPC_RMID, NULL);
		}
	}
}

static void
show_perm(const struct ipc_perm *p)
{
	say(" %o %d:%d %d:%d", p->mode, p->uid, p->gid, p->cuid, p->cgid);
}

static void
any_owner(struct ipc_perm *p)
{
	p->mode = PICK(0600, 0666, 0, 0444);
	p->uid = PICK(0, USER, 1001);
	p->gid = PICK(0, USER);
	say(" %o %d:%d", p->mode, p->uid, p->gid);
}

/* ---- messages ---- */

static void
op_msgget(void)
{
	key_t key = any_key();
	int flags = any_ipc_flags(), *slot;

	say("msgget %x %o", key, flags);
	slot = any_slot(IPC_MESSAGES);
	tell_made(IPC_MESSAGES, slot, CALL(msgget(own_key(key), flags), -1));
}

static struct {
	long type;
	char text[MESSAGE_BYTES];
} message;

static void
op_msgsnd(void)
{
	size_t n = PICK(0, 1, 10, 500, 8192, MESSAGE_BYTES);
	int *slot;

	message.type = PICK(1, 2, 3, 1, 2, 0, -1);
	memcpy(message.text, data + chance(100), n);
	say("msgsnd %ld %zu", message.type, n);
	slot = any_slot(IPC_MESSAGES);
	tell(msgsnd(*slot, &message, n, IPC_NOWAIT));
}

static void
op_msgrcv(void)
{
	size_t room = PICK(0, 1, 10, 500, MESSAGE_BYTES);
	long type = PICK(0, 0, 1, 2, -1, -2, 5);
	int flags = PICK(0, 0, MSG_NOERROR, MSG_EXCEPT);
	int *slot;
	long n;

	say("msgrcv %zu %ld %o", room, type, flags);
	slot = any_slot(IPC_MESSAGES);
	message.type = -7;
	n = tell(msgrcv(*slot, &message, room, type, flags | IPC_NOWAIT));
	if (n >= 0)
		say(" %ld #%08x", message.type, fnv(message.text, n));
}

static void
op_msgctl(void)
{
	int command = PICK(IPC_STAT, IPC_STAT, IPC_SET, IPC_RMID, 99);
	struct msqid_ds q = { .msg_qbytes = PICK(16384, 100, 600) };
	int *slot;

	say("msgctl %d %lu", command, (unsigned long)q.msg_qbytes);
	any_owner(&q.msg_perm);
	slot = any_slot(IPC_MESSAGES);
	if (tell(msgctl(*slot, command, &q)) != 0 || command != IPC_STAT)
		return;
	show_perm(&q.msg_perm);
	say(" %lu %lu", (unsigned long)q.msg_qnum, (unsigned long)q.msg_qbytes);
}

/* ---- semaphores ---- */

static void
op_semget(void)
{
	key_t key = any_key();
	int n = PICK(1, 3, SEMS, 0, -1);
	int flags = any_ipc_flags(), *slot;

	say("semget %x %d %o", key, n, flags);
	slot = any_slot(IPC_SEMAPHORES);
	tell_made(IPC_SEMAPHORES, slot, CALL(semget(own_key(key), n, flags), -1));
}

static void
op_semop(void)
{
	struct sembuf op[3];
	size_t n = PICK(1, 1, 2, 3, 3, 0);
	int *slot;

	say("semop");
	for (size_t i = 0; i < n; i++) {
		op[i].sem_num = PICK(0, 0, 1, 2, SEMS);
		op[i].sem_op = PICK(1, 1, -1, 0, 2, -3, 32767);
		op[i].sem_flg = PICK(IPC_NOWAIT, IPC_NOWAIT | SEM_UNDO);
		say(" %d %d %x", op[i].sem_num, op[i].sem_op, op[i].sem_flg);
	}
	slot = any_slot(IPC_SEMAPHORES);
	tell(semop(*slot, op, n));
}

static void
op_semval(void)
{
	int command = PICK(GETVAL, SETVAL, GETNCNT, GETZCNT, 99);
	int which = PICK(0, 1, 2, SEMS, -1);
	int value = PICK(0, 1, 5, -1, 40000);
	int *slot;

	say("semval %d %d %d", command, which, value);
	slot = any_slot(IPC_SEMAPHORES);
	tell(semctl(*slot, which, command, value));
}

static void
op_semall(void)
{
	unsigned short value[SEMS] = { 0 };
	int command = PICK(GETALL, SETALL);
	int *slot;

	if (command == SETALL)
		for (int i = 0; i < SEMS; i++)
			value[i] = PICK(0, 1, 2, 32767, 40000);
	say("semall %d #%08x", command, fnv(value, sizeof(value)));
	slot = any_slot(IPC_SEMAPHORES);
	if (tell(semctl(*slot, 0, command, value)) == 0)
		say(" #%08x", fnv(value, sizeof(value)));
}

static void
op_semctl(void)
{
	int command = PICK(IPC_STAT, IPC_STAT, IPC_SET, IPC_RMID);
	struct semid_ds set = { 0 };
	int *slot;

	say("semctl %d", command);
	any_owner(&set.sem_perm);
	slot = any_slot(IPC_SEMAPHORES);
	if (tell(semctl(*slot, 0, command, &set)) != 0 || command != IPC_STAT)
		return;
	show_perm(&set.sem_perm);
	say(" %lu", (unsigned long)set.sem_nsems);
}

/* ---- shared memory ---- */

static void
op_shmget(void)
{
	key_t key = any_key();
	size_t n = PICK(0, 1, 4096, 10000, 20000);
	int flags = any_ipc_flags(), *slot;

	say("shmget %x %zu %o", key, n, flags);
	slot = any_slot(IPC_MEMORY);
	tell_made(IPC_MEMORY, slot, CALL(shmget(own_key(key), n, flags), -1));
}

static void
op_shmat(void)
{
	struct bytes b = any_range();
	int flags = PICK(0, SHM_REMAP, SHM_REMAP, SHM_RDONLY, SHM_RND,
	    SHM_REMAP | SHM_RDONLY, SHM_REMAP | SHM_EXEC);
	int *slot;
	char *p;

	say("shmat +%lx %o", b.p - area, flags);
	slot = any_slot(IPC_MEMORY);
	p = CALL(shmat(*slot, b.p, flags), (void *)-1);
	if (tell_good(p != (char *)-1))
		say(" +%lx", p - area);
}

static void
op_shmdt(void)
{
	struct bytes b = any_range();

	say("shmdt +%lx", b.p - area);
	tell(shmdt(b.p));
}

static void
op_shmctl(void)
{
	int command = PICK(IPC_STAT, IPC_STAT, IPC_SET, IPC_RMID, 99);
	struct shmid_ds s = { 0 };
	int *slot;

	say("shmctl %d", command);
	any_owner(&s.shm_perm);
	slot = any_slot(IPC_MEMORY);
	if (tell(shmctl(*slot, command, &s)) != 0 || command != IPC_STAT)
		return;
	show_perm(&s.shm_perm);
	say(" %zu %lu", s.shm_segsz, (unsigned long)s.shm_nattch);
}

static const struct op ipc_ops[] = { { op_msgget, 4 }, { op_msgsnd, 6 },
	{ op_msgrcv, 6 }, { op_msgctl, 3 }, { op_semget, 4 }, { op_semop, 8 },
	{ op_semval, 4 }, { op_semall, 3 }, { op_semctl, 3 },
	{ op_shmget, 4 }, { op_shmat, 6 }, { op_shmdt, 3 }, { op_shmctl, 4 } };

#endif
