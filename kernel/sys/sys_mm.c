/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_mm.c: the mmap family
 *
 * Problem   Programs describe memory with flags and descriptors; vm/calls/map.c
 *           knows ranges and objects.  Check in Linux's order (book: abi 3).
 *
 * Picture   mmap: offset → descriptor → length → overflow → type → access →
 *           map_mmap (placement)
 *
 * Rules     1. /dev/zero gives anonymous memory; a disk is mapped like a
 *              file; other devices cannot be mapped.
 *           2. The most rights that mprotect may give later are decided here, by
 *              how the file was opened; a device counts as a file.
 *           3. Mapping a file counts as reading it: its access time changes.
 *
 * Read next vm/calls/map.c.  Book: ch05.
 */
#include "sys/sys.h"

#include "fs/fscall.h"
#include "lib/errno.h"

#define PROT_KNOWN (PROT_R | PROT_W | PROT_X | PROT_SEM)
#define PROT_ALL (PROT_R | PROT_W | PROT_X)
#define MAP_LEGACY 0x1800u /* DENYWRITE, EXECUTABLE: ignored */
#define MAP_VALIDATED (MAP_SHARED_VALIDATE | MAP_FIXED | MAP_ANONYMOUS | \
	MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | \
	MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_LEGACY | \
	MAP_NONBLOCK | MAP_HUGE_SIZES) /* Linux' list: without FIXED_NOREPLACE */
#define MAP_HUGE_SIZES (21u << 26 | 30u << 26) /* 2 MiB, 1 GiB */
#define MREMAP_KNOWN (MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)
#define MINCORE_CHUNK 256
#define MADV_HWPOISON 100
#define MADV_SOFT_OFFLINE 101

static int mmap_length(const struct map_args *);
static int mmap_type(struct map_args *);
static int mmap_file(struct map_args *, struct file *);

/* The privileged may lock as much as there is. */
static uint64_t
memlock_limit(void)
{
	return proc_may(CAP_IPC_LOCK) ? MLOCK_ANY : proc_limit(RLIMIT_MEMLOCK);
}

static struct map_limits
limits(void)
{
	struct map_limits lim;

	proc_map_limits(&lim);
	if (proc_may(CAP_IPC_LOCK))
		lim.memlock = MLOCK_ANY;
	return lim;
}

int64_t
sys_mmap(const uint64_t a[6])
{
	struct map_limits lim = limits();
	struct map_args m = { .addr = a[0], .len = a[1],
		.prot = (unsigned)a[2] & PROT_ALL, .flags = (unsigned)a[3],
		.maxprot = PROT_ALL, .lim = &lim, .privileged = proc_may(CAP_SYS_RAWIO) };
	bool held = false;
	struct file *f = NULL;
	va_t at;
	int r, first;

	if ((a[5] & PAGE_MASK) != 0)
		return -EINVAL;
	if ((m.flags & MAP_ANONYMOUS) == 0) {
		f = sys_file(a[4]);
		if (f == NULL || file_is_path(f)) {
			r = -EBADF;
			goto out;
		}
		if ((m.flags & MAP_HUGETLB) != 0) {
			r = -EINVAL; /* no file here has huge pages */
			goto out;
		}
		m.off = a[5];
	}
	r = mmap_length(&m);
	if (r != 0)
		goto out;
	r = mmap_type(&m);
	if (r == 0 && f != NULL)
		r = mmap_file(&m, f);
	if (r == 0 && m.vmo != NULL && (m.flags & MAP_TYPE) == MAP_SHARED) {
		r = file_map_begin(f, m.prot, &m.maxprot);
		held = r == 0;
	}
	if (r != 0) {
		/* An error of the address comes before the error of the file. */
		first = map_place_check(proc_current()->as, &m);
		r = first != 0 ? first : r;
	}
	if (r == 0)
		r = map_mmap(proc_current()->as, &m, &at);
	if (held)
		file_map_end(f);
	if (r == 0 && m.vmo != NULL)
		file_touch_mapped(f);
out:
	file_put_any(f);
	return r < 0 ? r : (int64_t)at;
}

static int
mmap_length(const struct map_args *m)
{
	if (m->len == 0)
		return -EINVAL;
	return PAGE_UP(m->len) == 0 || m->len > MD_USER_END ? -ENOMEM : 0;
}

static int
mmap_type(struct map_args *m)
{
	unsigned type = m->flags & MAP_TYPE;
	bool is_file = (m->flags & MAP_ANONYMOUS) == 0;

	if (is_file && m->off + PAGE_UP(m->len) < m->off)
		return -EOVERFLOW;
	if (type == MAP_SHARED_VALIDATE && is_file &&
	    (m->flags & ~MAP_VALIDATED) != 0)
		return -EOPNOTSUPP;
	if (type != MAP_PRIVATE && type != MAP_SHARED &&
	    !(type == MAP_SHARED_VALIDATE && is_file))
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE)
		m->flags = (m->flags & ~MAP_TYPE) | MAP_SHARED;
	return 0;
}

/* The object behind a descriptor, and what its access mode allows. */
static int
mmap_file(struct map_args *m, struct file *f)
{
	unsigned mode = file_flags(f) & O_ACCMODE;
	bool shared = (m->flags & MAP_TYPE) == MAP_SHARED;

	if (mode == O_WRONLY || mode == O_ACCMODE)
		return -EACCES;
	if (shared && mode != O_RDWR) {
		if ((m->prot & PROT_W) != 0)
			return -EACCES;
		m->maxprot &= ~(unsigned)PROT_W;
	}
	if (file_is_noexec(f)) {
		if ((m->prot & PROT_X) != 0)
			return -EPERM;
		m->maxprot &= ~(unsigned)PROT_X;
	}
	if (file_is_zero_device(f)) {
		if ((m->flags & MAP_GROWSDOWN) != 0)
			return -EINVAL;
		m->flags |= MAP_ANONYMOUS;
		m->is_zero_device = !shared;
		m->off = 0;
		return 0;
	}
	if (S_ISREG(file_mode(f)) && m->off > INT64_MAX - PAGE_UP(m->len))
		return -EOVERFLOW;
	m->vmo = file_vmo(f);
	m->writer = mode == O_RDWR;
	return m->vmo != NULL ? 0 : -ENODEV;
}

