/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_fault.c: the kernel's tests of lab 02
 *
 * Problem   No program runs before it can fault; and files in memory are
 *           anonymous objects, so a test of F2 and F3 brings its own file.
 *
 * Picture   fault_classify: a table │ faults: a space, mappings, vm_user_fault
 *           a file: page i begins with the number i + 1
 *
 * Read next vm/pte/fault.c.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/lab/lab.h"
#include "vm/frame/frame.h"
#include "vm/object/vmo.h"
#include "vm/pte/pte.h"
#include "vm/space/space.h"
#include "vm/vm.h"
#include "vm/want/want.h"

/* ---- step 1: classify ---- */

enum map_kind { M_ANON, M_FILE, M_FILE_SHARED, M_AOBJ, M_AOBJ_SHARED };
enum word_kind { W_ABSENT, W_PRIV_RW, W_PRIV_RO, W_PRIV_RX, W_PRIV_HIDDEN, W_ALL_HIDDEN,
	W_SPEC, W_OBJ, W_FORKED, W_TRANS, W_BUSY, W_SWAP, W_FORK, W_ERROR };

#define R ACCESS_READ
#define W ACCESS_WRITE
#define X ACCESS_EXEC

static const struct {
	enum word_kind word;
	enum map_kind map;
	enum access access;
	enum fault_case want;
} triples[] = {
	{ W_ABSENT, M_ANON, R, FC_F1Z }, { W_ABSENT, M_ANON, W, FC_F1 },
	{ W_ABSENT, M_ANON, X, FC_F1Z },
	{ W_ABSENT, M_FILE, R, FC_F2 }, { W_ABSENT, M_FILE, W, FC_F3 },
	{ W_ABSENT, M_FILE, X, FC_F2 },
	{ W_ABSENT, M_FILE_SHARED, R, FC_F2 },
	{ W_ABSENT, M_FILE_SHARED, W, FC_F2 },
	{ W_ABSENT, M_AOBJ, R, FC_F9 }, { W_ABSENT, M_AOBJ, W, FC_F3 },
	{ W_ABSENT, M_AOBJ_SHARED, R, FC_F9 },
	{ W_ABSENT, M_AOBJ_SHARED, W, FC_F9 },
	{ W_PRIV_RW, M_ANON, R, FC_F0 }, { W_PRIV_RW, M_ANON, W, FC_F0 },
	{ W_PRIV_RW, M_ANON, X, FC_UPGRADE },
	{ W_PRIV_RO, M_ANON, R, FC_F0 }, { W_PRIV_RO, M_ANON, W, FC_UPGRADE },
	{ W_PRIV_RO, M_FILE, W, FC_UPGRADE },
	{ W_PRIV_RX, M_ANON, R, FC_F0 }, { W_PRIV_RX, M_ANON, X, FC_F0 },
	{ W_PRIV_HIDDEN, M_ANON, R, FC_UPGRADE },
	{ W_ALL_HIDDEN, M_ANON, R, FC_UPGRADE },
	{ W_ALL_HIDDEN, M_ANON, W, FC_UPGRADE },
	{ W_ALL_HIDDEN, M_ANON, X, FC_UPGRADE },
	{ W_SPEC, M_ANON, R, FC_F0 }, { W_SPEC, M_ANON, W, FC_F1 },
	{ W_OBJ, M_FILE, R, FC_F0 }, { W_OBJ, M_FILE, W, FC_F3 },
	{ W_OBJ, M_FILE_SHARED, W, FC_F2 }, { W_OBJ, M_AOBJ, W, FC_F3 },
	{ W_OBJ, M_AOBJ_SHARED, W, FC_UPGRADE },
	{ W_FORKED, M_ANON, R, FC_F0 }, { W_FORKED, M_ANON, W, FC_F4 },
	{ W_TRANS, M_ANON, R, FC_F7 }, { W_TRANS, M_FILE, W, FC_F7 },
	{ W_BUSY, M_ANON, R, FC_F6 }, { W_SWAP, M_ANON, W, FC_F5 },
	{ W_FORK, M_ANON, R, FC_F8 }, { W_FORK, M_ANON, W, FC_F4 },
	{ W_ERROR, M_ANON, R, FC_F11 }, { W_ERROR, M_ANON, W, FC_F11 },
};

