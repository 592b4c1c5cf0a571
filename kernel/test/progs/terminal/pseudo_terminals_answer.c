/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=40 SWEEP=slow KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Pseudo terminals: pairs and their names, what goes through them and how it is
 * changed on the way, jobs and sessions in them, and what their ends hear when the
 * other one is closed.
 */
#include "lib/sleeps.h"
#include "lib/test.h"
#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <termios.h>

static volatile int heard[65];

static void
handler(int signo)
{
	heard[signo]++;
}

/* ---- a pair ---- */

static int
master(void)
{
	int zero = 0, m = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));

	OK(ioctl(m, TIOCSPTLCK, &zero));
	return m;
}

static int
slave(int m, int flags)
{
	return OK(ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | flags));
}

static int
number(int m)
{
	int n;

	OK(ioctl(m, TIOCGPTN, &n));
	return n;
}

static const char *
path(int m)
{
	static char text[32];

	snprintf(text, sizeof(text), "/dev/pts/%d", number(m));
	return text;
}

static int
answer(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI, 0 };

	(void)poll(&p, 1, 0);
	return p.revents;
}

static int
comes(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, ms);
}

static void
put(int fd, const char *s)
{
	EQ(write(fd, s, strlen(s)), (ssize_t)strlen(s));
}

/* Just that comes from fd; output may come in pieces. */
static void
gives(int fd, const char *want)
{
	char buf[512];
	size_t n = 0, len = strlen(want);

	memset(buf, 0, sizeof(buf));
	while (n < len) {
		EQ(comes(fd, 10000), 1);
		n += (size_t)OK(read(fd, buf + n, len - n));
	}
	if (strcmp(buf, want) != 0)
		printf("expected '%s', seen '%s'\n", want, buf);
	CHECK(strcmp(buf, want) == 0);
}

/* … and no more. */
static void
gives_only(int fd, const char *want)
{
	gives(fd, want);
	EQ(comes(fd, 20), 0);
}

static void
mode(int fd, unsigned iflag, unsigned oflag, unsigned lflag)
{
	struct termios t;

	OK(tcgetattr(fd, &t));
	t.c_iflag = iflag;
	t.c_oflag = oflag;
	t.c_lflag = lflag;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	OK(tcsetattr(fd, TCSANOW, &t));
}

/* ---- names ---- */

static int
listed(const char *name)
{
	DIR *d = opendir("/dev/pts");
	struct dirent *e;
	int found = 0;

	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL)
		found += strcmp(e->d_name, name) == 0;
	closedir(d);
	return found;
}

