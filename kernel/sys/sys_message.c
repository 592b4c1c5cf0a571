/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_message.c: sending and receiving through sockets
 *
 * Problem   A message has bytes in several places, perhaps an address, and beside
 *           them descriptors and credentials in a layout of their own.
 *
 * Picture   struct msghdr ─→ vector → uio      name → struct sock_addr
 *                         └→ control: [length level type][fd fd …] [ … ]
 *                                                 ↓
 *                            struct sock_io ─→ sock_send(), sock_recv()
 *
 * Rules     1. Descriptors get numbers when all bytes are there; those for which
 *              there is no room are closed, and MSG_CTRUNC says so.
 *           2. A sender may claim only its own process number and users, unless it
 *              is root.
 *
 * Read next fs/unix/send.c.
 */
#include "sys/socket.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define SCM_CREDENTIALS 2
#define CONTROL_MAX 20480u     /* bytes beside a message, as on Linux */
#define VECTORS_MAX 1024u
#define ADDR_MAX 128           /* bytes of an address of any family */
#define MSG_COMPAT 0x80000000u

struct abi_msghdr {
	uint64_t name;
	int32_t namelen, pad;
	uint64_t iov, iovlen, control, controllen;
	uint32_t flags, pad2;
};

struct abi_mmsghdr {
	struct abi_msghdr hdr;
	uint32_t len, pad;
};
_Static_assert(sizeof(struct abi_mmsghdr) == 64, "Linux");

struct abi_cmsghdr {
	uint64_t len;
	int32_t level, type;
};

/* Bytes of n behind a head, and where the next head is. */
#define CONTROL_LEN(n) (sizeof(struct abi_cmsghdr) + (n))
#define CONTROL_NEXT(n) (((n) + 7) & ~7ul)

/* One call under way. */
struct call {
	struct abi_msghdr h;
	struct sock_io io;
	struct sock_addr name;
	struct uio uio;
	struct uio_vec *vec;
};

/* ---- one buffer ---- */

/* A buffer that cannot be the user's is told before the descriptor. */
static struct file *
buffer_begin(const uint64_t a[6], struct uio *u, int64_t *r)
{
	size_t n = MIN(a[2], RW_MAX);

	if (a[1] > MD_USER_END || n > MD_USER_END - a[1]) {
		*r = -EFAULT;
		return NULL;
	}
	uio_init_user(u, a[1], n);
	return sys_sock(a[0], r);
}

/* a: descriptor, buffer, length, flags, address, its length. */
int64_t
sys_sendto(const uint64_t a[6])
{
	struct sock_addr name;
	struct uio u;
	struct sock_io io = { .uio = &u, .flags = (unsigned)a[3] };
	int64_t r;
	struct file *f = buffer_begin(a, &u, &r);

	if (f == NULL)
		return r;
	if (a[4] != 0) {
		r = sys_addr_in(a[4], (int)a[5], &name);
		if (r == 0 && name.len != 0)
			io.name = &name;
	}
	if (r == 0)
		r = sock_send(f, &io);
	return sys_put_after(f, r);
}

int64_t
sys_recvfrom(const uint64_t a[6])
{
	struct sock_addr name = { .len = 0 };
	struct uio u;
	struct sock_io io = { .uio = &u, .flags = (unsigned)a[3], .name = &name };
	int64_t r, bad;
	struct file *f = buffer_begin(a, &u, &r);

	if (f == NULL)
		return r;
	r = sock_recv(f, &io);
	sock_files_put(&io);
	file_put(f);
	if (r >= 0 && a[4] != 0) {
		bad = sys_addr_out(&name, a[4], a[5]);
		r = bad != 0 ? bad : r;
	}
	return r;
}

/* ---- a message ---- */

