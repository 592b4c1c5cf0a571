/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_poll.c: poll, ppoll, select, pselect6
 *
 * Problem   Two ways to name a set of descriptors, two ways to give a timeout,
 *           with or without a signal mask; one wait behind them.
 *
 * Picture   pollfd[] or three bit sets → struct poll_req[] → fs_poll → back
 *
 * Rules     1. poll continues after a stop with the time that remains; ppoll
 *              and select write it back, so a restart finds it; where it
 *              cannot be written, a signal ends the call.
 *           2. A descriptor that is not open is POLLNVAL for poll and -EBADF
 *              for select, which does not look at numbers behind the table
 *              (none of Linux has less than TABLE_MIN).
 *           3. Only revents of the caller's array is written: the rest may have
 *              changed meanwhile.
 *           4. A ready file comes before a signal, and a pending signal before
 *              the end of the time, even if the call does not wait.
 *
 * Read next fs/poll.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define USEC 1000000l
#define TABLE_MIN 64u           /* select looks at so many numbers at least */
#define SETS 3                  /* readable, writable, exceptional */
#define FEW 8u                  /* entries of poll that need no memory of their own */

/* Answers of poll that make select's three bits. */
static const unsigned set_bits[SETS] = {
	POLLIN | POLLHUP | POLLERR | POLLRDNORM, POLLOUT | POLLERR | POLLWRNORM, POLLPRI
};

/* The moment ns from now; 0: do not wait. */
static uint64_t
poll_deadline(uint64_t ns)
{
	return ns == 0 ? 0 : sys_deadline(ns);
}

/* See filecall.h. */
uint64_t
sys_ms_deadline(uint64_t ms)
{
	return (int32_t)ms < 0 ? WAIT_FOREVER :
	    poll_deadline((uint64_t)(int32_t)ms * 1000000);
}

static void
files_put(const struct poll_req *reqs, unsigned n)
{
	const struct poll_req *end = reqs + n;

	for (; reqs < end; reqs++)
		file_put_any(reqs->file);
}

/* fs_poll() and rule 4. */
static int
poll_files(struct poll_req *reqs, unsigned n, uint64_t deadline)
{
	int r = fs_poll(reqs, n, deadline);

	return r == 0 && deadline == 0 &&
	    atomic_load(&thread_current()->pending) != 0 ? -EINTR : r;
}

/* ---- poll ---- */

/* The caller's array and the files in it. */
struct poll_call {
	va_t ufds;
	unsigned n, bad;             /* bad: not open, they answer at once */
	struct abi_pollfd *fds, few_fds[FEW];
	struct poll_req *reqs, few_reqs[FEW];
};

/* Of n entries and their files, side by side. */
static size_t
room_bytes(unsigned n)
{
	return n * (sizeof(struct poll_req) + sizeof(struct abi_pollfd));
}

static void
room_drop(const struct poll_call *c)
{
	if (c->n > FEW)
		room_free(c->reqs, room_bytes(c->n));
}

/* Room for n entries.  False: no memory, and nothing to free. */
static bool
room_make(struct poll_call *c)
{
	c->fds = c->few_fds;
	c->reqs = c->few_reqs;
	if (c->n <= FEW)
		return true;
	c->reqs = room_alloc_raw(room_bytes(c->n));
	if (c->reqs == NULL)
		return false;
	c->fds = (struct abi_pollfd *)&c->reqs[c->n];
	return true;
}

/* 0, -EINVAL (more than RLIMIT_NOFILE), -EFAULT, -ENOMEM. */
static int
poll_begin(struct poll_call *c, va_t ufds, uint64_t n)
{
	struct fdtab *t = proc_current_fdtab();
	struct poll_req *q;
	struct abi_pollfd *p, *end;

	if ((unsigned)n > proc_rlimit_nofile())
		return -EINVAL;
	c->ufds = ufds;
	c->n = (unsigned)n;
	c->bad = 0;
	if (!room_make(c))
		return -ENOMEM;
	if (copyin(c->fds, ufds, c->n * sizeof(*c->fds)) != 0) {
		room_drop(c);
		return -EFAULT;
	}
	end = &c->fds[c->n];
	for (p = c->fds, q = c->reqs; p < end; p++, q++) {
		q->events = (uint16_t)p->events;
		q->file = fdtab_file(t, p->fd);
		p->revents = q->file == NULL && p->fd >= 0 ? POLLNVAL : 0;
		c->bad += p->revents != 0;
	}
	return 0;
}

static void
poll_end(struct poll_call *c)
{
	files_put(c->reqs, c->n);
	room_drop(c);
}