static void
names(void)
{
	int m, m2, s, n, one = 1;
	char buf[64], want[64];
	struct statfs fs;
	struct stat st;

	OK(statfs("/dev/pts", &fs));
	EQ(fs.f_type, 0x1cd1);
	m = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	m2 = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	CHECK(number(m) != number(m2));
	OK(close(m2));
	/* Locked at first. */
	OK(ioctl(m, TIOCGPTLCK, &n));
	EQ(n, 1);
	ERR(open(path(m), O_RDWR | O_NOCTTY), EIO);
	ERR(ioctl(m, TIOCGPTPEER, O_RDWR), EIO);
	n = 0;
	OK(ioctl(m, TIOCSPTLCK, &n));
	OK(stat(path(m), &st));
	EQ(st.st_mode & S_IFMT, S_IFCHR);
	EQ(st.st_rdev, 136 << 8 | number(m));
	EQ(st.st_uid, getuid());
	EQ(st.st_nlink, 1);
	EQ(st.st_ino, number(m) + 3);
	OK(chmod(path(m), 0600));
	OK(stat(path(m), &st));
	EQ(st.st_mode & 07777, 0600);
	s = slave(m, O_CLOEXEC);
	EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(s, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	EQ(isatty(s), 1);
	EQ(isatty(m), 1);
	snprintf(want, sizeof(want), "/proc/self/fd/%d", s);
	n = OK(readlink(want, buf, sizeof(buf) - 1));
	buf[n] = '\0';
	CHECK(strcmp(buf, path(m)) == 0);
	snprintf(want, sizeof(want), "%d", number(m));
	EQ(listed(want), 1);
	EQ(listed("ptmx"), 1);
	ERR(ioctl(s, TIOCGPTN, &n), ENOTTY);
	ERR(ioctl(s, TIOCGPTPEER, O_RDWR), EIO);
	ERR(open("/dev/pts/none", O_RDWR), ENOENT);
	ERR(open("/dev/pts/007", O_RDWR), ENOENT);
	ERR(lseek(m, 0, SEEK_SET), ESPIPE);
	ERR(mkdir("/dev/pts/new", 0755), EPERM);
	if (getuid() == 0)
		ERR(open("/dev/pts/new", O_RDWR | O_CREAT, 0644), EACCES);
	ERR(unlink(path(m)), EPERM);
	OK(ioctl(m, TIOCSPTLCK, &one));
	ERR(open(path(m), O_RDWR | O_NOCTTY), EIO);
	n = number(m);
	snprintf(buf, sizeof(buf), "%s", path(m));
	OK(close(m));
	ERR(open(buf, O_RDWR | O_NOCTTY), ENOENT);
	EQ(listed(want), 0);
	/* The number is not free while an end is open. */
	m = master();
	CHECK(number(m) != n);
	OK(close(m));
	OK(close(s));
	m = master();
	EQ(number(m), n);
	OK(close(m));
}

/* ---- bytes ---- */

static void
lines(void)
{
	int m = master(), s = slave(m, O_NONBLOCK), n;
	char buf[64];

	ERR(read(s, buf, 64), EAGAIN);
	put(m, "abc");
	gives_only(m, "abc");
	EQ(answer(s), POLLOUT);
	ERR(read(s, buf, 64), EAGAIN);
	put(m, "\177d\tx\1\r");
	gives_only(m, "\b \bd\tx^A\r\n");
	EQ(answer(s), POLLIN | POLLOUT);
	OK(ioctl(s, FIONREAD, &n));
	EQ(n, 7);
	gives(s, "abd\tx\1\n");
	ERR(read(s, buf, 64), EAGAIN);
	/* Kill, word erase, literal next. */
	put(m, "xyz\25");
	gives_only(m, "xyz\b \b\b \b\b \b");
	put(m, "one two\27\26\3\n");
	gives_only(m, "one two\b \b\b \b\b \b^\b^C\r\n");
	gives(s, "one \3\n");
	/* Two lines: one a read.  EOF alone is no byte. */
	put(m, "a\nbb\n\4");
	EQ(read(s, buf, 64), 2);
	EQ(read(s, buf, 1), 1);
	EQ(read(s, buf, 64), 2);
	EQ(read(s, buf, 64), 0);
	put(m, "half\4");
	gives(s, "half");
	ERR(read(s, buf, 64), EAGAIN);
	gives(m, "a\r\nbb\r\nhalf");
	/* Output. */
	put(s, "up\ndown\r\n");
	gives_only(m, "up\r\ndown\r\r\n");
	mode(s, 0, 0, 0);
	put(s, "up\ndown\r\n");
	gives_only(m, "up\ndown\r\n");
	put(m, "\3\r\n\177\4");
	gives(s, "\3\r\n\177\4");
	EQ(comes(m, 20), 0);
	/* ^S and ^Q; TCOOFF. */
	mode(s, IXON, 0, 0);
	put(m, "\23");
	EQ(answer(s), 0);
	ERR(write(s, "x", 1), EAGAIN);
	put(m, "\21");
	EQ(answer(s), POLLOUT);
	OK(tcflow(s, TCOOFF));
	ERR(write(s, "x", 1), EAGAIN);
	OK(tcflow(s, TCOON));
	put(s, "x");
	gives_only(m, "x");
	/* TCIOFF and TCION ask the other end, past ^S, but not past TCOOFF. */
	OK(tcflow(s, TCIOFF));
	gives_only(m, "\23");
	put(m, "\23");
	OK(tcflow(s, TCION));
	gives_only(m, "\21");
	ERR(write(s, "x", 1), EAGAIN);
	put(m, "\21");
	OK(tcflow(s, TCOOFF));
	OK(tcflow(s, TCION));
	EQ(comes(m, 20), 0);
	OK(tcflow(s, TCOON));
	/* What nobody has read. */
	put(m, "gone");
	OK(tcflush(s, TCIFLUSH));
	ERR(read(s, buf, 64), EAGAIN);
	EQ(read(s, buf, 0), 0);
	close(m);
	close(s);
}

/* What OPOST makes of bytes depends on the column where they stand. */
static void
printed(void)
{
	static const struct {
		tcflag_t oflag;
		const char *put, *gives;
	} rows[] = {
		{ OPOST | ONOCR, "\rab\r\rc", "ab\rc" },
		{ OPOST | ONOCR | OCRNL, "\ra\rb", "a\nb" },
		{ OPOST | ONOCR, "ab\n\rc", "ab\n\rc" },
		{ OPOST | ONOCR | ONLRET, "ab\n\rc", "ab\nc" },
		{ OPOST | ONOCR | ONLCR, "ab\n\rc", "ab\r\nc" },
		{ OPOST | XTABS, "c\tx\r\ty\b\tz", "c       x\r        y\b        z" },
		{ OPOST | XTABS, "\033\1\tx", "\033\1        x" },
		{ OPOST, "a\tb", "a\tb" },
		{ OPOST | OLCUC, "aZ\344\367{", "AZ\304\367{" },
		{ OLCUC | XTABS | ONOCR, "\ra\t", "\ra\t" },
	};
	int m, s;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m = master();
		s = slave(m, 0);
		mode(s, 0, rows[i].oflag, 0);
		put(s, rows[i].put);
		gives_only(m, rows[i].gives);
		close(m);
		close(s);
	}
}

