/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev.h: devices behind small ops structs
 *
 * Offers    character devices (console, tty, record channel, memory devices),
 *           the clock, the end of the machine.
 * Needs     kern/, md.h.
 * Sleeps?   read, write, poll wait may.
 * In interrupts?  Only the handlers in here.
 */
#ifndef DEV_DEV_H
#define DEV_DEV_H

#include "kern/kern.h"
#include "lib/errno.h"

/* Bits of poll(2). */
#define POLLIN 0x001
#define POLLPRI 0x002
#define POLLOUT 0x004
#define POLLERR 0x008
#define POLLHUP 0x010
#define POLLNVAL 0x020

/*
 * Bytes go through a kernel buffer: fs/devfs.c moves them from and to the
 * user around these calls, in pieces of at most 4096 bytes.
 */
struct chr_ops {
	/* Bytes, 0 at end of file, -errno.  nonblock: -EAGAIN instead of sleep. */
	ssize_t (*read)(void *dev, void *buf, size_t n, bool nonblock);
	ssize_t (*write)(void *dev, const void *buf, size_t n, bool nonblock);
	/* POLL* bits that hold now; *wq: what to sleep on, may stay NULL. */
	unsigned (*poll)(void *dev, struct waitq **wq);
	/* arg is a user address; copies go through copy (set by sys/). */
	int64_t (*ioctl)(void *dev, unsigned cmd, uint64_t arg);
	int (*open)(void *dev, unsigned flags);
	void (*close)(void *dev);
};

struct chr_dev {
	const char *name;         /* under /dev */
	uint32_t major, minor;
	uint32_t mode;            /* permission bits */
	const struct chr_ops *ops;
	void *dev;
	bool is_zero;             /* /dev/zero: mmap gives anonymous memory */
	struct list_node all;
};

void chr_register(struct chr_dev *);
struct chr_dev *chr_find(uint32_t major, uint32_t minor);
void chr_walk(void (*fn)(void *arg, struct chr_dev *), void *arg);

/* Job control, filled in by proc/. */
struct tty_ops {
	void (*signal_group)(int pgid, int sig);
	/*
	 * May the current process read (write) its terminal?  0, -EIO, or
	 * -ERESTARTSYS after a SIGTTIN/SIGTTOU was sent (abi.md 7).
	 */
	int (*check_read)(int session, int fg_pgid);
	int (*check_write)(int session, int fg_pgid);
	int (*current_session)(void);
	int (*current_pgid)(void);
	bool (*is_session_leader)(void);
	bool (*pgid_in_session)(int pgid, int session);
	bool (*has_tty)(void);              /* session of current has this tty */
	int (*copyin)(void *dst, uint64_t src, size_t n);
	int (*copyout)(uint64_t dst, const void *src, size_t n);
};
void tty_set_ops(const struct tty_ops *);
/* Session leader exits: SIGHUP, SIGCONT to the foreground; tty is free again. */
void tty_session_ended(int session);
int tty_session(void);                 /* that owns the tty, 0: none */
int tty_fg_pgid(void);

void dev_init(void);                   /* after kern_init: uart, screen, keyboard, tty … */

/* power.c */
enum power_how { POWER_OFF, POWER_REBOOT, POWER_PANIC };
void power_end(enum power_how) NORETURN;
/* record.c: how the command ended ({kind, value}, tools/guestlib.h); powers off. */
void record_exit(uint8_t kind, uint8_t value) NORETURN;
/* rtc.c: seconds since 1970 at boot. */
uint64_t rtc_boot_seconds(void);
/* memdev.c: n random bytes (getrandom, AT_RANDOM). */
void random_fill(void *buf, size_t n);

#endif
