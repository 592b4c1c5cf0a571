/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sighand.c: the actions of a process for its signals
 *
 * Problem   64 actions take 2 KiB, and in few processes they differ from
 *           the parent's.
 *
 * Picture   proc ─→ sighand ─→ sigacts: 64 actions
 *                      ▲          ▲
 *           proc ──────┘       sighand ←─ proc: forked
 *           CLONE_SIGHAND
 *
 * Rules     1. Shared actions are constant: before an action is set they are
 *              copied.  That takes memory, and may fail.
 *           2. To put an action back to SIG_DFL never fails: a bit in the
 *              process says so.
 *
 * Read next proc/sigmask.c.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

static struct kmem_cache sighands = KMEM_CACHE("sighand", struct sighand);
static struct kmem_cache sigacts = KMEM_CACHE("sigacts", struct sigacts);

/*
 * For a new process: without actions, to be SHARED; or with its OWN, SIG_DFL all.
 *
 * Locks:    none of rank >= LR_MEM.
 * Returns:  NULL: no memory.
 * Owns:     the caller, one reference.
 */
struct sighand *
sighand_create(enum sigacts_of whose)
{
	struct sighand *sh = kmem_cache_zalloc(&sighands);

	if (sh == NULL)
		return NULL;
	sh->refs = 1;
	if (whose == SIGACTS_SHARED)
		return sh;
	sh->acts = kmem_cache_zalloc(&sigacts);
	if (sh->acts == NULL) {
		kmem_cache_free(&sighands, sh);
		return NULL;
	}
	sh->acts->refs = 1;
	return sh;
}

static void
acts_put(struct sigacts *a)
{
	if (a != NULL && --a->refs == 0)
		kmem_cache_free(&sigacts, a);
}

/* One process fewer uses it.  Locks: proc_lock held. */
void
sighand_put_locked(struct sighand *sh)
{
	HELD(&proc_lock);
	if (--sh->refs == 0)
		sighand_discard(sh);
}

/* Of a process that did not come to be.  Locks: none, if none shares its actions. */
void
sighand_discard(struct sighand *sh)
{
	acts_put(sh->acts);
	kmem_cache_free(&sighands, sh);
}

/* A forked process has the actions of its parent.  Locks: proc_lock held. */
void
sighand_share_locked(struct sighand *sh, const struct sighand *from)
{
	HELD(&proc_lock);
	ASSERT(sh->acts == NULL);
	sh->acts = from->acts;
	sh->acts->refs++;
	sh->reset = from->reset;
}

/* Ignored signals stay ignored, no other is caught.  sh has its own actions.
 * Locks: proc_lock held. */
void
sighand_clear_locked(struct sighand *sh, const struct sighand *from)
{
	HELD(&proc_lock);
	ASSERT(sh->acts->refs == 1);
	for (int signo = 1; signo <= NSIG; signo++)
		if (sighand_act(from, signo).handler == SIG_IGN)
			sh->acts->act[signo - 1].handler = SIG_IGN;
}

/*
 * Set the action of a signal (rule 1).
 *
 * Locks:    proc_lock held.
 * Returns:  0, -ENOMEM.
 */
int
sighand_set_locked(struct sighand *sh, int signo, const struct abi_sigaction *sa)
{
	struct sigacts *own = sh->acts;

	HELD(&proc_lock);
	if (own->refs > 1) {
		own = kmem_cache_alloc(&sigacts);
		if (own == NULL)
			return -ENOMEM;
		memcpy(own->act, sh->acts->act, sizeof(own->act));
		own->refs = 1;
		acts_put(sh->acts);
		sh->acts = own;
	}
	own->act[signo - 1] = *sa;
	sh->reset &= ~SIGBIT(signo);
	return 0;
}
