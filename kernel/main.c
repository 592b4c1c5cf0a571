/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c: the boot on one screen
 *
 * Problem   Start the rooms of the kernel from the lowest rank to the highest,
 *           each after those that it uses.
 *
 * Picture   boot/start.S ─→ kernel_main (one CPU, no threads)
 *                              mem, md, kern ─→ first thread ─→ sched_start
 *                                                   │
 *                           vm, dev, fs, proc ←─────┘ may sleep
 *                           initramfs, self-tests, other CPUs, process 1
 *
 * Rules     1. Nothing sleeps before sched_start().
 *           2. A failure here is reported in one sentence, then the machine ends.
 *
 * Read next boot/start.S, kern/thread.c, proc/exec.c.  Book: ch03.
 */
#include "boot/boot.h"
#include "channel/channel.h"
#include "dev/dev.h"
#include "fs/fs.h"
#include "ipc/ipc.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "proc/proc.h"
#include "sys/sys.h"
#include "test/boot/selftest.h"
#include "vm/vm.h"

static void first_thread(void *arg);
static void unpack_initramfs(void);
static void mount_root(void);
static void start_swap(void);
static void say_hello(void);

/*
 * C entry, from boot/: one CPU, interrupts off, the boot stack.
 *
 * Locks:    none.
 * Returns:  never: the boot CPU becomes its idle thread.
 */
void
kernel_main(void)
{
	options_init(boot_info()->cmdline);
	md_init_early();
	ramdisk_take();
	phys_init();
	md_init();
	kva_init();
	kern_init();
	say_hello();
	if (thread_spawn("boot", first_thread, NULL) == NULL)
		panic("main: no memory for the first thread");
	sched_start();
}

static void
first_thread(void *arg)
{
	const char *test, *init;

	vm_init();
	dev_init();
	channel_init();
	kern_start_cpus();
	phys_set_marks(); /* the reserve grows with the CPUs */
	vm_start();
	fs_init();
	ext2_init();
	event_init();
	sock_init();
	proc_init();
	ipc_init();
	sys_init();
	mount_root();
	unpack_initramfs();
	start_swap();
	test = option_str("selftest");
	if (test != NULL)
		selftest_run(test);
	init = option_str("init");
	proc_start_init(init != NULL ? init : "/init");
}

static void
say_hello(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	klog("vadose: %lu MiB of memory, %u CPU%s, loaded by %s",
	    (ps.total << PAGE_SHIFT) >> 20, md_ncpus(),
	    md_ncpus() == 1 ? "" : "s", boot_info()->loader);
}

/*
 * The first root, or what goes over that of a disk: cpio archives of the loader, whose
 * memory is free then.
 */
static void
unpack_initramfs(void)
{
	const struct boot_info *bi = boot_info();
	unsigned i;
	int r;

	for (i = 0; i < bi->nmods; i++) {
		r = initramfs_unpack(pa2va(bi->mod[i].start),
		    bi->mod[i].end - bi->mod[i].start);
		if (r == -ENOSPC || r == -ENOMEM)
			boot_fatal("no room for the files of module %u, %lu KiB: "
			    "it takes more memory, or fewer files", i,
			    (unsigned long)(bi->mod[i].end - bi->mod[i].start) >> 10);
		if (r < 0)
			klog("main: module %u is not all cpio archives; what "
			    "could be read of it is there", i);
		commit_adopt(phys_adopt(bi->mod[i].start, bi->mod[i].end));
	}
	if (bi->nmods == 0 && option_str("root") == NULL)
		panic("main: no initial file system; "
		    "start the kernel with -initrd or a module");
}

/* root=sda: the files of a disk; root=initrd or none: those in memory. */
static void
mount_root(void)
{
	const char *dev = option_str("root");
	int r;

	if (dev == NULL || strcmp(dev, "initrd") == 0)
		return;
	r = fs_mount_root(dev);
	if (r < 0)
		panic("main: no root on %s (%d); root=initrd starts without",
		    dev, r);
	klog("vadose: root on %s", dev);
}

/* swap=vdb: pages may go there from the start. */
static void
start_swap(void)
{
	const char *dev = option_str("swap");
	int r;

	if (dev == NULL)
		return;
	r = fs_swapon_disk(dev);
	if (r < 0)
		panic("main: no swap on %s (%d); start without swap=, or "
		    "mkswap it", dev, r);
}
