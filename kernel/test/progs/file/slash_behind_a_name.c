/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Calls that make, remove or move a name mean the name itself, also when a
 * slash follows it: a link there is not followed, and is no directory.
 */
#include "lib/test.h"

static void
makes(const char *name, int error)
{
	ERR(mkdir(name, 0755), error);
	ERR(mknod(name, S_IFREG | 0644, 0), error);
	ERR(symlink("x", name), error);
	ERR(link("file", name), error);
}

static void
removes(const char *name)
{
	ERR(unlink(name), ENOTDIR);
	ERR(rmdir(name), ENOTDIR);
	ERR(rename(name, "other"), ENOTDIR);
	ERR(rename("dir", name), ENOTDIR);
	ERR(rename("file", name), ENOTDIR);
}

int
main(void)
{
	static const char *const names[] = { "to_none/", "to_dir/", "to_file/",
		"file/" };
	struct stat st;

	enter_tmp();
	make_file("file", "", 0, 0644);
	OK(mkdir("dir", 0755));
	OK(symlink("none", "to_none"));
	OK(symlink("dir", "to_dir"));
	OK(symlink("file", "to_file"));
	for (unsigned i = 0; i < 4; i++) {
		makes(names[i], EEXIST);
		removes(names[i]);
	}
	ERR(lstat("none", &st), ENOENT);
	ERR(mkdir("dir/", 0755), EEXIST);
	/* Others follow it. */
	OK(lstat("to_dir/", &st));
	CHECK(S_ISDIR(st.st_mode));
	ERR(lstat("to_file/", &st), ENOTDIR);
	ERR(lstat("to_none/", &st), ENOENT);
	ERR(link("to_file/", "other"), ENOTDIR);
	/* A slash behind a new directory is well. */
	OK(mkdir("new/", 0755));
	OK(rename("new/", "newer/"));
	OK(rmdir("newer/"));
	EQ(unlink("to_none") | unlink("to_dir") | unlink("to_file"), 0);
	EQ(unlink("file") | rmdir("dir"), 0);
	leave_tmp();
	return test_done();
}
