/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=120 APPEND=sched=1 ARGS=/tmp:1500:2 SHORT=/tmp:600:1 SWEEP=no MORE=4 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Three processes make, link, move, exchange and remove names in a few
 * directories at once.  Whatever came of it must be what some order of the calls
 * gives, one at a time, that puts none before one that had ended when it began;
 * so must the tree that is left.  In rounds of a few calls all orders are tried,
 * with a model of the tree that says what each call answers.
 *
 * Arguments: folder, rounds, seed, and for cases/disk/names_after_cuts.sh a part of
 * the same disk: every few rounds all is synced and the tree noted there.
 */
#include "lib/test.h"
#include <dirent.h>

#define PROCS 3
#define CALLS 4      /* of each in a round */
#define NAMES 3      /* in a directory: a, b, c */
#define DIRS 4       /* that a round works in, by descriptor */
#define OBJS 64
#define PER_SYNC 4   /* rounds: so there are new directories in new ones */
#define MANY 14      /* then more is removed than made */
#define NONE (-1)

enum op { CREATE, MKDIR, SYMLINK, UNLINK, RMDIR, LINK, MOVE, STAT, OPS };

static const char *const op_names[] = { "create", "mkdir", "symlink", "unlink",
	"rmdir", "link", "rename", "stat" };
#define NOREPLACE 1
#define EXCHANGE 2

struct call {
	enum op op;
	int dir[2], name[2], flags;
	/* What came of it; when it began and ended. */
	int error;
	ino_t ino;
	char type;
	unsigned began, ended;
};

static struct shared {
	unsigned clock, ready;
	struct call call[PROCS][CALLS];
} *s;

static uint64_t seed;

static int
below(unsigned n)
{
	return (int)(rnd(&seed) % n);
}

/* ---- the model ---- */

struct object {
	char type;           /* f d l; 0: there is none */
	int nlink;           /* names; a directory's: 0 when it is removed */
	ino_t ino;           /* 0: not seen yet */
	int parent;          /* of a directory */
	signed char entry[NAMES];
};

struct tree {
	int n;
	struct object o[OBJS];
	int linked[PROCS];   /* what the first half of a link() has found */
};

static int dir_of[DIRS]; /* objects that the descriptors lead to */
static bool exchanges;   /* the file system can do it */

static int
object_new(struct tree *t, char type, int parent, int name)
{
	int id = t->n++;

	CHECK(id < OBJS);
	t->o[id] = (struct object){ .type = type, .nlink = 1, .parent = parent };
	memset(t->o[id].entry, NONE, NAMES);
	t->o[parent].entry[name] = (signed char)id;
	return id;
}

static bool
is_below(const struct tree *t, int id, int top)
{
	while (id != top && id != 0)
		id = t->o[id].parent;
	return id == top;
}

static bool
is_empty(const struct tree *t, int id)
{
	for (int i = 0; i < NAMES; i++)
		if (t->o[id].entry[i] != NONE)
			return false;
	return true;
}

/* Is the object what was seen?  Numbers are learned. */
static bool
is_seen(struct tree *t, int id, const struct call *c)
{
	struct object *o = &t->o[id];

	if (o->type != c->type || (o->ino != 0 && o->ino != c->ino))
		return false;
	o->ino = c->ino;
	return true;
}

static int
model_move(struct tree *t, const struct call *c, int d, int d2)
{
	signed char *from = &t->o[d].entry[c->name[0]];
	signed char *to = &t->o[d2].entry[c->name[1]], old = *to;
	bool is_dir, both = (c->flags & EXCHANGE) != 0;

	if (*from == NONE)
		return ENOENT;
	if (old != NONE && (c->flags & NOREPLACE) != 0)
		return EEXIST;
	if (old == NONE && both)
		return ENOENT;
	is_dir = t->o[*from].type == 'd';
	/* Removed, and was below: which is asked first is nobody's business. */
	if (t->o[d2].nlink == 0 && (!is_dir || c->error != EINVAL))
		return ENOENT;
	if (is_dir && is_below(t, d2, *from))
		return EINVAL;
	if (t->o[d2].nlink == 0)
		return ENOENT;
	if (old != NONE && t->o[old].type == 'd' && is_below(t, d, old))
		return both ? EINVAL : ENOTEMPTY;
	if (*from == old)
		return 0;
	if (old != NONE && !both && is_dir != (t->o[old].type == 'd'))
		return is_dir ? ENOTDIR : EISDIR;
	if (both && !exchanges)
		return EINVAL;
	if (old != NONE && !both) {
		if (is_dir && !is_empty(t, old))
			return ENOTEMPTY;
		t->o[old].nlink--;
	}
	*to = *from;
	*from = both ? old : NONE;
	t->o[*to].parent = d2;
	if (both)
		t->o[old].parent = d;
	return 0;
}

