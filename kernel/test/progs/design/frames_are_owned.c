/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 SWEEP=no APPEND=frames=8M KIND=exact */
/*
 * Design frames: a program has all memory of boot word frames=, cuts it, builds tables and
 * runs in them; what it may not do is refused (seed 004).
 */
#include "lib/events.h"
#include "lib/frames.h"
#include "lib/trap.h"
#include <sys/wait.h>

#define VA (BASE + 0x7654321000ul)
#define NEXT (((VA) & ~0x1ffffful) + 0x200000)

/* E3: a descriptor for each piece, of a child's share; then none, and the kernel has
 * taken no memory; what is joined can be cut again. */
static void
descriptors_are_a_quota(void)
{
	int child = OK(f_proc(f_cut(2))), all = f_cut(200), piece[200], n = 0, status;

	EQ(f_give(all, child), all);
	snap_all(1);
	while (n < 199 && (piece[n] = f_split(all, (size_t)(199 - n) * PAGE)) > 0)
		n++;
	EQ(errno, ENFILE);
	LE(10, n);
	LE(n, 64);
	ERR(f_split(all, PAGE), ENFILE);
	EQ(f_merge(piece[n - 1], piece[n - 2]), piece[n - 1]);
	LE(1, f_split(all, 2 * PAGE));
	ERR(f_split(all, PAGE), ENFILE);
	snap_all(2);
	DELTA_EQ(1, 2, "page.nonpaged_bytes", 0);
	OK(kill(child, SIGKILL));
	EQ(waitpid(child, &status, 0), child);
}

/* E8: two pages in two places; each place ends by itself, and what is cut is joined again
 * where it is adjacent. */
static void
two_places(int leaf)
{
	volatile char *a = (char *)VA + 4 * PAGE, *b = a + 4 * PAGE;
	int f = f_cut(2), g, memory = f_cut(1);

	EQ(f_map(leaf, f, (uint64_t)a, F_READ | F_WRITE), 0);
	ERR(f_map(leaf, f, (uint64_t)b, F_READ | F_WRITE), ENOSPC);
	EQ(f_segments(getpid(), memory), 0);
	LE(1, f_map(leaf, f, (uint64_t)b, F_READ | F_WRITE));
	a[0] = 1;
	b[PAGE] = 2;
	EQ(b[0], 1);
	EQ(a[PAGE], 2);
	g = OK(f_split(f, PAGE));
	EQ(f_unmap(leaf, f, (uint64_t)a), 0);
	TRAP(load((char *)a), SIGSEGV, SEGV_MAPERR, a);
	b[0] = 3;
	EQ(b[0], 3);
	ERR(f_merge(f, g), EBUSY);
	a[PAGE] = 4;
	EQ(b[PAGE], 4);
	EQ(f_unmap(leaf, g, (uint64_t)a + PAGE), 0);
	TRAP(load((char *)a + PAGE), SIGSEGV, SEGV_MAPERR, a + PAGE);
	EQ(f_merge(f, g), f);
	EQ(b[PAGE], 4);
	EQ(f_unmap(leaf, f, (uint64_t)b), 0);
	TRAP(load((char *)b + PAGE), SIGSEGV, SEGV_MAPERR, b + PAGE);
	EQ(f_untable(memory), 0);
}

int
main(int argc, char **argv)
{
	volatile uint64_t *at = (uint64_t *)VA, *view = (uint64_t *)(VA + PAGE),
		*next = (uint64_t *)NEXT;
	struct frame_info info;
	struct f_space s;
	int f, g, h, code;

	under_design(DESIGN_FRAMES, argv);
	snap_init();
	trap_catch(0);
	/* E2: cut and joined. */
	EQ(f_sum(), 8ul << 20);
	EQ(f_count(), 1);
	f = f_cut(256);
	ERR(f_split(f, 1), EINVAL);
	g = OK(f_split(f, 1 << 19));
	EQ(f_merge(g, f), -1);
	EQ(f_merge(f, g), f);
	EQ(f_sum(), 8ul << 20);
	/* E12: four levels by hand; code runs there. */
	f_build(&s, VA);
	ERR(f_self(), ENOENT);
	ERR(f_map(s.table[1], f_cut(1), END, F_READ), EPERM);
	f = f_cut(1);
	EQ(f_map(s.table[1], f, VA, F_READ | F_WRITE | F_EXEC), 0);
	TRAP(load((void *)at), SIGSEGV, SEGV_MAPERR, at);
	EQ(f_swap(getpid(), s.table[4]), 0);
	EQ(f_self(), s.table[4]);
	EQ(*at, 0);
	memcpy((void *)at, "\xb8\x2a\x00\x00\x00\xc3", 6); /* mov $42, %eax; ret */
	code = ((int (*)(void))at)();
	EQ(code, 42);
	/* E10: A and D. */
	for (int n = 0; f_info((unsigned)n, &info) == 0 && info.f_id != f; n++)
		;
	EQ(info.va, VA);
	EQ(info.vspace, (uint32_t)s.table[4]);
	CHECK(info.touched != 0);
	/* The kernel reads and writes what is mapped, and nothing else. */
	EQ(write(1, "", 0), 0);
	EQ(pread(OK(open("/proc/self/exe", O_RDONLY)), (void *)at, 4, 0), 4);
	CHECK(memcmp((void *)at, "\177ELF", 4) == 0);
	EQ(read(0x7fff, (void *)at, 1), -1);
	ERR(pread(3, (void *)(VA + PAGE), 4, 0), EFAULT);
	/* E5: a table is read, and by nobody written. */
	g = f_cut(1);
	EQ(f_map(s.table[1], g, VA + PAGE, F_READ), 0);
	EQ(f_table(g, (void *)(VA + PAGE), 1), 0);
	EQ(*view, 0);
	TRAP(store((void *)view, 1), SIGSEGV, SEGV_MAPERR, view);
	ERR(f_map(s.table[1], g, VA + 2 * PAGE, F_READ | F_WRITE), EPERM);
	ERR(f_table(f, (void *)VA, 1), EBUSY);
	/* E14: not mapped as a page, a table all the same. */
	h = f_cut(1);
	EQ(f_map(s.table[2], g, NEXT, F_TABLE), 0);
	EQ(f_map(g, h, NEXT, F_READ | F_WRITE), 0);
	*next = 7;
	EQ(*view & 0xfff, 0x67); /* present, written, accessed, user, dirty */
	EQ(f_unmap(s.table[1], g, VA + PAGE), 0);
	EQ(*next, 7);
	ERR(f_unmap(s.table[2], g, NEXT), EBUSY);
	/* What is unmapped is gone; Linux's own mappings keep out. */
	EQ(f_unmap(g, h, NEXT), 0);
	TRAP(load((void *)next), SIGSEGV, SEGV_MAPERR, next);
	CHECK(mmap((void *)VA, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	    0) == MAP_FAILED);
	two_places(s.table[1]);
	/* E4: nothing has been lost, and the kernel says so. */
	EQ(f_sum(), 8ul << 20);
	descriptors_are_a_quota();
	test_done();
}