/* Rule 3.  0, -EFAULT. */
static int
poll_answer(const struct poll_call *c)
{
	struct abi_pollfd *p, *end = &c->fds[c->n];
	const struct poll_req *q = c->reqs;

	for (p = c->fds; p < end; p++, q++)
		p->revents |= (int16_t)q->revents;
	return copyout_member(c->ufds + offsetof(struct abi_pollfd, revents),
	    &c->fds->revents, c->n, sizeof(*c->fds));
}

/* Wait, and write the answers.  How many; -EINTR, -ENOMEM, -EFAULT. */
static int64_t
poll_perform(struct poll_call *c, uint64_t deadline)
{
	int64_t r = c->bad != 0 ? fs_poll(c->reqs, c->n, 0) :
	    poll_files(c->reqs, c->n, deadline);

	/* An interrupted poll writes its answers, too: nothing was ready. */
	if (r < 0 && r != -EINTR)
		return r;
	if (poll_answer(c) != 0)
		return -EFAULT;
	return r < 0 ? r : r + c->bad;
}

static int64_t
poll_until(va_t ufds, uint64_t n, uint64_t deadline)
{
	struct poll_call c;
	int64_t r = poll_begin(&c, ufds, n);

	if (r != 0)
		return r;
	r = poll_perform(&c, deadline);
	poll_end(&c);
	return r;
}

/* a: ufds, n, deadline; for the restart too. */
static int64_t
poll_again(const uint64_t a[6])
{
	int64_t r = poll_until(a[0], a[1], a[2]);

	return r == -EINTR ? sys_restart_later(poll_again, a) : r;
}

int64_t
sys_poll(const uint64_t a[6])
{
	return poll_again((const uint64_t[6]){ a[0], a[1], sys_ms_deadline(a[2]) });
}

/* ---- timeouts that are written back ---- */

/* A timespec's deadline; 0: none given.  0, -EFAULT, -EINVAL. */
int
sys_timespec_deadline(va_t addr, uint64_t *deadline)
{
	uint64_t ns;
	int r;

	*deadline = WAIT_FOREVER;
	if (addr == 0)
		return 0;
	r = sys_get_timespec(addr, &ns);
	if (r == 0)
		*deadline = poll_deadline(ns);
	return r;
}

static uint64_t
left_until(uint64_t deadline)
{
	uint64_t now = md_time_ns();

	return deadline > now ? deadline - now : 0;
}

/*
 * A call with a mask and the time at ts ends with r: the rest of the time is
 * written back, and the mask treated as sys.h says.  Where the time cannot be
 * written the answer stands, but nothing starts again: it would wait anew.
 */
static int64_t
mask_result(int64_t r, va_t ts, uint64_t deadline)
{
	bool told = ts == 0 || deadline == WAIT_FOREVER || deadline == 0 ||
	    sys_put_timespec(ts, left_until(deadline)) == 0;

	if (r == -EINTR)
		return told ? -ERESTARTNOHAND : -EINTR;
	sys_mask_end();
	return r;
}

int64_t
sys_ppoll(const uint64_t a[6])
{
	uint64_t deadline;
	int64_t r = sys_timespec_deadline(a[2], &deadline);

	if (r == 0)
		r = sys_mask_begin(a[3], a[4]);
	if (r != 0)
		return r;
	r = poll_until(a[0], a[1], deadline);
	return mask_result(r, a[2], deadline);
}

/* ---- select ---- */

struct select_call {
	int n;                     /* descriptors 0 … n - 1 */
	size_t words;              /* of one set */
	va_t user[SETS];           /* 0: not given */
	uint64_t *bits;            /* SETS sets in, then SETS sets out */
	struct poll_req *reqs;     /* one for each descriptor */
};

static bool
bit_is_set(const struct select_call *c, int set, int fd)
{
	return (c->bits[(size_t)set * c->words + (size_t)fd / 64] &
	    BIT(fd % 64)) != 0;
}

static void
bit_answer(struct select_call *c, int set, int fd)
{
	c->bits[(size_t)(SETS + set) * c->words + (size_t)fd / 64] |=
	    BIT(fd % 64);
}

/* Files and events of the bits that are set.  0, -EBADF. */
static int
select_files(struct select_call *c)
{
	int fd, s;

	for (fd = 0; fd < c->n; fd++) {
		for (s = 0; s < SETS; s++)
			if (bit_is_set(c, s, fd))
				c->reqs[fd].events |= set_bits[s];
		if (c->reqs[fd].events == 0)
			continue;
		c->reqs[fd].file = sys_file((unsigned)fd);
		if (c->reqs[fd].file == NULL)
			return -EBADF;
	}
	return 0;
}

static int
select_copyin(struct select_call *c)
{
	int s, r = 0;

	for (s = 0; s < SETS && r == 0; s++)
		if (c->user[s] != 0)
			r = copyin(c->bits + (size_t)s * c->words,
			    c->user[s], c->words * 8);
	return r;
}

