/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtrfile.c: a trace file, written and read
 *
 * Problem   A trace is read long after it was made, by people who copy, cut and
 *           damage files: whatever is wrong must be said, and never crash us.
 *
 * Picture   head, dictionary ─→ struct vtr_kind by id
 *           records ─→ sorted by number ─→ halves joined ─→ struct vtr_event
 *
 * Rules     1. Sizes in the file are compared with the file's own before they
 *              are used.
 *           2. A gap in the numbers is no error: it is noted at the event
 *              behind it, and summed.
 *
 * Read next tools/trace/vtr.h has the format, tools/trace/tracesink.c writes it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "vtr.h"

_Static_assert(sizeof(struct vtr_head) == 64, "vtr.h");
_Static_assert(sizeof(struct vtr_rec) == 40, "book: evidence");

struct loading {
	struct vtr *t;
	const char *path;
	struct vtr_rec *rec;
	uint64_t *place; /* of each in the file */
	size_t n;
	char *why;
};

static bool load_head(struct loading *, FILE *);
static bool load_dictionary(struct loading *);
static bool load_records(struct loading *, FILE *);
static bool sort_records(struct loading *);
static bool join_records(struct loading *);

/* ---- writing ---- */

static uint32_t
crc32(uint32_t crc, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;
	unsigned bit;

	for (crc = ~crc; n > 0; n--) {
		crc ^= *b++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) ? 0xedb88320u : 0);
	}
	return ~crc;
}

static uint32_t
crc_of(const struct vtr_head *h, const char *text)
{
	uint32_t crc = crc32(0, h, offsetof(struct vtr_head, crc));

	return crc32(crc, text, h->text);
}

bool
vtr_write_head(FILE *f, struct vtr_head *h, const char *dictionary)
{
	static const char zeros[VTR_START];
	size_t n = strlen(dictionary), pad = VTR_START - sizeof *h;

	if (n > pad)
		return false;
	memcpy(h->magic, VTR_MAGIC, sizeof h->magic);
	h->version = VTR_VERSION;
	h->start = VTR_START;
	h->record = sizeof(struct vtr_rec);
	h->text = (uint32_t)n;
	h->crc = crc_of(h, dictionary);
	return fwrite(h, sizeof *h, 1, f) == 1 &&
	       fwrite(dictionary, 1, n, f) == n &&
	       fwrite(zeros, 1, pad - n, f) == pad - n;
}

/* ---- reading ---- */

static bool __attribute__((format(printf, 2, 3)))
bad(struct loading *l, const char *fmt, ...)
{
	char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0 ||
	    asprintf(&l->why, "%s: %s", l->path, what) < 0)
		abort();
	va_end(ap);
	free(what);
	return false;
}

char *
vtr_load(struct vtr *t, const char *path)
{
	struct loading l = { .t = t, .path = path };
	FILE *f = fopen(path, "rbe");

	memset(t, 0, sizeof *t);
	if (f == NULL) {
		bad(&l, "%s", strerror(errno));
		return l.why;
	}
	(void)(load_head(&l, f) && load_dictionary(&l) && load_records(&l, f) &&
	       sort_records(&l) && join_records(&l));
	free(l.rec);
	free(l.place);
	fclose(f);
	return l.why;
}

static bool
load_head(struct loading *l, FILE *f)
{
	struct vtr_head *h = &l->t->head;

	if (fread(h, sizeof *h, 1, f) != 1 ||
	    memcmp(h->magic, VTR_MAGIC, sizeof h->magic) != 0)
		return bad(l, "this is no trace (tools/guest --trace makes "
			      "them)");
	if (h->version != VTR_VERSION)
		return bad(l, "version %u; this program reads %u", h->version,
		    VTR_VERSION);
	if (h->record != sizeof(struct vtr_rec) || h->start < sizeof *h ||
	    h->start > 1u << 20 || h->text > h->start - sizeof *h)
		return bad(l, "the head is damaged");
	l->t->text = calloc(1, h->text + 1);
	if (l->t->text == NULL)
		abort();
	if (fread(l->t->text, 1, h->text, f) != h->text)
		return bad(l, "cut off within the dictionary");
	if (crc_of(h, l->t->text) != h->crc)
		return bad(l, "the head is damaged: its sum is wrong");
	return true;
}

/* "10 page.state pfn:u,change:x" without its newline. */
static bool
load_kind(struct loading *l, char *line)
{
	char *name, *field, *end;
	unsigned long id = strtoul(line, &end, 16);
	struct vtr_kind *k;

	if (end == line || *end != ' ' || id >= VTR_IDS)
		return bad(l, "dictionary: no event in '%s'", line);
	k = &l->t->kind[id];
	if (k->name != NULL)
		return bad(l, "dictionary: id %lx twice", id);
	line = end + 1;
	name = strsep(&line, " ");
	if (*name == '\0' || line == NULL)
		return bad(l, "dictionary: id %lx has no name", id);
	k->name = strdup(name);
	while ((field = strsep(&line, ",")) != NULL && *field != '\0') {
		end = strchr(field, ':');
		if (end == NULL || k->nfields == VTR_FIELDS)
			return bad(l, "dictionary: fields of %s", k->name);
		k->hex[k->nfields] = end[1] == 'x';
		*end = '\0';
		k->field[k->nfields++] = strdup(field);
	}
	return true;
}

