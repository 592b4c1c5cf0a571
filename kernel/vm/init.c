/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: the memory manager comes up
 *
 * Problem   Each room has a little state of its own.  The first thread sets it up
 *           once, on one CPU, in the right order, before the first fault.
 */
#include "vm/cache/cache.h"
#include "vm/calls/calls.h"
#include "vm/design/designs.h"
#include "vm/evidence/evidence.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/object/object.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/vm.h"
#include "vm/ws/ws.h"

/* The state of all rooms.  Locks: none; once, before anything is mapped. */
void
vm_init(void)
{
	as_init();
	fault_init();
	page_init();
	pq_init();
	owner_init();
	anon_home_init();
	swap_init();
	commit_init();
	pageout_init();
	ptpage_init();
	kpaged_init();
	cache_init();
	design_init();
	check_init();
	force_init();
	stat_init();
}

/* Their threads. */
void
vm_start(void)
{
	pageout_start();
	bal_start();
	klog("vm: design %s, commit limit %lu pages", design_default()->name,
	    commit_limit());
}