/* The half of a link() that makes the name; its source was found before. */
static int
model_link(struct tree *t, const struct call *c, int id, int d2)
{
	signed char *to = &t->o[d2].entry[c->name[1]];

	if (*to != NONE)
		return EEXIST;
	if (t->o[d2].nlink == 0)
		return ENOENT;
	if (t->o[id].type == 'd')
		return EPERM;
	if (t->o[id].nlink == 0)
		return ENOENT;
	*to = (signed char)id;
	t->o[id].nlink++;
	return 0;
}

/* One call, whole, as the model answers it: true if so it was answered. */
static bool
model_call(struct tree *t, const struct call *c)
{
	int d = dir_of[c->dir[0]], d2 = dir_of[c->dir[1]], r = 0;
	signed char *e = &t->o[d].entry[c->name[0]];

	switch (c->op) {
	case CREATE:
	case MKDIR:
	case SYMLINK:
		r = *e != NONE ? EEXIST : t->o[d].nlink == 0 ? ENOENT : 0;
		if (r == 0)
			(void)object_new(t, c->op == CREATE ? 'f' :
			    c->op == MKDIR ? 'd' : 'l', d, c->name[0]);
		if (r == 0 && c->error == 0 && c->op == CREATE &&
		    !is_seen(t, *e, c))
			return false;
		break;
	case UNLINK:
	case RMDIR:
		if (*e == NONE)
			r = ENOENT;
		else if ((t->o[*e].type == 'd') != (c->op == RMDIR))
			r = c->op == RMDIR ? ENOTDIR : EISDIR;
		else if (c->op == RMDIR && !is_empty(t, *e))
			r = ENOTEMPTY;
		if (r == 0) {
			t->o[*e].nlink--;
			*e = NONE;
		}
		break;
	case MOVE:
		r = model_move(t, c, d, d2);
		break;
	case STAT:
		r = *e == NONE ? ENOENT : 0;
		if (r == 0 && c->error == 0 && !is_seen(t, *e, c))
			return false;
		break;
	case LINK:
	case OPS:
		break;
	}
	return r == c->error;
}

/* ---- an order ---- */

static struct tree seen; /* the tree as it was left, by its listing */
static bool is_uncounted;  /* btrfs: a directory has one link, whatever lies in it */
static unsigned long steps;

static bool
same_tree(const struct tree *t, int id, int seen_id)
{
	const struct object *o = &t->o[id], *p = &seen.o[seen_id];
	int subs = 0;

	if (o->type != p->type || (o->ino != 0 && o->ino != p->ino))
		return false;
	for (int i = 0; i < NAMES && o->type == 'd'; i++) {
		if ((o->entry[i] == NONE) != (p->entry[i] == NONE))
			return false;
		if (o->entry[i] == NONE)
			continue;
		if (!same_tree(t, o->entry[i], p->entry[i]))
			return false;
		subs += t->o[o->entry[i]].type == 'd';
	}
	if (o->type == 'd' && is_uncounted)
		return true;
	return p->nlink == (o->type == 'd' ? 2 + subs : o->nlink);
}

/*
 * link() looks for its source and then makes the name: two steps, between which
 * others may come.  at[] counts half steps.
 */
static bool
step(struct tree *t, int p, const struct call *c, bool second, bool *whole)
{
	int found;

	*whole = true;
	if (c->op != LINK)
		return model_call(t, c);
	if (second)
		return model_link(t, c, t->linked[p], dir_of[c->dir[1]]) ==
		    c->error;
	found = t->o[dir_of[c->dir[0]]].entry[c->name[0]];
	if (found == NONE)
		return c->error == ENOENT;
	t->linked[p] = found;
	*whole = false;
	return true;
}

