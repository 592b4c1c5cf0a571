/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dev.h: devices behind small ops structs
 *
 * Offers    character devices (console, tty, memory devices),
 *           disks and their partitions, the clock, the end of the machine.
 * Needs     kern/, mem/, md.h.
 * Sleeps?   read, write and poll may; functions blk_ that say so.
 * In interrupts?  Only the handlers in here.
 */
#ifndef DEV_DEV_H
#define DEV_DEV_H

#include "kern/ready.h"
#include "lib/errno.h"

/* Bits of poll(2). */
#define POLLIN 0x001
#define POLLPRI 0x002
#define POLLOUT 0x004
#define POLLERR 0x008
#define POLLHUP 0x010
#define POLLNVAL 0x020
#define POLLRDNORM 0x040
#define POLLWRNORM 0x100
#define POLLWRBAND 0x200
#define POLLRDHUP 0x2000
/* Bits that most files set together; an eventfd, a timerfd and a signalfd do not. */
#define POLL_RD (POLLIN | POLLRDNORM)
#define POLL_WR (POLLOUT | POLLWRNORM)

/*
 * Bytes go through a kernel buffer: fs/devfs.c moves them from and to the
 * user around these calls, in pieces of at most 4096 bytes.
 */
struct chr_dev;
struct chr_ops {
	/* Bytes, 0 at end of file, -errno.  nonblock: -EAGAIN instead of sleep. */
	ssize_t (*read)(void *dev, void *buf, size_t n, bool nonblock);
	ssize_t (*write)(void *dev, const void *buf, size_t n, bool nonblock);
	/* POLL* bits that hold now; *at: the list of their watches, may stay NULL. */
	unsigned (*poll)(void *dev, struct ready **at);
	/* arg is a user address; copies go through copy (set by sys/). */
	int64_t (*ioctl)(void *dev, unsigned cmd, uint64_t arg);
	/* Flags O_*.  It may put another device there, which is opened instead. */
	int (*open)(struct chr_dev **, uint32_t minor, unsigned flags);
	void (*close)(void *dev);
};

/* What becomes of written bytes: the driver gets them, or they are dropped. */
enum chr_takes { TAKES_BY_DRIVER, TAKES_ALL, TAKES_NOTHING };

struct chr_dev {
	const char *name;         /* under /dev; NULL: its nodes are not there */
	uint32_t major, minor;
	uint32_t mode;            /* permission bits */
	const struct chr_ops *ops;
	void *dev;
	enum chr_takes takes;     /* TAKES_NOTHING: -ENOSPC */
	bool any_minor;           /* it stands for all of the major number */
	bool is_zero;             /* /dev/zero: mmap gives anonymous memory */
	bool is_endless;          /* a read gives all it is asked for */
	bool is_physical;         /* /dev/mem: mmap gives memory of devices */
	bool is_log;              /* /dev/kmsg: fs/kmsg.c reads it */
	struct list_node all;
};

void chr_register(struct chr_dev *);
struct chr_dev *chr_find(uint32_t major, uint32_t minor);
void chr_walk(void (*fn)(void *arg, struct chr_dev *), void *arg);

/* ---- blk.c, bdev.c, blkstat.c: disks and partitions ---- */

#define SECTOR_SHIFT 9
#define SECTOR_SIZE 512u
#define BIO_PAGES 16u

struct blk_queue;
struct vm_page;

enum bio_dir { BIO_READ, BIO_WRITE, BIO_FLUSH };
#define BIO_DIRS 3
enum bio_use { BIO_FILE, BIO_SWAP }; /* which injection points it hits */

/* Requests that have ended, by direction, and those under way.  [queue->lock] */
struct blk_stat {
	uint64_t ios[BIO_DIRS], sectors[BIO_DIRS], ns[BIO_DIRS];
	uint64_t busy_ns, busy_since;
	unsigned flying;
};

/* A disk or a partition of one.  Made at boot, never goes away. */
struct bdev {
	char name[12];            /* [c] under /dev: "sda", "vda2" */
	uint32_t major, minor;    /* [c] */
	uint64_t sectors;         /* [c] of SECTOR_SIZE */
	uint64_t start;           /* [c] first sector on the disk; disk: 0 */
	struct bdev *disk;        /* [c] whose partition; a disk: itself */
	struct blk_queue *queue;  /* [c] */
	void *drv;                /* [c] the driver's */
	bool readonly;            /* [c] writes end with -EROFS */
	struct blk_stat stat;     /* blkstat.c */
	struct list_node all;
};


struct bio_vec {
	struct vm_page *page;
	uint16_t offset, bytes;   /* multiples of SECTOR_SIZE, within the page */
};

/*
 * One request.  It belongs to its submitter, with its pinned pages; the
 * block layer has it from blk_submit() to the call of done.
 */