/* The head, the address for who sends, the vector.  0, -errno. */
static int
call_begin(struct call *c, va_t umsg, bool sends)
{
	int r = 0;

	if (copyin(&c->h, umsg, sizeof(c->h)) != 0)
		return -EFAULT;
	if (c->h.name == 0)
		c->h.namelen = 0;
	if (c->h.namelen < 0)
		return -EINVAL;
	if (sends && c->h.namelen > 0) {
		r = sys_addr_in(c->h.name, MIN(c->h.namelen, ADDR_MAX), &c->name);
		c->io.name = &c->name;
	}
	if (r != 0)
		return r;
	if (c->h.iovlen > VECTORS_MAX)
		return -EMSGSIZE;
	c->uio.as = as_current();
	c->uio.nvec = (unsigned)c->h.iovlen;
	r = sys_iov_copyin(c->h.iov, (int)c->uio.nvec, &c->vec, &c->uio.left);
	c->uio.vec = c->vec;
	c->io.uio = &c->uio;
	return r;
}

/* ---- what is sent beside the bytes ---- */

static bool
may_claim(const struct sock_cred *c)
{
	const struct cred *me = fs_cred();

	return (c->pid == proc_current()->pid || cred_may(me, CAP_SYS_ADMIN)) &&
	    (c->uid == me->uid || c->uid == me->euid || c->uid == me->suid ||
	    cred_may(me, CAP_SETUID)) && (c->gid == me->gid || c->gid == me->egid ||
	    c->gid == me->sgid || cred_may(me, CAP_SETGID));
}

/* A number that somebody has. */
static bool
is_process(int pid)
{
	return UNDER(&proc_lock, proc_find_locked(pid) != NULL);
}

/* Rule 2.  0, -EINVAL, -EPERM, -ESRCH. */
static int
claim(struct sock_io *io, const char *data, size_t n)
{
	if (n != sizeof(io->cred))
		return -EINVAL;
	memcpy(&io->cred, data, n);
	if (io->cred.uid == UINT32_MAX || io->cred.gid == UINT32_MAX)
		return -EINVAL;
	if (!may_claim(&io->cred))
		return -EPERM;
	if (!is_process(io->cred.pid))
		return -ESRCH;
	io->has_cred = true;
	return 0;
}

/* Descriptors become files.  0, -EINVAL (too many), -EBADF, -ENOMEM. */
static int
attach(struct sock_io *io, const char *data, size_t n)
{
	unsigned i, count = (unsigned)(n / sizeof(int32_t));
	struct file *f;
	int32_t fd;

	if (count == 0)
		return 0;
	if (count > SOCK_FILES_MAX)
		return -EINVAL;
	if (io->files == NULL)
		io->files = kmem_alloc(SOCK_FILES_MAX * sizeof(struct file *));
	if (io->files == NULL)
		return -ENOMEM;
	if (io->nfiles + count > SOCK_FILES_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		f = sys_file((uint32_t)fd);
		if (f == NULL)
			return -EBADF;
		io->files[io->nfiles++] = f;
	}
	return 0;
}

/* One piece of control data, whose head is h.  0, -errno. */
static int
control_piece(struct sock_io *io, const struct abi_cmsghdr *h, const char *data)
{
	size_t n = h->len - sizeof(*h);

	if (h->level != SOL_SOCKET)
		return 0;
	if (h->type == SCM_RIGHTS)
		return attach(io, data, n);
	return h->type == SCM_CREDENTIALS ? claim(io, data, n) : -EINVAL;
}

static int
control_parse(struct sock_io *io, const char *text, size_t n)
{
	struct abi_cmsghdr h;
	size_t at = 0;
	int r = 0;

	while (r == 0 && at + sizeof(h) <= n) {
		memcpy(&h, text + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > n - at)
			return -EINVAL;
		r = control_piece(io, &h, text + at + sizeof(h));
		at += CONTROL_NEXT(h.len);
	}
	return r;
}

static int
control_in(struct call *c)
{
	size_t n = c->h.controllen;
	char *text;
	int r;

	if (n > CONTROL_MAX)
		return -ENOBUFS;
	if (n == 0)
		return 0;
	text = room_alloc(n);
	if (text == NULL)
		return -ENOBUFS;
	r = copyin(text, c->h.control, n);
	if (r == 0)
		r = control_parse(&c->io, text, n);
	room_free(text, n);
	return r;
}

