/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockcall.h: the third door of fs/: sockets
 *
 * Offers    the calls for sys/sys_socket.c and sys_message.c.
 * Needs     vm/, kern/.
 * Sleeps?   Yes.
 * In interrupts?  Never.
 *
 * All return 0 or a count, or the negative error number that Linux documents.  A
 * file that a function takes is a socket: file_is_socket().
 */
#ifndef FS_SOCKCALL_H
#define FS_SOCKCALL_H

#include "fs/fscall.h"

#define AF_UNSPEC 0u
#define AF_UNIX 1u

#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5

#define MSG_OOB 1u
#define MSG_PEEK 2u
#define MSG_CTRUNC 8u
#define MSG_TRUNC 0x20u
#define MSG_DONTWAIT 0x40u
#define MSG_WAITALL 0x100u
#define MSG_NOSIGNAL 0x4000u
#define MSG_WAITFORONE 0x10000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define SO_REUSEADDR 2
#define SO_TYPE 3
#define SO_ERROR 4
#define SO_DONTROUTE 5
#define SO_BROADCAST 6
#define SO_SNDBUF 7
#define SO_RCVBUF 8
#define SO_KEEPALIVE 9
#define SO_OOBINLINE 10
#define SO_PRIORITY 12
#define SO_LINGER 13
#define SO_PASSCRED 16
#define SO_PEERCRED 17
#define SO_RCVLOWAT 18
#define SO_SNDLOWAT 19
#define SO_RCVTIMEO 20
#define SO_SNDTIMEO 21
#define SO_ACCEPTCONN 30
#define SO_SNDBUFFORCE 32
#define SO_RCVBUFFORCE 33
#define SO_PROTOCOL 38
#define SO_DOMAIN 39

#define SOCK_ADDR_MAX 110u   /* struct sockaddr_un: a family, and 108 bytes */
#define SOCK_ADDR_PATH 2u    /* where the name is in it */
#define SOCK_FILES_MAX 253u  /* descriptors of one message */

/* A name as programs lay it out; behind a path a 0. */
struct sock_addr {
	unsigned len;
	union {
		uint16_t family;
		char bytes[SOCK_ADDR_MAX + 2];
	};
};

struct sock_cred {
	int32_t pid;
	uint32_t uid, gid;
};

/* One send, or one receive. */
struct sock_io {
	struct uio *uio;
	unsigned flags;          /* MSG_* */
	unsigned told;           /* receive: MSG_TRUNC */
	struct sock_addr *name;  /* send: to whom; receive: from whom; NULL */
	struct sock_cred cred;   /* received, or claimed */
	bool has_cred;           /* cred counts: it is claimed, or asked for */
	unsigned nfiles;         /* descriptors that travel; their references */
	struct file **files;     /* kmem; NULL: none */
	uint64_t files_max;      /* send: so many of the user may be under way */
};

bool file_is_socket(const struct file *);
int sock_create(int type, unsigned flags, struct file **out) MUST_CHECK;
int sock_pair(int type, unsigned flags, struct file *out[2]) MUST_CHECK;
int sock_bind(struct file *, const struct sock_addr *) MUST_CHECK;
int sock_listen(struct file *, int backlog) MUST_CHECK;
int sock_connect(struct file *, const struct sock_addr *) MUST_CHECK;
int sock_accept(struct file *, unsigned flags, struct file **out) MUST_CHECK;
int sock_shutdown(struct file *, int how) MUST_CHECK;
/* A send takes the references of io->files, with success or not; a receive leaves
 * them to the caller: sock_files_put(). */
ssize_t sock_send(struct file *, struct sock_io *);
int sock_send_check(struct file *) MUST_CHECK;
ssize_t sock_recv(struct file *, struct sock_io *);
void sock_files_put(struct sock_io *);

/* The value of an option, as programs lay it out. */
struct sock_timeout {
	int64_t sec, usec;
};
union sock_value {
	int32_t n;
	struct sock_timeout timeout;
	struct {
		int32_t on, sec;
	} linger;
	struct sock_cred cred;
};
int sock_get(struct file *, int option, union sock_value *) MUST_CHECK;
int sock_set(struct file *, int option, const union sock_value *, size_t len) MUST_CHECK;

enum sock_end { SOCK_OWN, SOCK_PEER };
int sock_name(struct file *, enum sock_end, struct sock_addr *out) MUST_CHECK;

#endif
