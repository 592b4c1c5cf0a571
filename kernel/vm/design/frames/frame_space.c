/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_space.c: the design in the kernel: boot, spaces, faults that a pager answers
 *
 * Problem   frames.c knows frames, tables and numbers of processes.  But a CPU runs in
 *           a space, and its page walker reads the root of that space.
 *
 * Picture   root of the space                       table of level 4, a frame
 *             slot 0 … 79  VADs: the image          ┌──────────────────┐
 *             slot 80 … 127 ←─────── copied ────────│ what is linked   │
 *             slot 128 …   VADs: mmap, stack        └──────────────────┘
 *           fault there, nothing mapped: SIGSEGV; of a process made by proc_new():
 *           it waits, frame_fault() tells its creator, who maps something and answers
 *
 * Rules     1. Mappings made by Linux calls are kept as in eager: in VADs and PTEs.
 *              No VAD reaches into FRAME_USER_BASE … FRAME_USER_END, no frame is mapped
 *              outside.  So a frame that a program gives away by mistake is missing in
 *              its own range only, never in the stack of the call that it made.
 *           2. frames_lock, then [W] of the space whose words change or are flushed: a
 *              space has one initiator (vm/table/tlb.c, rule 3).
 *           3. Bytes of frames are copied by their user address: an address that is
 *              unmapped ends the copy with -EFAULT, and nothing need be pinned.
 *           4. A process waits for the answer to a fault.  If it is killed or loses
 *              its creator, it wakes and looks again.
 *
 * Read next frames.h, sys/sys_frames.c.  Seed 004.
 */
#include "vm/design/frames/frame_space.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/buddy.h"
#include "mem/mem.h"
#include "vm/design/eager/eager.h"
#include "vm/evidence/report.h"
#include "vm/space/space.h"

#define ROW_PAGES 1u           /* one row of the buffer for this many pages */
#define ROWS_MAX 65536u

/* A space of this design: as->dpriv. */
struct frame_space {
	struct list_node all;  /* [F] of those with a record */
	struct aspace *as;     /* [c] */
	int pid;               /* [F] its record's; 0: it has none */
	pa_t root;             /* [F] the table of level 4 that is copied; 0 */
	bool asks;             /* [F] by proc_new(): its creator answers faults */
	struct list waiting;   /* [F] struct frame_request */
};

/* A thread that waits for its creator's answer; on its stack. */
struct frame_request {
	struct list_node node; /* [F] */
	struct frame_fault fault; /* [F] */
	int reported_to;       /* [F] pid of who knows of it: its creator may change; 0 */
	bool answered;         /* [F] */
	bool refused;          /* [F] the answer is: a signal */
};

/* Of struct frame_proc.is_started. */
enum begun { NOT_BEGUN, BEGUN };

/* [F]: rank 4, for [W] is taken under it. */
static struct mutex frames_lock = MUTEX_INIT(frames_lock, LR_OBJMAPS);
static struct waitq asked = WAITQ_INIT(asked); /* a fault, an answer, an end */
static struct list owners = LIST_INIT(owners);

static void memory_take(uint64_t pages);
static struct frame_space *space_of(int pid);
static struct frame_space *space_under(pa_t root);
static const struct own_ops frames_own;
static struct frame_request *ask_unknown(struct frame_space *, int pid);
static struct frame_request *request_of(struct frame_space *, uint32_t thread);

/* ---- functions of the machine for frames.c ---- */

/* See struct frames_machine_ops.  A root in which no process runs is in no TLB. */
static void
flush(pa_t root, va_t va, uint64_t pages)
{
	struct frame_space *s = space_under(root);

	HELD(&frames_lock);
	if (s == NULL)
		return;
	mutex_lock(&s->as->ws_lock);
	md_tlb_flush(&s->as->md, va, va + pages * PAGE_SIZE, FLUSH_TABLES);
	mutex_unlock(&s->as->ws_lock);
}

/* Store words of the live root; the old ones are in no TLB afterwards. */
static void
load(int pid, pa_t root)
{
	struct frame_space *s = space_of(pid);
	const uint64_t *from = root != 0 ? pa2va(root) : NULL;
	uint64_t *to;
	unsigned i;

	HELD(&frames_lock);
	s->root = root;
	mutex_lock(&s->as->ws_lock);
	to = pa2va(s->as->md.root_pa);
	for (i = FRAME_SLOT_FIRST; i < FRAME_SLOT_END; i++)
		atomic_store(&to[i], from != NULL ? from[i] : 0);
	md_tlb_flush(&s->as->md, FRAME_USER_BASE, FRAME_USER_END, FLUSH_TABLES);
	mutex_unlock(&s->as->ws_lock);
}

