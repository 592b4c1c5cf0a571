/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmtop.c: what memory does, as it does it
 *
 * Problem   /proc/vm has every number of this kernel, and each only as it is now.
 *           What moves, one sees by looking again and subtracting.
 *
 * Picture   AAAAAAAMM..................   page states, a cell per so many frames
 *           zerofill   812/s ████████     faults by case
 *           7 sort     812 pages 3 s old  working sets by age
 *
 * Rules     1. All of it is text of /proc: vm/pages, vm/events, PID/status, PID/ws.
 *           2. A serial line tells nobody how large the terminal is.  The terminal
 *              is asked at each picture, by escapes, and answers when it has time.
 *           3. A picture is written by one write, over the one before; no line of it
 *              is longer than the screen.
 *           4. With -b, or where no terminal is, pictures are plain text, one below
 *              the other.
 *
 * Read next kernel/kern/events.tab says what each counter is, kernel/vm/frame/frame.h
 *           what the states are.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define COUNTERS 512
#define PROCESSES 256
#define AGES 4
#define MIN_ROWS 12          /* of a picture, without its faults and its sets */
#define ARRAY(a) (sizeof(a) / sizeof((a)[0]))

/* Page states in the order of the bar, as vm/pages calls them. */
static struct state {
	const char *name, *colour;
	char cell;
	unsigned long frames;
} states[] = {
	{ "ACTIVE", "32", 'A', 0 },
	{ "MODIFIED", "33", 'M', 0 },
	{ "READING", "36", 'R', 0 },
	{ "STANDBY", "34", 'S', 0 },
	{ "WIRED", "35", 'k', 0 },
	{ "ZEROED", "37", 'z', 0 },
	{ "FREE", "90", '.', 0 },
};

static struct counter {
	char name[32];
	unsigned long now, before;
} counters[COUNTERS];
static size_t ncounters;

struct process {
	int pid;
	char name[32], design[16];
	unsigned long set, age[AGES], swap_kb;
};

static struct {
	unsigned rows, columns;
	bool plain;              /* no escapes */
	struct termios was;
	bool is_raw;
} screen = { .rows = 24, .columns = 80 };

static char file[1 << 20], picture[1 << 16];
static size_t used;
static unsigned line, column; /* where the next byte comes to */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- what /proc says ---- */

/* The text of a file; "" where there is none: its process has ended. */
static char *
text_of(const char *path)
{
	int fd = open(path, O_RDONLY);
	size_t n = 0;
	ssize_t r;

	while (fd >= 0 && (r = read(fd, file + n, sizeof(file) - 1 - n)) > 0)
		n += (size_t)r;
	if (fd >= 0)
		close(fd);
	file[n] = '\0';
	return file;
}

/* What stands behind the word at a line's beginning, or behind " word"; NULL: none. */
static const char *
behind(const char *text, const char *word)
{
	size_t n = strlen(word);
	const char *s;

	for (s = text; (s = strstr(s, word)) != NULL; s += n)
		if (s == text || s[-1] == '\n' || s[-1] == ' ')
			return s + n;
	return NULL;
}

static unsigned long
number(const char *text, const char *word)
{
	const char *s = behind(text, word);

	return s != NULL ? strtoul(s, NULL, 10) : 0;
}

/* A word, into to[size]. */
static void
word(const char *text, const char *name, char *to, size_t size)
{
	const char *s = behind(text, name);
	size_t n = 0;

	while (s != NULL && (*s == ' ' || *s == '\t'))
		s++;
	for (; s != NULL && isgraph((unsigned char)*s) && n + 1 < size; s++)
		to[n++] = *s;
	to[n] = '\0';
}

static void
read_states(void)
{
	const char *text = text_of("/proc/vm/pages");
	char name[32];

	for (size_t i = 0; i < ARRAY(states); i++) {
		snprintf(name, sizeof(name), "state=%s frames=", states[i].name);
		states[i].frames = number(text, name);
	}
}

