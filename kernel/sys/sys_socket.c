/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_socket.c: sockets, all but sending and receiving
 *
 * Problem   Programs of one machine talk through sockets of AF_UNIX.  There is no
 *           network: other families get an error, for which programs are prepared.
 *
 * Rules     Wrong arguments are reported in Linux's order: it differs from call to
 *           call whether the address or the descriptor is checked first.
 *
 * Read next sys_message.c, fs/unix/README.md.
 */
#include "sys/socket.h"

#include "lib/errno.h"
#include "lib/string.h"

#define SOCK_TYPE_MASK 0xfu
#define SOCK_FLAGS (O_CLOEXEC | O_NONBLOCK)
#define SOCK_TYPES 11     /* SOCK_STREAM 1 … SOCK_PACKET 10 */
#define FAMILIES 46u
#define ADDR_MAX 128      /* bytes of an address of any family */
#define SOL_SOCKET 1

/* ---- for sys_message.c, too ---- */

struct file *
sys_sock(uint64_t fd, int64_t *r)
{
	struct file *f = sys_file(fd);

	*r = f == NULL || file_is_path(f) ? -EBADF : file_is_socket(f) ? 0 : -ENOTSOCK;
	if (*r == 0 || f == NULL)
		return f;
	file_put(f);
	return NULL;
}

int64_t
sys_with_sock(sys_file_fn *fn, const uint64_t a[6])
{
	int64_t r;
	struct file *f = sys_sock(a[0], &r);

	return f == NULL ? r : sys_put_after(f, fn(f, a));
}

int
sys_addr_in(va_t from, int n, struct sock_addr *out)
{
	char bytes[ADDR_MAX];

	if (n < 0 || n > ADDR_MAX)
		return -EINVAL;
	if (copyin(bytes, from, (size_t)n) != 0)
		return -EFAULT;
	memset(out, 0, sizeof(*out));
	out->len = (unsigned)n;
	memcpy(out->bytes, bytes, MIN((unsigned)n, SOCK_ADDR_MAX));
	return 0;
}

int
sys_addr_out(const struct sock_addr *a, va_t to, va_t ulen)
{
	int32_t room, len = (int32_t)a->len;

	if (copyin(&room, ulen, sizeof(room)) != 0)
		return -EFAULT;
	if (MIN(room, len) < 0)
		return -EINVAL;
	if (copyout(to, a->bytes, (size_t)MIN(room, len)) != 0)
		return -EFAULT;
	return copyout(ulen, &len, sizeof(len));
}

/* ---- made ---- */

static bool
has_strange_flags(uint64_t type)
{
	return ((uint32_t)type & ~SOCK_TYPE_MASK & ~(uint32_t)SOCK_FLAGS) != 0;
}

/* a: family, type, protocol.  The type of AF_UNIX; -errno. */
static int
unix_type(const uint64_t a[6])
{
	int type = (int)((uint32_t)a[1] & SOCK_TYPE_MASK);

	/* A type that no family has is -EINVAL, even of a family that is missing here. */
	if ((uint32_t)a[0] < FAMILIES && type >= SOCK_TYPES)
		return -EINVAL;
	if ((uint32_t)a[0] != AF_UNIX)
		return -EAFNOSUPPORT;
	if ((int)a[2] != 0 && (uint32_t)a[2] != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW)
		return SOCK_DGRAM;
	return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET ?
	    type : -ESOCKTNOSUPPORT;
}

int64_t
sys_socket(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[1] & SOCK_FLAGS;
	struct file *f;
	int r;

	if (has_strange_flags(a[1]))
		return -EINVAL;
	r = unix_type(a);
	if (r > 0)
		r = sock_create(r, flags, &f);
	return r != 0 ? r : sys_install(f, 0, sys_at_exec(flags));
}

int64_t
sys_socketpair(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[1] & SOCK_FLAGS;
	struct file *f[2];
	int32_t fds[2];
	int64_t r;
	int type;

	if (has_strange_flags(a[1]))
		return -EINVAL;
	if (!fdtab_has_room(fdtab_current()))
		return -EMFILE;
	/* As on Linux, the array is written before the family is looked at. */
	if (copyin(fds, a[3], sizeof(fds)) < 0 || copyout(a[3], fds, sizeof(fds)) < 0)
		return -EFAULT;
	type = unix_type(a);
	r = type < 0 ? type : sock_pair(type, flags, f);
	return r != 0 ? r : sys_install_two(f, sys_at_exec(flags), a[3]);
}

