/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep_show.c: numbers as a reader wants them
 *
 * Problem   A transcript in the book must stay the same while addresses move,
 *           and still say which frame is which.
 *
 * Picture   0x41e227 ─→ P2 P W U A         0xffffffff80260880 ─→ vm_user_fault
 *           18375 instructions ─→ ~18000
 *
 * Rules     1. Numbers are replaced by what they mean, never left out: frames
 *              P1, P2 … and objects of the kernel K1, K2 … in order of
 *              appearance, until "forget"; code by its symbol, instructions to two digits.
 *           2. At a prompt (normal == false) they are shown as they are.
 *
 * Read next bstep_play.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bstep.h"

#define FRAME_BITS 0x000ffffffffff000ull
#define MAX_NAMED 64
#define NO_ADDRESS UINT64_MAX
#define KERNEL 0xffff800000000000ull

/* Its number in the order of appearance, from 1; 0: the list is full. */
static size_t
number_of(uint64_t *list, size_t *n, uint64_t v)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (list[i] == v)
			return i + 1;
	if (*n == MAX_NAMED)
		return 0;
	list[(*n)++] = v;
	return *n;
}

/*
 * A frame that was freed comes back for something else, or does not, as chance
 * has it: a transcript that must be the same again cannot name both alike.
 */
void
show_forget(struct shown *s)
{
	size_t i;

	for (i = 0; i < s->nframes; i++)
		s->frame[i] = NO_ADDRESS;
	for (i = 0; i < s->nobjects; i++)
		s->object[i] = NO_ADDRESS;
}

static bool
is_known(const struct shown *s, uint64_t frame)
{
	size_t i;

	for (i = 0; i < s->nframes; i++)
		if (s->frame[i] == frame)
			return true;
	return false;
}

char *
show_frame(struct shown *s, uint64_t pa, char buf[64])
{
	size_t nr = number_of(s->frame, &s->nframes, pa & ~0xfffull);

	if (!s->normal || nr == 0)
		snprintf(buf, 64, "0x%llx", (unsigned long long)pa);
	else if ((pa & 0xfff) == 0)
		snprintf(buf, 64, "P%zu", nr);
	else
		snprintf(buf, 64, "P%zu+0x%llx", nr,
		    (unsigned long long)(pa & 0xfff));
	return buf;
}

char *
show_value(struct shown *s, uint64_t v, char buf[64])
{
	const struct symbol *sym = symbols_at(s->kernel, v);

	snprintf(buf, 64, v < 10 ? "%llu" : "0x%llx", (unsigned long long)v);
	if (sym != NULL && v == sym->start)
		snprintf(buf, 64, "%.60s", sym->name);
	else if (sym != NULL)
		snprintf(buf, 64, "%.40s+0x%llx", sym->name,
		    (unsigned long long)(v - sym->start));
	else if (s->normal && v >= 0x100000 &&
		 is_known(s, v & FRAME_BITS & ~0xfffull) &&
		 (v & ~FRAME_BITS) < 0x1000)
		show_frame(s, v, buf);
	else if (s->normal && v >= KERNEL && v < (uint64_t)-4096)
		snprintf(buf, 64, v >= IMAGE_BASE ? "datum K%zu" : "K%zu",
		    number_of(s->object, &s->nobjects, v));
	return buf;
}

char *
show_place(const struct shown *s, uint64_t rip, char buf[128])
{
	const struct symbol *sym = symbols_at(s->kernel, rip);
	const char *low = "";
	unsigned long long off;

	if (sym == NULL)
		sym = symbols_at(s->program, rip);
	/* Before there are page tables, and a little longer. */
	if (sym == NULL && rip < IMAGE_LOW && s->program->n == 0) {
		sym = symbols_at(s->kernel, rip + IMAGE_BASE);
		low = ", physical";
		rip += IMAGE_BASE;
	}
	off = sym != NULL ? rip - sym->start : 0;
	if (sym == NULL)
		snprintf(buf, 128, rip < KERNEL ? "user 0x%llx" : "0x%llx",
		    (unsigned long long)rip);
	else if (off == 0)
		snprintf(buf, 128, "%.100s%s", sym->name, low);
	else if (s->normal)
		snprintf(buf, 128, "in %.100s%s", sym->name, low);
	else
		snprintf(buf, 128, "%.80s+0x%llx%s", sym->name, off, low);
	return buf;
}