/* The table's order is the kernel's, and does not change. */
static void
read_counters(void)
{
	const char *s = text_of("/proc/vm/events");
	struct counter *c;
	size_t n;

	for (n = 0; n < COUNTERS && *s != '\0'; n++) {
		c = &counters[n];
		c->before = c->now;
		if (sscanf(s, "%31s %lu", c->name, &c->now) != 2)
			break;
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	ncounters = n;
}

static unsigned long
counted(const char *name)
{
	for (size_t i = 0; i < ncounters; i++)
		if (strcmp(counters[i].name, name) == 0)
			return counters[i].now;
	return 0;
}

/* False: it has no memory, or has ended. */
static bool
read_process(int pid, struct process *p)
{
	char path[40], name[16];
	const char *text;

	*p = (struct process){ .pid = pid };
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	text = text_of(path);
	word(text, "Name:", p->name, sizeof(p->name));
	word(text, "VmDesign:", p->design, sizeof(p->design));
	p->swap_kb = number(text, "VmSwap:");
	snprintf(path, sizeof(path), "/proc/%d/ws", pid);
	text = text_of(path);
	p->set = number(text, "pages=");
	for (unsigned i = 0; i < AGES; i++) {
		snprintf(name, sizeof(name), "age=%u pages=", i);
		p->age[i] = number(text, name);
	}
	return p->set != 0;
}

static int
larger_first(const void *a, const void *b)
{
	const struct process *p = a, *q = b;

	return p->set != q->set ? (p->set < q->set ? 1 : -1) : p->pid - q->pid;
}

static size_t
read_processes(struct process *p)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	while (proc != NULL && n < PROCESSES && (e = readdir(proc)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]))
			n += read_process(atoi(e->d_name), &p[n]);
	if (proc != NULL)
		closedir(proc);
	qsort(p, n, sizeof(*p), larger_first);
	return n;
}

/* ---- the picture ---- */

static void
put(const char *s, size_t n)
{
	if (used + n <= sizeof(picture)) {
		memcpy(picture + used, s, n);
		used += n;
	}
}

static void
colour(const char *which)
{
	if (!screen.plain) {
		put("\033[", 2);
		put(which, strlen(which));
		put("m", 1);
	}
}

static void
end_line(void)
{
	put(screen.plain ? "\n" : "\033[K\r\n", screen.plain ? 1 : 5);
	line++;
	column = 0;
}

/* Some bytes of a line, cut at the screen's edge. */
static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
say(const char *fmt, ...)
{
	char text[256];
	va_list ap;
	unsigned n;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = (unsigned)strnlen(text, screen.columns - 1 - column);
	put(text, n);
	column += n;
}