/* ---- named, and met ---- */

int64_t
sys_bind(struct file *f, const uint64_t a[6])
{
	struct sock_addr addr;
	int r = sys_addr_in(a[1], (int)a[2], &addr);

	return r != 0 ? r : sock_bind(f, &addr);
}

/* The address is read before the descriptor is found to be no socket. */
int64_t
sys_connect(const uint64_t a[6])
{
	struct sock_addr addr;
	int64_t r, no_sock;
	struct file *f = sys_sock(a[0], &no_sock);

	if (no_sock == -EBADF)
		return no_sock;
	r = sys_addr_in(a[1], (int)a[2], &addr);
	if (r == 0)
		r = f == NULL ? no_sock : sock_connect(f, &addr);
	file_put_any(f);
	return r;
}

int64_t
sys_listen(struct file *f, const uint64_t a[6])
{
	return sock_listen(f, (int)a[1]);
}

/* The new socket gets a number, and whom it leads to goes to the user. */
static int64_t
accept_to(struct file *f, va_t addr, va_t len, unsigned flags)
{
	struct sock_addr from;
	struct file *new;
	int64_t r = sock_accept(f, flags, &new);

	if (r != 0)
		return r;
	if (addr != 0) {
		r = sock_name(new, SOCK_PEER, &from) != 0 ? -ECONNABORTED :
		    sys_addr_out(&from, addr, len);
		if (r != 0) {
			file_put(new);
			return r;
		}
	}
	return sys_install(new, 0, sys_at_exec(flags));
}

int64_t
sys_accept4(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[3];
	int64_t r;
	struct file *f = sys_sock(a[0], &r);

	if (r != -EBADF && (flags & ~(unsigned)SOCK_FLAGS) != 0)
		r = -EINVAL;
	else if (r != -EBADF && !fdtab_has_room(fdtab_current()))
		r = -EMFILE;
	if (r == 0)
		r = accept_to(f, a[1], a[2], flags);
	file_put_any(f);
	return r;
}

static int64_t
name_to(struct file *f, const uint64_t a[6], enum sock_end end)
{
	struct sock_addr addr;
	int r = sock_name(f, end, &addr);

	return r != 0 ? r : sys_addr_out(&addr, a[1], a[2]);
}

int64_t
sys_getsockname(struct file *f, const uint64_t a[6])
{
	return name_to(f, a, SOCK_OWN);
}

int64_t
sys_getpeername(struct file *f, const uint64_t a[6])
{
	return name_to(f, a, SOCK_PEER);
}

int64_t
sys_shutdown(struct file *f, const uint64_t a[6])
{
	return sock_shutdown(f, (int)a[1]);
}

/* ---- options ---- */

/* a: descriptor, level, option, value, length. */
static int64_t
option_set(struct file *f, const uint64_t a[6])
{
	union sock_value v;
	size_t n = MIN((size_t)(uint32_t)a[4], sizeof(v));

	if ((int)a[1] != SOL_SOCKET)
		return -EOPNOTSUPP;
	if ((uint32_t)a[4] < sizeof(int32_t))
		return -EINVAL;
	return copyin(&v, a[3], n) != 0 ? -EFAULT : sock_set(f, (int)a[2], &v, n);
}

int64_t
sys_setsockopt(const uint64_t a[6])
{
	struct file *f;
	int64_t r;

	if ((int32_t)a[4] < 0)
		return -EINVAL;
	f = sys_sock(a[0], &r);
	if (f == NULL)
		return r;
	return sys_put_after(f, option_set(f, a));
}

int64_t
sys_getsockopt(struct file *f, const uint64_t a[6])
{
	union sock_value v;
	int32_t len;
	int n;

	if ((int)a[1] != SOL_SOCKET)
		return -EOPNOTSUPP;
	if (copyin(&len, a[4], sizeof(len)) != 0)
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	n = sock_get(f, (int)a[2], &v);
	if (n < 0)
		return n;
	len = MIN(len, n);
	if (copyout(a[3], &v, (size_t)len) != 0)
		return -EFAULT;
	return copyout(a[4], &len, sizeof(len));
}
