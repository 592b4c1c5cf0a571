/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf.c: reading a program and mapping it
 *
 * Problem   A file says where its pieces want to lie in memory, and may say
 *           anything.  Check all of it before the first mapping is made; the
 *           segments are then mapped from the file's pages, not read.
 *           Packed and tiny programs have headers that no linker makes: fields
 *           that Linux does not check (class, data, versions, sizes of the
 *           header) are not checked here; a short file ends in zeroes.
 *
 * Picture   elf_open: header ─→ program headers ─→ each PT_LOAD judged
 *           elf_map:  [vaddr … filesz) file, MAP_PRIVATE
 *                     [… memsz)        anonymous; the tail of the last file
 *                                      page is cleared if it is writable
 *
 * Rules     1. All sums are checked against overflow in elf_open(); elf_map()
 *              only adds numbers that are known to fit.
 *           2. No table of the file larger than 64 KiB is read.
 *           3. Segments are mapped in their order, the later over the earlier.
 *           4. Nothing here touches the running program: the mappings go into
 *              a space on which no thread runs yet.
 *
 * Read next proc/exec.c.  Book: ch10.
 */
#include "proc/proc.h"
#include "proc/elfdef.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"

#define PHDRS_MAX 65536
#define INTERP_MAX 4096
#define MMAP_MIN_ADDR 65536
#define DYN_BASE 0x555555554000ul
#define DYN_RANDOM_PAGES (1ul << 20)

static int header_check(const struct elf_ehdr *);
static int phdrs_read(struct elf_image *, const struct elf_ehdr *);
static int phdrs_check(struct elf_image *);
static int load_check(struct elf_image *, const struct elf_phdr *);
static int interp_read(struct elf_image *, const struct elf_phdr *);
static int choose_base(struct elf_image *, struct aspace *,
    const struct map_limits *);
static int map_load(struct elf_image *, const struct elf_phdr *,
    struct aspace *, const struct map_limits *);

/*
 * Read and check the headers of an open file.
 *
 * Locks:    none; reads the file.
 * Owns:     elf_close() frees what img holds, after success and failure.
 * Returns:  0, -ENOEXEC, -EINVAL, -ENOMEM, -EIO.
 */
int
elf_open(struct file *file, struct elf_image *img)
{
	struct elf_ehdr eh;
	ssize_t n;
	int r;

	memset(img, 0, sizeof(*img));
	memset(&eh, 0, sizeof(eh));
	img->file = file;
	img->file_size = file_size(file);
	n = file_pread_kernel(file, 0, &eh, sizeof(eh));
	if (n < 0)
		return (int)n;
	r = header_check(&eh);
	if (r == 0)
		r = phdrs_read(img, &eh);
	if (r == 0)
		r = phdrs_check(img);
	return r;
}

/* Free what elf_open() took; a zeroed image is allowed. */
void
elf_close(struct elf_image *img)
{
	kmem_free(img->ph);
	kmem_free(img->interp);
	img->ph = NULL;
	img->interp = NULL;
}

static int
header_check(const struct elf_ehdr *eh)
{
	if (memcmp(eh->ident, ELF_MAGIC, 4) != 0)
		return -ENOEXEC;
	if (eh->machine != ELF_X86_64 ||
	    (eh->type != ELF_EXEC && eh->type != ELF_DYN))
		return -ENOEXEC;
	if (eh->phentsize != sizeof(struct elf_phdr) || eh->phnum == 0 ||
	    eh->phnum * sizeof(struct elf_phdr) > PHDRS_MAX)
		return -ENOEXEC;
	return 0;
}

static int
phdrs_read(struct elf_image *img, const struct elf_ehdr *eh)
{
	size_t bytes = eh->phnum * sizeof(struct elf_phdr);
	ssize_t n;

	if (eh->phoff > img->file_size || img->file_size - eh->phoff < bytes)
		return -ENOEXEC;
	img->is_dyn = eh->type == ELF_DYN;
	img->entry = eh->entry;
	img->phoff = eh->phoff;
	img->phnum = eh->phnum;
	img->ph = kmem_alloc(bytes);
	if (img->ph == NULL)
		return -ENOMEM;
	n = file_pread_kernel(img->file, eh->phoff, img->ph, bytes);
	if (n < 0)
		return (int)n;
	return n == (ssize_t)bytes ? 0 : -ENOEXEC;
}