static bool
load_dictionary(struct loading *l)
{
	char *copy = strdup(l->t->text), *rest = copy, *line;
	bool ok = true;

	while (ok && (line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			ok = load_kind(l, line);
	free(copy);
	return ok;
}

static bool
load_records(struct loading *l, FILE *f)
{
	const struct vtr_head *h = &l->t->head;
	long size;

	if (fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < (long)h->start)
		return bad(l, "cut off within the head");
	l->n = ((size_t)size - h->start) / sizeof *l->rec;
	/* A run that was cut off has no count in its head. */
	if ((h->flags & VTR_ENDED || h->records > 0) &&
	    (l->n != h->records || ((size_t)size - h->start) % sizeof *l->rec))
		return bad(l, "%zu records, the head says %llu", l->n,
		    (unsigned long long)h->records);
	l->rec = calloc(l->n + 1, sizeof *l->rec);
	l->place = calloc(l->n + 1, sizeof *l->place);
	if (l->rec == NULL || l->place == NULL)
		return bad(l, "no memory for %zu records", l->n);
	if (fseek(f, h->start, SEEK_SET) < 0 ||
	    fread(l->rec, sizeof *l->rec, l->n, f) != l->n)
		return bad(l, "%s", strerror(errno));
	return true;
}

/* ---- in order ---- */

struct numbered {
	struct vtr_rec rec;
	uint64_t place;
};

static int
by_number(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return x->rec.seq < y->rec.seq ? -1 : x->rec.seq > y->rec.seq;
}

static void
sort_slow(struct loading *l)
{
	struct numbered *v = calloc(l->n + 1, sizeof *v);
	size_t i;

	if (v == NULL)
		abort();
	for (i = 0; i < l->n; i++)
		v[i] = (struct numbered){ l->rec[i], i };
	qsort(v, l->n, sizeof *v, by_number);
	for (i = 0; i < l->n; i++) {
		l->rec[i] = v[i].rec;
		l->place[i] = v[i].place;
	}
	free(v);
}

static bool
sort_records(struct loading *l)
{
	bool sorted = true;
	size_t i;

	for (i = 0; i < l->n; i++) {
		l->place[i] = i;
		sorted &= i == 0 || l->rec[i - 1].seq < l->rec[i].seq;
	}
	if (!sorted)
		sort_slow(l);
	for (i = 0; i < l->n; i++) {
		if (l->rec[i].seq == 0 ||
		    (i > 0 && l->rec[i - 1].seq == l->rec[i].seq))
			return bad(l,
			    "record %llu has the number %llu, as "
			    "another",
			    (unsigned long long)l->place[i],
			    (unsigned long long)l->rec[i].seq);
		if (l->rec[i].cpu >= VTR_MAXCPU)
			return bad(l, "record %llu is of CPU %u",
			    (unsigned long long)l->place[i], l->rec[i].cpu);
		if ((l->rec[i].id & ~VTR_MORE) >= VTR_IDS ||
		    l->t->kind[l->rec[i].id & ~VTR_MORE].name == NULL)
			return bad(l, "record %llu has an id of no event: %x",
			    (unsigned long long)l->place[i], l->rec[i].id);
	}
	return true;
}

static bool
is_wide(const struct vtr *t, const struct vtr_event *e)
{
	return t->kind[e->id].nfields > 2;
}

/* The first half of each event makes it, the second completes it. */
static bool
join_records(struct loading *l)
{
	struct vtr_event *open[VTR_MAXCPU] = { NULL }, *e;
	struct vtr *t = l->t;
	uint64_t next = 1;
	bool gap = false;
	size_t i;

	t->event = calloc(l->n + 1, sizeof *t->event);
	if (t->event == NULL)
		return bad(l, "no memory for %zu events", l->n);
	for (i = 0; i < l->n; i++) {
		const struct vtr_rec *r = &l->rec[i];

		t->lost += r->seq - next;
		gap |= r->seq != next;
		next = r->seq + 1;
		e = open[r->cpu];
		if ((r->id & VTR_MORE) != 0) {
			open[r->cpu] = NULL;
			if (e != NULL && e->id == (r->id & ~VTR_MORE)) {
				e->v[2] = r->a;
				e->v[3] = r->b;
				e->half = false;
			} else if (t->lost == 0) {
				return bad(l,
				    "record %llu: a second half of "
				    "nothing",
				    (unsigned long long)l->place[i]);
			}
			continue;
		}
		e = &t->event[t->n++];
		*e = (struct vtr_event){ .seq = r->seq,
			.tsc = r->tsc,
			.place = l->place[i],
			.pid = r->pid,
			.cpu = r->cpu,
			.design = r->design,
			.id = (uint8_t)r->id,
			.gap = gap,
			.v = { r->a, r->b } };
		gap = false;
		e->half = is_wide(t, e);
		open[r->cpu] = e->half ? e : NULL;
	}
	return true;
}

void
vtr_free(struct vtr *t)
{
	unsigned i, j;

	for (i = 0; i < VTR_IDS; i++) {
		for (j = 0; j < t->kind[i].nfields; j++)
			free(t->kind[i].field[j]);
		free(t->kind[i].name);
	}
	free(t->event);
	free(t->text);
	memset(t, 0, sizeof *t);
}

/* ---- by name ---- */

int
vtr_id(const struct vtr *t, const char *name)
{
	unsigned i;

	for (i = 0; i < VTR_IDS; i++)
		if (t->kind[i].name != NULL &&
		    strcmp(t->kind[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int
field_index(const struct vtr *t, const struct vtr_event *e, const char *field)
{
	const struct vtr_kind *k = &t->kind[e->id];
	unsigned i;

	for (i = 0; i < k->nfields; i++)
		if (strcmp(k->field[i], field) == 0)
			return (int)i;
	return -1;
}

uint64_t
vtr_field(const struct vtr *t, const struct vtr_event *e, const char *field)
{
	int i = field_index(t, e, field);

	return i < 0 ? 0 : e->v[i];
}

bool
vtr_has(const struct vtr *t, const struct vtr_event *e, const char *field)
{
	return field_index(t, e, field) >= 0;
}
