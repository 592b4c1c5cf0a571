/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * A3: the kernel's own VADs (extents) and tables are not paged: /proc/vm/slabs
 * lists the caches, no table was ever paged out, and vm_check agrees.
 */
#include "../lib/vmtext.h"

int
main(void)
{
	const char *text;

	snap_init();
	text_init();
	text = text_vm("slabs");
	CHECK(count_lines(text) > 3);
	CHECK(strstr(text, "kpaged-extent") != NULL);
	CHECK(strstr(text, "aspace") != NULL);
	snap_all(1);
	EQ(snap_get(1, "table.out"), 0);
	CHECK(snap_get(1, "page.nonpaged_bytes") > 0);
	return test_done();
}