/* s n times behind what is in text. */
static void
add(char *text, const char *s, int n)
{
	while (n-- > 0)
		strcat(text, s);
}

/* Of a line that is typed a key takes the last n characters away; then y is typed. */
static void
takes_away(int m, const char *line, const char *key, int n)
{
	char want[512];

	strcpy(want, line);
	add(want, "\b \b", n);
	add(want, "y\r\n", 1);
	put(m, line);
	put(m, key);
	put(m, "y\n");
	gives_only(m, want);
}

/* Keys take away what they have shown: of a tab its columns, and of a line of any
 * length all. */
static void
erased(void)
{
	static const struct {
		const char *before, *typed, *shows, *line;
	} rows[] = {
		{ "", "a\t\177b\n", "a\t\b\b\b\b\b\b\bb\r\n", "ab\n" },
		{ "", "a\t\t\177\n", "a\t\t\b\b\b\b\b\b\b\b\r\n", "a\t\n" },
		{ "$ ", "x\t\177\n", "x\t\b\b\b\b\b\r\n", "x\n" },
		{ "", "\1\t\177\n", "^A\t\b\b\b\b\b\b\r\n", "\1\n" },
		{ "", "a\tb\25\n", "a\tb\b \b\b\b\b\b\b\b\b\b \b\r\n", "\n" },
	};
	char text[256] = "";
	int m = master(), s = slave(m, 0);

	mode(s, 0, OPOST | ONLCR,
	    ICANON | ECHO | ECHOE | ECHOK | ECHOKE | ECHOCTL | IEXTEN);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put(s, rows[i].before);
		gives(m, rows[i].before);
		put(m, rows[i].typed);
		gives_only(m, rows[i].shows);
		gives(s, rows[i].line);
	}
	add(text, "x", 100);
	takes_away(m, text, "\25", 100);
	gives(s, "y\n");
	strcpy(text, "a ");
	add(text, "w", 110);
	add(text, ".", 1);
	takes_away(m, text, "\27", 111);
	gives(s, "a y\n");
	close(m);
	close(s);
}

/* Letters become small ones; what begins a mark is there twice. */
static void
typed(void)
{
	int m = master(), s = slave(m, 0);

	mode(s, IUCLC, 0, IEXTEN);
	put(m, "aBC\304_");
	gives(s, "abc\344_");
	mode(s, IUCLC, 0, 0);
	put(m, "aBC");
	gives(s, "aBC");
	mode(s, PARMRK, 0, 0);
	put(m, "x\377y");
	gives(s, "x\377\377y");
	mode(s, PARMRK, 0, ICANON);
	put(m, "\377z\n");
	gives(s, "\377\377z\n");
	mode(s, PARMRK | ISTRIP, 0, 0);
	put(m, "\377");
	gives(s, "\177");
	close(m);
	close(s);
}

