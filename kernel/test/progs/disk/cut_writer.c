/* NEEDS: MEM=64M CPUS=2 TIMEOUT=60 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Files are written, fsync'ed, renamed and unlinked by several processes, and
 * what has become durable is noted: for power cuts (cases/disk/power_cuts.sh).
 *
 *   cut_writer                            both of the below, in /tmp, no cut
 *   cut_writer write DIR SECONDS SEED     the load; DIR exists and is empty
 *   cut_writer check DIR [REPORT]         is what was promised there?
 *
 * Each worker has a log in DIR, itself fsync'ed after each note.  A note says
 * what is about to be lost before it is, and what is durable after it is:
 *
 *   X a        a goes: no claim about it      F a   a's fsync has returned
 *   A a        a is replaced by rename: old or new until the next F
 *   T          from now on there is a folder with a file and a folder in it,
 *              at one of two places, between which it is moved
 *   M a b      a is renamed to b: its bytes are under a or b until F b
 *
 * After a cut all notes of the logs found hold.  A note is also printed, when
 * it is durable: those in REPORT must be in the logs.
 */
#include "lib/test.h"

#define WORKERS 3U
#define STEPS_MIN 20U /* of a worker, on a disk however slow */
#define SLOTS 12U
#define NOTE_BYTES 64
#define FILE_MAX (96 * KIB)
#define HOLE 4096U

struct note {
	unsigned worker, nr;
	char op;             /* F X A M T */
	unsigned a, b;       /* slots */
	unsigned seed, size; /* of the bytes of a; of b after M */
};

/* What a slot may be: one of two contents, or also absent. */
struct claim {
	unsigned nversions; /* 0: no claim */
	unsigned seed[2], size[2];
	bool moved; /* its bytes may also be under: */
	unsigned other;
};

static struct {
	unsigned worker;
	unsigned nr; /* of notes */
	int log;
	bool tree; /* T was noted */
	unsigned place; /* where it is */
	uint64_t random;
	struct claim slot[SLOTS];
} me;

static uint8_t bytes[FILE_MAX];

/* ---- names and bytes ---- */

/* Odd ones are in a subfolder, so that files move between folders. */
static const char *
name_of(unsigned worker, unsigned slot)
{
	static char name[4][64];
	static unsigned turn;
	char *s = name[turn++ % 4];

	snprintf(s, sizeof name[0], "w%u/%sf%u", worker,
	    slot % 2 != 0 ? "sub/" : "", slot);
	return s;
}

static bool
is_hole(unsigned seed, unsigned at, unsigned size)
{
	return at + HOLE < size && (seed >> (at / HOLE % 16)) % 8 == 0;
}

/* The bytes that belong to a seed. */
static void
fill(unsigned seed, unsigned size)
{
	uint64_t state = seed;
	unsigned at, i;

	for (at = 0; at < size; at += HOLE) {
		unsigned n = size - at < HOLE ? size - at : HOLE;

		for (i = 0; i < n; i++) {
			state = state * 6364136223846793005ULL + 1;
			bytes[at + i] = is_hole(seed, at, size)
			                    ? 0
			                    : (uint8_t)(state >> 40);
		}
	}
}

static unsigned
below(unsigned n)
{
	return (unsigned)(rnd(&me.random) % n);
}

/* ---- notes ---- */

static unsigned
sum(const char *s, size_t n)
{
	unsigned h = 2166136261U;

	while (n-- > 0)
		h = (h ^ (uint8_t)*s++) * 16777619U;
	return h;
}

/* One line of NOTE_BYTES bytes. */
static void
note_print(const struct note *n, char *line)
{
	int len = snprintf(line, NOTE_BYTES, "%u %u %c %u %u %u %u", n->worker,
	    n->nr, n->op, n->a, n->b, n->seed, n->size);
	unsigned check = sum(line, len);

	snprintf(
	    line + len, NOTE_BYTES - len, " %*u", NOTE_BYTES - 2 - len, check);
	line[NOTE_BYTES - 1] = '\n';
}

