/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execargs.c: the stack of a new program
 *
 * Problem   argv, envp and the auxiliary vector are written into the new
 *           space while the old one still runs (book: abi 2).
 *
 * Picture   top ─→ 8 zero bytes │ execfn │ env strings │ arg strings
 *                  │ "x86_64" │ 16 random bytes │ auxv, envp, argv, argc ← sp
 *
 * Rules     1. Strings go down from the top, the last one first, so arguments
 *              and environment lie adjacent and in order.
 *           2. The caller's memory may change during the copy: a string goes
 *              through the buffer; a longer one gets its NUL in a store of its own.
 *           3. Strings and pointers together stay below the limit: -E2BIG.
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

#define STRING_MAX 131072
#define TABLE_WORDS 128
/* The largest signal frame: abi_sigframe, FP image, red zone, alignment. */
#define MIN_SIG_STACK 1184

struct stack_build {
	struct aspace *as;       /* the new space */
	va_t sp;
	uint64_t left;           /* bytes until -E2BIG */
	uint8_t *buf;            /* a page, for copies: that of the source */
	uint64_t *at;            /* addresses of the strings, argv then envp */
	unsigned argc, envc;
	va_t execfn, platform, random;
};

static int count_strings(const struct arg_src *, bool env, uint64_t limit,
    unsigned *n);
static int push_all(struct stack_build *, const struct arg_src *);
static int push_list(struct stack_build *, const struct arg_src *, bool env,
    unsigned n, uint64_t *at);
static int string_at(const struct arg_src *, bool env, unsigned i,
    uint64_t *ptr);
static ssize_t user_strlen(struct stack_build *, va_t src);
static int push_kernel(struct stack_build *, const void *, size_t n, va_t *at);
static int push_user(struct stack_build *, va_t src, va_t *at);
static int push_table(struct stack_build *, const struct auxv_in *,
    struct proc_image *);

/*
 * Write strings, auxv and pointers below top.
 *
 * Locks:    none; reads the caller's space, writes the new one.
 * Returns:  0 with the stack pointer, -E2BIG, -EFAULT, -ENOMEM.
 */
int
args_push(struct aspace *as, va_t top, uint64_t limit,
    const struct arg_src *src, const struct auxv_in *aux,
    struct proc_image *img, va_t *sp)
{
	struct stack_build b = { .as = as, .sp = top - 8, .left = limit,
		.buf = src->buf, .argc = src->argc, .envc = src->envc };
	uint64_t at_bytes;
	int r;

	if (src->nprefix > 0)
		b.argc = src->nprefix + (b.argc > 0 ? b.argc - 1 : 0);
	else if (b.argc == 0)
		b.argc = 1;
	at_bytes = (b.argc + (uint64_t)b.envc) * 8;
	if (at_bytes > b.left)
		return -E2BIG;
	b.left -= at_bytes;
	b.at = room_alloc(at_bytes);
	r = b.at == NULL ? -ENOMEM : push_all(&b, src);
	if (r == 0) {
		img->args = b.at[0];
		img->env_end = b.execfn;
		r = push_table(&b, aux, img);
	}
	room_free(b.at, at_bytes);
	*sp = img->stack = b.sp;
	return r;
}

/* Can all strings of one list be read, and do they fit into the rest? */
static int
check_list(struct stack_build *b, const struct arg_src *src, bool env,
    unsigned n)
{
	uint64_t ptr;
	ssize_t len;
	int r = 0;

	for (unsigned i = 0; i < n && r == 0; i++) {
		r = string_at(src, env, i, &ptr);
		if (r < 0 || ptr == 0)
			return r;
		len = user_strlen(b, ptr);
		if (len < 0)
			return (int)len;
		if ((uint64_t)len + 1 > b->left)
			return -E2BIG;
		b->left -= (uint64_t)len + 1;
	}
	return r;
}

/*
 * The caller's strings, before the program is even looked for; counted, and
 * measured, with their pointers, if they are a user's.
 *
 * Locks:    none; reads the caller's space.
 * Returns:  0, -E2BIG, -EFAULT, -EINTR.
 */
int
args_check(struct arg_src *src, uint64_t limit)
{
	struct stack_build b = { .left = limit, .buf = src->buf };
	int r = count_strings(src, false, limit, &src->argc);
	uint64_t at_bytes;

	if (r == 0)
		r = count_strings(src, true, limit, &src->envc);
	if (r < 0 || src->as == NULL)
		return r;
	at_bytes = (MAX(src->argc, 1u) + (uint64_t)src->envc) * 8;
	if (at_bytes >= limit)
		return -E2BIG;
	b.left -= at_bytes;
	r = check_list(&b, src, true, src->envc);
	return r < 0 ? r : check_list(&b, src, false, src->argc);
}

