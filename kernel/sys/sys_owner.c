/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_owner.c: fcntl: who is signalled when a file becomes ready
 *
 * Problem   F_SETOWN takes a group as a negative number, and so cannot name a
 *           thread; F_SETOWN_EX says which of three kinds it is.
 *
 * Rules     1. The number is reported only while its thread or process lives.
 *           2. Leases, and notes about changes in a directory (F_NOTIFY), are not
 *              provided: -EINVAL.
 *
 * Read next fs/async.c, proc/sigio.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"

/* struct f_owner_ex. */
struct owner_ex {
	int32_t type, pid;
};

/* The owner of f is the number id of that kind; 0: nobody.  0, -ESRCH, -ENOMEM. */
static int64_t
owner_set(struct file *f, enum file_owner_kind kind, int id)
{
	struct file_owner o = { .kind = kind, .id = id };
	int r = id != 0 ? sigio_owner_find(&o) : 0;

	return r != 0 ? r : file_set_owner(f, &o);
}

static int64_t
setown(struct file *f, int who)
{
	if (who == INT32_MIN)
		return -EINVAL;
	return who < 0 ? owner_set(f, OWNER_GROUP, -who) :
	    owner_set(f, OWNER_PROCESS, who);
}

/* Rule 1. */
static struct owner_ex
owner_now(struct file *f)
{
	struct file_owner o;

	file_owner(f, &o);
	return (struct owner_ex){ (int)o.kind,
		o.id != 0 && sigio_owner_lives(&o) ? o.id : 0 };
}

static int64_t
getown(struct file *f)
{
	struct owner_ex o = owner_now(f);

	return o.type == OWNER_GROUP ? -o.pid : o.pid;
}

static int64_t
setown_ex(struct file *f, va_t at)
{
	struct owner_ex o;

	if (copyin(&o, at, sizeof(o)) != 0)
		return -EFAULT;
	if (o.type < OWNER_THREAD || o.type > OWNER_GROUP)
		return -EINVAL;
	return owner_set(f, (enum file_owner_kind)o.type, o.pid);
}

static int64_t
getown_ex(struct file *f, va_t at)
{
	struct owner_ex o = owner_now(f);

	return copyout(at, &o, sizeof(o));
}

static int64_t
owner_ids(struct file *f, va_t at)
{
	struct file_owner o;

	file_owner(f, &o);
	return copyout(at, (uint32_t[2]){ o.uid, o.euid }, 2 * sizeof(uint32_t));
}

static int64_t
owner_signal(struct file *f)
{
	struct file_owner o;

	file_owner(f, &o);
	return o.signo;
}

/* See filecall.h. */
int64_t
fcntl_owner(struct file *f, int cmd, uint64_t arg)
{
	switch (cmd) {
	case F_SETOWN:
		return setown(f, (int)arg);
	case F_GETOWN:
		return getown(f);
	case F_SETOWN_EX:
		return setown_ex(f, arg);
	case F_GETOWN_EX:
		return getown_ex(f, arg);
	case F_GETOWNER_UIDS:
		return owner_ids(f, arg);
	case F_GETSIG:
		return owner_signal(f);
	case F_SETSIG:
		return arg > NSIG ? -EINVAL : file_set_signal(f, (int)arg);
	}
	return -EINVAL;
}

/*
 * O_ASYNC on or off.  A terminal without an owner signals the job in front of it, or
 * else who has asked for it.
 *
 * Returns:  0, -ENOTTY: f has nothing to tell; -ENOMEM.
 */
int
sys_set_async(struct file *f, int fd, bool on)
{
	int front = fs_tty_front(f), r;
	struct file_owner o;

	file_owner(f, &o);
	r = file_set_async(f, fd, on);
	if (r == 0 && on && o.id == 0 && front >= 0)
		(void)setown(f, front > 0 ? -front : proc_current()->pid);
	return r;
}