char *
show_ticks(const struct shown *s, uint64_t ticks, char buf[32])
{
	uint64_t unit = 1;

	while (s->normal && ticks / unit >= 100)
		unit *= 10;
	snprintf(buf, 32, "%s%llu", s->normal ? "~" : "",
	    (unsigned long long)((ticks + unit / 2) / unit * unit));
	return buf;
}

/* A word that is not present: its kind in bits 3:1, its payload from 12 on. */
static char *
show_soft(struct shown *s, uint64_t word, char buf[128])
{
	static const char *const kind[] = { NULL, "TRANS", "BUSY", "SWAP slot",
		"FORK entry", "ERROR" };
	unsigned k = word >> 1 & 7;
	char frame[64];

	if (k == 1 || k == 2)
		snprintf(buf, 128, "%s %s", kind[k],
		    show_frame(s, word & FRAME_BITS, frame));
	else if (k != 0 && k <= 5)
		snprintf(buf, 128, "%s 0x%llx", kind[k],
		    (unsigned long long)(word & FRAME_BITS) >> 12);
	else
		snprintf(buf, 128, "0x%llx, not present",
		    (unsigned long long)word);
	return buf;
}

char *
show_word(struct shown *s, uint64_t word, bool leaf, char buf[128])
{
	static const struct {
		unsigned bit;
		const char *name;
	} flag[] = { { 0, "P" }, { 1, "W" }, { 2, "U" }, { 3, "PWT" },
		{ 4, "PCD" }, { 5, "A" }, { 6, "D" }, { 7, "PS" }, { 8, "G" },
		{ 63, "NX" } };
	unsigned soft = word >> 9 & 7;
	char frame[64];
	size_t i, n;

	if (word == 0)
		return strcpy(buf, "0");
	if ((word & 1) == 0)
		return show_soft(s, word, buf);
	n = (size_t)snprintf(
	    buf, 128, "%s", show_frame(s, word & FRAME_BITS, frame));
	for (i = 0; i < sizeof flag / sizeof flag[0]; i++)
		if ((word >> flag[i].bit & 1) != 0 &&
		    (leaf || flag[i].bit != 6))
			n += (size_t)snprintf(buf + n, 128 - n, " %s",
			    flag[i].bit == 7 && leaf ? "PAT" : flag[i].name);
	if (soft != 0)
		n += (size_t)snprintf(buf + n, 128 - n, " soft=%u", soft);
	if (leaf && (word >> 52 & 3) != 0)
		snprintf(buf + n, 128 - n, " age=%llu",
		    (unsigned long long)word >> 52 & 3);
	return buf;
}

/* What Bochs prints: long numbers that are frames, or of the kernel. */
void
show_line(struct shown *s, const char *line, FILE *out)
{
	char buf[64], *end;
	uint64_t v;

	fputs("  ", out);
	while (*line != '\0') {
		if (!s->normal || strncmp(line, "0x", 2) != 0) {
			fputc(*line++, out);
			continue;
		}
		v = strtoull(line, &end, 16);
		if (end - line < 12 || v < 0x1000)
			fprintf(out, "%.*s", (int)(end - line), line);
		else if ((v & ~FRAME_BITS & ~(1ull << 63)) < 0x1000 &&
			 (v & FRAME_BITS) < 1ull << 40)
			fputs(show_frame(s, v & ~(1ull << 63), buf), out);
		else
			fputs(show_value(s, v, buf), out);
		line = end;
	}
	fputc('\n', out);
}

/* ---- transcripts ---- */

static bool
same_line(const char *a, const char *b)
{
	while (*a != '\0' && *a != '\n') {
		char *enda, *endb;
		unsigned long long x, y;

		if (*a != *b)
			return false;
		if (*a++ != '~' || (b++, !isdigit((unsigned char)*a))) {
			b += a[-1] != '~';
			continue;
		}
		x = strtoull(a, &enda, 10);
		y = strtoull(b, &endb, 10);
		if (x > 2 * y + 100 || y > 2 * x + 100)
			return false;
		a = enda;
		b = endb;
	}
	return *b == '\0' || *b == '\n';
}

bool
show_same(const char *now, const char *then, char **why)
{
	int line = 1;

	for (; *now != '\0' || *then != '\0'; line++) {
		int n = (int)strcspn(now, "\n"), t = (int)strcspn(then, "\n");

		if (!same_line(now, then)) {
			*why = text_of("line %d\n  recorded  %.*s\n"
				       "  now       %.*s",
			    line, t, then, n, now);
			return false;
		}
		now += n + (now[n] == '\n');
		then += t + (then[t] == '\n');
	}
	return true;
}
