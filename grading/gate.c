/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate.c: what a submitted file may not have
 *
 * Problem   The file runs in ring 0.  What no solution needs, and every attempt
 *           to fool the judge does, is refused before it runs.
 *
 * Picture   text: asm, #include of other things than our headers, attributes
 *           object: sections, names it defines, names it uses, instructions
 *
 * Rules     1. The reference's own object is the measure: what it has is
 *              allowed.  lab.conf widens (imports: whole rooms; allow: asm).
 *           2. A refusal names the thing and the reason.
 *           3. Comments and strings of the text do not count.
 *
 * Read next build.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grade.h"

/* ---- the text ---- */

/* Comments and strings become blanks; lines stay. */
static void
blank_out(char *s)
{
	enum { CODE, LINE, BLOCK, QUOTE } in = CODE;
	char quote = 0;

	for (; *s != '\0'; s++) {
		bool skip = false;

		if (in == CODE && s[0] == '/' && (s[1] == '/' || s[1] == '*'))
			in = s[1] == '/' ? LINE : BLOCK;
		else if (in == CODE && (*s == '"' || *s == '\''))
			in = QUOTE, quote = *s, skip = true;
		else if (in == LINE && *s == '\n')
			in = CODE;
		else if (in == BLOCK && s[0] == '*' && s[1] == '/')
			in = CODE, *s++ = ' ', skip = true, *s = ' ';
		else if (in == QUOTE && *s == '\\' && s[1] != '\0')
			*s++ = ' ';
		else if (in == QUOTE && *s == quote)
			in = CODE, skip = true;
		if (in != CODE && !skip && *s != '\n')
			*s = ' ';
	}
}

static bool
has_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	const char *s = text;

	for (; (s = strstr(s, word)) != NULL; s += n)
		if ((s == text || (!isalnum((unsigned char)s[-1]) &&
				      s[-1] != '_')) &&
		    !isalnum((unsigned char)s[n]) && s[n] != '_')
			return true;
	return false;
}

/* Of a line "#include X": is X one of our headers? */
static bool
include_is_ours(const char *line)
{
	const char *s = line + strspn(line, " \t#");
	size_t n;

	if (strncmp(s, "include", 7) != 0)
		return strncmp(s, "embed", 5) != 0;
	s += 7 + strspn(s + 7, " \t");
	n = *s == '"' ? strcspn(s + 1, "\"\n") : 0;
	return n > 2 && strncmp(s + 1 + n - 2, ".h", 2) == 0 && s[1] != '/' &&
	       memmem(s + 1, n, "..", 2) == NULL;
}

static char *
bad_include(const char *text)
{
	const char *s = text, *hash;

	while (*s != '\0') {
		hash = s + strspn(s, " \t");
		if (*hash == '#' && !include_is_ours(hash))
			return xprintf("%.*s: only \"room/name.h\" of the "
				       "kernel can be included",
			    (int)strcspn(hash, "\n"), hash);
		s += strcspn(s, "\n");
		s += *s == '\n';
	}
	return NULL;
}

static bool
allows(const struct lab *lab, const char *what)
{
	size_t i;

	for (i = 0; i < lab->allow.n; i++)
		if (strcmp(lab->allow.v[i], what) == 0)
			return true;
	return false;
}

char *
gate_source(const struct lab *lab, const char *path)
{
	static const char *const words[] = { "asm", "__asm__", "__asm",
		"constructor", "destructor", "__constructor__",
		"__destructor__", "alias", "__alias__", "ifunc", "__ifunc__",
		"section", "__section__", "weak", "__weak__", "_Pragma" };
	char *text = file_read(path, NULL), *why;
	size_t i;

	if (text == NULL)
		return xprintf("%s: cannot be read", path);
	why = bad_include(text);
	blank_out(text);
	for (i = 0; why == NULL && i < sizeof words / sizeof words[0]; i++) {
		if (i < 3 && allows(lab, "asm"))
			continue;
		if (has_word(text, words[i]))
			why = xprintf("%s: a lab's file has no need of it",
			    words[i]);
	}
	free(text);
	return why;
}

/* ---- the object ---- */

/* The words in column col of a tool's output about an object. */
static struct words
column(const char *line)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)line, NULL };
	struct words w = { 0 };
	char *out = NULL, *rest, *s;

	command(argv, &out);
	rest = out;
	while ((s = strsep(&rest, "\n")) != NULL)
		if (*s != '\0')
			words_add(&w, s);
	free(out);
	return w;
}

/* The first word of a tool's list of the object that may not be there. */
static char *
first_bad(const char *tool, const char *object, const struct words *allowed,
    bool (*fine)(const char *))
{
	char *line = xprintf(tool, object), *bad = NULL;
	struct words have = column(line);
	size_t i;

	for (i = 0; i < have.n && bad == NULL; i++)
		if (!words_has(allowed, have.v[i]) &&
		    (fine == NULL || !fine(have.v[i])))
			bad = xstrdup(have.v[i]);
	words_free(&have);
	free(line);
	return bad;
}