static int
phdrs_check(struct elf_image *img)
{
	const struct elf_phdr *ph;
	int r = 0;

	img->lo = UINT64_MAX;
	for (unsigned i = 0; i < img->phnum && r == 0; i++) {
		ph = &img->ph[i];
		if (ph->type == ELF_PT_LOAD)
			r = load_check(img, ph);
		else if (ph->type == ELF_PT_INTERP && img->interp == NULL)
			r = interp_read(img, ph);
		else if (ph->type == ELF_PT_GNU_STACK)
			img->exec_stack = (ph->flags & ELF_PF_X) != 0;
	}
	/* A program of no segments ends at its first instruction. */
	if (img->lo > img->hi)
		img->lo = img->hi = MMAP_MIN_ADDR;
	return r;
}

/* Judge one PT_LOAD; all that makes a sum overflow is refused. */
static int
load_check(struct elf_image *img, const struct elf_phdr *ph)
{
	uint64_t end;

	if (ph->filesz > ph->memsz ||
	    __builtin_add_overflow(ph->vaddr, ph->memsz, &end) ||
	    ph->vaddr >= MD_USER_END || end > MD_USER_END)
		return -EINVAL;
	if (ph->memsz == 0)
		return 0;
	if (ph->filesz > 0 && (((ph->vaddr ^ ph->offset) & PAGE_MASK) != 0 ||
	    ph->filesz > INT64_MAX - PAGE_SIZE ||
	    ph->offset > INT64_MAX - ph->filesz - PAGE_SIZE))
		return -EINVAL;
	img->lo = MIN(img->lo, PAGE_DOWN(ph->vaddr));
	img->hi = MAX(img->hi, end);
	if (img->phoff >= ph->offset && img->phoff - ph->offset < ph->filesz)
		img->phdr_va = img->phoff - ph->offset + ph->vaddr;
	return 0;
}

static int
interp_read(struct elf_image *img, const struct elf_phdr *ph)
{
	ssize_t n;

	if (ph->filesz < 2 || ph->filesz > INTERP_MAX)
		return -ENOEXEC;
	img->interp = kmem_alloc(ph->filesz);
	if (img->interp == NULL)
		return -ENOMEM;
	n = file_pread_kernel(img->file, ph->offset, img->interp, ph->filesz);
	if (n < 0)
		return (int)n;
	if (n != (ssize_t)ph->filesz)
		return -EIO;
	return img->interp[n - 1] == '\0' ? 0 : -ENOEXEC;
}

/* ---- mapping ---- */

/*
 * Map the segments into as, below stack_lo.
 *
 * Locks:    takes what map_mmap() takes; may sleep.
 * Returns:  0, -ENOMEM, -ENOEXEC, -EINVAL.
 */
int
elf_map(struct elf_image *img, struct aspace *as,
    const struct map_limits *lim, va_t stack_lo)
{
	const struct elf_phdr *ph;
	int r = file_vmo(img->file) == NULL ? -ENOEXEC : 0;

	if (r == 0 && img->is_dyn)
		r = choose_base(img, as, lim);
	if (r == 0 && img->base + img->hi > stack_lo)
		r = -ENOMEM;
	img->where.code_lo = UINT64_MAX;
	for (unsigned i = 0; i < img->phnum && r == 0; i++) {
		ph = &img->ph[i];
		if (ph->type == ELF_PT_LOAD && ph->memsz > 0)
			r = map_load(img, ph, as, lim);
	}
	return r;
}

static uint64_t
max_align(const struct elf_image *img)
{
	uint64_t align = PAGE_SIZE, a;

	for (unsigned i = 0; i < img->phnum; i++) {
		a = img->ph[i].align;
		if (img->ph[i].type == ELF_PT_LOAD && (a & (a - 1)) == 0 &&
		    a > align && a <= (1ul << 30))
			align = a;
	}
	return align;
}