/* ---- the caller's strings ---- */

/* The i-th string: a user address, or a kernel pointer when src->as is NULL. */
static int
string_at(const struct arg_src *src, bool env, unsigned i, uint64_t *ptr)
{
	const char *const *k = env ? src->kenvp : src->kargv;
	va_t table = env ? src->envp : src->argv;

	if (src->as == NULL) {
		*ptr = k == NULL ? 0 : (uint64_t)k[i];
		return 0;
	}
	if (table == 0) {
		*ptr = 0;
		return 0;
	}
	return copyin(ptr, table + i * 8ul, sizeof(*ptr));
}

static int
count_strings(const struct arg_src *src, bool env, uint64_t limit, unsigned *n)
{
	uint64_t ptr;
	int r;

	for (*n = 0;; (*n)++) {
		r = string_at(src, env, *n, &ptr);
		if (r < 0 || ptr == 0)
			return r;
		if (*n >= limit / 8)
			return -E2BIG;
		if ((*n & 1023) == 1023 && thread_is_killed())
			return -EINTR;
	}
}

static int
push_all(struct stack_build *b, const struct arg_src *src)
{
	unsigned from_user = b->argc - src->nprefix;
	int r = push_kernel(b, src->path, strlen(src->path) + 1, &b->execfn);

	if (r == 0)
		r = push_list(b, src, true, b->envc, b->at + b->argc);
	if (r == 0 && src->nprefix == 0 && b->argc == 1) {
		/* argv may be empty: then argv[0] is "". */
		uint64_t ptr;

		r = string_at(src, false, 0, &ptr);
		if (r == 0 && ptr == 0)
			return push_kernel(b, "", 1, &b->at[0]);
	}
	if (r == 0)
		r = push_list(b, src, false, from_user, b->at + src->nprefix);
	for (unsigned i = src->nprefix; i-- > 0 && r == 0;) {
		const char *s = src->prefix[src->nprefix - 1 - i];

		r = push_kernel(b, s, strlen(s) + 1, &b->at[i]);
	}
	return r;
}

/* n strings, the last first; argv[0] is left out where a prefix replaces it. */
static int
push_list(struct stack_build *b, const struct arg_src *src, bool env,
    unsigned n, uint64_t *at)
{
	unsigned skip = !env && src->nprefix > 0 ? 1 : 0;
	uint64_t ptr;
	int r = 0;

	for (unsigned i = n; i-- > 0 && r == 0;) {
		r = string_at(src, env, i + skip, &ptr);
		if (r == 0 && ptr == 0)
			r = -EFAULT; /* the list shrank under us */
		if (r < 0)
			return r;
		if (src->as == NULL)
			r = push_kernel(b, (const char *)ptr,
			    strlen((const char *)ptr) + 1, &at[i]);
		else
			r = push_user(b, ptr, &at[i]);
	}
	return r;
}

/* ---- one piece ---- */

static int
take_room(struct stack_build *b, size_t n)
{
	if (n > b->left)
		return -E2BIG;
	b->left -= n;
	b->sp -= n;
	return 0;
}

static int
put(struct stack_build *b, va_t at, const void *src, size_t n)
{
	return as_write(b->as, at, src, n) == (ssize_t)n ? 0 :
	    thread_is_killed() ? -EINTR : -ENOMEM;
}

static int
push_kernel(struct stack_build *b, const void *src, size_t n, va_t *at)
{
	int r = take_room(b, n);

	*at = b->sp;
	return r < 0 ? r : put(b, b->sp, src, n);
}

/* Bytes up to the end of a page, so a fault ends a piece at its edge. */
static size_t
piece(va_t at, size_t left)
{
	return MIN(left, PAGE_SIZE - (at & PAGE_MASK));
}

/* Afterwards a string of less than a page is in the buffer, with its NUL. */
static ssize_t
user_strlen(struct stack_build *b, va_t src)
{
	size_t len;
	ssize_t n;

	for (len = 0; len < STRING_MAX; len += PAGE_SIZE) {
		n = copyin_str((char *)b->buf, src + len, PAGE_SIZE);
		if (n != -ENAMETOOLONG)
			return n < 0 ? n : (ssize_t)len + n;
	}
	return -E2BIG;
}