/* Is it one, whole? */
static bool
note_scan(struct note *n, const char *line)
{
	char text[NOTE_BYTES + 1], again[NOTE_BYTES];

	memcpy(text, line, NOTE_BYTES);
	text[NOTE_BYTES] = '\0';
	if (sscanf(text, "%u %u %c %u %u %u %u", &n->worker, &n->nr, &n->op,
		&n->a, &n->b, &n->seed, &n->size) != 7)
		return false;
	note_print(n, again);
	return memcmp(again, line, NOTE_BYTES) == 0 && n->worker < WORKERS &&
	       n->a < SLOTS && n->b < SLOTS && n->size <= FILE_MAX;
}

/* Make it durable, then say it. */
static void
note(char op, unsigned a, unsigned b, unsigned seed, unsigned size)
{
	struct note n = { me.worker, me.nr++, op, a, b, seed, size };
	char line[NOTE_BYTES];

	note_print(&n, line);
	EQ(write(me.log, line, sizeof line), sizeof line);
	OK(fsync(me.log));
	EQ(write(STDOUT_FILENO, line, sizeof line), sizeof line);
}

/* ---- the load ---- */

/* A file of that name with the bytes of a new seed, fsync'ed. */
static void
write_new(const char *name, unsigned seed, unsigned size)
{
	int fd = OK(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
	unsigned at;

	fill(seed, size);
	for (at = 0; at < size; at += HOLE) {
		unsigned n = size - at < HOLE ? size - at : HOLE;

		if (!is_hole(seed, at, size))
			EQ(pwrite(fd, bytes + at, n, at), n);
	}
	OK(fsync(fd));
	OK(close(fd));
}

static void
sync_name(const char *name)
{
	int fd = OK(open(name, O_RDONLY));

	OK(fsync(fd));
	OK(close(fd));
}

static void
have(unsigned a, unsigned seed, unsigned size)
{
	me.slot[a] = (struct claim){
		.nversions = 1, .seed = { seed }, .size = { size }
	};
}

static void
do_write(unsigned a, unsigned seed, unsigned size)
{
	if (me.slot[a].nversions != 0)
		note('X', a, 0, 0, 0);
	write_new(name_of(me.worker, a), seed, size);
	note('F', a, 0, seed, size);
	have(a, seed, size);
}

static void
do_replace(unsigned a, unsigned seed, unsigned size)
{
	char new[64];

	snprintf(new, sizeof new, "w%u/new", me.worker);
	write_new(new, seed, size);
	if (me.slot[a].nversions != 0)
		note('A', a, 0, seed, size);
	OK(rename(new, name_of(me.worker, a)));
	sync_name(name_of(me.worker, a));
	note('F', a, 0, seed, size);
	have(a, seed, size);
}

static void
do_unlink(unsigned a)
{
	if (me.slot[a].nversions == 0)
		return;
	note('X', a, 0, 0, 0);
	OK(unlink(name_of(me.worker, a)));
	me.slot[a].nversions = 0;
}

/* To a name that is free. */
static void
do_move(unsigned a, unsigned b)
{
	struct claim c = me.slot[a];

	if (c.nversions == 0 || me.slot[b].nversions != 0)
		return;
	note('M', a, b, c.seed[0], c.size[0]);
	OK(rename(name_of(me.worker, a), name_of(me.worker, b)));
	sync_name(name_of(me.worker, b));
	note('F', b, 0, c.seed[0], c.size[0]);
	have(b, c.seed[0], c.size[0]);
	me.slot[a].nversions = 0;
}

/* ---- the folder that moves ---- */

#define TREE_SEED 77U
#define TREE_BYTES 5000U

/* Something in it, at one of the places. */
static const char *
in_tree(unsigned worker, unsigned place, const char *what)
{
	static char name[64];

	snprintf(name, sizeof name, "w%u/%s%s", worker,
	    place == 0 ? "left/tree" : "right/branch/moved", what);
	return name;
}

static void
tree_make(unsigned worker)
{
	static const char *const dirs[] = { "left", "right", "right/branch",
		"left/tree", "left/tree/kid" };
	char name[64];
	unsigned i;

	for (i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		snprintf(name, sizeof name, "w%u/%s", worker, dirs[i]);
		OK(mkdir(name, 0755));
	}
	write_new(in_tree(worker, 0, "/keep"), TREE_SEED, TREE_BYTES);
	note('T', 0, 0, 0, 0);
}

static void
tree_move(void)
{
	char from[64];

	snprintf(from, sizeof from, "%s", in_tree(me.worker, me.place, ""));
	OK(rename(from, in_tree(me.worker, 1 - me.place, "")));
	me.place = 1 - me.place;
}

/* ---- noise ---- */

/* What nobody waits for: folders, links, a file that loses its name. */
static void
disturb(unsigned nr)
{
	char dir[64], file[96], link_name[96];
	int fd;

	snprintf(dir, sizeof dir, "w%u/d%u", me.worker, nr % 8);
	snprintf(file, sizeof file, "%s/file", dir);
	snprintf(link_name, sizeof link_name, "%s/link", dir);
	if (mkdir(dir, 0755) == 0) {
		fd = OK(open(file, O_RDWR | O_CREAT, 0644));
		fill(nr, FILE_MAX);
		OK(write(fd, bytes, below(FILE_MAX)));
		OK(link(file, link_name));
		if (nr % 3 == 0)
			OK(unlink(file));
		OK(close(fd));
		return;
	}
	EQ(errno, EEXIST);
	CHECK(unlink(file) == 0 || errno == ENOENT);
	OK(unlink(link_name));
	OK(rmdir(dir));
}

static void
step(void)
{
	unsigned a = below(SLOTS), seed = below(1U << 31);
	unsigned size = 1 + below(below(4) == 0 ? FILE_MAX : 6000);

	switch (below(9)) {
	case 0:
	case 1:
		do_write(a, seed, size);
		return;
	case 2:
	case 3:
		do_replace(a, seed, size);
		return;
	case 4:
		do_unlink(a);
		return;
	case 5:
		do_move(a, below(SLOTS));
		return;
	case 6:
		tree_move();
		return;
	default:
		for (a = 1 + below(12); a > 0; a--)
			disturb(below(1000));
		return;
	}
}

static void
work(unsigned worker, unsigned seconds, uint64_t seed)
{
	uint64_t until = now_ns() + seconds * 1000000000ULL;
	char name[64];
	unsigned i;

	me.worker = worker;
	me.random = seed * WORKERS + worker + 1;
	snprintf(name, sizeof name, "w%u", worker);
	OK(mkdir(name, 0755));
	snprintf(name, sizeof name, "w%u/sub", worker);
	OK(mkdir(name, 0755));
	snprintf(name, sizeof name, "log%u", worker);
	me.log = OK(open(name, O_WRONLY | O_CREAT | O_APPEND, 0644));
	tree_make(worker);
	for (i = 0; i < STEPS_MIN || now_ns() < until; i++)
		step();
	exit(0);
}

static void
write_load(const char *dir, unsigned seconds, uint64_t seed)
{
	pid_t pid[WORKERS];
	unsigned i;

	OK(chdir(dir));
	for (i = 0; i < WORKERS; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0)
			work(i, seconds, seed);
	}
	for (i = 0; i < WORKERS; i++)
		REAP(pid[i], 0);
}

