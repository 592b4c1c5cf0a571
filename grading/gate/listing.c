/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * listing.c: what the compiler gives to the assembler
 *
 * Problem   Whatever the text looked like: here stand the instructions, the
 *           numbers, and between #APP and #NO_APP all that came out of an asm.
 *
 * Picture   #APP
 *           # 49 "/k/include/amd64/inline.h" 1   ─→ ours; its text is not judged
 *                   movq %gs:8, %rax
 *           #NO_APP
 *                   movq $-2145381936, %rax      ─→ an address in the kernel
 *
 * Rules     1. asm comes from our headers; the marker in it is where the asm
 *              statement stood.  Top-level asm has no marker: refused.  A macro
 *              may have changed what stands there: only the few instructions
 *              of what labs call in line are let in.
 *           2. Outside of it: instructions of ordinary C, directives that the
 *              compiler writes, no number that lies in the kernel's image.
 *           3. The stack pointer moves by known steps, which no guard page is
 *              smaller than: who can set it has any stack for its own.
 *           4. Debug sections are not judged: nothing runs them.
 *           5. A name may have more in it than a name, if a macro gave it to a
 *              header's declaration: a line is one label, or one statement, and
 *              its directives are those of a compiler.
 *
 * Read next gate.c looks at the object.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gate.h"

/* Where any kernel of ours can lie (kernel/kernel.ld, grading/link). */
#define IMAGE_FIRST 0xffffffff80200000ul
#define IMAGE_LAST 0xffffffff83fffffful

/* What compiled C for general registers is made of. */
static const char *const ordinary[] = { "mov", "movb", "movw", "movl", "movq",
	"movabs*", "movz*", "movs*", "cmov*", "lea*", "add*", "adc*", "sub*",
	"sbb*", "inc*", "dec*", "neg*", "not*", "and*", "or", "orb", "orw",
	"orl", "orq", "xor*", "test*", "cmp*", "bt*", "bs*", "bswap*", "tzcnt*",
	"lzcnt*", "popcnt*", "sh*", "sal*", "sar*", "rol*", "ror*", "rcl*",
	"rcr*", "mul*", "imul*", "div*", "idiv*", "cltq", "cqto", "cltd",
	"cwtl", "cwtd", "cbtw", "set*", "j*", "call", "ret", "leave", "push*",
	"pop", "popq", "xchg*", "xadd*", "stos*", "lods*", "scas*", "nop*", "ud2",
	"endbr64", "cld", "mfence", "lfence", "sfence", "pause", "rdtsc", "prefetch*" };
/* What may stand before them. */
static const char *const prefixes[] = { "lock", "rep", "repe", "repz", "repne",
	"repnz", "data16", "notrack" };
static const char *const never[] = { "popf*", "pushf*", "popa*", "movsd",
	"movss", "shufp*", "sha1*", "sha256*", "shlx*" };

/* And asm of kernel/amd64/inline.h, md.h and lib/, a statement each. */
static const char *const of_headers[] = { "movl %gs:*, %e*", "movl %gs:*, %r*",
	"movq %gs:*, %r*", "cmpl $0, %gs:*", "cmpq $0, %gs:*", "cmpl %gs:*, %e*",
	"cmpl %gs:*, %r*",
	"addq *, %gs:*", "incl %gs:*", "decl %gs:*", "rdtsc", "cpuid", "sti",
	"cli", "pushfq", "popq %r*", "pause", "rep stosq", "cmp %rax, %rax",
	"cmp %rax,%rax", "repe scasq" };
#define FRAME_MOST 8192 /* half of a stack, and of the guard below it */

/* What a compiler writes beside instructions, and what it fills with data. */
static const char *const directives[] = { ".text", ".data", ".bss", ".section",
	".file", ".loc", ".globl", ".type", ".size", ".local", ".comm", ".weak",
	".set", ".hidden", ".ident", ".align", ".balign", ".p2align", ".cfi_*" };
static const char *const data[] = { ".byte", ".value", ".2byte", ".long",
	".4byte", ".quad", ".8byte", ".zero", ".ascii", ".string", ".base64",
	".uleb128", ".sleb128" };
/* What makes a number of 32 bits, or compares one: that is no address. */
static const char *const halves[] = { "movl", "addl", "adcl", "subl", "sbbl",
	"andl", "orl", "xorl", "cmpl", "testl", "testq", "imull" };

struct listing {
	const struct lab *lab;
	const struct gate_places *places;
	bool app, marked, debug, text; /* text: a section of code */
	char *why;
};

static bool
matches(const char *word, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (glob_match(list[i], word))
			return true;
	return false;
}

#define IN(word, list) matches(word, list, sizeof(list) / sizeof(list)[0])

