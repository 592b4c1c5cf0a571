/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * The line VmFlags of smaps: what a mapping is and may become, in Linux's order.
 */
#include "lib/smaps.h"

#define RW (PROT_READ | PROT_WRITE)

/* The flags of the mapping that begins at p, but "sd", which comes and goes. */
static const char *
flags_of(const char *p)
{
	const char *line = text_read("/proc/self/smaps");
	static char flags[128];
	unsigned long lo = 0, a, b;
	char *sd;

	for (; line != NULL; line = text_next(line)) {
		if (sscanf(line, "%lx-%lx ", &a, &b) == 2)
			lo = a;
		if (lo != (uintptr_t)p || !text_is(line, "VmFlags"))
			continue;
		CHECK(sscanf(line, "VmFlags: %127[^\n]", flags) == 1);
		sd = strstr(flags, "sd ");
		if (sd != NULL)
			memmove(sd, sd + 3, strlen(sd + 3) + 1);
		return flags;
	}
	return "";
}

static void
has(const char *p, const char *want)
{
	const char *is = flags_of(p);

	if (strcmp(is, want) != 0)
		printf("want \"%s\", is \"%s\"\n", want, is);
	CHECK(strcmp(is, want) == 0);
}

/* A page with nothing beside it that could be joined. */
static char *
map(int prot, int flags, int fd)
{
	char *p = pages_apart(1);

	CHECK(mmap(p, PAGE, prot, flags | MAP_FIXED, fd, 0) == p);
	return p;
}

static void
anonymous(void)
{
	const int private = MAP_PRIVATE | MAP_ANONYMOUS;
	char *p = map(RW, private, -1);

	has(p, "rd wr mr mw me ac ");
	OK(mlock(p, PAGE));
	has(p, "rd wr mr mw me lo ac ");
	OK(syscall(SYS_mlock2, p, PAGE, MLOCK_ONFAULT));
	has(p, "rd wr mr mw me lo lf ac ");
	OK(munlock(p, PAGE));
	OK(madvise(p, PAGE, MADV_RANDOM));
	has(p, "rd wr mr mw me rr ac ");
	OK(madvise(p, PAGE, MADV_SEQUENTIAL));
	OK(madvise(p, PAGE, MADV_DONTFORK));
	has(p, "rd wr mr mw me sr dc ac ");
	OK(madvise(p, PAGE, MADV_WIPEONFORK));
	OK(madvise(p, PAGE, MADV_DOFORK));
	OK(madvise(p, PAGE, MADV_NORMAL));
	has(p, "rd wr mr mw me ac wf ");
	OK(mprotect(p, PAGE, PROT_NONE));
	has(p, "mr mw me ac wf ");
	has(map(PROT_READ, private, -1), "rd mr mw me ");
	has(map(RW, private | MAP_NORESERVE, -1), "rd wr mr mw me nr ");
	has(map(RW, private | MAP_GROWSDOWN, -1), "rd wr mr mw me gd ac ");
	has(map(RW, MAP_SHARED | MAP_ANONYMOUS, -1), "rd wr sh mr mw me ms ");
}

static void
files(void)
{
	char path[] = "/tmp/flags.XXXXXX";
	int fd = OK(mkstemp(path)), again = OK(open(path, O_RDONLY));

	OK(unlink(path));
	OK(ftruncate(fd, PAGE));
	has(map(RW, MAP_SHARED, fd), "rd wr sh mr mw me ms ");
	has(map(PROT_READ, MAP_SHARED, fd), "rd sh mr mw me ms ");
	has(map(PROT_READ, MAP_SHARED, again), "rd mr me ms ");
	has(map(PROT_READ, MAP_PRIVATE, again), "rd mr mw me ");
	has(map(RW, MAP_PRIVATE, again), "rd wr mr mw me ac ");
}

int
main(void)
{
	anonymous();
	files();
	return test_done();
}