static uint64_t
make_word(enum word_kind kind, uint64_t payload)
{
	const struct vm_page *pg = page_zero_frame();
	uint64_t bits = MD_PTE_A | MD_PTE_NX;

	switch (kind) {
	case W_ABSENT:
		return 0;
	case W_PRIV_RW:
		return pte_make_valid(pg, SRC_PRIV, bits | MD_PTE_W);
	case W_PRIV_RO:
		return pte_make_valid(pg, SRC_PRIV, bits);
	case W_PRIV_RX:
		return pte_make_valid(pg, SRC_PRIV, bits & ~MD_PTE_NX);
	case W_ALL_HIDDEN:
		return pte_make_valid(pg, SRC_PRIV, (bits & ~MD_PTE_NX) |
		    MD_PTE_W | PTE_LOCK) & ~MD_PTE_U;
	case W_PRIV_HIDDEN:
		return pte_make_valid(pg, SRC_PRIV, bits | PTE_LOCK) &
		    ~MD_PTE_U;
	case W_SPEC:
		return pte_make_valid(pg, SRC_SPEC, bits);
	case W_OBJ:
		return pte_make_valid(pg, SRC_OBJ, bits);
	case W_FORKED:
		return pte_make_valid(pg, SRC_FORK, bits);
	case W_TRANS:
		return pte_make_trans(pg);
	case W_BUSY:
		return pte_make_soft(PTE_BUSY, page_pfn(pg));
	case W_SWAP:
		return pte_make_soft(PTE_SWAP, payload);
	case W_FORK:
		return pte_make_soft(PTE_FORK, payload);
	case W_ERROR:
		return pte_make_soft(PTE_ERROR, 0) | 5ul << PTE_ERRNO_SHIFT;
	}
	return 0;
}

static void
classify(void)
{
	static struct vmo file = { .type = VMO_VNODE }, aobj = { .type = VMO_AOBJ };
	uint64_t payload = 1 + lab_param("payload", 77);
	enum fault_case got;
	unsigned i;

	ev_mark(1);
	for (i = 0; i < ARRAY_LEN(triples); i++) {
		enum map_kind m = triples[i].map;
		struct fctx f = { .access = triples[i].access };

		f.v.prot = PROT_R | PROT_W | PROT_X;
		if (m == M_FILE || m == M_FILE_SHARED)
			f.v.vmo = &file;
		else if (m != M_ANON)
			f.v.vmo = &aobj;
		if (m == M_FILE_SHARED || m == M_AOBJ_SHARED)
			f.v.flags = VAD_SHARED;
		got = fault_classify(&f, make_word(triples[i].word, payload));
		EXPECT_IS(got, ==, triples[i].want);
		if (got != triples[i].want)
			klog("lab_fault: word kind %u, mapping %u, access %u: "
			    "case %u, expected %u", triples[i].word, m,
			    triples[i].access, got, triples[i].want);
	}
	ev_mark(2);
}

/* ---- step 1: accesses that are denied ---- */

static va_t
map_of(struct aspace *as, struct map_args a)
{
	va_t va = 0;

	if (a.vmo == NULL)
		a.flags |= MAP_ANONYMOUS;
	a.maxprot = PROT_R | PROT_W | PROT_X;
	CHECK(map_mmap(as, &a, &va) == 0);
	return va;
}

static void
denied(struct aspace *as, va_t va, enum access access, int code)
{
	struct vm_siginfo si = { 0 };

	EXPECT_IS(vm_user_fault(as, va, access, &si), ==, -EFAULT);
	EXPECT(si.signo == SIGSEGV && si.code == code && si.addr == va);
	if (si.addr != va || si.code != code)
		klog("lab_fault: va %lx access %u: signal %d code %d addr %lx",
		    va, access, si.signo, si.code, si.addr);
}