struct bio {
	struct bdev *dev;
	uint64_t sector;          /* of dev */
	enum bio_dir dir;
	enum bio_use use;
	unsigned nvecs;           /* FLUSH: 0 */
	struct bio_vec vec[BIO_PAGES];
	void (*done)(struct bio *); /* in thread iod; may free the bio */
	void *arg;                /* the submitter's */
	int status;               /* at done: 0, -EIO, -EROFS */
	/* the rest is the block layer's and the driver's */
	struct list_node node;
	uint64_t lba;             /* sector on the disk */
	uint64_t since;           /* when it was submitted */
	uint64_t deadline;        /* since when the driver has it: the limit */
	unsigned tries;           /* time-outs so far */
	bool fail;                /* an injection point said so */
	uint64_t hold;            /* FI_IO_DELAY: until so many faults */
};

/* Prepare (done and arg NULL, use FILE), then add pages in order. */
void bio_init(struct bio *, struct bdev *, uint64_t sector, enum bio_dir);
void bio_add(struct bio *, struct vm_page *, unsigned offset, unsigned bytes);
/*
 * Hand the bio over; done is called once, whatever happens.  A FLUSH makes
 * durable what was done before it was submitted.
 *
 * Locks:    any of rank < DEV.  Does not sleep, allocates nothing.
 */
void blk_submit(struct bio *);
/*
 * The same, by a caller that will wait for it: a RAM disk has no device that works
 * while the caller sleeps, so the caller moves the bytes and calls done itself.
 *
 * Locks:    none that done takes, no spin lock.
 */
void blk_submit_now(struct bio *);
/* The same and sleep until it is done; uses done and arg.  Returns status. */
int blk_submit_wait(struct bio *) MUST_CHECK;
int blk_flush(struct bdev *) MUST_CHECK;
/*
 * n bytes at byte off of the device (whole sectors if they are written), through a page
 * of its own; past the end is cut short.  Not coherent with anybody's cache.  May sleep.
 *
 * Returns:  bytes (0 at the end), -EIO, -EROFS, -ENOMEM.
 */
ssize_t blk_rw_bytes(struct bdev *, uint64_t off, void *buf, size_t n,
    enum bio_dir);
/* By name ("sda1", "/dev/sda1") or number; NULL: there is none. */
struct bdev *blk_find(const char *name);
struct bdev *blk_find_number(uint32_t major, uint32_t minor);
/* All disks and partitions, a disk before its partitions; fn may sleep. */
void blk_walk(void (*fn)(void *arg, struct bdev *), void *arg);
void diskstats_show(struct out *);     /* text of /proc/diskstats */

/* ---- ttyjob.c ---- */

/* The calling process; of no session: a thread of the kernel. */
struct tty_asker {
	int session, group;
	bool leads;                         /* the session */
	bool gave_up;                       /* the session's terminal: TIOCNOTTY */
	bool root;
};

/* Job control, filled in by proc/. */
struct tty_job_ops {
	/* To the processes of the group that are in the session: numbers are reused. */
	void (*signal_group)(int pgid, int session, int sig);
	/* To the leader of the session. */
	void (*signal_leader)(int session, int sig);
	/*
	 * May the current process read (write) its terminal?  0, -EIO, or
	 * -ERESTARTSYS after a SIGTTIN/SIGTTOU was sent (book: abi 7).
	 */
	int (*check_read)(int session, int fg_pgid);
	int (*check_write)(int session, int fg_pgid);
	int (*session_of_group)(int pgid);  /* 0: no such group */
	void (*ask)(struct tty_asker *);
	void (*give_up)(bool);              /* current, its session's terminal */
	int (*copyin)(void *dst, uint64_t src, size_t n);
	int (*copyout)(uint64_t dst, const void *src, size_t n);
};
void tty_set_job_ops(const struct tty_job_ops *);
/* Session leader exits: SIGHUP, SIGCONT to the foreground; its tty is free again. */
void tty_session_ended(int session);
uint32_t tty_number(int session, int *fg); /* of its tty; 0: none, fg untouched */
int tty_front(const struct chr_dev *); /* the job in front; 0: none; -ENOTTY */

/* ---- pty.c ---- */

#define PTY_MAX 1024u

/* Names and counts of pseudo terminals: fs/devpts.c.  All may sleep. */
struct pty_ops {
	int (*made)(void);                  /* by the current process: its number, -ENOSPC, … */
	void (*hung)(unsigned n);           /* its master is closed: the name goes */
	void (*freed)(unsigned n);          /* nobody has it open any more */
};
void pty_set_ops(const struct pty_ops *);
int pty_of_master(const struct chr_dev *); /* its number; -EIO, -ENOTTY: it is none */

void dev_init(void);                   /* after kern_init: uart, screen, keyboard, tty … */

void ramdisk_take(void);               /* before phys_init(): memory of ramdisk= */
SYSTEM_ONLY const uint8_t *ramdisk_swap(void); /* its first byte; NULL: there is none */

/* uart.c: COM2 belongs to channel/. */
#define UART_COM2 0x2f8
void uart_write(uint16_t port, const void *buf, size_t n);

/* power.c */
enum power_how { POWER_OFF, POWER_REBOOT, POWER_PANIC, POWER_KILLED };
void power_end(enum power_how) NORETURN;
/* fn writes what is on disks (fs/); power_prepare() calls it.  May sleep. */
void power_set_prepare(void (*fn)(void));
void power_prepare(void);
/* rtc.c: seconds since 1970 at boot. */
uint64_t rtc_boot_seconds(void);

#endif