/* # 49 "file" 1 inside of #APP: where the asm stood; "" ends it. */
static void
marker(struct listing *l, const char *s)
{
	const char *name = strchr(s, '"'), *h = l->places->headers;

	if (name == NULL || name[1] == '"')
		return;
	l->marked = true;
	if (strncmp(name + 1, h, strlen(h)) != 0)
		l->why = xprintf("assembly at line %d of %.*s: it is not "
				 "allowed in a lab's file", atoi(s + 1),
		    (int)strcspn(name + 1, "\""), name + 1);
}

static bool
is_in_image(uint64_t v)
{
	return v >= IMAGE_FIRST && v <= IMAGE_LAST;
}

/*
 * Numbers of an instruction's or a directive's operands.
 *
 * half: the instruction works on 32 bits, so its own numbers are no addresses
 * (0x811c9dc5 begins many a hash, 0x80808080 finds a zero byte).
 */
static void
numbers(struct listing *l, const char *s, bool half)
{
	bool negative;
	uint64_t v;
	char *end;

	while (*s != '\0' && l->why == NULL) {
		if (*s == '"')
			return;
		if (isalpha((unsigned char)*s) || *s == '_' || *s == '.') {
			while (isalnum((unsigned char)*s) || *s == '_' ||
			       *s == '.')
				s++;
			continue;
		}
		if (!isdigit((unsigned char)*s)) {
			s++;
			continue;
		}
		v = strtoull(s, &end, 0);
		negative = s[-1] == '-';
		if (negative)
			v = -v;
		if (half && s[-1 - negative] == '$')
			v = 0;
		s = end;
		if (is_in_image(v))
			l->why = xprintf("0x%llx: this number is an address in "
					 "the kernel: use a name",
			    (unsigned long long)v);
	}
}

/* One statement of an asm, without blanks around it. */
static void
header_statement(struct listing *l, const char *s, size_t n)
{
	char *word = strndup(s, n);

	if (n > 0 && l->why == NULL && (!IN(word, of_headers) ||
		strstr(word, "sp") != NULL))
		l->why = xprintf("%s: an instruction that only the kernel "
				 "itself may use", word);
	free(word);
}

/* Where two asm stand side by side: a label or a place for the debugger, no code. */
static bool
for_debugger(const char *s)
{
	size_t n = strncmp(s, "\t.loc ", 6) == 0 ? strlen(s) : 0;

	if (n > 0)
		return strspn(s + 6, ".LVUview is_stmt discriminator-0123456789") ==
		       n - 6;
	if (strncmp(s, ".L", 2) != 0)
		return false;
	n = 2 + strspn(s + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	n += strspn(s + n, "0123456789");
	return strcmp(s + n, ":") == 0;
}

/* A line of an asm of our headers: statements between semicolons. */
static void
header_line(struct listing *l, const char *s)
{
	size_t n, k;

	for (; *s != '\0'; s += n + (s[n] == ';')) {
		s += strspn(s, " \t");
		n = k = strcspn(s, ";");
		while (k > 0 && isspace((unsigned char)s[k - 1]))
			k--;
		header_statement(l, s, k);
	}
}

/* An instruction with %rsp as an operand by itself: may it be so? */
static bool
stack_stays(const char *s, const char *word)
{
	size_t n = strlen(s);
	unsigned long by = strtoul(s + strcspn(s, "$") + (strchr(s, '$') != NULL),
	    NULL, 0);

	if (strncmp(word, "cmp", 3) == 0 || strncmp(word, "test", 4) == 0 ||
	    strncmp(word, "push", 4) == 0)
		return true;
	if (n < 5 || (strcmp(s + n - 4, "%rsp") != 0 &&
			 strcmp(s + n - 4, "%esp") != 0)) /* it is read */
		return strncmp(word, "mov", 3) == 0 ||
		       strncmp(word, "sub", 3) == 0 ||
		       strncmp(word, "add", 3) == 0;
	if (strncmp(word, "lea", 3) == 0)
		return (strstr(s, "(%rbp), ") != NULL ||
			   strstr(s, "(%rsp), ") != NULL) &&
		       labs(strtol(s + strcspn(s, "-0123456789"), NULL, 0)) <=
			   FRAME_MOST;
	if (strncmp(word, "sub", 3) == 0 || strncmp(word, "add", 3) == 0)
		return strchr(s, '$') != NULL &&
		       (by <= FRAME_MOST || by + FRAME_MOST < FRAME_MOST);
	return strstr(s, "%rbp, %rsp") != NULL ||
	       (strncmp(word, "and", 3) == 0 && strstr(s, "$-") != NULL);
}

/* Is %rsp an operand, and no address of one? */
static bool
names_stack(const char *s)
{
	const char *at = s;

	while ((at = strstr(at, "%rsp")) != NULL) {
		if (at == s || (at[-1] != '(' && at[4] != ')'))
			return true;
		at += 4;
	}
	return strstr(s, "%esp") != NULL;
}

static void
refuse(struct listing *l, const char *s)
{
	if (l->why == NULL)
		l->why = xprintf("%s: no compiler writes this", s);
}

/* Is it all one statement, whatever stands in its strings? */
static bool
is_one_statement(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == ';')
			return false;
		if (*s != '"')
			continue;
		for (s++; *s != '"'; s++)
			if (*s == '\0' || (*s == '\\' && *++s == '\0'))
				return false;
	}
	return true;
}