static bool
order_from(const struct tree *t, const int *at)
{
	int left = 0;

	steps++;
	for (int p = 0; p < PROCS; p++) {
		const struct call *c = &s->call[p][at[p] / 2];
		bool early = at[p] == 2 * CALLS, whole;
		int next[PROCS];
		struct tree copy;

		left += at[p] < 2 * CALLS;
		for (int q = 0; q < PROCS && !early; q++)
			early = at[q] < 2 * CALLS &&
			    s->call[q][at[q] / 2].ended < c->began;
		if (early)
			continue;
		copy = *t;
		if (!step(&copy, p, c, at[p] % 2 != 0, &whole))
			continue;
		memcpy(next, at, sizeof(next));
		next[p] = whole ? (at[p] / 2 + 1) * 2 : at[p] + 1;
		if (order_from(&copy, next))
			return true;
	}
	return left == 0 && same_tree(t, 0, 0);
}

/* ---- the calls ---- */

static int fds[DIRS];

static char *
name(int i)
{
	static char names[NAMES][2] = { "a", "b", "c" };

	return names[i];
}

static char
type_of(const struct stat *st)
{
	return S_ISDIR(st->st_mode) ? 'd' : S_ISLNK(st->st_mode) ? 'l' : 'f';
}

static int
call_file(struct call *c, struct stat *st)
{
	int fd = openat(fds[c->dir[0]], name(c->name[0]),
	    O_CREAT | O_EXCL | O_WRONLY, 0644);

	if (fd < 0)
		return fd;
	OK(fstat(fd, st));
	return close(fd);
}

static void
call_make(struct call *c)
{
	int d = fds[c->dir[0]], d2 = fds[c->dir[1]], r = -1;
	char *n = name(c->name[0]), *n2 = name(c->name[1]);
	struct stat st = { 0 };

	c->began = __atomic_fetch_add(&s->clock, 1, __ATOMIC_SEQ_CST);
	switch (c->op) {
	case CREATE:
		r = call_file(c, &st);
		break;
	case MKDIR:
		r = mkdirat(d, n, 0755);
		break;
	case SYMLINK:
		r = symlinkat("text", d, n);
		break;
	case UNLINK:
		r = unlinkat(d, n, 0);
		break;
	case RMDIR:
		r = unlinkat(d, n, AT_REMOVEDIR);
		break;
	case LINK:
		r = linkat(d, n, d2, n2, 0);
		break;
	case MOVE:
		r = (int)syscall(SYS_renameat2, d, n, d2, n2, c->flags);
		break;
	case STAT:
		r = fstatat(d, n, &st, AT_SYMLINK_NOFOLLOW);
		break;
	case OPS:
		break;
	}
	c->error = r == 0 ? 0 : errno;
	c->ended = __atomic_fetch_add(&s->clock, 1, __ATOMIC_SEQ_CST);
	c->ino = st.st_ino;
	c->type = type_of(&st);
}

static void
worker(int p)
{
	seed += p;
	__atomic_fetch_add(&s->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&s->ready, __ATOMIC_SEQ_CST) < PROCS)
		sched_yield();
	for (int i = 0; i < CALLS; i++) {
		call_make(&s->call[p][i]);
		/* Where there are fewer processors, too, others come between. */
		if (below(2) == 0)
			sched_yield();
	}
	_exit(0);
}

/* ---- a round ---- */

/* The tree below fd, as it is now, into seen; descriptors of some directories. */
static void
list(int fd, int id)
{
	DIR *d = fdopendir(OK(dup(fd)));
	struct dirent *e;
	struct stat st;

	CHECK(d != NULL);
	rewinddir(d);
	while ((e = readdir(d)) != NULL) {
		int i = e->d_name[0] - 'a', child;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		CHECK(i >= 0 && i < NAMES && e->d_name[1] == '\0');
		CHECK(seen.o[id].entry[i] == NONE);
		OK(fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW));
		EQ(st.st_ino, e->d_ino);
		child = object_new(&seen, type_of(&st), id, i);
		seen.o[child].ino = st.st_ino;
		seen.o[child].nlink = (int)st.st_nlink;
		if (S_ISDIR(st.st_mode)) {
			int sub = OK(openat(fd, e->d_name, O_RDONLY | O_DIRECTORY));

			list(sub, child);
			OK(close(sub));
		}
	}
	OK(closedir(d));
}

