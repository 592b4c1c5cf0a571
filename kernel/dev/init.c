/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: all devices come up
 *
 * Problem   A driver may need another one: the log a line, a disk its bus.
 *
 * Rules     The screen and the serial line come first, so that the others can log;
 *           disks follow the layer that they register with.
 *
 * Read next uart.c, blk.c.
 */
#include "dev/blkfn.h"
#include "dev/pci.h"

/*
 * Bring up all devices.
 *
 * Locks:    none held; after kern_init().
 */
void
dev_init(void)
{
	power_init();
	memdev_init();
	console_init();         /* before keys can come */
	screen_init();
	uart_init();
	kbd_init();
	pty_init();
	pci_init();
	bdev_init();
	blk_init();
	ata_init();
	virtio_blk_init();
	ramdisk_init();
	part_init();
}
