/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chr.c: the list of character devices
 *
 * Problem   /dev shows what drivers have registered, and opening a node finds
 *           the driver by number.
 *
 * Rules     Devices are registered at boot and never go away; the list is
 *           guarded all the same, so that the order of boot does not matter.
 *
 * Read next fs/devfs.c, dev/tty.c.
 */
#include "dev/devfn.h"

static struct {
	struct spinlock lock; /* the list */
	struct list devs;
} chr = { SPIN_INIT(LR_DEV), LIST_INIT(chr.devs) };

/*
 * Make a device known; the struct stays with the driver for ever.
 *
 * Locks:    none held.
 */
void
chr_register(struct chr_dev *dev)
{
	uint64_t flags = spin_lock_irq(&chr.lock);

	list_push_back(&chr.devs, &dev->all);
	spin_unlock_irq(&chr.lock, flags);
}

/*
 * Look a device up by number.
 *
 * Locks:    none held.
 * Returns:  the device, or NULL.
 */
struct chr_dev *
chr_find(uint32_t major, uint32_t minor)
{
	struct chr_dev *dev, *found = NULL;
	uint64_t flags = spin_lock_irq(&chr.lock);

	LIST_FOREACH(dev, &chr.devs, all) {
		if (dev->major == major && (dev->minor == minor || dev->any_minor)) {
			found = dev;
			break;
		}
	}
	spin_unlock_irq(&chr.lock, flags);
	return found;
}

/*
 * Call fn for each device, in order of registration.  Devices never go away,
 * so fn may sleep.
 *
 * Locks:    none held.
 */
void
chr_walk(void (*fn)(void *arg, struct chr_dev *), void *arg)
{
	struct chr_dev *dev;

	LIST_FOREACH(dev, &chr.devs, all)
		fn(arg, dev);
}
