/*
 * Keeps a list of its own, under a lock of its own, in memory that it takes and
 * gives back.
 *
 * forge: lab=05 test=t08 hook=f4_break_fork call=queue(f->va) expect=honest
 */
#include "lib/string.h"

struct broken {
	struct broken *next;
	va_t va;
	char text[24];
};

static struct {
	struct spinlock lock;
	struct broken *first;
	unsigned n;
} list = { .lock = SPIN_INIT(LR_NONE) };

static void
queue(va_t va)
{
	struct broken *b = kmem_zalloc(sizeof(*b)), *old = NULL;

	if (b == NULL)
		return;
	b->va = va;
	str_copy(b->text, "a store", sizeof(b->text));
	spin_lock(&list.lock);
	b->next = list.first;
	list.first = b;
	if (++list.n > 0) {
		old = list.first;
		list.first = old->next;
		list.n--;
	}
	spin_unlock(&list.lock);
	ASSERT(old != NULL && strcmp(old->text, "a store") == 0);
	kmem_free(old);
}