static void
title(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
title(const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	end_line();
	colour("1");
	say("%s", text);
	colour("0");
	end_line();
}

/* Rounded down, but what is there has one cell. */
static void
draw_states(void)
{
	unsigned width = screen.columns - 1, left = width, cells;
	unsigned long all = 0;
	size_t i;

	for (i = 0; i < ARRAY(states); i++)
		all += states[i].frames;
	if (all == 0)
		return;
	title("page states: a cell is %lu frames", (all + width - 1) / width);
	for (i = 0; i < ARRAY(states); i++) {
		cells = (unsigned)(states[i].frames * width / all);
		if (cells == 0 && states[i].frames != 0)
			cells = 1;
		if (cells > left || i + 1 == ARRAY(states))
			cells = left;
		left -= cells;
		colour(states[i].colour);
		while (cells-- > 0)
			say("%c", states[i].cell);
	}
	colour("0");
	end_line();
	for (i = 0; i < ARRAY(states); i++) {
		if (i % 4 == 0 && i != 0)
			end_line();
		colour(states[i].colour);
		say("%c", states[i].cell);
		colour("0");
		say(" %-8s %-8lu ", states[i].name, states[i].frames);
	}
	end_line();
}

static unsigned long
per_second(const struct counter *c, double seconds)
{
	return seconds <= 0 ? 0 :
	    (unsigned long)((double)(c->now - c->before) / seconds + 0.5);
}

/* A cell for each doubling: one fault a second is seen beside a hundred thousand. */
static unsigned
cells_of(unsigned long rate)
{
	unsigned n = 0;

	for (; rate != 0; rate /= 2)
		n += 2;
	return n;
}

/* What has happened most since the last picture, then what has happened most. */
static int
busier_first(const void *a, const void *b)
{
	const struct counter *c = *(struct counter *const *)a,
	    *d = *(struct counter *const *)b;
	unsigned long r = c->now - c->before, s = d->now - d->before;

	return r != s ? (r < s ? 1 : -1) : c->now != d->now ?
	    (c->now < d->now ? 1 : -1) : 0;
}

static int
by_place(const void *a, const void *b)
{
	const struct counter *c = *(struct counter *const *)a,
	    *d = *(struct counter *const *)b;

	return c < d ? -1 : c > d;
}

/* The busiest counters of faults, in the order of the table: a line that has its place
 * can be watched. */
static void
draw_faults(double seconds, size_t most)
{
	struct counter *all[COUNTERS], *c;
	size_t n = 0, i;

	title("faults%19s%12s", "a second", "in all");
	for (c = counters; c < counters + ncounters; c++)
		if (strncmp(c->name, "fault.", 6) == 0 && c->now != 0)
			all[n++] = c;
	qsort(all, n, sizeof(all[0]), busier_first);
	n = n < most ? n : most;
	qsort(all, n, sizeof(all[0]), by_place);
	for (i = 0; i < n; i++) {
		c = all[i];
		say("  %-15s %7lu %11lu  ", c->name + 6, per_second(c, seconds),
		    c->now);
		colour("32");
		say("%.*s", (int)cells_of(per_second(c, seconds)),
		    "########################################");
		colour("0");
		end_line();
	}
}

static void
draw_processes(size_t most)
{
	static struct process all[PROCESSES];
	size_t n = read_processes(all), i;
	const struct process *p;

	title("working sets, in pages, by age: %lu in all", counted("ws.pages"));
	say("%5s %-12s %-7s %8s %8s %8s %8s %8s %8s", "PID", "name", "design",
	    "set", "used", "1 old", "2 old", "3 old", "on swap");
	end_line();
	for (i = 0; i < n && i < most; i++) {
		p = &all[i];
		say("%5d %-12.12s %-7s %8lu %8lu %8lu %8lu %8lu %8lu", p->pid, p->name,
		    p->design, p->set, p->age[0], p->age[1], p->age[2], p->age[3],
		    p->swap_kb / 4);
		end_line();
	}
}

static void
write_all(const char *s, size_t n)
{
	ssize_t r;

	for (; n > 0; s += r, n -= (size_t)r)
		if ((r = write(1, s, n)) < 0)
			exit(1);
}

/* The size is asked for at the far corner, and the answer is for read_keys(). */
static void
draw(double seconds)
{
	static const char home[] = "\033[H", rest[] = "\033[J",
	    corner[] = "\033[999;999H\033[6n\033[H";
	unsigned room;

	used = 0;
	line = column = 0;
	if (!screen.plain)
		put(home, sizeof(home) - 1);
	read_states();
	read_counters();
	say("vmtop  up %.*s s   kernel: committed %lu of %lu pages   %s",
	    (int)strcspn(text_of("/proc/uptime"), "."), file,
	    counted("commit.total"), counted("commit.limit"),
	    screen.plain ? "" : "q: end");
	end_line();
	draw_states();
	room = screen.plain ? 1000 : screen.rows - MIN_ROWS;
	draw_faults(seconds, screen.plain ? room : room - room / 3);
	draw_processes(screen.plain ? room :
	    screen.rows > line + 4 ? screen.rows - line - 4 : 0);
	if (!screen.plain) {
		put(rest, sizeof(rest) - 1);
		put(corner, sizeof(corner) - 1);
	}
	write_all(picture, used);
}

/* ---- the terminal ---- */

static void
terminal_back(void)
{
	if (screen.is_raw) {
		(void)tcsetattr(0, TCSANOW, &screen.was);
		write_all("\033[0m\033[?25h\033[999;1H\r\n", 19);
	}
	screen.is_raw = false;
}

static void
on_signal(int sig)
{
	(void)sig;
	terminal_back();
	_exit(0);
}

static void
terminal_raw(void)
{
	struct termios t;

	if (tcgetattr(0, &screen.was) < 0)
		return;
	t = screen.was;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	screen.is_raw = tcsetattr(0, TCSANOW, &t) == 0;
	atexit(terminal_back);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	write_all("\033[2J\033[?25l", 10);
}

/* A key: is it part of "ESC [ rows ; columns R", the answer to draw()'s question?  A
 * serial line brings it in pieces. */
static void
resize(char key)
{
	static char answer[16];
	static size_t n;
	unsigned rows, columns;

	if (key == '\033')
		n = 0;
	if (n + 1 < sizeof(answer))
		answer[n++] = key;
	answer[n] = '\0';
	if (key != 'R' || sscanf(answer, "\033[%u;%uR", &rows, &columns) != 2)
		return;
	screen.rows = rows < MIN_ROWS + 3 ? MIN_ROWS + 3 : rows;
	screen.columns = columns < 20 ? 20 : columns > 200 ? 200 : columns;
}

/* Wait so long for keys.  False: the end is wanted. */
static bool
read_keys(double seconds)
{
	double until = now() + seconds, left;
	struct pollfd p = { .fd = 0, .events = POLLIN };
	char keys[64];
	ssize_t n;

	while ((left = until - now()) > 0) {
		if (poll(&p, screen.is_raw, (int)(left * 1000) + 1) <= 0)
			continue;
		n = read(0, keys, sizeof(keys));
		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++) {
			if (keys[i] == 'q')
				return false;
			resize(keys[i]);
		}
	}
	return true;
}