/* The sets as they came, and the answers. */
static size_t
bits_bytes(const struct select_call *c)
{
	return 2 * SETS * c->words * 8 + 8;
}

static void
select_end(struct select_call *c)
{
	if (c->reqs != NULL)
		files_put(c->reqs, (unsigned)c->n);
	room_free(c->reqs, ((size_t)c->n + 1) * sizeof(*c->reqs));
	room_free(c->bits, bits_bytes(c));
}

/* 0; -EINVAL, -ENOMEM, -EFAULT, -EBADF, with nothing held. */
static int
select_begin(struct select_call *c, const uint64_t a[6])
{
	int r;

	c->n = (int)a[0];
	if (c->n < 0)
		return -EINVAL;
	c->n = (int)MIN((unsigned)c->n, MAX(fdtab_size(fdtab_current()), TABLE_MIN));
	c->words = ((size_t)c->n + 63) / 64;
	memcpy(c->user, &a[1], sizeof(c->user));
	c->bits = room_alloc(bits_bytes(c));
	c->reqs = room_alloc(((size_t)c->n + 1) * sizeof(*c->reqs));
	r = c->bits == NULL || c->reqs == NULL ? -ENOMEM : select_copyin(c);
	if (r == 0)
		r = select_files(c);
	if (r != 0)
		select_end(c);
	return r;
}

/* Wait, and write the three sets.  Bits set; -EINTR, -ENOMEM, -EFAULT. */
static int64_t
select_perform(struct select_call *c, uint64_t deadline)
{
	int64_t r = poll_files(c->reqs, (unsigned)c->n, deadline), count = 0;
	int fd, s;

	if (r < 0)
		return r;
	for (fd = 0; fd < c->n; fd++)
		for (s = 0; s < SETS; s++)
			if (bit_is_set(c, s, fd) &&
			    (c->reqs[fd].revents &
			    (set_bits[s] | POLLNVAL)) != 0) {
				bit_answer(c, s, fd);
				count++;
			}
	for (s = 0; s < SETS; s++)
		if (c->user[s] != 0 && copyout(c->user[s],
		    c->bits + (size_t)(SETS + s) * c->words, c->words * 8) != 0)
			return -EFAULT;
	return count;
}

static int64_t
select_until(const uint64_t a[6], uint64_t deadline)
{
	struct select_call c;
	int64_t r = select_begin(&c, a);

	if (r != 0)
		return r;
	r = select_perform(&c, deadline);
	select_end(&c);
	return r;
}

/* A timeval's deadline, whose microseconds may be seconds, too; 0: none given.  0,
 * -EFAULT, -EINVAL. */
static int
timeval_deadline(va_t addr, uint64_t *deadline)
{
	struct abi_timeval tv;

	*deadline = WAIT_FOREVER;
	if (addr == 0)
		return 0;
	if (copyin(&tv, addr, sizeof(tv)) != 0)
		return -EFAULT;
	tv.sec += tv.usec / USEC;
	tv.usec %= USEC;
	if (tv.sec < 0 || tv.usec < 0)
		return -EINVAL;
	if ((uint64_t)tv.sec < WAIT_FOREVER / NS_PER_S)
		*deadline = poll_deadline((uint64_t)tv.sec * NS_PER_S +
		    (uint64_t)tv.usec * 1000);
	return 0;
}

int64_t
sys_select(const uint64_t a[6])
{
	uint64_t deadline, left;
	struct abi_timeval tv;
	int64_t r = timeval_deadline(a[4], &deadline);

	if (r != 0)
		return r;
	r = select_until(a, deadline);
	if (a[4] != 0 && deadline != WAIT_FOREVER && deadline != 0) {
		left = left_until(deadline);
		tv = (struct abi_timeval){ (int64_t)(left / NS_PER_S),
			(int64_t)(left % NS_PER_S / 1000) };
		if (copyout(a[4], &tv, sizeof(tv)) != 0)
			return r;
	}
	return r == -EINTR ? -ERESTARTNOHAND : r;
}

/* The sixth argument leads to { mask, size }. */
int64_t
sys_pselect6(const uint64_t a[6])
{
	uint64_t mask[2] = { 0, 0 }, deadline;
	int64_t r = 0;

	if (a[5] != 0)
		r = copyin(mask, a[5], sizeof(mask));
	if (r == 0)
		r = sys_timespec_deadline(a[4], &deadline);
	if (r == 0)
		r = sys_mask_begin(mask[0], mask[1]);
	if (r != 0)
		return r;
	r = select_until(a, deadline);
	return mask_result(r, a[4], deadline);
}
