/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * imports.c: names that a lab's file may use
 *
 * Problem   What our own solution happens to call is no rule that a student
 *           could know.  What the headers offer that the lab's page names is.
 *
 * Picture   lab.conf: headers vm/map/map.h … ─→ words of these headers
 *           build/grading/exports: names that the kernel defines    both: allowed
 *           build/grading/names/FILE: what our file defines and uses, too
 *
 * Rules     1. Names by which somebody judges, ends the machine or writes into
 *              a program's memory are in no lab's list, whatever header has
 *              them: `never`.
 *           2. Nor is a prototype in a header that says so: it is marked
 *              SYSTEM_ONLY, or installs what the kernel calls later (*_set_*
 *              of a function or of struct *_ops), or tells what is (struct out,
 *              struct vm_report).
 *           3. `grade imports LAB` prints the list that lies beside the lab's page
 *              (make imports); `grade lint` sees that nothing in it is refused.
 *
 * Read next gate.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gate.h"

static const char *const never[] = {
	/* judges, or tells who judges */
	"ev_mark", "ev_set_*", "ev_show*", "ev_take_*", "ev_trace_*", "graded_*", "record_*",
	"mark_check", "report_*", "option_*", "options_*", "inject_*",
	"klog_add_sink", "klog_read", "hmac_*", "selftest*", "stat_*",
	"vm_check*", "vm_leak_*", "uart_*", "stop_*",
	/* begins or ends it all */
	"*_init", "panic_set_end", "power_*", "kern_start_cpus", "sched_start",
	"vm_start", "bal_start", "pageout_start", "thread_create_user",
	"thread_spawn", "thread_start", "thread_exit", "thread_discard",
	"timer_arm", "work_queue",
	/* writes a program's memory, or page tables of the kernel */
	"copyin*", "copyout*", "uio_*", "vmo_write", "vmo_read", "as_write",
	"as_read", "md_copy_user", "md_kmap*",
	"md_kunmap*", "md_root_*", "md_out*", "md_in8", "md_in16", "md_in32" };

static const char *const inits_that_are_fine[] = { "spin_init", "mutex_init", "rw_init",
	"waitq_init", "timer_init", "work_init", "tlb_batch_init" };

/* What the compiler calls by itself, and what one looks for bugs with. */
static const char *const always[] = { "memset", "memcpy", "memmove", "memcmp",
	"klog", "panic", "panic_assert", "lab_todo", "__stack_chk_fail",
	"__stack_chk_guard",
	/* behind what md.h has in line */
	"md_direct_base", "md_cpu", "md_current", "md_in_irq", "md_cycles",
	"md_irq_save", "md_irq_restore", "md_irq_on_again", "md_irq_disable", "md_irq_enable",
	"md_irq_is_enabled", "md_preempt_*", "md_maybe_resched", "md_time_ns",
	"ev_record", "ev_trace", "ev_add" };

static bool
in_list(const char *name, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (glob_match(list[i], name))
			return true;
	return false;
}

#define IN(name, list) in_list(name, list, sizeof(list) / sizeof(list)[0])

static bool
is_never(const char *name)
{
	return IN(name, never) && !IN(name, inits_that_are_fine);
}

/* ---- what the kernel defines: a sorted table, read once ---- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const struct words *
exports(void)
{
	static struct words all;
	char *text, *rest, *line;

	if (all.n > 0)
		return &all;
	text = file_read("build/grading/exports", NULL);
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			words_add(&all, line);
	free(text);
	if (all.n > 0)
		qsort(all.v, all.n, sizeof *all.v, by_name);
	return &all;
}

static bool
is_exported(const char *name)
{
	const struct words *all = exports();

	return all->n > 0 &&
	       bsearch(&name, all->v, all->n, sizeof *all->v, by_name) != NULL;
}

/* ---- what a header says ---- */

static char *
header_text(const char *header)
{
	char *path = xprintf("build/grading/include/%s", header);
	char *text = file_read(path, NULL);

	free(path);
	if (text != NULL)
		(void)text_blank_comments(text);
	return text;
}

/* The bytes up to the end of a declaration, or of a line of the preprocessor. */
static size_t
declaration(const char *s)
{
	size_t n = strspn(s, " \t\n");

	if (s[n] == '#')
		return n + strcspn(s + n, "\n");
	n += strcspn(s + n, ";{}");
	return s[n] != '\0' ? n + 1 : n;
}