/* The layout of old: lower halves of the flags, the first keys. */
static void
halves(void)
{
	struct { uint16_t flags[4]; uint8_t line, cc[8], pad; } old;
	int m = master(), s = slave(m, O_NONBLOCK);
	struct termios before, now;
	char buf[8];

	OK(tcgetattr(s, &before));
	before.c_iflag |= 0x40000000;
	OK(tcsetattr(s, TCSANOW, &before));
	memset(&old, 0xa5, sizeof(old));
	OK(ioctl(m, 0x5405, &old)); /* TCGETA */
	EQ(old.flags[0], before.c_iflag & 0xffff);
	EQ(old.flags[3], before.c_lflag & 0xffff);
	CHECK(memcmp(old.cc, before.c_cc, 8) == 0);
	EQ(old.pad, 0);
	old.flags[3] ^= ECHO | ICANON;
	old.cc[VMIN] = 2;
	OK(ioctl(s, 0x5406, &old)); /* TCSETA */
	OK(tcgetattr(m, &now));
	EQ(now.c_iflag, before.c_iflag);
	EQ(now.c_lflag, before.c_lflag ^ (ECHO | ICANON));
	EQ(now.c_cc[VMIN], 2);
	EQ(now.c_cc[VSUSP], before.c_cc[VSUSP]);
	put(m, "xy");
	EQ(comes(s, 10000), 1);
	ERR(ioctl(s, 0x5408, NULL), EFAULT); /* TCSETAF */
	EQ(comes(s, 0), 1);
	OK(ioctl(s, 0x5407, &old));
	EQ(comes(s, 0), 1);
	OK(ioctl(s, 0x5408, &old));
	ERR(read(s, buf, sizeof(buf)), EAGAIN);
	close(m);
	close(s);
}

/* What device it is, the one line discipline, a line that cannot break, settings that
 * are not locked. */
static void
seldom_asked(void)
{
	int m = master(), s = slave(m, O_NONBLOCK), n = -1;
	unsigned char locked[36];
	struct stat st;

	OK(fstat(s, &st));
	OK(ioctl(s, 0x80045432, &n)); /* TIOCGDEV */
	EQ(n, (int)st.st_rdev);
	n = -1;
	OK(ioctl(m, 0x80045432, &n));
	EQ(n, (int)st.st_rdev);
	n = 0;
	OK(ioctl(s, TIOCSETD, &n));
	n = 55;
	ERR(ioctl(s, TIOCSETD, &n), EINVAL);
	ERR(ioctl(s, TIOCSETD, NULL), EFAULT);
	OK(ioctl(s, TIOCGETD, &n));
	EQ(n, 0);
	OK(ioctl(s, TIOCSBRK));
	OK(ioctl(s, TIOCCBRK));
	OK(ioctl(m, TIOCSBRK));
	memset(locked, 1, sizeof(locked));
	OK(ioctl(s, TIOCGLCKTRMIOS, locked));
	for (n = 0; n < 36; n++)
		EQ(locked[n], 0);
	ERR(ioctl(s, TIOCGLCKTRMIOS, NULL), EFAULT);
	OK(close(m));
	ERR(ioctl(s, 0x80045432, &n), EIO);
	OK(close(s));
}

/* Three lines, each too long, of which nobody has read any: all is taken. */
static void
unread_lines(void)
{
	static char line[4096];
	int m = master(), s = slave(m, O_NONBLOCK), i, k;
	ssize_t n, got;

	OK(fcntl(m, F_SETFL, O_NONBLOCK));
	mode(s, 0, 0, ICANON);
	for (i = 0; i < 3; i++)
		for (k = 0; k <= 4100; k++)
			EQ(write(m, k < 4100 ? "M" : "\n", 1), 1);
	for (i = 0; i < 3; i++) {
		for (n = 0; n < 4096; n += got) {
			EQ(comes(s, 10000), 1);
			got = OK(read(s, line + n, sizeof(line) - (size_t)n));
		}
		EQ(line[4094], 'M');
		EQ(line[4095], '\n');
	}
	ERR(read(s, line, 1), EAGAIN);
	close(m);
	close(s);
}

/* Both ends are full at some time, and go on when the other is read. */
/* Typed as lines, and read as bytes, or as lines again: an end of file that nobody has
 * read is a byte 0, and all that is there is one line, up to the last byte. */