/* ---- after the cut ---- */

static bool
holds_bytes(const char *name, unsigned seed, unsigned size)
{
	static uint8_t seen[FILE_MAX + 1];
	size_t got = 0;
	ssize_t n = 0;
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		return false;
	while (got < sizeof seen &&
	       (n = OK(read(fd, seen + got, sizeof seen - got))) > 0)
		got += n;
	OK(close(fd));
	fill(seed, size);
	return got == size && memcmp(seen, bytes, size) == 0;
}

static void
apply(const struct note *n)
{
	struct claim *c = &me.slot[n->a];

	switch (n->op) {
	case 'F':
		have(n->a, n->seed, n->size);
		return;
	case 'X':
		c->nversions = 0;
		return;
	case 'A':
		c->nversions = 2;
		c->seed[1] = n->seed;
		c->size[1] = n->size;
		return;
	case 'M':
		/* Its own name may be gone: the claim is now that of b. */
		c->nversions = 0;
		have(n->b, n->seed, n->size);
		me.slot[n->b].moved = true;
		me.slot[n->b].other = n->a;
		return;
	case 'T':
		me.tree = true;
		return;
	default:
		FAIL("a note that nobody wrote: %c", n->op);
	}
}

static void
check_slot(unsigned worker, unsigned slot)
{
	const struct claim *c = &me.slot[slot];
	unsigned i;

	for (i = 0; i < c->nversions; i++)
		if (holds_bytes(name_of(worker, slot), c->seed[i], c->size[i]))
			return;
	if (c->nversions == 0 ||
	    (c->moved &&
		holds_bytes(name_of(worker, c->other), c->seed[0], c->size[0])))
		return;
	FAIL("%s: lost or changed (seed %u, %u bytes, %u versions), "
	     "%u notes",
	    name_of(worker, slot), c->seed[0], c->size[0], c->nversions, me.nr);
}

