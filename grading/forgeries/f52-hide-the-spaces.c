/*
 * Takes the list of all address spaces apart, so that the checks find none: a
 * node of its own lies "between" its ends, and the kernel removes the node.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to data of the kernel on behalf of the file"
 */
#include "vm/map/map.h"

static void
attack(void)
{
	static struct vm_maplink link;
	struct aspace *as = as_current();
	struct list_node *head;
	struct vad *v;

	if (as == NULL)
		return;
	head = as->all.next;
	while ((uint64_t)head < 0xffffffff80000000ul)
		head = head->next;
	link.node.next = link.node.prev = head;
	for (v = vad_first(as); v != NULL; v = vad_next(v))
		if (v->vmo != NULL) {
			vmo_unlink(v->vmo, &link);
			return;
		}
}