static void
list_all(int root)
{
	struct stat st;

	OK(fstat(root, &st));
	seen.n = 1;
	seen.o[0] = (struct object){ .type = 'd', .ino = st.st_ino,
		.nlink = (int)st.st_nlink };
	memset(seen.o[0].entry, NONE, NAMES);
	list(root, 0);
}

/* Two numbers of one file are one object. */
static void
join_links(struct tree *t)
{
	for (int i = 0; i < t->n; i++)
		for (int k = 0; k < NAMES && t->o[i].type == 'd'; k++)
			for (int j = 0; j < t->o[i].entry[k]; j++)
				if (t->o[j].ino == t->o[t->o[i].entry[k]].ino)
					t->o[i].entry[k] = (signed char)j;
	for (int i = 1; i < t->n; i++)
		if (t->o[i].type == 'd')
			t->o[i].nlink = 1;
}

/* "b/a/" for a directory of the tree. */
static void
path_of(const struct tree *t, int id, char *path)
{
	size_t n;

	if (id == 0) {
		*path = '\0';
		return;
	}
	path_of(t, t->o[id].parent, path);
	n = strlen(path);
	for (int i = 0; i < NAMES; i++)
		if (t->o[t->o[id].parent].entry[i] == id)
			memcpy(path + n, (char[]){ (char)('a' + i), '/', '\0' },
			    3);
}

static void
dirs_open(const struct tree *t, int root)
{
	char path[2 * OBJS + 2];
	int n = 0, all[OBJS];

	for (int i = 0; i < t->n; i++)
		if (t->o[i].type == 'd')
			all[n++] = i;
	for (int i = 0; i < DIRS; i++) {
		dir_of[i] = i == 0 ? 0 : all[below(n)];
		path_of(t, dir_of[i], path);
		fds[i] = OK(openat(root, *path != '\0' ? path : ".",
		    O_RDONLY | O_DIRECTORY));
	}
}

static void
calls_choose(bool many)
{
	static const enum op makes[] = { CREATE, MKDIR, MKDIR, SYMLINK, UNLINK,
		RMDIR, LINK, LINK, MOVE, MOVE, MOVE, STAT };
	static const enum op drops[] = { UNLINK, UNLINK, RMDIR, RMDIR, MOVE,
		MOVE, CREATE, LINK, STAT };

	/* Two places where more than half of the calls meet. */
	const int hot[2][2] = { { below(DIRS), below(NAMES) },
		{ below(DIRS), below(NAMES) } };

	for (int p = 0; p < PROCS; p++)
		for (int i = 0; i < CALLS; i++) {
			struct call *c = &s->call[p][i];

			c->op = many ? drops[below(9)] :
			    makes[below(12)];
			for (int k = 0; k < 2; k++) {
				bool there = below(3) != 0;
				int h = below(2);

				c->dir[k] = there ? hot[h][0] : below(DIRS);
				c->name[k] = there ? hot[h][1] : below(NAMES);
			}
			c->flags = below(4);
			if (c->flags == (NOREPLACE | EXCHANGE))
				c->flags = 0;
		}
}

static void
tree_text(FILE *f, const struct tree *t, int id, const char *path)
{
	char sub[2 * OBJS + 2];

	for (int i = 0; i < NAMES; i++) {
		int e = t->o[id].entry[i];

		if (e == NONE)
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, name(i));
		fprintf(f, " %s=%c", sub, t->o[e].type);
		if (t->o[e].type == 'd')
			tree_text(f, t, e, sub);
	}
}

/*
 * Notes: a sector says how far it is, the blocks behind it what the tree is
 * while the sector says "done".
 */
