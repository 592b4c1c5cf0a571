/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * witness_ram.c: the guest's memory: frames, page tables, the kernel's text
 *
 * Problem   An address is only a name.  What a store changes is a frame; what a
 *           frame is, the kernel's frame database says, which the submission
 *           may write: homes are noted as the kernel gives them.  And a new
 *           mapping gives a frame a second name.
 *
 * Picture   kernel_root ─→ tables of the kernel's half: a note for each frame
 *             of them, by walking before the submission's first instruction and
 *             at each mark; a word stored in one of them: noted at once
 *           leaf ─→ frame of the image? only where the linker put it, and in
 *             the direct map; text and constants never writable
 *
 * Rules     1. Memory is read as the host has it, behind the emulator: no fault,
 *              no order with other CPUs needed, for all run on one thread.
 *           2. A table of the kernel's half stays one for ever (kernel/amd64/
 *              pt.c gives none back).
 *
 * Read next witness_border.c.
 */
#include "witness/witness.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define P 1ul
#define W 2ul
#define U 4ul
#define PS 0x80ul
#define PFN 0xffffffffff000ul
#define HALF 0xffff800000000000ul
/* struct vm_page (kernel/mem/page.h), enum page_home */
#define FRAME_BYTES 48ul
#define FRAME_SLAB 8ul
#define FRAME_ORDER 16ul
#define SLAB_CACHE 16ul     /* struct kmem_slab (kernel/mem/slab.c) */
#define LARGE_TAG 0x100u /* kernel/mem/kmalloc.c */
#define LARGE_MOST 10u
#define WALK_MOST (8ul << 20)

/* A page table of the kernel's half. */
struct table {
	uint64_t va;    /* what its first word maps */
	unsigned level; /* 1 leaf … 4; 0: none */
};

static struct {
	const uint8_t *at;
	uint64_t bytes;
	struct table *table; /* by frame */
	uint8_t *home;       /* by frame: kind, as stored last */
	uint32_t *given;     /* by frame: in which activation that was; 0: in none */
	uint64_t text_sum;
	uint64_t budget;     /* words that are still walked: tables may lie */
} ram;

bool
ram_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	ram.bytes = (uint64_t)st.st_size;
	p = mmap(NULL, ram.bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	ram.table = calloc(ram.bytes / PAGE + 1, sizeof *ram.table);
	ram.home = calloc(ram.bytes / PAGE + 1, 1);
	ram.given = calloc(ram.bytes / PAGE + 1, sizeof *ram.given);
	if (p == MAP_FAILED || ram.table == NULL || ram.home == NULL ||
	    ram.given == NULL)
		return false;
	ram.at = p;
	return true;
}

static uint64_t
word_at(uint64_t pa)
{
	uint64_t v = 0;

	if (ram.at != NULL && pa + 8 <= ram.bytes)
		memcpy(&v, ram.at + pa, 8);
	return v;
}

/* Through the kernel's tables; 0: not mapped. */
static uint64_t
pa_of(uint64_t va)
{
	uint64_t table = word_at(map.root_at - IMAGE_BASE), w, bytes;
	int level;

	for (level = 4; level > 0; level--) {
		bytes = 1ul << (12 + 9 * (level - 1));
		w = word_at((table & PFN) + ((va / bytes) & 511) * 8);
		if ((w & P) == 0)
			return 0;
		if (level == 1 || (w & PS) != 0)
			return (w & PFN & ~(bytes - 1)) | (va & (bytes - 1));
		table = w;
	}
	return 0;
}

uint64_t
ram_word(uint64_t va)
{
	uint64_t pa = pa_of(va);

	return pa != 0 ? word_at(pa) : 0;
}

/*
 * The emulator's word for it, which no table of the guest's can bend.  What it
 * calls the first byte of the memory is learnt from the kernel's own boot.
 */
bool
ram_is_where(uint32_t info, uint64_t va)
{
	struct qemu_plugin_hwaddr *hw = qemu_plugin_get_hwaddr(info, va);
	uint64_t at = hw != NULL ? qemu_plugin_hwaddr_phys_addr(hw) : 0, pa;
	static uint64_t first;
	static bool known;

	if (hw == NULL || ram.at == NULL)
		return true;
	pa = va >= IMAGE_BASE ? va - IMAGE_BASE
	    : ram_is_direct(va) ? va - map.direct : pa_of(va);
	if (!known)
		first = at - pa;
	known = true;
	return at - first == pa;
}

bool
ram_is_code(uint64_t va, const uint8_t *bytes, size_t n)
{
	uint64_t pa = va - IMAGE_BASE;

	return ram.at == NULL || pa + n > ram.bytes ||
	       memcmp(ram.at + pa, bytes, n) == 0;
}