static void
changes_mode(void)
{
	static const struct {
		const char *typed;
		int nbytes, nline;
		char bytes[8];
	} rows[] = {
		{ "\004", 1, 0, "\0" }, { "ab\004", 3, 2, "ab\0" },
		{ "ab\004\004", 4, 3, "ab\0\0" }, { "ab\004cd\n", 6, 6, "ab\0cd\n" },
		{ "ab\ncd\n", 6, 6, "ab\ncd\n" },
	};
	int m = master(), s = slave(m, O_NONBLOCK), n;
	char b[16];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		mode(s, 0, 0, ICANON);
		put(m, rows[i].typed);
		EQ(comes(s, 10000), 1);
		mode(s, 0, 0, 0);
		EQ(comes(s, 10000), 1);
		OK(ioctl(s, FIONREAD, &n));
		EQ(n, rows[i].nbytes);
		EQ(read(s, b, sizeof(b)), rows[i].nbytes);
		CHECK(memcmp(b, rows[i].bytes, (size_t)rows[i].nbytes) == 0);

		mode(s, 0, 0, ICANON);
		put(m, rows[i].typed);
		EQ(comes(s, 10000), 1);
		mode(s, 0, 0, 0);
		mode(s, 0, 0, ICANON);
		EQ(comes(s, 0), 1);
		EQ(read(s, b, sizeof(b)), rows[i].nline);
		CHECK(memcmp(b, rows[i].bytes, (size_t)rows[i].nline) == 0);
		ERR(read(s, b, sizeof(b)), EAGAIN);
	}
	OK(close(s));
	OK(close(m));
}

static void
full(void)
{
	static char block[4096], back[4096];
	int m = master(), s = slave(m, O_NONBLOCK), end;
	ssize_t n, sent, seen = 0;
	pid_t pid;

	OK(fcntl(m, F_SETFL, O_NONBLOCK));
	mode(s, 0, 0, 0);
	memset(block, 'x', sizeof(block));
	for (end = 0; end < 2; end++) {
		sent = seen = 0;
		while ((n = write(end ? s : m, block, sizeof(block))) > 0)
			sent += n;
		EQ(errno, EAGAIN);
		CHECK(sent >= 4096 && sent <= 1 << 17);
		/* Linux refuses a write and tells of room, now and then. */
		if (on_vadose())
			EQ(answer(end ? s : m) & POLLOUT, 0);
		while (seen < sent && comes(end ? m : s, 1000) == 1)
			seen += OK(read(end ? m : s, block, sizeof(block)));
		EQ(seen, sent);
		EQ(answer(end ? s : m) & POLLOUT, POLLOUT);
	}
	/* More than fits, of who waits. */
	OK(fcntl(m, F_SETFL, 0));
	OK(fcntl(s, F_SETFL, 0));
	pid = OK(fork());
	for (int i = 0; i < 100; i++) {
		memset(block, 'a' + i % 26, sizeof(block));
		if (pid == 0) {
			EQ(write(s, block, sizeof(block)), 4096);
			continue;
		}
		for (n = 0; n < 4096; n += OK(read(m, back + n, 4096 - n)))
			;
		CHECK(memcmp(block, back, 4096) == 0);
	}
	if (pid == 0)
		_exit(0);
	REAP(pid, 0);
	close(m);
	close(s);
}

