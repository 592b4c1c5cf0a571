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

/* ---- in words ---- */

static const char *const maps[] = { [M_ANON] = "a mapping without object",
	[M_FILE] = "a private mapping of a file",
	[M_FILE_SHARED] = "a shared mapping of a file",
	[M_AOBJ] = "a private mapping of an anonymous object",
	[M_AOBJ_SHARED] = "a shared mapping of an anonymous object" };
static const char *const words[] = { [W_ABSENT] = "ABSENT",
	[W_PRIV_RW] = "VALID, PRIV U W NX", [W_PRIV_RO] = "VALID, PRIV U NX",
	[W_PRIV_RX] = "VALID, PRIV U", [W_PRIV_HIDDEN] = "VALID, PRIV NX LOCK",
	[W_ALL_HIDDEN] = "VALID, PRIV W LOCK", [W_SPEC] = "VALID, SPEC U NX",
	[W_OBJ] = "VALID, OBJ U NX", [W_FORKED] = "VALID, FORK U NX",
	[W_TRANS] = "TRANS", [W_BUSY] = "BUSY", [W_SWAP] = "SWAP", [W_FORK] = "FORK",
	[W_ERROR] = "ERROR" };
static const char *const accesses[] = { [R] = "load", [W] = "store", [X] = "fetch" };

static const char *
case_name(enum fault_case c)
{
	static const char *const names[] = { [FC_F0] = "F0", [FC_F1] = "F1",
		[FC_F1Z] = "F1z", [FC_F2] = "F2", [FC_F3] = "F3", [FC_F4] = "F4",
		[FC_F5] = "F5", [FC_F6] = "F6", [FC_F7] = "F7", [FC_F8] = "F8",
		[FC_F9] = "F9", [FC_F10] = "F10", [FC_F11] = "F11",
		[FC_UPGRADE] = "upgrade" };

	return (size_t)c < ARRAY_LEN(names) ? names[c] : "no case";
}

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
		CLAIM(got == triples[i].want, "a %s in %s, word %s: "
		    "your case is %s\t%s", accesses[triples[i].access], maps[m],
		    words[triples[i].word], case_name(got),
		    case_name(triples[i].want));
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
denied(struct aspace *as, va_t va, enum access access, int code, const char *what)
{
	struct vm_siginfo si = { 0 };
	int r = vm_user_fault(as, va, access, &si);

	CLAIM(r == -EFAULT, "a %s %s went through", accesses[access], what);
	CLAIM(r != -EFAULT || (si.signo == SIGSEGV && si.code == code &&
	    si.addr == va), "a %s %s, at %lx: signal %d, code %d, address %lx"
	    "\tSIGSEGV (11), code %d (%s), and the address itself", accesses[access],
	    what, va, si.signo, si.code, si.addr, code,
	    code == SEGV_MAPERR ? "SEGV_MAPERR" : "SEGV_ACCERR");
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
	denied(as, odd, R, SEGV_MAPERR, "where nothing is mapped");
	denied(as, none + 3 * PAGE_SIZE + odd, W, SEGV_MAPERR,
	    "where a page was unmapped");
	denied(as, MD_USER_END - 1, R, SEGV_MAPERR, "from the last user address");
	denied(as, ro + odd, W, SEGV_ACCERR, "in a mapping with PROT_READ");
	denied(as, ro + 2 * PAGE_SIZE - 1, X, SEGV_ACCERR, "in a mapping with PROT_READ");
	denied(as, none + odd, R, SEGV_ACCERR, "in a mapping without rights");
	denied(as, none + PAGE_SIZE + odd, W, SEGV_ACCERR, "in a mapping without rights");
	denied(as, fetch + odd, W, SEGV_ACCERR,
	    "in a mapping with PROT_READ | PROT_EXEC");
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