/* *whole: all bytes were sent. */
static int64_t
send_one(struct file *f, va_t umsg, unsigned flags, bool *whole)
{
	struct call c = { .io = { .flags = flags } };
	int64_t r = call_begin(&c, umsg, true);

	if (r != 0)
		return r;
	c.io.files_max = proc_may(CAP_SYS_RESOURCE) || proc_may(CAP_SYS_ADMIN) ?
	    UINT64_MAX : proc_limit(RLIMIT_NOFILE);
	r = sock_send_check(f);
	if (r == 0)
		r = control_in(&c);
	if (r == 0)
		r = sock_send(f, &c.io);
	else
		sock_files_put(&c.io);
	*whole = c.uio.left == 0;
	sys_iov_free(c.vec, c.h.iovlen);
	return r;
}

/* ---- what is received beside the bytes ---- */

/* How much room is left for control data, and where. */
struct control {
	va_t at;
	size_t left;
	unsigned flags;          /* MSG_CTRUNC */
};

static void
control_moved(struct control *to, size_t n)
{
	n = MIN(CONTROL_NEXT(n), to->left);
	to->at += n;
	to->left -= n;
}

static void
cred_out(struct control *to, const struct sock_cred *cred)
{
	struct {
		struct abi_cmsghdr h;
		struct sock_cred cred;
	} piece = { { 0, SOL_SOCKET, SCM_CREDENTIALS }, *cred };
	size_t n = CONTROL_LEN(sizeof(*cred));

	if (to->left < n)
		to->flags |= MSG_CTRUNC;
	if (to->left < sizeof(piece.h))
		return;
	piece.h.len = n = MIN(n, to->left);
	/* As on Linux: if it cannot be written, the call succeeds without it. */
	if (copyout(to->at, &piece, n) == 0)
		control_moved(to, n);
}

/* Numbers for as many as there is room for.  How many; *bad: none of the rest. */
static unsigned
install_files(struct sock_io *io, va_t to, unsigned most)
{
	enum fd_at_exec at_exec = (io->flags & MSG_CMSG_CLOEXEC) != 0 ? FD_CLOSES :
	    FD_STAYS;
	unsigned i;
	int32_t fd;

	for (i = 0; i < MIN(most, io->nfiles); i++) {
		file_get(io->files[i]);
		fd = (int32_t)sys_install(io->files[i], 0, at_exec);
		if (fd < 0)
			break;
		if (copyout(to + i * sizeof(fd), &fd, sizeof(fd)) != 0) {
			(void)fdtab_close(fdtab_current(), fd);
			break;
		}
	}
	return i;
}

static void
files_out(struct control *to, struct sock_io *io)
{
	struct abi_cmsghdr h = { 0, SOL_SOCKET, SCM_RIGHTS };
	unsigned n = 0;

	if (io->nfiles == 0)
		return;
	if (to->left > sizeof(h))
		n = install_files(io, to->at + sizeof(h),
		    (unsigned)MIN((to->left - sizeof(h)) / sizeof(int32_t), UINT16_MAX));
	if (n < io->nfiles)
		to->flags |= MSG_CTRUNC;
	h.len = CONTROL_LEN(n * sizeof(int32_t));
	if (n > 0 && copyout(to->at, &h, sizeof(h)) == 0)
		control_moved(to, h.len);
}

/* Rule 1.  flags: MSG_CTRUNC. */
static struct control
control_out(struct call *c)
{
	struct control to = { c->h.control, c->h.control == 0 ? 0 : c->h.controllen, 0 };

	if (c->io.has_cred)
		cred_out(&to, &c->io.cred);
	files_out(&to, &c->io);
	return to;
}

/* The head as the program finds it afterwards. */
static int
head_out(struct call *c, va_t umsg, const struct control *to)
{
	uint32_t flags = c->io.told | to->flags | (c->io.flags & MSG_CMSG_CLOEXEC);
	uint64_t used = to->at - c->h.control;
	int r = 0;

	if (c->h.name != 0)
		r = sys_addr_out(&c->name, c->h.name,
		    umsg + __builtin_offsetof(struct abi_msghdr, namelen));
	if (r == 0 && (copyout(umsg + __builtin_offsetof(struct abi_msghdr, flags),
	    &flags, sizeof(flags)) != 0 ||
	    copyout(umsg + __builtin_offsetof(struct abi_msghdr, controllen), &used,
	    sizeof(used)) != 0))
		r = -EFAULT;
	return r;
}