static int
push_user(struct stack_build *b, va_t src, va_t *at)
{
	static const uint8_t nul;
	ssize_t len = user_strlen(b, src);
	size_t n, done;
	int r;

	if (len < 0)
		return (int)len;
	if (len < (ssize_t)PAGE_SIZE)
		return push_kernel(b, b->buf, (size_t)len + 1, at);
	r = take_room(b, (size_t)len + 1);
	*at = b->sp;
	for (done = 0; done < (size_t)len && r == 0; done += n) {
		n = piece(src + done, (size_t)len - done);
		if (copyin(b->buf, src + done, n) != 0)
			return -EFAULT;
		r = put(b, *at + done, b->buf, n);
	}
	return r < 0 ? r : put(b, *at + (size_t)len, &nul, 1);
}

/* ---- auxv and the pointers ---- */

/* The auxiliary vector: what the kernel tells a program's start code.  Returns: words. */
static unsigned
auxv_fill(const struct stack_build *b, const struct auxv_in *in, uint64_t *v)
{
	const struct elf_image *e = in->prog;
	const uint64_t pairs[] = {
		AT_HWCAP, md_hwcap(),
		AT_PAGESZ, PAGE_SIZE,
		AT_CLKTCK, MD_HZ,
		AT_PHDR, e->base + e->phdr_va,
		AT_PHENT, sizeof(struct elf_phdr),
		AT_PHNUM, e->phnum,
		AT_BASE, in->interp_base,
		AT_FLAGS, 0,
		AT_ENTRY, e->base + e->entry,
		AT_UID, in->cred->uid,
		AT_EUID, in->cred->euid,
		AT_GID, in->cred->gid,
		AT_EGID, in->cred->egid,
		AT_SECURE, in->secure ? 1 : 0,
		AT_RANDOM, b->random,
		AT_HWCAP2, 0,
		AT_EXECFN, b->execfn,
		AT_PLATFORM, b->platform,
		AT_MINSIGSTKSZ, MIN_SIG_STACK,
		AT_NULL, 0,
	};

	_Static_assert(ARRAY_LEN(pairs) == 2 * AUXV_PAIRS, "room for auxv");
	memcpy(v, pairs, sizeof(pairs));
	return ARRAY_LEN(pairs);
}

/* A writer of words, going up, a bufferful at a time. */
struct words {
	va_t at;
	unsigned n;
	int error;
};

static void
words_flush(struct stack_build *b, struct words *w)
{
	if (w->error == 0 && w->n > 0)
		w->error = put(b, w->at, b->buf, w->n * 8ul);
	w->at += w->n * 8ul;
	w->n = 0;
}

static void
word(struct stack_build *b, struct words *w, uint64_t v)
{
	memcpy(b->buf + w->n * 8ul, &v, 8);
	if (++w->n == PAGE_SIZE / 8)
		words_flush(b, w);
}

static int
push_small(struct stack_build *b)
{
	uint64_t rnd[2] = { md_entropy(), md_entropy() };
	int r;

	b->left += 4096; /* auxv and its strings are not the user's */
	r = push_kernel(b, "x86_64", 7, &b->platform);
	return r < 0 ? r : push_kernel(b, rnd, sizeof(rnd), &b->random);
}

/* The words that a program finds at its stack pointer (System V ABI, AMD64, 3.4.1):
 * argc, argv, NULL, envp, NULL, auxv; the pointer is a multiple of 16, so the count of
 * words is even. */
static int
push_table(struct stack_build *b, const struct auxv_in *aux,
    struct proc_image *img)
{
	uint64_t auxv[2 * AUXV_PAIRS];
	struct words w = { .n = 0 };
	unsigned naux;
	int r;

	img->env = b->envc > 0 ? b->at[b->argc] : b->execfn;
	r = push_small(b);
	if (r < 0)
		return r;
	naux = auxv_fill(b, aux, auxv);
	b->sp &= ~15ul;
	b->sp -= 8 * (((uint64_t)b->argc + b->envc + naux + 3 + 1) & ~1ul);
	w.at = b->sp;
	word(b, &w, b->argc);
	for (unsigned i = 0; i < b->argc; i++)
		word(b, &w, b->at[i]);
	word(b, &w, 0);
	for (unsigned i = 0; i < b->envc; i++)
		word(b, &w, b->at[b->argc + i]);
	word(b, &w, 0);
	words_flush(b, &w);
	img->auxv = w.at;
	for (unsigned i = 0; i < naux; i++)
		word(b, &w, auxv[i]);
	words_flush(b, &w);
	return w.error;
}