/* At the margin stands a label and nothing else. */
static bool
is_label(const char *s)
{
	size_t n = strcspn(s, ": \t;\"");

	return n > 0 && s[n] == ':' && s[n + 1] == '\0';
}

/* .section's operands: a plain name comes first. */
static void
section(struct listing *l, const char *s)
{
	size_t n = 0;

	s += strspn(s, " \t");
	while (isalnum((unsigned char)s[n]) || s[n] == '.' || s[n] == '_' ||
	       s[n] == '-')
		n++;
	l->debug = strncmp(s, ".debug_", 7) == 0;
	l->text = strncmp(s, ".text", 5) == 0;
	if (s[n] != ',' && s[n] != '\0')
		refuse(l, s);
}

static void
directive(struct listing *l, const char *s, const char *word)
{
	if (strcmp(word, ".section") == 0) {
		section(l, s);
	} else if (strcmp(word, ".text") == 0 || strcmp(word, ".data") == 0 ||
		   strcmp(word, ".bss") == 0) {
		l->debug = false;
		l->text = word[1] == 't';
	} else if (!IN(word, directives) && (l->text || !IN(word, data))) {
		refuse(l, word);
	} else if (!l->debug && (strcmp(word, ".quad") == 0 ||
				    strcmp(word, ".8byte") == 0 ||
				    strcmp(word, ".set") == 0)) {
		numbers(l, s, false);
	}
}

/* s: with prefixes; operands: what is behind word. */
static void
instruction(struct listing *l, const char *s, const char *word,
    const char *operands)
{
	if (!IN(word, ordinary) || IN(word, never) ||
	    strstr(s, "%cr") != NULL || strstr(s, "%dr") != NULL)
		l->why = xprintf("%s: ordinary C does not need this "
				 "instruction", word);
	else if (strchr(s, '"') != NULL)
		refuse(l, s);
	else if (strstr(s, "%fs:") != NULL || strstr(s, "%gs:") != NULL)
		l->why = xprintf("%s: only the kernel itself may use this "
				 "segment", s);
	else if (names_stack(operands) && !stack_stays(s, word))
		l->why = xprintf("%s: the stack of a kernel is no place for "
				 "alloca(), arrays of variable size, or more "
				 "than %d bytes", s, FRAME_MOST);
	else if (strcmp(word, "leal") != 0)
		numbers(l, operands, IN(word, halves));
}

/* A line that is not of an asm. */
static void
statement(struct listing *l, const char *line)
{
	const char *s = line + strspn(line, " \t"), *at = s, *rest;
	char *word;

	if (*s == '#' || *s == '\0')
		return;
	if (s == line) {
		if (!is_label(line))
			refuse(l, line);
		return;
	}
	if (!is_one_statement(s)) {
		refuse(l, s);
		return;
	}
	for (;;) {
		word = strndup(at, strcspn(at, " \t"));
		rest = at + strlen(word);
		at = rest + strspn(rest, " \t");
		if (!IN(word, prefixes) || *at == '\0')
			break;
		free(word);
	}
	if (word[0] == '.')
		directive(l, rest, word);
	else
		instruction(l, s, word, rest);
	free(word);
}

static void
line_read(struct listing *l, const char *line)
{
	if (strncmp(line, "#APP", 4) == 0 || strncmp(line, "#NO_APP", 7) == 0) {
		if (l->app && !l->marked)
			l->why = xstrdup("assembly outside of all functions");
		l->app = line[1] == 'A';
		l->marked = false;
		return;
	}
	if (!l->app)
		statement(l, line);
	else if (line[0] == '#')
		marker(l, line);
	else if (!for_debugger(line))
		header_line(l, line);
}

char *
gate_listing(const struct lab *lab, const struct gate_places *places,
    const char *text)
{
	struct listing l = { .lab = lab, .places = places, .text = true };
	char *copy = xstrdup(text), *rest = copy, *line;

	while (!gate_allows(lab, "asm") && l.why == NULL &&
	       (line = strsep(&rest, "\n")) != NULL)
		line_read(&l, line);
	free(copy);
	return l.why;
}