static void
packets(void)
{
	int m = master(), s = slave(m, O_NONBLOCK), on = 1, n;
	struct termios t;
	char buf[64];

	OK(fcntl(m, F_SETFL, O_NONBLOCK));
	OK(ioctl(m, TIOCGPKT, &n));
	EQ(n, 0);
	OK(ioctl(m, TIOCPKT, &on));
	OK(ioctl(m, TIOCGPKT, &n));
	EQ(n, 1);
	ERR(read(m, buf, 64), EAGAIN);
	put(s, "hi");
	EQ(comes(m, 1000), 1);
	EQ(read(m, buf, 64), 3);
	EQ(buf[0], TIOCPKT_DATA);
	CHECK(memcmp(buf + 1, "hi", 2) == 0);
	OK(tcflush(s, TCIFLUSH));
	EQ(answer(m), POLLIN | POLLPRI | POLLOUT);
	EQ(read(m, buf, 64), 1);
	EQ(buf[0], TIOCPKT_FLUSHREAD);
	OK(tcflow(s, TCOOFF));
	EQ(read(m, buf, 64), 1);
	EQ(buf[0], TIOCPKT_STOP);
	OK(tcflow(s, TCOON));
	EQ(read(m, buf, 64), 1);
	EQ(buf[0], TIOCPKT_START);
	mode(s, 0, 0, 0);
	EQ(read(m, buf, 64), 1);
	EQ(buf[0], TIOCPKT_NOSTOP);
	mode(s, IXON, 0, 0);
	EQ(read(m, buf, 64), 1);
	EQ(buf[0], TIOCPKT_DOSTOP);
	OK(tcgetattr(s, &t));
	OK(tcsetattr(s, TCSAFLUSH, &t));
	EQ(read(m, buf, 64), 1);
	EQ(buf[0], TIOCPKT_FLUSHREAD);
	OK(tcsetattr(s, TCSADRAIN, &t));
	ERR(read(m, buf, 64), EAGAIN);
	on = 0;
	OK(ioctl(m, TIOCPKT, &on));
	close(m);
	close(s);
}

/* ---- the other end is closed ---- */

static void
ends(void)
{
	int m = master(), s = slave(m, 0), n;
	struct termios t;
	char buf[16];
	pid_t pid;

	EQ(answer(m), POLLOUT);
	put(s, "last");
	OK(close(s));
	EQ(answer(m), POLLIN | POLLOUT | POLLHUP);
	gives(m, "last");
	EQ(answer(m), POLLOUT | POLLHUP);
	ERR(read(m, buf, 16), EIO);
	put(m, "early\n");
	s = slave(m, 0);
	EQ(answer(m) & POLLHUP, 0);
	gives(s, "early\n");
	gives(m, "early\r\n");
	/* Who reads when the master goes. */
	pid = OK(fork());
	if (pid == 0) {
		OK(close(m));
		ERR(read(s, buf, 16), EIO);
		EQ(read(s, buf, 16), 0);
		_exit(0);
	}
	process_sleeps(pid);
	OK(close(m));
	REAP(pid, 0);
	EQ(read(s, buf, 16), 0);
	ERR(write(s, "x", 1), EIO);
	EQ(answer(s), POLLIN | POLLOUT | POLLERR | POLLHUP);
	ERR(tcgetattr(s, &t), EIO);
	ERR(ioctl(s, TIOCSPGRP, &n), ENOTTY);
	OK(close(s));
}

/* The last byte comes before the end, whenever that is asked for: cycles of a slave that
 * is opened, writes and is closed. */
static void
last_bytes(void)
{
	enum { CYCLES = 3000 };
	_Atomic int *turn = (_Atomic int *)pages_shared(1);
	int m = master(), s, i, n;
	struct pollfd p;
	char c;
	pid_t pid;

	OK(fcntl(m, F_SETFL, O_NONBLOCK));
	pid = OK(fork());
	for (i = 1; pid == 0 && i <= CYCLES; i++) {
		s = slave(m, 0);
		*turn = i;
		put(s, "x");
		OK(close(s));
		while (*turn != -i)
			sched_yield();
	}
	if (pid == 0)
		_exit(0);
	for (i = 1; i <= CYCLES; i++) {
		while (*turn != i)
			sched_yield();
		p = (struct pollfd){ m, POLLIN, 0 };
		while (i % 2 == 0 && poll(&p, 1, 0) == 0)
			;
		EQ(p.revents & ~POLLHUP, i % 2 == 0 ? POLLIN : 0);
		while ((n = (int)read(m, &c, 1)) < 0 && errno == EAGAIN)
			;
		EQ(n, 1);
		while ((n = (int)read(m, &c, 1)) < 0 && errno == EAGAIN)
			;
		EQ(errno, EIO);
		*turn = -i;
	}
	REAP(pid, 0);
	OK(close(m));
}

/* What is typed and shows takes no place of what a program writes: that is all there,
 * whoever fills the space between the ends. */