/*
 * Where a position-independent file goes: a program at DYN_BASE and up, an
 * interpreter wherever the space is free.
 */
static int
choose_base(struct elf_image *img, struct aspace *as,
    const struct map_limits *lim)
{
	uint64_t align = max_align(img), span = PAGE_UP(img->hi) - img->lo;
	struct map_args a = { .len = span + align, .flags = MAP_PRIVATE |
		MAP_ANONYMOUS | MAP_NORESERVE, .lim = lim };
	va_t at = DYN_BASE;
	int r;

	if (span + align < span)
		return -ENOMEM;
	if (!img->is_interp) {
		if (img->random)
			at += (md_entropy() % DYN_RANDOM_PAGES) << PAGE_SHIFT;
		if (span > MD_USER_END - at - align)
			return -ENOMEM;
	} else {
		r = map_mmap(as, &a, &at);
		if (r < 0)
			return r;
		r = map_munmap(as, at, a.len);
		if (r < 0)
			return r;
	}
	at = (at + align - 1) & ~(align - 1);
	img->base = at - (img->lo & ~(align - 1));
	return 0;
}

static unsigned
prot_of(const struct elf_phdr *ph)
{
	return ((ph->flags & ELF_PF_R) != 0 ? PROT_R : 0) |
	    ((ph->flags & ELF_PF_W) != 0 ? PROT_W : 0) |
	    ((ph->flags & ELF_PF_X) != 0 ? PROT_X : 0);
}

/* Clear from the end of the file's bytes to the end of their page. */
static int
clear_tail(struct aspace *as, va_t end)
{
	size_t n = PAGE_UP(end) - end;
	struct uio u;

	uio_init_user(&u, end, n);
	u.as = as;
	return uio_zero(&u, n) == (ssize_t)n ? 0 : -ENOMEM;
}

/* As on Linux, data is the last segment, whatever it is. */
static void
note_range(struct proc_image *w, const struct elf_phdr *ph, va_t lo, va_t end)
{
	if ((ph->flags & ELF_PF_X) != 0) {
		w->code_lo = MIN(w->code_lo, lo);
		w->code_hi = MAX(w->code_hi, end);
	}
	w->data_lo = MAX(w->data_lo, lo);
	w->data_hi = MAX(w->data_hi, end);
}

/* Map one PT_LOAD: pages of the file, then zeros up to its size in memory; the last page
 * of the file's part has both. */
static int
map_load(struct elf_image *img, const struct elf_phdr *ph, struct aspace *as,
    const struct map_limits *lim)
{
	va_t lo = img->base + ph->vaddr, end = lo + ph->filesz;
	va_t mem_end = lo + ph->memsz, out;
	struct map_args a = { .addr = PAGE_DOWN(lo), .prot = prot_of(ph),
		.maxprot = PROT_R | PROT_W | PROT_X, .lim = lim,
		.privileged = img->privileged };
	int r = 0;

	note_range(&img->where, ph, lo, end);
	if (ph->filesz > 0) {
		a.len = PAGE_UP(end) - a.addr;
		a.flags = MAP_PRIVATE | MAP_FIXED;
		a.vmo = file_vmo(img->file);
		a.off = PAGE_DOWN(ph->offset);
		r = map_mmap(as, &a, &out);
		if (r == 0 && mem_end > end && (end & PAGE_MASK) != 0 &&
		    (a.prot & PROT_W) != 0)
			r = clear_tail(as, end);
		a.addr = PAGE_UP(end);
	}
	if (r < 0 || mem_end <= a.addr)
		return r;
	/* As on Linux, memory behind the file's bytes is always writable. */
	a.prot |= PROT_R | PROT_W;
	a.len = PAGE_UP(mem_end) - a.addr;
	a.flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS;
	a.vmo = NULL;
	a.off = 0;
	return map_mmap(as, &a, &out);
}