static bool
is_image(uint64_t pa)
{
	return pa >= map.text.lo - IMAGE_BASE &&
	       pa < map.image_end - IMAGE_BASE;
}

/* ---- page tables ---- */

/* A leaf of the kernel's half: where the image may be, and how? */
static void
leaf_check(uint64_t w, uint64_t va, uint64_t bytes, uint64_t pc)
{
	uint64_t pa = w & PFN & ~(bytes - 1), lo = map.text.lo - IMAGE_BASE;
	uint64_t end = map.image_end - IMAGE_BASE;
	uint64_t text_end = map.text.hi - IMAGE_BASE;

	if (pa >= end || pa + bytes <= lo)
		return;
	if (va != map.direct + pa && va != IMAGE_BASE + pa)
		border_seen(B_ALIAS, pc, IMAGE_BASE + (pa > lo ? pa : lo));
	else if ((w & W) != 0 && pa < text_end)
		border_seen(B_ALIAS, pc, IMAGE_BASE + (pa > lo ? pa : lo));
}

static void table_learn(uint64_t pa, unsigned level, uint64_t va, uint64_t pc);

static void
word_learn(uint64_t w, unsigned level, uint64_t va, uint64_t pc)
{
	uint64_t bytes = 1ul << (12 + 9 * (level - 1));

	if ((w & P) == 0)
		return;
	if (level == 1 || (w & PS) != 0)
		leaf_check(w, va, bytes, pc);
	else
		table_learn(w & PFN, level - 1, va, pc);
}

static void
table_learn(uint64_t pa, unsigned level, uint64_t va, uint64_t pc)
{
	uint64_t bytes = 1ul << (12 + 9 * (level - 1));
	unsigned i = level == 4 ? 256 : 0;

	if (pa + PAGE > ram.bytes)
		return;
	if (ram.budget < 512) {
		border_seen(B_ALIAS, pc, IMAGE_BASE);
		return;
	}
	ram.budget -= 512;
	ram.table[pa / PAGE] = (struct table){ va, level };
	for (; i < 512; i++)
		word_learn(word_at(pa + i * 8), level,
		    level == 4 ? HALF + (i - 256) * bytes : va + i * bytes, pc);
}

static const struct table *
table_at(uint64_t pa)
{
	const struct table *t = pa < ram.bytes ? &ram.table[pa / PAGE] : NULL;

	return t != NULL && t->level != 0 ? t : NULL;
}

bool
ram_is_table(uint64_t pa)
{
	return table_at(pa) != NULL;
}

void
ram_word_stored(uint64_t pa, uint64_t pc)
{
	const struct table *t = table_at(pa);
	uint64_t w = word_at(pa & ~7ul), i = pa / 8 % 512;

	if ((w & P) == 0)
		return;
	if (t == NULL) {
		/* A program's: it has no business with the image. */
		if ((w & U) != 0 && pa % 8 == 0 && is_image(w & PFN) &&
		    pa < ram.bytes && ram.home[pa / PAGE] == HOME_TABLE)
			border_seen(B_ALIAS, pc, IMAGE_BASE + (w & PFN));
		return;
	}
	if (t->level == 4 && i < 256)
		return;
	ram.budget = WALK_MOST;
	word_learn(w, t->level, t->level == 4
	    ? HALF + ((i - 256) << 39) : t->va + (i << (3 + 9 * t->level)), pc);
}

/* ---- frames ---- */

/* Is it of a run of kmem_alloc()?  The frame at its begin says so. */
static bool
is_of_run(uint64_t pa)
{
	uint64_t pfn = pa / PAGE, head, row;
	unsigned order;

	for (order = 0; order <= LARGE_MOST; order++) {
		head = pfn & ~((1ul << order) - 1);
		row = pa_of(map.pfdb + head * FRAME_BYTES);
		if (row != 0 && (uint32_t)word_at(row + FRAME_ORDER) ==
		    (LARGE_TAG | order))
			return true;
	}
	return false;
}

/* Of a frame of the kernel's, by its row and the head of its slab. */
static unsigned
slab_owner(uint64_t row)
{
	uint64_t slab = word_at(row + FRAME_SLAB);

	return slab != 0 ? map_data_of(ram_word(slab + SLAB_CACHE)) : 0;
}

unsigned
ram_slab_owner(uint64_t va)
{
	uint64_t pa = va - map.direct, row;

	if (pa >= ram.bytes || ram.home[pa / PAGE] != HOME_KERNEL)
		return 0;
	row = pa_of(map.pfdb + (pa / PAGE) * FRAME_BYTES);
	return row != 0 ? slab_owner(row) : 0;
}