static void
echo_takes_no_place(void)
{
	static const char digits[] = "0123456789";
	char typed[256], buf[512];
	int m = master(), s = slave(m, 0), i;
	pid_t types, writes;
	ssize_t n, k;
	long seen = 0;

	mode(s, 0, 0, ECHO);
	types = OK(fork());
	if (types == 0) {
		OK(close(s));
		memset(typed, 'e', sizeof(typed));
		for (;;)
			(void)!write(m, typed, sizeof(typed));
	}
	writes = OK(fork());
	if (writes == 0) {
		OK(fcntl(s, F_SETFL, 0));
		for (i = 0; i < 20000; i++)
			EQ(write(s, digits, 10), 10);
		_exit(0);
	}
	while (seen < 200000) {
		/* What was typed is read, so that more is. */
		if (comes(s, 0) == 1)
			(void)OK(read(s, buf, sizeof(buf)));
		if (comes(m, 0) != 1)
			continue;
		n = OK(read(m, buf, sizeof(buf)));
		for (k = 0; k < n; k++)
			if (buf[k] != 'e')
				EQ(buf[k], digits[seen++ % 10]);
	}
	REAP(writes, 0);
	OK(kill(types, SIGKILL));
	REAP_SIGNAL(types, SIGKILL);
	OK(close(s));
	OK(close(m));
}

/* Who watches hears it, of either end. */
static void
watched(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET }, got;
	int m = master(), s = slave(m, 0), w = OK(epoll_create1(0));
	char buf[16];

	e.data.fd = m;
	OK(epoll_ctl(w, EPOLL_CTL_ADD, m, &e));
	e.data.fd = s;
	OK(epoll_ctl(w, EPOLL_CTL_ADD, s, &e));
	EQ(epoll_wait(w, &got, 1, 0), 0);
	put(s, "x");
	EQ(epoll_wait(w, &got, 1, 1000), 1);
	EQ(got.data.fd, m);
	EQ(got.events, EPOLLIN);
	EQ(epoll_wait(w, &got, 1, 0), 0);
	EQ(read(m, buf, 16), 1);
	mode(s, 0, 0, 0);
	put(m, "y");
	EQ(epoll_wait(w, &got, 1, 1000), 1);
	EQ(got.data.fd, s);
	EQ(read(s, buf, 16), 1);
	OK(close(m));
	EQ(epoll_wait(w, &got, 1, 1000), 1);
	EQ(got.data.fd, s);
	CHECK((got.events & (EPOLLHUP | EPOLLERR | EPOLLIN)) ==
	    (EPOLLHUP | EPOLLERR | EPOLLIN));
	OK(close(s));
	OK(close(w));
}

/* ---- sessions and jobs ---- */

static void
window(int m, int s)
{
	struct winsize ws = { 0 };

	OK(ioctl(s, TIOCGWINSZ, &ws));
	EQ(ws.ws_row, 0);
	ws.ws_row = 50;
	ws.ws_col = 132;
	OK(ioctl(m, TIOCSWINSZ, &ws));
	EQ(heard[SIGWINCH], 1);
	OK(ioctl(m, TIOCSWINSZ, &ws)); /* the same */
	EQ(heard[SIGWINCH], 1);
	memset(&ws, 0, sizeof(ws));
	OK(ioctl(s, TIOCGWINSZ, &ws));
	EQ(ws.ws_col, 132);
}

/* A job in the background that reads stops, and goes on in front. */
static void
jobs(int m, int s)
{
	pid_t job, me = getpid();
	int status, n;
	char c;

	signal(SIGTTOU, SIG_IGN);
	job = OK(fork());
	if (job == 0) {
		OK(setpgid(0, 0));
		EQ(read(s, &c, 1), 1);
		_exit(c);
	}
	setpgid(job, job);
	EQ(waitpid(job, &status, WUNTRACED), job);
	CHECK(WIFSTOPPED(status));
	EQ(WSTOPSIG(status), SIGTTIN);
	OK(ioctl(s, TIOCSPGRP, &job));
	OK(ioctl(m, TIOCGPGRP, &n));
	EQ(n, job);
	OK(kill(job, SIGCONT));
	put(m, "\7\n");
	REAP(job, 7);
	OK(ioctl(s, TIOCSPGRP, &me));
	/* ^C is for who is in front. */
	signal(SIGINT, handler);
	put(m, "\3");
	while (heard[SIGINT] == 0)
		sleep_ms(1);
	signal(SIGQUIT, handler);
	OK(ioctl(m, 0x40045436, SIGQUIT)); /* TIOCSIG */
	EQ(heard[SIGQUIT], 1);
	ERR(ioctl(m, 0x40045436, SIGUSR1), EINVAL);
}