int64_t
sys_munmap(const uint64_t a[6])
{
	return map_munmap(proc_current()->as, a[0], a[1]);
}

int64_t
sys_mprotect(const uint64_t a[6])
{
	uint64_t prot = a[2], grows;

	grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) ||
	    (a[0] & PAGE_MASK) != 0)
		return -EINVAL;
	if (a[1] == 0)
		return 0;
	if (a[0] + PAGE_UP(a[1]) <= a[0])
		return -ENOMEM;
	if (grows == PROT_GROWSUP || (prot & ~(PROT_KNOWN | grows)) != 0)
		return -EINVAL;
	return map_mprotect(proc_current()->as, a[0], a[1],
	    (unsigned)prot & (PROT_ALL | PROT_GROWSDOWN));
}

int64_t
sys_brk(const uint64_t a[6])
{
	struct aspace *as = proc_current()->as;
	struct map_limits lim = limits();
	va_t want = a[0], brk;
	unsigned tries = 0;

	if (option_is("brk", "off"))
		return (int64_t)map_brk(as, 0, &lim);
	brk = map_brk(as, want, &lim);
	/* A brk that fails returns the old break, no -ENOMEM, so the dispatch cannot see
	 * that it should be made again: it is done here. */
	while (brk != want && want != 0 && sys_is_made_again(&tries))
		brk = map_brk(as, want, &lim);
	return (int64_t)brk;
}

int64_t
sys_mremap(const uint64_t a[6])
{
	struct map_limits lim = limits();
	struct mremap_args m = { .old = a[0], .old_len = a[1],
		.new_len = a[2], .flags = (unsigned)a[3], .new_addr = a[4],
		.lim = &lim, .privileged = proc_may(CAP_SYS_RAWIO) };
	va_t at;
	int r;

	if ((a[3] & ~(uint64_t)MREMAP_KNOWN) != 0)
		return -EINVAL;
	r = map_mremap(proc_current()->as, &m, &at);
	return r < 0 ? r : (int64_t)at;
}

int64_t
sys_madvise(const uint64_t a[6])
{
	int advice = (int)a[2], r;
	unsigned tries = 0;

	/* These two need CAP_SYS_ADMIN; to who has it, map_madvise() says -EINVAL. */
	if ((advice == MADV_HWPOISON || advice == MADV_SOFT_OFFLINE) &&
	    !proc_may(CAP_SYS_ADMIN))
		return -EPERM;
	r = map_madvise(proc_current()->as, a[0], a[1], advice);
	/* The -ENOMEM of madvise means a hole in the range, not a lack of memory. */
	while (r == -EAGAIN && sys_is_made_again(&tries))
		r = map_madvise(proc_current()->as, a[0], a[1], advice);
	return r;
}

int64_t
sys_msync(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[2];

	if ((flags & ~(unsigned)(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 ||
	    (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC) ||
	    (a[0] & PAGE_MASK) != 0)
		return -EINVAL;
	if (PAGE_UP(a[1]) == 0) /* 0, or a length so large that it wraps */
		return 0;
	return map_msync(proc_current()->as, a[0], a[1], (int)flags);
}

int64_t
sys_mincore(const uint64_t a[6])
{
	struct aspace *as = proc_current()->as;
	uint64_t pages = PAGE_UP(a[1]) >> PAGE_SHIFT, n;
	uint8_t vec[MINCORE_CHUNK];
	int r = 0;

	if ((a[0] & PAGE_MASK) != 0)
		return -EINVAL;
	if (a[1] > MD_USER_END || a[0] > MD_USER_END - a[1])
		return -ENOMEM;
	if (a[2] > MD_USER_END || pages > MD_USER_END - a[2])
		return -EFAULT;
	for (uint64_t i = 0; i < pages && r >= 0; i += n) {
		n = MIN(pages - i, MINCORE_CHUNK);
		r = map_mincore(as, a[0] + (i << PAGE_SHIFT), n << PAGE_SHIFT,
		    vec);
		if (r > 0 && copyout(a[2] + i, vec, (size_t)r) < 0)
			return -EFAULT;
		if (r >= 0 && (uint64_t)r < n)
			return -ENOMEM;
		if (thread_is_killed())
			return -EINTR;
	}
	return r < 0 ? r : 0;
}

int64_t
sys_mlock2(const uint64_t a[6])
{
	enum mlock_how how = (uint32_t)a[2] == 0 ? MLOCK_NOW : MLOCK_ONFAULT;

	if ((uint32_t)a[2] > MLOCK_ONFAULT)
		return -EINVAL;
	return map_mlock(proc_current()->as, a[0], a[1], how, memlock_limit());
}

int64_t
sys_munlock(const uint64_t a[6])
{
	return map_munlock(proc_current()->as, a[0], a[1]);
}

int64_t
sys_mlockall(const uint64_t a[6])
{
	return map_mlockall(proc_current()->as, (unsigned)a[0],
	    memlock_limit());
}

int64_t
sys_munlockall(const uint64_t a[6])
{
	map_munlockall(proc_current()->as);
	return 0;
}
