/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * draw.c: a road as a picture
 *
 * Problem   How often a road goes back and forth is seen at once where each file
 *           is a lane, and hardly in a list.
 *
 * Picture   lanes:  files, in the order in which they are met
 *           along:  functions, one step to the right each, where met first
 *           filled: a file is new; ring: back in one that was left
 *           below:  the instructions of each, the six heaviest with a letter
 *
 * Rules     1. Its classes and colours are those of the book's figures; alone in
 *              a browser it brings its own, light or dark.
 *           2. Text is never smaller than 12 units, 760 are a page's width.
 *
 * Read next book/figures/06-passes.svg, book/.vitepress/theme.
 */
#include <stdlib.h>
#include <string.h>

#include "road.h"

#define LEFT 196.0
#define RIGHT 14.0
#define PAGE_WIDTH 760.0
#define LEAST_STEP 5.0
#define LANE 17.0
#define TOP 46.0
#define BARS 64.0
#define HEAVIEST 6

struct picture {
	FILE *out;
	const struct road *r;
	const char **file; /* a lane each */
	size_t files;
	size_t *lane;             /* of each function */
	double step, width, base; /* base: where bars stand */
	size_t heavy[HEAVIEST];
	size_t nheavy;
};

static const char style[] =
    "<style>\n"
    "svg.road { --r-ink: #24292f; --r-faint: #8c959f; --r-a: #0550ae; --r-b: "
    "#953800; --r-c: #116329; font-family: system-ui, sans-serif }\n"
    "@media (prefers-color-scheme: dark) { svg.road { --r-ink: #e6edf3; "
    "--r-faint: #848d97; --r-a: #79c0ff; --r-b: #ffa657; --r-c: #7ee787 }\n"
    "svg.road:root { background: #0d1117 } }\n"
    "svg.road text { fill: var(--fig-ink, var(--r-ink)); font-size: 14px }\n"
    "svg.road .small { font-size: 12px }\n"
    "svg.road .mono { font-family: ui-monospace, monospace; font-size: 12px }\n"
    "svg.road .faint { fill: var(--fig-faint, var(--r-faint)) }\n"
    "svg.road .end { text-anchor: end }\n"
    "svg.road .mid { text-anchor: middle }\n"
    "svg.road .lane { stroke: var(--fig-faint, var(--r-faint)); "
    "stroke-width: .6; opacity: .55 }\n"
    "svg.road .way { fill: none; stroke: var(--fig-ink, var(--r-ink)); "
    "stroke-width: 1.2; stroke-linejoin: round }\n"
    "svg.road .at { fill: var(--fig-ink, var(--r-ink)) }\n"
    "svg.road .new { fill: var(--fig-a, var(--r-a)) }\n"
    "svg.road .back { fill: none; stroke: var(--fig-b, var(--r-b)); "
    "stroke-width: 1.8 }\n"
    "svg.road .bar { fill: var(--fig-c, var(--r-c)) }\n"
    "svg.road .other { fill: var(--fig-faint, var(--r-faint)) }\n"
    "</style>\n";

static double
x_of(const struct picture *p, size_t i)
{
	return LEFT + p->step * ((double)i + 0.7);
}

static double
y_of(size_t lane)
{
	return TOP + LANE * ((double)lane + 0.5);
}

static void
lanes(struct picture *p)
{
	size_t i, j;

	p->lane = calloc(p->r->n, sizeof *p->lane);
	if (p->lane == NULL)
		abort();
	for (i = 0; i < p->r->n; i++) {
		for (j = 0; j < p->files; j++)
			if (strcmp(p->file[j], p->r->fn[i]->file) == 0)
				break;
		if (j == p->files) {
			p->file = room(p->file, j, sizeof(char *));
			p->file[p->files++] = p->r->fn[i]->file;
		}
		p->lane[i] = j;
	}
}

static void
heaviest(struct picture *p)
{
	size_t i, j;

	for (i = 0; i < p->r->n; i++) {
		uint64_t v = p->r->fn[i]->insns;

		for (j = p->nheavy;
		     j > 0 && p->r->fn[p->heavy[j - 1]]->insns < v; j--)
			if (j < HEAVIEST)
				p->heavy[j] = p->heavy[j - 1];
		if (j < HEAVIEST)
			p->heavy[j] = i;
		if (p->nheavy < HEAVIEST)
			p->nheavy++;
	}
}

/* ---- parts ---- */

static void
draw_head(struct picture *p, const struct op *op, double height)
{
	const struct road *r = p->r;

	fprintf(p->out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"road\" "
	    "viewBox=\"0 0 %.0f %.0f\"%s role=\"img\" "
	    "aria-label=\"The road of %s through the files of the "
	    "kernel\">\n%s",
	    p->width, height,
	    p->width > PAGE_WIDTH
		? text(" style=\"min-width:%.0fpx\"", p->width)
		: "",
	    op->name, style);
	fprintf(p->out,
	    "<text x=\"10\" y=\"18\">%s: %zu functions in %zu files, "
	    "%zu of them of kernel/vm</text>\n",
	    op->name, r->n, r->files, r->vm_files);
	fprintf(p->out,
	    "<text class=\"small faint\" x=\"10\" y=\"36\">%zu "
	    "changes of file, %zu of them back to one left before "
	    "(rings); %lu instructions%s</text>\n",
	    r->changes, r->returns, r->insns / r->times,
	    r->times > 1 ? " for each page" : "");
}