/* A page of a program's, under whichever design. */
static bool
is_program_home(uint8_t home)
{
	return (home >= HOME_PTE && home <= HOME_VNODE) || home == HOME_ANON ||
	       home == HOME_SHADOW || home == HOME_SXANON;
}

bool
ram_is_program(uint64_t va, uint32_t activation)
{
	uint64_t pfn = (va - map.direct) / PAGE;

	return ram_is_direct(va) && is_program_home(ram.home[pfn]) &&
	       ram.given[pfn] != activation;
}

/* By the home that the kernel gave it last: the row itself may lie. */
static enum border
judge_frame(uint64_t pa)
{
	uint64_t row = pa_of(map.pfdb + (pa / PAGE) * FRAME_BYTES);
	uint8_t home;

	if (is_image(pa))
		return B_STORE_IMAGE;
	if (table_at(pa) != NULL)
		return B_STORE_TABLE;
	if (row == 0 || pa >= ram.bytes)
		return B_STORE_OTHER;
	home = ram.home[pa / PAGE];
	if (home == HOME_TABLE)
		return B_STORE_TABLE;
	if (home == HOME_KPAGED)
		return B_KINDS;
	if (home != HOME_KERNEL)
		return B_STORE_PROGRAM;
	if (word_at(row + FRAME_SLAB) != 0)
		return map.lends[slab_owner(row)] ? B_KINDS : B_STORE_OTHER;
	return is_of_run(pa) ? B_KINDS : B_STORE_OTHER;
}

/* Of a row, its home is given by functions only; of the kernel's, the rest too. */
static enum border
judge_row(uint64_t va)
{
	uint64_t pfn = (va - map.pfdb) / FRAME_BYTES;
	uint64_t at = (va - map.pfdb) % FRAME_BYTES;

	if (at < 8)
		return B_STORE_HOME;
	return at >= FRAME_SLAB && at < FRAME_ORDER + 8 &&
		       pfn < ram.bytes / PAGE && ram.home[pfn] == HOME_KERNEL
		   ? B_STORE_HOME
		   : B_KINDS;
}

enum border
ram_judge(uint64_t va)
{
	enum border what;
	uint64_t pa;

	if (va - map.direct < ram.bytes)
		return judge_frame(va - map.direct);
	if (va >= map.kpaged.lo && va < map.kpaged.hi) {
		pa = pa_of(va);
		what = pa != 0 ? judge_frame(pa) : B_KINDS;
		/* While it is brought in it has no home. */
		return what == B_STORE_PROGRAM ? B_KINDS : what;
	}
	if (va >= map.pfdb && va < map.arena.lo)
		return judge_row(va);
	return B_STORE_OTHER;
}

bool
ram_is_direct(uint64_t va)
{
	return va - map.direct < ram.bytes;
}

enum border
ram_home_stored(uint64_t va, bool by_file, uint32_t activation)
{
	uint64_t pfn = (va - map.pfdb) / FRAME_BYTES, row = pa_of(va);
	uint8_t was, is;

	if (va < map.pfdb || va >= map.arena.lo ||
	    (va - map.pfdb) % FRAME_BYTES != 0 || pfn >= ram.bytes / PAGE ||
	    row == 0)
		return B_KINDS;
	was = ram.home[pfn];
	is = ram.home[pfn] = (uint8_t)(word_at(row) >> 60);
	ram.given[pfn] = activation;
	if (by_file && is != was && (is == HOME_TABLE || is == HOME_KPAGED ||
	    is >= HOME_FRAME || was == HOME_TABLE || was == HOME_KERNEL))
		return B_STORE_HOME;
	return B_KINDS;
}

/* ---- text ---- */

static uint64_t
sum_text(void)
{
	uint64_t h = 1469598103934665603u, pa, end;

	end = map.text.hi - IMAGE_BASE;
	for (pa = map.text.lo - IMAGE_BASE; pa < end; pa += 8)
		h = (h ^ word_at(pa)) * 1099511628211u;
	return h;
}

void
ram_check(void)
{
	uint64_t sum;

	if (ram.at == NULL)
		return;
	sum = sum_text();
	if (ram.text_sum == 0)
		ram.text_sum = sum;
	else if (sum != ram.text_sum)
		border_seen(B_TEXT, 0, 0);
	ram.budget = WALK_MOST;
	table_learn(word_at(map.root_at - IMAGE_BASE) & PFN, 4, 0, 0);
}
