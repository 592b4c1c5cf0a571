/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket.h: shared by sys_socket.c and sys_message.c
 *
 * Offers    descriptors that are sockets, addresses of programs.
 * Needs     fs/sockcall.h.
 * Sleeps?   Yes.
 * In interrupts?  Never.
 */
#ifndef SYS_SOCKET_H
#define SYS_SOCKET_H

#include "fs/sockcall.h"
#include "sys/filecall.h"

/* The socket with a reference; NULL: *r is -EBADF, -ENOTSOCK. */
struct file *sys_sock(uint64_t fd, int64_t *r);

/* An address of n bytes.  0, -EFAULT, -EINVAL (n). */
int sys_addr_in(va_t, int n, struct sock_addr *) MUST_CHECK;
/* As much as there is room for; the word at ulen says how much, then how long it is. */
int sys_addr_out(const struct sock_addr *, va_t to, va_t ulen) MUST_CHECK;

#endif
