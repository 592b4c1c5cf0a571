/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_socket.c: there are no sockets, and the calls say so
 *
 * Problem   Programs try syslog, name services and X before they do their work.
 *           Told that a family is not supported they go on; told that the call
 *           itself does not exist, some give up.
 *
 * Picture   socket, socketpair   ─→ -EAFNOSUPPORT, whatever the family
 *           what takes a socket  ─→ -EBADF, or -ENOTSOCK: no descriptor is one
 *
 * Rules     1. Arguments that are wrong on every machine are told first, in
 *              Linux's order.
 *           2. Calls with several messages (sendmmsg, recvmmsg) are not
 *              provided.
 *
 * Read next sys_fd.c.
 */
#include "sys/sys.h"

#include "fs/fscall.h"
#include "lib/errno.h"

#define SOCK_TYPE_MASK 0xfu
#define SOCK_FLAGS (O_CLOEXEC | O_NONBLOCK)
#define SOCK_TYPES 11u /* SOCK_STREAM 1 … SOCK_PACKET 10 */
#define FAMILIES 46u
#define ADDR_MAX 128u /* bytes of an address */

/* What no family accepts.  0, -EINVAL, -EAFNOSUPPORT. */
static int
type_check(uint64_t family, uint64_t type)
{
	if (((uint32_t)type & ~SOCK_TYPE_MASK & ~(uint32_t)SOCK_FLAGS) != 0)
		return -EINVAL;
	if ((uint32_t)family >= FAMILIES)
		return -EAFNOSUPPORT;
	return ((uint32_t)type & SOCK_TYPE_MASK) >= SOCK_TYPES ? -EINVAL : 0;
}

int64_t
sys_socket(const uint64_t a[6])
{
	int r = type_check(a[0], a[1]);

	return r != 0 ? r : -EAFNOSUPPORT;
}

int64_t
sys_socketpair(const uint64_t a[6])
{
	int r = type_check(a[0], a[1]);
	int32_t fds[2];

	if (r == -EINVAL && ((uint32_t)a[1] & ~SOCK_TYPE_MASK &
	    ~(uint32_t)SOCK_FLAGS) != 0)
		return r;
	/* Two numbers are written before the family is looked at. */
	if (copyin(fds, a[3], sizeof(fds)) < 0 ||
	    copyout(a[3], fds, sizeof(fds)) < 0)
		return -EFAULT;
	return r != 0 ? r : -EAFNOSUPPORT;
}

/* A descriptor where a socket is wanted. */
static int64_t
no_socket(uint64_t fd)
{
	struct file *f = sys_file(fd);
	int64_t r = -EBADF;

	if (f == NULL)
		return r;
	if (!file_is_path(f))
		r = -ENOTSOCK;
	file_put(f);
	return r;
}

/* The address is read before the descriptor is found to be no socket. */
int64_t
sys_connect(const uint64_t a[6])
{
	char addr[ADDR_MAX];
	int64_t r = no_socket(a[0]);
	int n = (int)a[2];

	if (r != -ENOTSOCK)
		return r;
	if (n < 0 || n > (int)ADDR_MAX)
		return -EINVAL;
	return copyin(addr, a[1], (size_t)n) < 0 ? -EFAULT : r;
}

int64_t
sys_accept(const uint64_t a[6])
{
	return no_socket(a[0]);
}

int64_t
sys_accept4(const uint64_t a[6])
{
	int64_t r = no_socket(a[0]);

	return r == -ENOTSOCK && ((uint32_t)a[3] & ~(uint32_t)SOCK_FLAGS) != 0 ?
	    -EINVAL : r;
}

/* A buffer that cannot be the user's is told before the descriptor. */
static int64_t
no_transfer(const uint64_t a[6])
{
	if (a[1] > MD_USER_END || a[2] > MD_USER_END - a[1])
		return -EFAULT;
	return no_socket(a[0]);
}

int64_t
sys_sendto(const uint64_t a[6])
{
	return no_transfer(a);
}

int64_t
sys_recvfrom(const uint64_t a[6])
{
	return no_transfer(a);
}

int64_t
sys_sendmsg(const uint64_t a[6])
{
	return no_socket(a[0]);
}

int64_t
sys_recvmsg(const uint64_t a[6])
{
	return no_socket(a[0]);
}

int64_t
sys_shutdown(const uint64_t a[6])
{
	return no_socket(a[0]);
}

int64_t
sys_bind(const uint64_t a[6])
{
	return no_socket(a[0]);
}

int64_t
sys_listen(const uint64_t a[6])
{
	return no_socket(a[0]);
}

int64_t
sys_getsockname(const uint64_t a[6])
{
	return no_socket(a[0]);
}

int64_t
sys_getpeername(const uint64_t a[6])
{
	return no_socket(a[0]);
}

int64_t
sys_setsockopt(const uint64_t a[6])
{
	return (int32_t)a[4] < 0 ? -EINVAL : no_socket(a[0]);
}

int64_t
sys_getsockopt(const uint64_t a[6])
{
	return no_socket(a[0]);
}