static void
draw_lanes(struct picture *p)
{
	size_t j;

	for (j = 0; j < p->files; j++)
		fprintf(p->out,
		    "<path class=\"lane\" d=\"M%.0f %.1fH%.0f\"/>"
		    "<text class=\"mono end%s\" x=\"%.0f\" "
		    "y=\"%.1f\">%s</text>\n",
		    LEFT, y_of(j), p->width - RIGHT,
		    strncmp(p->file[j], "vm/", 3) == 0 ? "" : " faint",
		    LEFT - 8, y_of(j) + 4, p->file[j]);
}

static void
draw_way(struct picture *p)
{
	const struct fn *f;
	bool *seen = calloc(p->files, sizeof *seen);
	const char *class;
	size_t i;

	if (seen == NULL)
		abort();
	fprintf(p->out, "<path class=\"way\" d=\"");
	for (i = 0; i < p->r->n; i++)
		fprintf(p->out, "%s%.1f %.1f", i == 0 ? "M" : " L", x_of(p, i),
		    y_of(p->lane[i]));
	fprintf(p->out, "\"/>\n");
	for (i = 0; i < p->r->n; i++) {
		f = p->r->fn[i];
		class = !seen[p->lane[i]]                       ? "new"
		        : i > 0 && p->lane[i - 1] != p->lane[i] ? "back"
		                                                : "at";
		seen[p->lane[i]] = true;
		fprintf(p->out,
		    "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" "
		    "r=\"%s\"><title>%zu %s (%s:%u): %lu "
		    "instructions, %lu calls</title></circle>\n",
		    class, x_of(p, i), y_of(p->lane[i]),
		    class[0] == 'a' ? "1.9" : "3", i + 1, f->name, f->file,
		    f->line, f->insns, f->calls);
	}
	free(seen);
}

static void
draw_bars(struct picture *p)
{
	double most = (double)p->r->fn[p->heavy[0]]->insns, h;
	const struct fn *f;
	size_t i;

	fprintf(p->out,
	    "<text class=\"small end\" x=\"%.0f\" y=\"%.1f\">"
	    "instructions of each</text>\n",
	    LEFT - 8, p->base);
	for (i = 0; i < p->r->n; i++) {
		f = p->r->fn[i];
		h = most > 0 ? (double)f->insns / most * BARS : 0;
		fprintf(p->out,
		    "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" "
		    "width=\"%.1f\" height=\"%.1f\"/>\n",
		    f->vm ? "bar" : "other", x_of(p, i) - p->step * 0.35,
		    p->base - h, p->step * 0.7, h);
	}
	for (i = 0; i < p->nheavy; i++) {
		f = p->r->fn[p->heavy[i]];
		h = most > 0 ? (double)f->insns / most * BARS : 0;
		fprintf(p->out,
		    "<text class=\"small mid\" x=\"%.1f\" "
		    "y=\"%.1f\">%c</text>\n",
		    x_of(p, p->heavy[i]), p->base - h - 3, (int)('a' + i));
		fprintf(p->out,
		    "<text class=\"small\" x=\"%.0f\" y=\"%.1f\">%c "
		    "  %s %lu</text>\n",
		    LEFT + (double)(i % 3) * 190,
		    p->base + 20 + (double)(i / 3) * 18, (int)('a' + i),
		    f->name, f->insns);
	}
	fprintf(p->out,
	    "<text class=\"small end faint\" x=\"%.0f\" "
	    "y=\"%.1f\">helpers: %lu more</text>\n",
	    LEFT - 8, p->base + 20, p->r->helper_insns);
}

bool
draw(const char *svg, const struct op *op, const struct road *r)
{
	struct picture p = { .r = r };
	double height;

	p.out = fopen(svg, "w");
	if (p.out == NULL)
		return false;
	lanes(&p);
	heaviest(&p);
	p.step = (PAGE_WIDTH - LEFT - RIGHT) / ((double)r->n + 0.4);
	if (p.step < LEAST_STEP)
		p.step = LEAST_STEP;
	if (p.step > 24)
		p.step = 24;
	p.width = LEFT + RIGHT + p.step * ((double)r->n + 0.4);
	if (p.width < PAGE_WIDTH)
		p.width = PAGE_WIDTH;
	p.base = y_of(p.files) + 22 + BARS;
	height = p.base + 48;
	draw_head(&p, op, height);
	draw_lanes(&p);
	draw_way(&p);
	draw_bars(&p);
	fprintf(p.out, "</svg>\n");
	free(p.lane);
	free(p.file);
	return fclose(p.out) == 0;
}