static void
denials(void)
{
	struct aspace *as = lab_space();
	uint64_t odd = 1 + lab_param("odd", 100) % (PAGE_SIZE - 2);
	struct map_args a = { .len = 4 * PAGE_SIZE, .prot = PROT_R,
		.flags = MAP_PRIVATE };
	va_t ro = map_of(as, a), none, fetch;

	a.prot = 0;
	none = map_of(as, a);
	a.prot = PROT_R | PROT_X;
	fetch = map_of(as, a);
	EXPECT_IS(map_munmap(as, none + 3 * PAGE_SIZE, PAGE_SIZE), ==, 0);
	ev_mark(1);
	denied(as, odd, R, SEGV_MAPERR);
	denied(as, none + 3 * PAGE_SIZE + odd, W, SEGV_MAPERR);
	denied(as, MD_USER_END - 1, R, SEGV_MAPERR);
	denied(as, ro + odd, W, SEGV_ACCERR);
	denied(as, ro + 2 * PAGE_SIZE - 1, X, SEGV_ACCERR);
	denied(as, none + odd, R, SEGV_ACCERR);
	denied(as, none + PAGE_SIZE + odd, W, SEGV_ACCERR);
	denied(as, fetch + odd, W, SEGV_ACCERR);
	ev_mark(2);
	lab_space_end(as);
}

/* ---- step 3: a file of our own ---- */

static struct {
	_Atomic unsigned writes; /* [A] pages that came back */
} disk;

static int
file_in(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	uint64_t *p;
	int i;

	for (i = 0; i < n; i++) {
		p = pa2va(page_pa(pages[i]));
		memset(p, 0, PAGE_SIZE);
		p[0] = idx + (uint64_t)i + 1;
	}
	return 0;
}

static int
file_out(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	atomic_add(&disk.writes, (unsigned)n);
	return 0;
}

static bool
file_has(void *obj, uint64_t idx)
{
	return true;
}

static int
file_extend(void *obj, uint64_t idx, struct vm_page *pg)
{
	return 0;
}

static const struct pager_ops file_ops = {
	.in = file_in, .out = file_out, .is_allocated = file_has, .extend = file_extend,
};

static struct vmo *
file_make(uint64_t pages)
{
	struct vmo *vmo = vmo_create_file(&file_ops, &disk,
	    pages * PAGE_SIZE, NULL, NULL);

	CHECK(vmo != NULL);
	return vmo;
}

static void
file_end(struct vmo *vmo)
{
	CHECK(vmo_sync(vmo, 0, VMO_MAX_PAGES) == 0);
	CHECK(vmo_resize(vmo, 0) == 0);
	vmo_forget_client(vmo);
	vmo_put(vmo);
}

static va_t
map_file(struct aspace *as, struct vmo *vmo, uint64_t pages, unsigned flags)
{
	struct map_args a = { .len = pages * PAGE_SIZE, .vmo = vmo,
		.prot = PROT_R | PROT_W, .flags = flags };

	return map_of(as, a);
}

static int
touch(struct aspace *as, va_t va, enum access access)
{
	struct vm_siginfo si = { 0 };
	int r = vm_user_fault(as, va, access, &si);

	return r == 0 ? 0 : si.signo;
}

static uint64_t
peek(struct aspace *as, va_t va)
{
	uint64_t word = 0;

	EXPECT_IS(as_read(as, va, &word, 8), ==, 8);
	return word;
}

static void
read_all(struct aspace *as, va_t va, uint64_t pages)
{
	uint64_t i;

	for (i = 0; i < pages; i++)
		EXPECT_IS(touch(as, va + i * PAGE_SIZE, R), ==, 0);
	for (i = 0; i < pages; i++)
		EXPECT_IS(peek(as, va + i * PAGE_SIZE), ==, i + 1);
}

static void
two_processes(void)
{
	uint64_t n = lab_param("n", 40);
	struct aspace *one = lab_space(), *two = lab_space();
	struct vmo *vmo = file_make(n);
	va_t a = map_file(one, vmo, n, MAP_SHARED);
	va_t b = map_file(two, vmo, n, MAP_SHARED);
	uint64_t tag = 0xabc;

	ev_mark(1);
	read_all(one, a, n);
	ev_mark(2);
	read_all(two, b, n);
	ev_mark(3);
	EXPECT_IS(touch(one, a, W), ==, 0);
	EXPECT_IS(as_write(one, a, &tag, 8), ==, 8);
	EXPECT_IS(peek(two, b), ==, tag);
	lab_space_end(one);
	lab_space_end(two);
	file_end(vmo);
}