static void
leads(int m)
{
	int s, other, n, tty;
	pid_t pid;

	OK(setsid());
	ERR(open("/dev/tty", O_RDWR), ENXIO);
	signal(SIGWINCH, handler);
	signal(SIGHUP, handler);
	signal(SIGCONT, handler);
	s = OK(open(path(m), O_RDWR));
	OK(ioctl(s, TIOCGSID, &n));
	EQ(n, getpid());
	EQ(tcgetsid(m), getpid());
	EQ(tcgetpgrp(s), getpgrp());
	/* The master is not what the session has. */
	ERR(ioctl(m, TIOCNOTTY), ENOTTY);
	EQ(tcgetsid(s), getpid());
	/* No second one. */
	other = master();
	n = slave(other, 0);
	ERR(ioctl(n, TIOCSCTTY, 0), EPERM);
	OK(close(n));
	OK(close(other));
	tty = OK(open("/dev/tty", O_RDWR));
	put(tty, "me\n");
	/* Somebody else may have it neither. */
	pid = OK(fork());
	if (pid == 0) {
		OK(setsid());
		ERR(ioctl(s, TIOCSCTTY, 0), EPERM);
		ERR(ioctl(s, TIOCGSID, &n), ENOTTY);
		ERR(ioctl(tty, TIOCNOTTY), ENOTTY);
		_exit(0);
	}
	REAP(pid, 0);
	window(m, s);
	jobs(m, s);
	EQ(heard[SIGHUP], 0);
	OK(close(m));
	while (heard[SIGHUP] == 0 || heard[SIGCONT] == 0)
		sleep_ms(1);
	EQ(heard[SIGHUP], 1);
	EQ(heard[SIGCONT], 1);
	ERR(write(tty, "x", 1), EIO);
	ERR(open("/dev/tty", O_RDWR), ENXIO);
	/* And may have another one. */
	m = master();
	s = OK(open(path(m), O_RDWR));
	OK(ioctl(s, TIOCGSID, &n));
	EQ(n, getpid());
	OK(ioctl(s, TIOCNOTTY));
	EQ(heard[SIGHUP], 2);
	ERR(open("/dev/tty", O_RDWR), ENXIO);
	_exit(0);
}

/* The job in front hears that the leader has ended. */
static void
orphaned(void)
{
	int m = master(), told[2];
	pid_t pid;
	char c = 'x';

	OK(pipe(told));
	pid = OK(fork());
	if (pid == 0) {
		OK(setsid());
		OK(close(OK(open(path(m), O_RDWR))));
		if (OK(fork()) == 0) {
			signal(SIGHUP, handler);
			EQ(write(told[1], &c, 1), 1);
			while (heard[SIGHUP] == 0)
				sleep_ms(1);
			ERR(open("/dev/tty", O_RDWR), ENXIO);
			EQ(write(told[1], &c, 1), 1);
			_exit(0);
		}
		EQ(read(told[0], &c, 1), 1);
		_exit(0);
	}
	REAP(pid, 0);
	EQ(read(told[0], &c, 1), 1);
	OK(close(m));
	OK(close(told[0]));
	OK(close(told[1]));
}

static void
sessions(void)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		leads(master());
	REAP(pid, 0);
	orphaned();
}

/* When it was used shows at its node. */
static void
times(void)
{
	const struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	int m = master(), s = slave(m, 0);
	struct stat st;
	char text[8];

	OK(futimens(s, old));
	EQ(write(s, "x", 1), 1);
	OK(stat(path(m), &st));
	CHECK(st.st_mtime > 1000000);
	EQ(st.st_atime, 1000);
	EQ(write(m, "y\n", 2), 2);
	EQ(read(s, text, sizeof(text)), 2);
	OK(stat(path(m), &st));
	CHECK(st.st_atime > 1000000);
	OK(close(s));
	OK(close(m));
}

int
main(void)
{
	names();
	times();
	lines();
	printed();
	erased();
	typed();
	halves();
	seldom_asked();
	unread_lines();
	changes_mode();
	full();
	packets();
	ends();
	last_bytes();
	echo_takes_no_place();
	watched();
	sessions();
	return test_done();
}
