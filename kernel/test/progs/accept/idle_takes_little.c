/* NEEDS: MEM=512M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * Of 512 MiB the kernel, what describes the frames, the first files, the first
 * process and this one have at most 14 MiB in use.  (Each further CPU has a ring
 * of trace records, of 0.4 MiB.)
 */
#include "../lib/test.h"

#define FRAMES (512 * MIB / PAGE)
#define MOST (14 * MIB / PAGE)

int
main(void)
{
	long free_frames, zeroed;
	char text[512], *at;
	int fd = open("/proc/vm/frames", O_RDONLY);
	ssize_t n;

	if (fd < 0) {
		printf("skipped: needs the counters of Vadose\n");
		return 0;
	}
	n = read(fd, text, sizeof(text) - 1);
	CHECK(n > 0);
	text[n] = '\0';
	at = strstr(text, " free=");
	CHECK(at != NULL);
	EQ(sscanf(at, " free=%ld zeroed=%ld", &free_frames, &zeroed), 2);
	LE(FRAMES - free_frames - zeroed, MOST);
	return test_done();
}