static bool
is_for_the_system(const char *s)
{
	const char *set = strstr(s, "_set_");

	return strstr(s, "SYSTEM_ONLY") != NULL ||
	       strstr(s, "struct out *") != NULL ||
	       strstr(s, "struct vm_report *") != NULL ||
	       (set != NULL && (strstr(set, "(*") != NULL ||
				   strstr(set, "_fn *") != NULL ||
				   strstr(set, "_ops *") != NULL));
}

/* Each name of text that the kernel exports, once; not: those in `but`. */
static void
names_add(struct words *w, const char *text, const struct words *but)
{
	char name[128];
	size_t n;

	for (; *text != '\0'; text += n > 0 ? n : 1) {
		n = 0;
		while (isalnum((unsigned char)text[n]) || text[n] == '_')
			n++;
		if (n == 0 || n >= sizeof name || isdigit((unsigned char)*text))
			continue;
		memcpy(name, text, n);
		name[n] = '\0';
		if (is_exported(name) && !is_never(name) &&
		    !words_has(w, name) && !words_has(but, name))
			words_add(w, name);
	}
}

/* What the headers of a lab declare for others than labs. */
static struct words
system_names(const struct lab *lab)
{
	struct words w = { 0 }, none = { 0 };
	char *text, *s, *one;
	size_t i, n;

	for (i = 0; i < lab->headers.n; i++) {
		text = s = header_text(lab->headers.v[i]);
		for (; s != NULL && *s != '\0'; s += n) {
			n = declaration(s);
			one = strndup(s, n);
			if (one != NULL && strchr(one, '#') == NULL &&
			    is_for_the_system(one))
				names_add(&w, one, &none);
			free(one);
		}
		free(text);
	}
	return w;
}

static struct words
header_names(const char *header, const struct words *but)
{
	char *text = header_text(header);
	struct words w = { 0 };

	if (text != NULL)
		names_add(&w, text, but);
	free(text);
	return w;
}

static struct words
always_names(void)
{
	struct words w = { 0 };
	size_t i;

	for (i = 0; i < exports()->n; i++)
		if (IN(exports()->v[i], always))
			words_add(&w, exports()->v[i]);
	return w;
}

struct words
lab_imports(const struct lab *lab)
{
	struct words w, names, but = system_names(lab);
	size_t i, k;

	w = always_names();
	for (i = 0; i < lab->imports.n; i++)
		words_add(&w, lab->imports.v[i]);
	for (i = 0; i < lab->headers.n; i++) {
		names = header_names(lab->headers.v[i], &but);
		for (k = 0; k < names.n; k++)
			words_add(&w, names.v[k]);
		words_free(&names);
	}
	words_free(&but);
	return w;
}

/* ---- grade imports ---- */

/* The list as the lab's page has it; malloc'd. */
static char *
imports_text(const struct lab *lab)
{
	char *text = xprintf("# What %s may call\n\nAll that these headers "
			     "declare and the kernel exports, beside macros and "
			     "functions in line:\n\n", lab->name);
	char *line, *more;
	struct words names, but = system_names(lab);
	size_t i, k;

	for (i = 0; i <= lab->headers.n; i++) {
		names = i < lab->headers.n
			    ? header_names(lab->headers.v[i], &but)
			    : always_names();
		if (names.n > 0)
			qsort(names.v, names.n, sizeof *names.v, by_name);
		line = i < lab->headers.n
			   ? xprintf("- `%s`:", lab->headers.v[i])
			   : xstrdup("- of others:");
		for (k = 0; k < names.n; k++) {
			more = xprintf("%s%s%s", line, k > 0 ? ", " : " ",
			    names.v[k]);
			free(line);
			line = more;
		}
		more = xprintf("%s%s\n", text, line);
		free(line);
		free(text);
		text = more;
		words_free(&names);
	}
	words_free(&but);
	return text;
}

int
cmd_imports(const char *which)
{
	char *why = NULL, *text;
	struct lab *lab = lab_open(which, NULL, &why);

	if (lab == NULL) {
		fprintf(stderr, "grade: %s\n", why);
		free(why);
		return GRADE_USAGE;
	}
	text = imports_text(lab);
	fputs(text, stdout);
	free(text);
	lab_free(lab);
	return GRADE_ALL;
}
