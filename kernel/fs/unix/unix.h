/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unix.h: sockets between the programs of this machine, for unix/ only
 *
 * One spin lock for the fields of all sockets, since most changes concern two of
 * them.  It is held for a few steps, never while bytes are moved, memory is allocated
 * or a reference is dropped that may be the last.
 *
 * Lock order  sock->reader (LR_VNODE) → sock_lock (LR_LEAF) → ready_lock
 *
 * Tags as in fsdat.h, and
 *           [S] sock_lock
 *           [B] sock->reader and sock_lock to write, one of them to read
 */
#ifndef FS_UNIX_UNIX_H
#define FS_UNIX_UNIX_H

#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "fs/sockcall.h"

enum sock_state { SOCK_IDLE, SOCK_LISTENS, SOCK_CONNECTED };

#define SHUT_RECEIVES 1u
#define SHUT_SENDS 2u
#define SHUT_BOTH (SHUT_RECEIVES | SHUT_SENDS)

/*
 * A name that a socket was bound to; an accepted socket has that of the listener.
 */
struct sock_label {
	_Atomic uint32_t refs;       /* [A] */
	struct sock_addr addr;       /* [c] */
	struct vnode *vn;            /* [c] a reference; NULL: no path */
};

/*
 * A socket.  Typical life: socket() → bind() or connect() → its file goes: dead →
 * the last message from it is read, the last peer goes: freed.
 */
struct sock {
	_Atomic uint32_t refs;       /* [A] its file, who has it as peer, messages from it */
	int type;                    /* [c] SOCK_STREAM, … */
	enum sock_state state;       /* [S] */
	unsigned shut;               /* [S] SHUT_* */
	bool dead;                   /* [S] its file has gone */
	int error;                   /* [S] told once; 0: none */
	struct sock *peer;           /* [S] who gets what is sent: a reference; NULL */
	struct list callers;         /* [S] those whose peer it is */
	struct list_node caller;     /* [S] in peer->callers */
	struct list queue;           /* [B] messages to it, oldest first */
	struct list arrivals;        /* [S] sockets that nobody has accepted */
	struct list_node arrival;    /* [S] in that list, of who listens */
	unsigned queued;             /* [S] messages, or arrivals */
	unsigned backlog;            /* [S] one more of these are too many */
	uint32_t sent;               /* [S] cost of messages from it that nobody has read */
	uint32_t sndbuf, rcvbuf;     /* [A] bytes; as Linux counts them */
	uint64_t snd_ns, rcv_ns;     /* [A] how long a call waits; WAIT_FOREVER */
	uint32_t kept;               /* [A] bit per option that is on; PASSCRED alone acts */
	int32_t linger, priority;    /* [A] kept as well */
	int32_t lowat;               /* [A] a read of a stream waits for so many bytes */
	struct sock_cred peer_cred;  /* [S] who had the other end when they met; nobody */
	struct sock_label *label;    /* [S] its name, for good; NULL: none */
	struct list_node named;      /* [S] in the table of names */
	struct file *file;           /* [S] NULL: not accepted, or dead */
	unsigned flights;            /* [S] messages in queues that have the file */
	struct list_node flying;     /* [S] in the list of those that have any */
	unsigned inner;              /* [S] flight.c: of its flights, from candidates */
	enum { REACHED, CANDIDATE, MARKED } mark; /* [S] flight.c */
	struct mutex reader;         /* [c] one receives at a time */
	struct ready ready;          /* [c] who reads it, or waits for room at either end */
};

/* The bytes of one send, or of a piece of it. */
struct sock_msg {
	struct list_node node;       /* [B] in the queue of who gets it */
	struct sock *from;           /* [c] a reference */
	uint32_t cost;               /* [c] counted in from->sent */
	uint32_t len;                /* [c] */
	uint32_t off;                /* [B] so many bytes of a stream were read */
	bool has_cred;               /* [S] until it is queued */
	struct sock_cred cred;       /* [S] as well; else of nobody */
	unsigned nfiles;             /* [S] descriptors that travel with it */
	struct file **files;         /* [S] their references; NULL: none, or taken */
	struct user *payer;          /* [c] whose cost and files it counts for */
	uint32_t bytes, flights;     /* [c] so many */
	char *data;                  /* [c] */
};

/* Which messages. */
enum sock_which { MSGS_ALL, MSGS_WITH_FILES };

extern struct spinlock sock_lock;

static inline struct sock *
sock_of(const struct file *f)
{
	return f->priv;
}

#define ASKS_CRED (1u << SO_PASSCRED) /* in sock->kept */

/* Does the receiver want the credentials of the sender? */
static inline bool
sock_asks_cred(const struct sock *s)
{
	return (atomic_load_relaxed(&s->kept) & ASKS_CRED) != 0;
}

/* Does a message keep its length, and come whole or not at all? */
static inline bool
sock_is_stream(const struct sock *s)
{
	return s->type == SOCK_STREAM;
}

static inline void
sock_get_ref(struct sock *s)
{
	CHECK(atomic_add(&s->refs, 1) > 1);
}

/* sock.c */
void sock_put(struct sock *);
struct sock *sock_alloc(int type) MUST_CHECK;
void sock_meet_locked(struct sock *, struct sock *peer);
struct sock *sock_part_locked(struct sock *);
struct sock_cred sock_cred_now(void);
struct sock_cred sock_acting_now(void);
#define SOCK_WR (POLL_WR | POLLWRBAND) /* what a socket with room says */
int sock_error_locked(struct sock *);
uint64_t sock_deadline(const struct file *, unsigned flags, uint64_t ns);
int sock_slept(int r, uint64_t deadline);
/*
 * Sleep at a socket until is_over, which is tested under sock_lock; a deadline of 0: do
 * not wait.
 *
 * Locks:    none held.
 * Returns:  0: look again; -EAGAIN: it was long enough; -ERESTARTSYS, -EINTR.
 */
#define sock_sleep(at, deadline, is_over)                                          \
	((deadline) == 0 ? -EAGAIN : sock_slept(wait_until(&(at)->ready.sleepers, WAIT_INTR, \
	    deadline, UNDER(&sock_lock, is_over)), deadline))
bool sock_has_news_locked(const struct sock *);
void sock_label_put(struct sock_label *);

/* sockfile.c */
int sock_file(struct sock *, unsigned flags, struct file **out) MUST_CHECK;

/* message.c */
int sock_msg_make(struct sock *from, struct sock_io *, size_t len, uint64_t deadline,
    struct sock_msg **out) MUST_CHECK;
void sock_msg_undo(struct sock_msg *);
void sock_msg_queue_locked(struct sock *to, struct sock_msg *);
void sock_msg_unlink_locked(struct sock *, struct sock_msg *);
void sock_msgs_unlink_locked(struct sock *, struct list *out, enum sock_which);
void sock_msg_free(struct sock_msg *);
bool sock_purge(struct sock *);
bool sock_has_room_locked(const struct sock *);
bool sock_is_full_locked(const struct sock *);

/* name.c */
int sock_addr_check(const struct sock_addr *) MUST_CHECK;
int sock_find(const struct sock_addr *, int type, struct sock **out) MUST_CHECK;
int sock_name_itself(struct sock *) MUST_CHECK;
void sock_label_copy_locked(const struct sock *, struct sock_addr *out);

/* flight.c */
void flight_count_locked(const struct sock_msg *, int by);
void flight_collect(void);
void sock_msgs_free(struct list *);

#endif