static void
note(int disk, off_t at, const char *text)
{
	static char block[PAGE];

	if (disk < 0)
		return;
	CHECK(strlen(text) < sizeof(block));
	strncpy(block, text, sizeof(block));
	EQ(pwrite(disk, block, sizeof(block), at), PAGE);
	OK(fsync(disk));
}

static void
note_tree(int disk)
{
	char text[PAGE] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");

	CHECK(f != NULL);
	tree_text(f, &seen, 0, "");
	fclose(f);
	note(disk, PAGE, text);
	note(disk, 0, "done");
}

static void
no_order(const struct tree *before, int round)
{
	printf("round %d: no order of these calls gives what they answered\n"
	       "before:", round);
	tree_text(stdout, before, 0, "");
	printf("\nafter: ");
	tree_text(stdout, &seen, 0, "");
	printf("\n");
	for (int i = 0; i < DIRS; i++) {
		char path[2 * OBJS + 2];

		path_of(before, dir_of[i], path);
		printf("directory %d: /%s\n", i, path);
	}
	for (int p = 0; p < PROCS; p++)
		for (int i = 0; i < CALLS; i++) {
			const struct call *c = &s->call[p][i];

			printf("  process %d, %3u to %3u: %s %d/%s %d/%s %d: "
			       "%s, ino %lu\n", p, c->began, c->ended,
			    op_names[c->op], c->dir[0], name(c->name[0]),
			    c->dir[1], name(c->name[1]), c->flags,
			    c->error == 0 ? "ok" : strerror(c->error),
			    (unsigned long)c->ino);
		}
	fflush(stdout);
	_exit(1);
}

static void
round_run(int root, int round)
{
	static struct tree before;
	const int begin[PROCS] = { 0 };
	pid_t pid[PROCS];

	before = seen;
	join_links(&before);
	dirs_open(&before, root);
	calls_choose(before.n > MANY);
	s->clock = s->ready = 0;
	for (int p = 0; p < PROCS; p++) {
		pid[p] = OK(fork());
		if (pid[p] == 0)
			worker(p);
	}
	for (int p = 0; p < PROCS; p++)
		REAP(pid[p], 0);
	for (int i = 0; i < DIRS; i++)
		OK(close(fds[i]));
	list_all(root);
	if (!order_from(&before, begin))
		no_order(&before, round);
}

static void
remove_all(int fd)
{
	for (int i = 0; i < NAMES; i++) {
		int sub;

		if (unlinkat(fd, name(i), 0) == 0 || errno == ENOENT)
			continue;
		sub = OK(openat(fd, name(i), O_RDONLY | O_DIRECTORY));
		remove_all(sub);
		OK(close(sub));
		OK(unlinkat(fd, name(i), AT_REMOVEDIR));
	}
}

int
main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : "/tmp";
	int rounds = argc > 2 ? atoi(argv[2]) : 200, root;
	int disk = argc > 4 ? OK(open(argv[4], O_RDWR)) : -1;
	char dir[128];

	setvbuf(stdout, NULL, _IOLBF, 0);
	seed = argc > 3 ? strtoul(argv[3], NULL, 0) * 2654435761UL : 1;
	s = (void *)pages_shared(1);
	snprintf(dir, sizeof(dir), disk >= 0 ? "%s/names" : "%s/names.%d",
	    folder, (int)getpid());
	OK(mkdir(dir, 0755));
	root = OK(open(dir, O_RDONLY | O_DIRECTORY));
	OK(mkdirat(root, "a", 0755));
	OK(mkdirat(root, "b", 0755));
	exchanges = syscall(SYS_renameat2, root, "a", root, "b", EXCHANGE) == 0;
	list_all(root);
	is_uncounted = seen.o[0].nlink == 1 && !on_vadose();
	for (int i = 0; i < rounds; i++) {
		if (i % PER_SYNC == 0)
			note(disk, 0, "rounds");
		round_run(root, i);
		if (disk < 0 || i % PER_SYNC != PER_SYNC - 1)
			continue;
		sync();
		note_tree(disk);
		printf("done\n");
		sleep_ms(50); /* it is stamped before the next note */
	}
	note(disk, 0, "end");
	remove_all(root);
	OK(close(root));
	OK(rmdir(dir));
	return test_done();
}