static void
root_word(int pid, unsigned slot, uint64_t word)
{
	struct frame_space *s = space_of(pid);
	uint64_t *to;

	HELD(&frames_lock);
	mutex_lock(&s->as->ws_lock);
	to = pa2va(s->as->md.root_pa);
	atomic_store(&to[slot], word);
	mutex_unlock(&s->as->ws_lock);
}

static const struct frames_machine_ops machine = {
	.flush = flush,
	.load = load,
	.root_word = root_word,
};

/* ---- boot ---- */

/* A field of struct frames of 4 bytes. */
static uint64_t
field(size_t at)
{
	return atomic_load_relaxed((const uint32_t *)((const char *)&frames + at));
}

/* Set the memory of boot word frames= aside; no more is added later. */
static void
frames_boot(void)
{
	uint64_t pages = option_u64("frames") >> PAGE_SHIFT;
	uint32_t n = (uint32_t)MIN(pages / ROW_PAGES + FRAME_SLOTS, ROWS_MAX);
	struct frame *buffer;

	ev_set_gauge(EV_frames_live, field, offsetof(struct frames, live));
	ev_set_gauge(EV_frames_segments, field, offsetof(struct frames, segments));
	if (pages == 0)
		return;
	buffer = room_alloc(n * sizeof(*buffer));
	if (buffer == NULL)
		panic("frames=: no memory for %u rows", n);
	mutex_lock(&frames_lock);
	frames_init(buffer, n, &machine);
	memory_take(pages);
	frame_join();
	mutex_unlock(&frames_lock);
}

/* Take runs as large as possible.  If the option asks for more than there is, the boot
 * ends: otherwise the wrong size would be measured. */
static void
memory_take(uint64_t pages)
{
	unsigned order = BUDDY_MAXORDER;
	struct vm_page *run;

	while (pages > 0) {
		while (BIT(order) > pages)
			order--;
		run = phys_alloc_run(order);
		if (run == NULL && order == 0)
			panic("frames=: %lu pages are missing", pages);
		if (run == NULL) {
			order--;
			continue;
		}
		memset(pa2va(page_pa(run)), 0, PAGE_SIZE << order);
		if (frames_add(page_pa(run), BIT(order)) < 0)
			panic("frames=: memory is in too many pieces");
		pages -= BIT(order);
	}
}

/* ---- spaces ---- */