/* Stores to c of n pages of a private mapping, then reads of all. */
static void
private_file(void)
{
	uint64_t n = lab_param("n", 40), c = lab_param("c", 11), i;
	struct aspace *as = lab_space(), *other = lab_space();
	struct vmo *vmo = file_make(n);
	va_t a = map_file(as, vmo, n, MAP_PRIVATE);
	va_t b = map_file(other, vmo, n, MAP_SHARED);
	uint64_t tag = 0xdef;

	EXPECT_IS(touch(as, a, R), ==, 0);
	ev_mark(1);
	for (i = 0; i < c; i++)
		EXPECT_IS(touch(as, a + i * n / c * PAGE_SIZE, W), ==, 0);
	for (i = 0; i < n; i++)
		EXPECT_IS(touch(as, a + i * PAGE_SIZE, R), ==, 0);
	ev_mark(2);
	for (i = 0; i < c; i++)
		EXPECT_IS(as_write(as, a + i * n / c * PAGE_SIZE, &tag, 8), ==, 8);
	for (i = 0; i < n; i++)
		EXPECT_IS(peek(other, b + i * PAGE_SIZE), ==, i + 1);
	/* A page that was only read is the file's own. */
	for (i = 0; i < c; i++)
		EXPECT_IS(peek(as, a + i * n / c * PAGE_SIZE), ==, tag);
	if (n > c) {
		tag = 0x777;
		EXPECT_IS(as_write(other, b + PAGE_SIZE, &tag, 8), ==, 8);
		EXPECT_IS(peek(as, a + PAGE_SIZE), ==, (n / c > 1 ? tag : 0xdef));
	}
	lab_space_end(as);
	lab_space_end(other);
	file_end(vmo);
}

static void
file_ends(void)
{
	uint64_t n = lab_param("n", 10);
	struct aspace *as = lab_space();
	struct vmo *vmo = file_make(n);
	va_t a = map_file(as, vmo, n + 4, MAP_SHARED);
	va_t b = map_file(as, vmo, n + 4, MAP_PRIVATE);

	ev_mark(1);
	EXPECT_IS(touch(as, a + (n - 1) * PAGE_SIZE, R), ==, 0);
	EXPECT_IS(peek(as, a + (n - 1) * PAGE_SIZE), ==, n);
	EXPECT_IS(touch(as, a + n * PAGE_SIZE, R), ==, SIGBUS);
	ev_mark(2);
	EXPECT_IS(touch(as, a + (n + 1) * PAGE_SIZE, W), ==, SIGBUS);
	EXPECT_IS(touch(as, b + n * PAGE_SIZE, W), ==, SIGBUS);
	EXPECT_IS(touch(as, b + (n - 1) * PAGE_SIZE, W), ==, 0);
	lab_space_end(as);
	file_end(vmo);
}

/* ---- step 5: no frame at once ---- */

static void
no_frame(void)
{
	uint64_t n = lab_param("n", 20), i, word;
	struct aspace *as = lab_space();
	va_t va = lab_map(as, n);

	EXPECT_IS(touch(as, va, W), ==, 0);
	ev_mark(1);
	for (i = 1; i < n; i++) {
		EXPECT_IS(inject_set("FI_FRAME:1:0:1"), ==, 0);
		EXPECT_IS(touch(as, va + i * PAGE_SIZE, W), ==, 0);
	}
	inject_set("off");
	ev_mark(2);
	for (i = 0; i < n; i++) {
		word = i + 1;
		EXPECT_IS(peek(as, va + i * PAGE_SIZE), ==, 0);
		EXPECT_IS(as_write(as, va + i * PAGE_SIZE, &word, 8), ==, 8);
	}
	for (i = 0; i < n; i++)
		EXPECT_IS(peek(as, va + i * PAGE_SIZE), ==, i + 1);
	lab_space_end(as);
}

const struct selftest selftests_lab_fault[] = {
	{ "lab_fault_classify", classify, "word, mapping and access make the case" },
	{ "lab_fault_denied", denials, "eight accesses are refused, exactly" },
	{ "lab_fault_file", two_processes, "two spaces share the pages of a file" },
	{ "lab_fault_private", private_file, "a private mapping copies what is stored to" },
	{ "lab_fault_end", file_ends, "behind the end of a file is SIGBUS" },
	{ "lab_fault_noframe", no_frame, "a fault waits for a frame" },
	{ NULL, NULL, NULL },
};
