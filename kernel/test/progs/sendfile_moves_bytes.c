/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 */
/*
 * sendfile from a file to a pipe and to a file: count, offset, end.
 */
#include "lib/test.h"
#include <sys/sendfile.h>

int
main(void)
{
	static char out[20000], in[20000];
	int fd, to, p[2];
	off_t at = 100;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7;
	enter_tmp();
	make_file("from", out, sizeof(out), 0644);
	fd = OK(open("from", O_RDONLY));
	OK(pipe(p));
	EQ(sendfile(p[1], fd, &at, 5000), 5000);
	EQ(at, 5100);
	EQ(lseek(fd, 0, SEEK_CUR), 0);
	EQ(read(p[0], in, sizeof(in)), 5000);
	EQ(memcmp(in, out + 100, 5000), 0);
	to = OK(open("to", O_RDWR | O_CREAT, 0644));
	EQ(sendfile(to, fd, NULL, 1000000), sizeof(out));
	EQ(sendfile(to, fd, NULL, 1000000), 0);
	EQ(pread(to, in, sizeof(in), 0), sizeof(in));
	EQ(memcmp(in, out, sizeof(in)), 0);
	ERR(sendfile(to, p[0], NULL, 10), EINVAL);
	ERR(sendfile(77, fd, NULL, 10), EBADF);
	ERR(sendfile(to, 77, NULL, 10), EBADF);
	ERR(sendfile(fd, to, NULL, 10), EBADF);
	EQ(close(fd) | close(to) | unlink("from") | unlink("to"), 0);
	leave_tmp();
	return test_done();
}