static int
frames_as_init(struct aspace *as)
{
	struct frame_space *s = kmem_zalloc(sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->as = as;
	list_node_init(&s->all);
	list_init(&s->waiting);
	as->dpriv = s;
	return 0;
}

/* No thread runs in it any more, and its VADs are gone. */
static void
frames_as_fini(struct aspace *as)
{
	struct frame_space *s = as->dpriv;

	mutex_lock(&frames_lock);
	if (s->pid != 0) {
		if (s->pid == frame_proc_at(0)->pid)
			frame_unseat();
		else if (frames_exit(s->pid) < 0)
			panic("frames: process %d cannot end", s->pid);
		else if (frame_proc_at(0)->pid == 0)
			frame_join(); /* there is no process 0 that would */
		list_remove(&s->all);
		EVENT(frames_exits);
	}
	mutex_unlock(&frames_lock);
	wake_all(&asked); /* its creator, or its children */
	kmem_free(s);
	as->dpriv = NULL;
}

/* See struct own_ops. */
static void
frames_report(struct vm_report *rep)
{
	const char *wrong;

	mutex_lock(&frames_lock);
	wrong = frames.n == 0 ? NULL : frames_check();
	mutex_unlock(&frames_lock);
	if (wrong != NULL)
		report_bad(rep, "S", "frames: %s", wrong);
}

/* [F]: with that record. */
static struct frame_space *
space_of(int pid)
{
	struct frame_space *s;

	HELD(&frames_lock);
	LIST_FOREACH(s, &owners, all)
		if (s->pid == pid)
			return s;
	panic("frames: process %d has no space", pid);
}

/* [F]: that runs in this root; NULL. */
static struct frame_space *
space_under(pa_t root)
{
	struct frame_space *s;

	HELD(&frames_lock);
	LIST_FOREACH(s, &owners, all)
		if (s->root == root)
			return s;
	return NULL;
}

/* ---- calls of a program ---- */

/* See frame_space.h. */
int
frame_may_call(const struct aspace *as)
{
	if (as->design->own != &frames_own)
		return -ENOSYS;
	return frames.n == 0 ? -ENOMEM : 0;
}

/* See frame_space.h.  The first caller with the right is process 0 until it ends: the
 * right is checked once, like that to an open file. */
int
frame_enter(struct aspace *as, int pid, bool may_sit, int *who)
{
	struct frame_space *s = as->dpriv;
	bool is_free;
	int r = frame_may_call(as);

	if (r < 0)
		return r;
	mutex_lock(&frames_lock);
	is_free = frame_proc_at(0)->pid == 0;
	if (s->pid == 0 && is_free && may_sit) {
		frame_seat(pid);
		s->pid = pid;
		list_push_back(&owners, &s->all);
	}
	*who = s->pid;
	EVENT(frames_calls);
	if (s->pid != 0)
		return 0;
	mutex_unlock(&frames_lock);
	return is_free ? -EPERM : -ESRCH;
}

/* See frame_space.h. */
void
frame_leave(void)
{
	mutex_unlock(&frames_lock);
}

/* See frame_space.h.  Locks: frames_lock. */
int
frame_child(int pid, uint32_t f, struct aspace *as, int child)
{
	struct frame_space *s = as->dpriv;
	int r = frame_proc_new(pid, f, child);

	HELD(&frames_lock);
	if (r < 0)
		return r;
	s->pid = child;
	s->asks = true;
	list_push_back(&owners, &s->all);
	return 0;
}

/* See frame_space.h. */
void
frame_number(int old, int pid)
{
	struct frame_proc *p;

	mutex_lock(&frames_lock);
	p = pid > 0 ? frame_proc(old) : NULL;
	if (p != NULL) {
		space_of(old)->pid = pid;
		p->pid = pid;
	}
	mutex_unlock(&frames_lock);
	wake_all(&asked);
}

/* ---- faults that the creator answers ---- */

/* [F]: is there a creator to tell? */
static bool
has_creator(const struct frame_space *s)
{
	const struct frame_proc *p = s->pid == 0 ? NULL : frame_proc(s->pid);

	HELD(&frames_lock);
	return p != NULL && p->f_id != 0 &&
	    frame_proc_at(frames.at[p->f_id].owner)->pid != 0;
}

static void
regs_from(struct frame_regs *r, const struct trapframe *tf)
{
	uint64_t gsbase;

	*r = (struct frame_regs){ tf->r15, tf->r14, tf->r13, tf->r12, tf->rbp, tf->rbx,
		tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9, tf->r11, tf->rcx,
		tf->rax, tf->rip, tf->rflags, tf->rsp, 0 };
	md_get_tls(&thread_current()->md, &r->fsbase, &gsbase);
}

/* False: the CPU would not accept them. */
static bool
regs_to(struct trapframe *tf, const struct frame_regs *r)
{
	struct trapframe new = { r->r15, r->r14, r->r13, r->r12, r->rbp, r->rbx,
		.rdi = r->rdi, .rsi = r->rsi, .rdx = r->rdx, .r10 = r->r10, .r8 = r->r8,
		.r9 = r->r9, .r11 = r->r11, .rcx = r->rcx, .rax = r->rax,
		.vector = tf->vector, .error = tf->error, .rip = r->rip,
		.rflags = r->rflags, .rsp = r->rsp };
	uint64_t fsbase, gsbase;

	if (!md_frame_sanitize(&new, tf->rflags) || r->fsbase >= MD_USER_END)
		return false;
	*tf = new;
	md_get_tls(&thread_current()->md, &fsbase, &gsbase);
	md_set_tls(&thread_current()->md, r->fsbase, gsbase);
	return true;
}

/*
 * See struct own_ops.  The thread waits until its creator has mapped the page and
 * says with which registers it goes on.
 *
 * Locks:    none.
 * Returns:  false: there is no creator, or its answer is a signal.
 */
static bool
frames_upcall(struct aspace *as, va_t va, enum access access, struct trapframe *tf)
{
	struct frame_request req = { .fault = { .va = va, .access = access,
		.thread = thread_current()->id } };
	struct frame_space *s = as->dpriv;
	struct waiter w;
	int r = 0;

	regs_from(&req.fault.regs, tf);

	mutex_lock(&frames_lock);
	if (!s->asks) {
		mutex_unlock(&frames_lock);
		return false;
	}
	EVENT(frames_upcall);
	list_push_back(&s->waiting, &req.node);
	wake_all(&asked); /* once: two waiters would wake each other for ever */
	while (!req.answered && r == 0 && has_creator(s)) {
		wait_prepare(&asked, &w);
		mutex_unlock(&frames_lock);
		r = wait_sleep(&w, WAIT_KILLABLE, WAIT_FOREVER);
		wait_finish(&w);
		mutex_lock(&frames_lock);
	}
	list_remove(&req.node);
	mutex_unlock(&frames_lock);
	/* Killed: it will die before it can touch anything. */
	return r != 0 ||
	    (req.answered && !req.refused && regs_to(tf, &req.fault.regs));
}

/* [F]: is child a child of pid?  0, -ESRCH, -EPERM. */
static int
may_answer(int pid, int child)
{
	struct frame_proc *p = frame_proc(pid), *c = frame_proc(child);

	HELD(&frames_lock);
	if (p == NULL || c == NULL)
		return -ESRCH;
	return c->f_id != 0 && frames.at[c->f_id].owner == p->f_id ? 0 : -EPERM;
}

/* [F], dropped while it waits until child has a thread with a suitable request.
 * 0, with it; -ESRCH, -EPERM; -EINTR. */
static int
wait_for_request(int pid, int child, enum begun begun, struct frame_request **out)
{
	struct waiter w;
	int r;

	HELD(&frames_lock);
	while ((r = may_answer(pid, child)) == 0) {
		*out = frame_proc(child)->is_started == begun ?
		    ask_unknown(space_of(child), pid) : NULL;
		if (*out != NULL)
			return 0;
		wait_prepare(&asked, &w);
		mutex_unlock(&frames_lock);
		r = wait_sleep(&w, WAIT_INTR, WAIT_FOREVER);
		wait_finish(&w);
		mutex_lock(&frames_lock);
		if (r < 0)
			return r;
	}
	return r;
}

/* See frame_space.h.  Locks: frames_lock. */
int
frame_begin(int pid, int child, const struct frame_regs *regs)
{
	struct frame_request *req;
	int r = may_answer(pid, child);

	HELD(&frames_lock);
	if (r == 0 && (frame_proc(child)->root == 0 || frame_proc(child)->is_started))
		return -EINVAL;
	if (r == 0)
		r = wait_for_request(pid, child, NOT_BEGUN, &req);
	if (r == 0)
		r = frame_proc_start(pid, child);
	if (r < 0)
		return r;
	req->fault.regs = *regs;
	req->answered = true;
	wake_all(&asked);
	return 0;
}

/* See frame_space.h.  Locks: frames_lock. */
int
frame_next_fault(int pid, int child, struct frame_fault *out)
{
	struct frame_request *req;
	int r = wait_for_request(pid, child, BEGUN, &req);

	HELD(&frames_lock);
	if (r < 0)
		return r;
	req->reported_to = pid;
	*out = req->fault;
	return 0;
}

/* See frame_space.h.  Locks: frames_lock. */
int
frame_answer(int pid, int child, const struct frame_fault *fault)
{
	int r = may_answer(pid, child);
	struct frame_request *req = r < 0 || fault->thread == 0 ? NULL :
	    request_of(space_of(child), fault->thread);

	HELD(&frames_lock);
	if (r < 0)
		return r;
	if (req == NULL || req->reported_to != pid)
		return -ENOENT;
	req->refused = fault->access == 0;
	req->fault = *fault;
	req->answered = true;
	wake_all(&asked);
	return 0;
}

/* [F]: a request that was not reported to pid, though perhaps to another.  NULL. */
static struct frame_request *
ask_unknown(struct frame_space *s, int pid)
{
	struct frame_request *req;

	LIST_FOREACH(req, &s->waiting, node)
		if (!req->answered && req->reported_to != pid)
			return req;
	return NULL;
}

/* [F]: the request of that thread.  NULL. */
static struct frame_request *
request_of(struct frame_space *s, uint32_t thread)
{
	struct frame_request *req;

	LIST_FOREACH(req, &s->waiting, node)
		if (!req->answered && req->fault.thread == thread)
			return req;
	return NULL;
}

/* ---- checks and text ---- */

/* See struct own_ops. */
static void
frames_show(struct out *o)
{
	struct frame_proc *p;
	struct frame *f;

	mutex_lock(&frames_lock);
	out_printf(o, "rows %u pages %lu\n", frames.n, frames.pages);
	for (p = frame_proc_at(0); p != NULL && frames.n != 0;
	    p = p->next == 0 ? NULL : frame_proc_at(p->next)) {
		out_printf(o, "process %d record %u frames %u of %u root %u\n",
		    p->pid, p->f_id, p->used, p->quota, p->root);
		for (f = frame_first(p); f != NULL; f = frame_next(f)) {
			out_printf(o, " %u type %u %lx+%lx maps %u\n", frame_id(f), f->type,
			    f->pa, f->pages * PAGE_SIZE, f->nmap);
		}
	}
	mutex_unlock(&frames_lock);
}

/* ---- the design as the rest of vm/ sees it ---- */

static const struct own_ops frames_own = {
	.as_init = frames_as_init,
	.as_fini = frames_as_fini,
	.upcall = frames_upcall,
	.check = frames_report,
	.owners = frames_show,
	.base = FRAME_USER_BASE,
	.end = FRAME_USER_END,
};

const struct design frames_design = {
	.name = "frames",
	.school = &words_school,
	.init = frames_boot,
	.dup = eager_dup,
	.own = &frames_own,
};