/* ---- beginning and end ---- */

static void
usage(int status)
{
	fprintf(status == 0 ? stdout : stderr,
	    "vmtop: page states, faults by case, working sets, again and again\n\n"
	    "  vmtop [-b] [-d SECONDS] [-n PICTURES]\n\n"
	    "  -b   plain text, one picture below the other (so is what goes to no\n"
	    "       terminal)\n"
	    "  -d   between two pictures; 1\n"
	    "  -n   how many; without, until q or Ctrl-C\n");
	exit(status);
}

static double
positive(const char *s)
{
	char *end;
	double v = strtod(s, &end);

	if (end == s || *end != '\0' || !(v > 0) || v > 1e6)
		usage(2);
	return v;
}

int
main(int argc, char **argv)
{
	double delay = 1, last, at;
	long pictures = -1;
	int c;

	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		usage(0);
	while ((c = getopt(argc, argv, "bd:hn:")) != -1)
		switch (c) {
		case 'b': screen.plain = true; break;
		case 'd': delay = positive(optarg); break;
		case 'n': pictures = (long)positive(optarg); break;
		case 'h': usage(0); break;
		default: usage(2);
		}
	if (optind < argc)
		usage(2);
	screen.plain |= !isatty(0) || !isatty(1);
	if (text_of("/proc/vm/pages")[0] == '\0') {
		fprintf(stderr, "vmtop: no /proc/vm/pages: this kernel is not Vadose, "
		    "or /proc is not mounted\n");
		return 1;
	}
	if (!screen.plain)
		terminal_raw();
	read_counters();
	for (last = 0; pictures != 0; pictures -= pictures > 0) {
		at = now();
		draw(last == 0 ? 0 : at - last);
		last = at;
		if (pictures != 1 && !read_keys(delay))
			break;
	}
	return 0;
}