static int64_t
recv_one(struct file *f, va_t umsg, unsigned flags, bool *whole)
{
	struct call c = { .io = { .flags = flags } };
	struct control to;
	int64_t r = call_begin(&c, umsg, false), bad;

	if (r != 0)
		return r;
	c.name.len = 0;
	c.io.name = &c.name;
	r = sock_recv(f, &c.io);
	if (r >= 0) {
		to = control_out(&c);
		bad = head_out(&c, umsg, &to);
		r = bad != 0 ? bad : r;
	}
	sock_files_put(&c.io);
	sys_iov_free(c.vec, c.h.iovlen);
	return r;
}

/* ---- one, and several ---- */

/* send_one(), recv_one(). */
typedef int64_t move_fn(struct file *, va_t umsg, unsigned flags, bool *whole);

static int64_t
one(const uint64_t a[6], move_fn *fn)
{
	struct file *f;
	bool whole;
	int64_t r;

	if (((uint32_t)a[2] & MSG_COMPAT) != 0)
		return -EINVAL;
	f = sys_sock(a[0], &r);
	if (f == NULL)
		return r;
	return sys_put_after(f, fn(f, a[1], (unsigned)a[2], &whole));
}

int64_t
sys_sendmsg(const uint64_t a[6])
{
	return one(a, send_one);
}

int64_t
sys_recvmsg(const uint64_t a[6])
{
	return one(a, recv_one);
}

/* What has gone wrong at the socket f before, told once.  0, -errno. */
static int
error_before(struct file *f)
{
	union sock_value v;

	return sock_get(f, SO_ERROR, &v) > 0 ? -v.n : 0;
}

/* n, each as fn does it, until one fails or is cut; what it answered is told behind it. */
static int64_t
many(const uint64_t a[6], move_fn *fn, unsigned n, uint64_t deadline)
{
	unsigned i, flags = (unsigned)a[3];
	bool whole = true;
	va_t at = a[1];
	uint32_t len;
	int64_t r;
	struct file *f;

	if ((flags & MSG_COMPAT) != 0)
		return -EINVAL;
	f = sys_sock(a[0], &r);
	if (f == NULL)
		return r;
	if (fn == recv_one)
		r = error_before(f);
	for (i = 0; i < n && r >= 0 && !thread_is_killed(); i++) {
		r = fn(f, at, flags & ~MSG_WAITFORONE, &whole);
		len = (uint32_t)r;
		if (r >= 0 && copyout(at + __builtin_offsetof(struct abi_mmsghdr, len),
		    &len, sizeof(len)) != 0)
			r = -EFAULT;
		if (r < 0)
			break;
		if (fn == recv_one && (flags & MSG_WAITFORONE) != 0)
			flags |= MSG_DONTWAIT;
		if (!whole || md_time_ns() >= deadline)
			n = i + 1;
		at += sizeof(struct abi_mmsghdr);
	}
	file_put(f);
	return i > 0 ? i : MIN(r, 0);
}

int64_t
sys_sendmmsg(const uint64_t a[6])
{
	return many(a, send_one, MIN((unsigned)a[2], VECTORS_MAX), WAIT_FOREVER);
}

/* The time is looked at between messages only, and what is left of it is told. */
int64_t
sys_recvmmsg(const uint64_t a[6])
{
	uint64_t deadline = WAIT_FOREVER, now;
	int64_t r;
	int bad = sys_timespec_deadline(a[4], &deadline);

	if (bad != 0)
		return bad;
	r = many(a, recv_one, (unsigned)a[2], deadline == 0 ? 1 : deadline);
	now = md_time_ns();
	if (r > 0 && a[4] != 0 && sys_put_timespec(a[4], deadline > now ?
	    deadline - now : 0) != 0)
		r = -EFAULT;
	return r;
}
