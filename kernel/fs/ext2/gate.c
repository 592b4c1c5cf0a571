/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate.c: changes of metadata and commits exclude each other
 *
 * Problem   A commit writes what is consistent: nobody may be in the middle of a
 *           change, and nobody may wait for ever.
 *
 * Rules     1. A thread that changes metadata is inside the gate; a commit closes
 *              it, waits until all are out, and writes while nobody changes.
 *           2. Inside the gate nobody enters it again, and nobody waits for
 *              the VM to write pages of files: that may need the gate.  A
 *              write-back may enter while a commit waits, but not while it runs.
 *           3. A thread in the gate finishes its change, killed or not: else half
 *              of a change would be written, or a signal would become an error.
 *
 * Read next commit.c.
 */
#include "fs/ext2/ext2.h"

/* Try to enter. */
static bool
gate_try(struct ext2_gate *g, enum gate_how how)
{
	bool in;

	spin_lock(&g->lock);
	in = !g->closed && !(how == GATE_POLITE && g->closing != 0);
	if (in)
		g->inside++;
	spin_unlock(&g->lock);
	return in;
}

static void
gate_enter(struct ext2_gate *g, enum gate_how how)
{
	if (!gate_try(g, how))
		(void)wait_until(&g->wait, WAIT_PLAIN, WAIT_FOREVER, gate_try(g, how));
}

static bool
gate_try_close(struct ext2_gate *g)
{
	bool done;

	spin_lock(&g->lock);
	done = !g->closed && g->inside == 0;
	if (done) {
		g->closed = true;
		g->closing--;
	}
	spin_unlock(&g->lock);
	return done;
}

/* A commit begins: nobody is inside from now on, until gate_open(). */
void
gate_close(struct ext2_gate *g)
{
	spin_lock(&g->lock);
	g->closing++;
	spin_unlock(&g->lock);
	(void)wait_until(&g->wait, WAIT_PLAIN, WAIT_FOREVER, gate_try_close(g));
}

void
gate_open(struct ext2_gate *g)
{
	spin_lock(&g->lock);
	g->closed = false;
	spin_unlock(&g->lock);
	wake_all(&g->wait);
}

/*
 * Begin to change metadata: until ext2_end() no commit runs.
 *
 * Locks:    as ext2.h says; rank 1 at most.
 * Returns:  0, -EROFS.
 */
int
gate_begin(struct ext2_fs *fs, enum gate_how how)
{
	gate_enter(&fs->gate, how);
	vm_finish_begin();
	if (!atomic_load(&fs->readonly))
		return 0;
	ext2_end(fs);
	return -EROFS;
}

void
ext2_end(struct ext2_fs *fs)
{
	struct ext2_gate *g = &fs->gate;
	bool last;

	vm_finish_end();
	spin_lock(&g->lock);
	ASSERT(g->inside > 0);
	last = --g->inside == 0;
	spin_unlock(&g->lock);
	if (last)
		wake_all(&g->wait);
}