/* At one place, and whole. */
static void
check_tree(unsigned worker)
{
	unsigned place, found = 0;
	struct stat st;

	for (place = 0; place < 2 && me.tree; place++) {
		if (stat(in_tree(worker, place, ""), &st) != 0)
			continue;
		found++;
		if (!holds_bytes(in_tree(worker, place, "/keep"), TREE_SEED,
			TREE_BYTES) ||
		    stat(in_tree(worker, place, "/kid"), &st) != 0)
			FAIL("%s: not whole", in_tree(worker, place, ""));
	}
	if (me.tree && found != 1)
		FAIL("worker %u: the folder is at %u places", worker, found);
}

/* How many notes of a worker a report has: its last number. */
static unsigned
reported(const char *path, unsigned worker)
{
	char line[256];
	struct note n;
	unsigned nr = 0;
	FILE *f = fopen(path, "r");

	CHECK(f != NULL);
	while (fgets(line, sizeof line, f) != NULL)
		if (strlen(line) == NOTE_BYTES && note_scan(&n, line) &&
		    n.worker == worker && n.nr >= nr)
			nr = n.nr + 1;
	fclose(f);
	return nr;
}

static unsigned
check_worker(unsigned worker, const char *report)
{
	char name[64], line[NOTE_BYTES];
	unsigned want = report != NULL ? reported(report, worker) : 0;
	unsigned i, files = 0;
	struct note n;
	FILE *f;

	memset(&me, 0, sizeof me);
	snprintf(name, sizeof name, "log%u", worker);
	f = fopen(name, "r");
	while (f != NULL && fread(line, 1, sizeof line, f) == sizeof line &&
	       note_scan(&n, line) && n.worker == worker && n.nr == me.nr) {
		apply(&n);
		me.nr++;
	}
	if (f != NULL)
		fclose(f);
	if (me.nr < want)
		FAIL("%s: %u notes, %u were reported", name, me.nr, want);
	check_tree(worker);
	for (i = 0; i < SLOTS; i++) {
		check_slot(worker, i);
		files += me.slot[i].nversions != 0;
	}
	return files;
}

/* Prints how many files were durable. */
static unsigned
check_all(const char *dir, const char *report)
{
	unsigned i, files = 0;
	int back = OK(open(".", O_RDONLY | O_DIRECTORY));

	OK(chdir(dir));
	for (i = 0; i < WORKERS; i++)
		files += check_worker(i, report);
	OK(fchdir(back));
	OK(close(back));
	return files;
}

/* ---- alone ---- */

static void
alone(void)
{
	char dir[64], report[] = "/tmp/cut_report_XXXXXX", cmd[160];
	int fd = OK(mkstemp(report)), out = OK(dup(STDOUT_FILENO));

	snprintf(dir, sizeof dir, "/tmp/cut_writer.%d", getpid());
	OK(mkdir(dir, 0755));
	OK(dup2(fd, STDOUT_FILENO));
	OK(fcntl(STDOUT_FILENO, F_SETFL, O_APPEND | O_RDWR));
	write_load(dir, 2, 1);
	OK(dup2(out, STDOUT_FILENO));
	CHECK(check_all(dir, report) != 0);
	snprintf(cmd, sizeof cmd, "rm -rf %s %s", dir, report);
	EQ(system(cmd), 0);
}

int
main(int argc, char **argv)
{
	if (argc == 1)
		alone();
	else if (argc == 5 && strcmp(argv[1], "write") == 0)
		write_load(argv[2], atoi(argv[3]), strtoull(argv[4], NULL, 0));
	else if ((argc == 3 || argc == 4) && strcmp(argv[1], "check") == 0)
		printf("%u\n", check_all(argv[2], argc == 4 ? argv[3] : NULL));
	else
		FAIL(
		    "cut_writer [write DIR SECONDS SEED | check DIR [REPORT]]");
	test_done();
	return 0;
}