#define SECTIONS "readelf -SW '%s' | sed -n 's/^ *\\[ *[0-9]*\\] \\([^ ]*\\) .*/\\1/p'"
#define DEFINED "nm -g --defined-only '%s' | awk '{ print $3 }'"
#define WEAK "nm '%s' | awk '$(NF-1) ~ /^[vVwWiu]$/ { print $NF }'"
#define USED "nm -u '%s' | awk '{ print $2 }'"
#define OPCODES "objdump -d --no-show-raw-insn '%s' | awk -F'\\t' 'NF > 1 { " \
	"split($2, w, \" \"); m = w[1]; " \
	"if ($2 ~ /%%(cr|dr)[0-9]/) m = m \"-control\"; print m }' | sort -u"

static bool
section_is_plain(const char *s)
{
	static const char *const fine[] = { ".text*", ".data", ".data.rel*",
		".bss", ".rodata*", ".comment", ".note.GNU-stack", ".debug_*",
		".rela.text*", ".rela.data*", ".rela.rodata*", ".rela.debug_*",
		".symtab", ".strtab", ".shstrtab", "NULL", ".data.ro_local" };
	size_t i;

	for (i = 0; i < sizeof fine / sizeof fine[0]; i++)
		if (glob_match(fine[i], s))
			return true;
	return false;
}

static bool
opcode_is_plain(const char *s)
{
	static const char *const bad[] = { "in", "out", "ins*", "outs*",
		"rdmsr", "wrmsr", "*-control", "lgdt*", "lidt*", "lldt*",
		"ltr*", "lmsw*", "cli", "sti", "hlt", "invlpg*", "invpcid*",
		"iret*", "sysret*", "sysexit*", "swapgs", "wbinvd", "invd",
		"int", "int3", "syscall", "clts", "xsetbv", "stac", "clac",
		"vm*", "rdpmc", "(bad)" };
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (glob_match(bad[i], s))
			return false;
	return true;
}

/* What all rooms named by imports export. */
static void
add_imports(const struct lab *lab, struct words *to)
{
	static const char *const never[] = { "ev_mark", "ev_set_mark_hook",
		"ev_set_gauge", "option_hide", "option_str", "option_param",
		"panic_set_end", "inject_set", "graded_check", "graded_say",
		"record_exit", "klog_add_sink", "hmac_init" };
	struct words no = { (char **)never, sizeof never / sizeof never[0] };
	/* What the compiler calls by itself, and what one looks for bugs with. */
	static const char *const always[] = { "memset", "memcpy", "memmove",
		"memcmp", "klog", "panic", "panic_assert" };
	struct words names;
	char *line;
	size_t i, k;

	for (i = 0; i < sizeof always / sizeof always[0]; i++)
		words_add(to, always[i]);
	for (i = 0; i < lab->imports.n; i++) {
		words_add(to, lab->imports.v[i]);
		line = xprintf("find build/kernel/%s -name '*.o' 2>/dev/null | "
			       "xargs -r nm -g --defined-only 2>/dev/null | "
			       "awk 'NF == 3 { print $3 }'",
		    lab->imports.v[i]);
		names = column(line);
		for (k = 0; k < names.n; k++)
			if (!words_has(&no, names.v[k]))
				words_add(to, names.v[k]);
		words_free(&names);
		free(line);
	}
}

/* What the reference's object has of it. */
static struct words
reference_has(const char *tool, const char *reference)
{
	struct words w = { 0 };
	char *line;

	if (reference == NULL)
		return w;
	line = xprintf(tool, reference);
	w = column(line);
	free(line);
	return w;
}

char *
gate_object(const struct lab *lab, const char *object, const char *reference)
{
	static const struct {
		const char *tool;
		bool (*fine)(const char *);
		const char *why;
	} rows[] = {
		{ SECTIONS, section_is_plain, "a section of its own" },
		{ DEFINED, NULL, "a name that this file does not export "
				 "(make it static)" },
		{ WEAK, NULL, "a weak name" },
		{ USED, NULL, "a name that this lab does not import" },
		{ OPCODES, opcode_is_plain, "a privileged instruction" },
	};
	struct words allowed;
	char *bad, *why = NULL;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0] && why == NULL; i++) {
		allowed = reference_has(rows[i].tool, reference);
		if (strcmp(rows[i].tool, USED) == 0)
			add_imports(lab, &allowed);
		/* A file linked in addition exports what it was asked for. */
		if (strcmp(rows[i].tool, DEFINED) == 0 && reference == NULL) {
			words_free(&allowed);
			continue;
		}
		bad = first_bad(rows[i].tool, object, &allowed, rows[i].fine);
		if (bad != NULL)
			why = xprintf("%s: %s", bad, rows[i].why);
		free(bad);
		words_free(&allowed);
	}
	return why;
}
