/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * advice.h: numbers of madvise, as Linux has them
 */
#ifndef VM_ADVICE_H
#define VM_ADVICE_H

enum madvise_advice {
	MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2,
	MADV_WILLNEED = 3, MADV_DONTNEED = 4, MADV_FREE = 8, MADV_REMOVE = 9,
	MADV_DONTFORK = 10, MADV_DOFORK = 11, MADV_MERGEABLE = 12,
	MADV_UNMERGEABLE = 13, MADV_HUGEPAGE = 14, MADV_NOHUGEPAGE = 15,
	MADV_DONTDUMP = 16, MADV_DODUMP = 17, MADV_WIPEONFORK = 18,
	MADV_KEEPONFORK = 19, MADV_COLD = 20, MADV_PAGEOUT = 21,
	MADV_POPULATE_READ = 22, MADV_POPULATE_WRITE = 23,
	MADV_DONTNEED_LOCKED = 24,
	/* Not a program's: what PAGEOUT has taken out, and has been written. */
	ADVICE_RELEASE = 1 << 20
};

#endif
