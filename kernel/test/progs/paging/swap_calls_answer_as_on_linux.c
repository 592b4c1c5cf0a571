/* NEEDS: MEM=64M SWAP=32M CPUS=1,2 TIMEOUT=30 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * What swapon and swapoff refuse; priorities and names, as /proc/swaps shows them.
 * On Linux the second half wants the name of a swap area that is in use, and root.
 */
#include "lib/test.h"
#include "lib/pressure.h"

#include <sys/mount.h>
#include <sys/swap.h>

/* Priority of an area in /proc/swaps, or -1000. */
static int
priority(const char *path)
{
	FILE *f = fopen("/proc/swaps", "r");
	char line[1024], name[512], type[32];
	int prio = -1000, p;
	long size, used;

	CHECK(f != NULL);
	CHECK(fgets(line, sizeof(line), f) != NULL);
	CHECK(strncmp(line, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
		  40) == 0);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%511s %31s %ld %ld %d", name, type, &size,
			&used, &p) == 5 &&
		    strcmp(name, path) == 0)
			prio = p;
	fclose(f);
	return prio;
}

static void
not_privileged(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		if (geteuid() == 0)
			OK(setuid(1000));
		ERR(swapon("/", 0), EPERM);
		ERR(swapon("/none", 0), EPERM);
		ERR(swapoff("/none"), EPERM);
		ERR(swapon("/none", 0x80000), EINVAL);
		_exit(0);
	}
	REAP(pid, 0);
}

static void
refusals(void)
{
	int fd;

	if (!on_vadose() && swapoff("/none") != 0 && errno == EPERM)
		return; /* a container's root */
	fd = OK(open("/dev/shm/no-area", O_RDWR | O_CREAT, 0600));
	OK(ftruncate(fd, 1 << 20));
	ERR(swapon(NULL, 0), EFAULT);
	ERR(swapoff(NULL), EFAULT);
	ERR(swapon("", 0), ENOENT);
	ERR(swapon("/none", 0), ENOENT);
	ERR(swapon("/none/none", 0x100000), EINVAL);
	ERR(swapon("/dev/null/x", 0), ENOTDIR);
	ERR(swapon("/", 0), EISDIR);
	ERR(swapon("/dev/null", 0), EINVAL);
	ERR(swapon("/dev/shm/no-area", 0), EINVAL);
	ERR(swapoff("/none"), ENOENT);
	ERR(swapoff("/dev/null"), EINVAL);
	ERR(swapoff("/dev/shm/no-area"), EINVAL);
	OK(unlink("/dev/shm/no-area"));
	close(fd);
}

static void
area_in_use(const char *path)
{
	static const struct {
		int flags, prio;
	} row[] = {
		{ 0, -2 }, { SWAP_FLAG_PREFER | 7, 7 }, { SWAP_FLAG_PREFER, 0 },
		{ SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK, 32767 },
		{ 5, -2 }, /* a number without PREFER says nothing */
		{ SWAP_FLAG_DISCARD, -2 },
	};
	int first = priority(path);

	CHECK(first != -1000);
	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		ERR(swapon(path, row[i].flags), EBUSY);
		OK(swapoff(path));
		EQ(priority(path), -1000);
		ERR(swapoff(path), EINVAL);
		OK(swapon(path, row[i].flags));
		EQ(priority(path), row[i].prio);
	}
}

/* The area by another name, which is told whole, and as one word. */
static void
is_named(const char *area, const char *folder, const char *name, const char *told)
{
	char path[512], shown[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(shown, sizeof(shown), "%s/%s", folder, told);
	OK(stat(area, &st));
	OK(mknod(path, S_IFBLK | 0600, st.st_rdev));
	OK(swapoff(area));
	OK(swapon(path, SWAP_FLAG_PREFER | 3));
	EQ(priority(shown), 3);
	OK(swapoff(path));
	OK(swapon(area, 0));
	OK(unlink(path));
}

/* What a mount says of files says nothing of a device's node on it, unless that is
 * MS_NODEV. */
static void
on_mounts(const char *area)
{
	static const char node[] = "/tmp/nodes/area";
	struct stat st;

	OK(stat(area, &st));
	OK(mkdir("/tmp/nodes", 0700));
	OK(mount("none", "/tmp/nodes", "tmpfs", 0, NULL));
	OK(mknod(node, S_IFBLK | 0600, st.st_rdev));
	OK(swapoff(area));
	OK(mount("none", "/tmp/nodes", NULL, MS_REMOUNT | MS_NODEV, NULL));
	ERR(swapon(node, 0), EACCES);
	OK(mount("none", "/tmp/nodes", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	OK(swapon(node, 0));
	OK(swapoff(node));
	OK(umount("/tmp/nodes"));
	OK(rmdir("/tmp/nodes"));
	OK(swapon(area, 0));
}

static void
names(const char *area)
{
	static char folder[256];

	snprintf(folder, sizeof(folder), "/tmp/%0100d", 1);
	OK(mkdir(folder, 0700));
	is_named(area, folder, "b", "b");
	is_named(area, folder, "a b\\c\td\ne", "a\\040b\\134c\\011d\\012e");
	OK(rmdir(folder));
}

int
main(int argc, char **argv)
{
	const char *area = argc > 1 ? argv[1] : on_vadose() ? swap_disk() : NULL;

	not_privileged();
	if (geteuid() == 0)
		refusals();
	if (geteuid() == 0 && area != NULL) {
		area_in_use(area);
		names(area);
		on_mounts(area);
	}
	test_done();
}
