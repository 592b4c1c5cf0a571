/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate.c: what a submitted file may not have
 *
 * Problem   The file runs in ring 0.  What no solution needs, and every attempt
 *           to fool the judge does, is refused before it runs.
 *
 * Picture   bytes ─→ directives        text.c
 *           preprocessed ─→ tokens     tokens.c
 *           listing ─→ instructions    listing.c
 *           object ─→ sections, names it defines, names it uses, relocations,
 *                     code among its data
 *
 * Rules     1. What a file may use is what the lab's page lists and what ours
 *              uses (imports.c); what it defines is what ours defines.
 *              lab.conf widens (imports; allow: asm).
 *           2. A refusal names the thing and the reason.
 *           3. The gate tells an honest student early, and stops the cheap.
 *              What passes it is watched as it runs: witness.c.
 *
 * Read next boot/build.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "witness/border.h"
#include "witness/counts.h"
#include "gate/gate.h"

#define CODE_WINDOW 32 /* bytes of our text that stand in no data by chance */

bool
gate_allows(const struct lab *lab, const char *what)
{
	size_t i;

	for (i = 0; i < lab->allow.n; i++)
		if (strcmp(lab->allow.v[i], what) == 0)
			return true;
	return false;
}

/*
 * The lines that a shell's script says about an object, its $1, within limits; of a
 * list that was cut off *cut becomes true: what stands behind it nobody has judged.
 */
static struct words
column(const char *tool, const char *object, bool *cut)
{
	struct words w = { 0 };
	char *out = NULL, *rest, *s;

	if (shell_within(&compiler_limits, &out, tool, object, NULL) != 0)
		*cut = true;
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
    bool (*fine)(const char *), bool *cut)
{
	struct words have = column(tool, object, cut);
	char *bad = NULL;
	size_t i;

	for (i = 0; i < have.n && bad == NULL; i++)
		if (!words_has(allowed, have.v[i]) &&
		    (fine == NULL || !fine(have.v[i])))
			bad = xstrdup(have.v[i]);
	words_free(&have);
	return bad;
}

#define SECTIONS "readelf -SW \"$1\" | sed -n 's/^ *\\[ *[0-9]*\\] \\([^ ]*\\) .*/\\1/p'"
#define DEFINED "nm -g --defined-only \"$1\" | awk '{ print $3 }'"
#define WEAK "nm \"$1\" | awk '$(NF-1) ~ /^[vVwWiu]$/ { print $NF }'"
#define USED "nm -u \"$1\" | awk '{ print $2 }'"
/* Data in a section of code: OBJECT symbols whose section is .text*. */
#define CODED "readelf -SsW \"$1\" | awk '/^ *\\[ *[0-9]+\\]/ { " \
	"sub(/^ *\\[ */, \"\"); sub(/\\]/, \"\"); name[$1] = $2 } " \
	"$4 == \"OBJECT\" && name[$7] ~ /^[.]text/ { print $8 }'"
#define RELOCS "readelf -rW \"$1\" | awk '/^[0-9a-f]+ / { print $3 }' | sort -u"

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
reloc_is_plain(const char *s)
{
	static const char *const fine[] = { "R_X86_64_64", "R_X86_64_32",
		"R_X86_64_32S", "R_X86_64_PC32", "R_X86_64_PLT32",
		"R_X86_64_16", "R_X86_64_8" };
	size_t i;

	for (i = 0; i < sizeof fine / sizeof fine[0]; i++)
		if (strcmp(fine[i], s) == 0)
			return true;
	return false;
}

/* Names that our file defines ('D') or uses ('U'): build/grading/names. */
static struct words
ours(const struct lab *lab, char kind)
{
	char *path = xprintf("build/grading/names/%.*s.names",
	    (int)(strlen(lab->file) - 2), lab->file);
	char *text = file_read(path, NULL), *rest = text, *line;
	struct words w = { 0 };

	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] == kind && line[1] == ' ')
			words_add(&w, line + 2);
	free(text);
	free(path);
	return w;
}

/* ---- code among data, and calls beside a name ---- */

/* The bytes of the sections of an object that match a pattern; malloc'd. */
static char *
section_bytes(const char *object, const char *dir, const char *pattern,
    size_t *n)
{
	char *path = xprintf("%s/part", dir), *said = NULL, *bytes;

	shell_within(&compiler_limits, &said, "objcopy -O binary -j \"$1\" "
	    "--set-section-flags \"$1\"=alloc,load,contents \"$2\" \"$3\" "
	    "2>/dev/null || : >\"$3\"", pattern, object, path, NULL);
	bytes = file_read(path, n);
	remove(path);
	free(said);
	free(path);
	return bytes;
}

/* Is any window of ours in theirs?  A table of the windows' hashes. */
static bool
share_window(const char *our, size_t nour, const char *their, size_t ntheir)
{
	enum { SLOTS = 1 << 16 };
	static const char *slot[SLOTS];
	uint64_t h;
	size_t i, k;

	memset(slot, 0, sizeof slot);
	for (i = 0; i + CODE_WINDOW <= nour; i += CODE_WINDOW / 2) {
		for (h = k = 0; k < CODE_WINDOW; k++)
			h = h * 31 + (unsigned char)our[i + k];
		slot[(h ^ h >> 20) % SLOTS] = our + i;
	}
	for (i = 0; i + CODE_WINDOW <= ntheir; i++) {
		for (h = k = 0; k < CODE_WINDOW; k++)
			h = h * 31 + (unsigned char)their[i + k];
		h = (h ^ h >> 20) % SLOTS;
		if (slot[h] != NULL &&
		    memcmp(slot[h], their + i, CODE_WINDOW) == 0 &&
		    memchr(their + i, 0xe8, CODE_WINDOW) != NULL)
			return true;
	}
	return false;
}

/* Our own code as somebody's data. */
static bool
has_our_code(const char *object, const char *dir, const char *reference)
{
	static const char *const data[] = { ".data*", ".rodata*" };
	char *our, *their;
	size_t nour = 0, ntheir = 0, i;
	bool found = false;

	our = section_bytes(reference, dir, ".text*", &nour);
	for (i = 0; our != NULL && i < 2 && !found; i++) {
		their = section_bytes(object, dir, data[i], &ntheir);
		found = their != NULL && share_window(our, nour, their, ntheir);
		free(their);
	}
	free(our);
	return found;
}

/*
 * name+offset of a function that is used as if another one began there; NULL:
 * none.  A call's own -4 is no offset.
 */
static char *
beside_a_name(const char *object, bool *cut)
{
	struct words have = column("{ nm build/vadose.elf; readelf -rW \"$1\"; } | "
	    "awk 'NF == 3 && $2 ~ /^[tT]$/ { f[$3] = 1 } $5 in f && $3 ~ /^R_/ && "
	    "$6 $7 != \"+0\" && $6 $7 != \"-4\" { print $5 $6 $7 }'", object, cut);
	char *bad = have.n > 0 ? xstrdup(have.v[0]) : NULL;

	words_free(&have);
	return bad;
}

/* ---- names of the judge's ---- */

#define LOCALS "nm \"$1\" | awk '$(NF-1) ~ /^[tdbr]$/ { print $NF }'"

/* A static name by which the judge finds its way in the kernel; NULL: none. */
static char *
judges_name(const char *object, bool *cut)
{
	struct words have = column(LOCALS, object, cut);
	char *bad = NULL;
	size_t i;

	for (i = 0; i < have.n && bad == NULL; i++)
		if (border_looks_for(have.v[i]) || witness_looks_for(have.v[i]))
			bad = xstrdup(have.v[i]);
	words_free(&have);
	return bad;
}

/* ---- names that are not known here ---- */

/* The file of the kernel that defines a name and is a lab's; malloc'd or NULL. */
static char *
file_that_has(const char *name)
{
	bool none = false;
	struct words files = column("cd build/grading/names && grep -rlxFe \"D $1\" "
	    "--include='*.names' .", name, &none);
	char *file = NULL;

	if (files.n > 0)
		file = xprintf("kernel/%.*s.c",
		    (int)(strlen(files.v[0]) - strlen("./.names")), files.v[0] + 2);
	words_free(&files);
	return file;
}

/* What a name is that the file has no business with; malloc'd. */
static char *
more_of(const char *tool, const char *name)
{
	char *file, *text;

	if (strcmp(tool, USED) == 0 && strncmp(name, "__", 2) == 0)
		return xstrdup("; a builtin of the compiler calls it, or arithmetic "
			       "of more than 64 bits: the kernel has none of that");
	file = strcmp(tool, DEFINED) == 0 ? file_that_has(name) : NULL;
	if (file == NULL)
		return xstrdup("");
	text = xprintf("; %s has it: is this the file of another lab?", file);
	free(file);
	return text;
}

/* ---- all of it ---- */

static struct words
allowed_in(const struct lab *lab, const char *tool)
{
	struct words w = { 0 }, names;
	size_t i;

	if (strcmp(tool, DEFINED) == 0)
		return ours(lab, 'D');
	if (strcmp(tool, USED) != 0)
		return w;
	w = ours(lab, 'U');
	names = lab_imports(lab);
	for (i = 0; i < names.n; i++)
		words_add(&w, names.v[i]);
	words_free(&names);
	return w;
}

/*
 * What the object may not have; NULL: nothing.
 *
 * dir: a folder to work in; reference: an object that has our code.
 */
char *
gate_object(const struct lab *lab, const char *object, const char *dir,
    const char *reference)
{
	static const struct {
		const char *tool;
		bool (*fine)(const char *);
		const char *why;
	} rows[] = {
		{ SECTIONS, section_is_plain, "a section of its own is not allowed" },
		{ DEFINED, NULL, "the lab's file does not export this "
				 "name (make it static)" },
		{ WEAK, NULL, "a weak name is not allowed" },
		{ USED, NULL, "this lab may not call this name: imports.md "
			      "lists those that it may (if the function is "
			      "your own and inline, make it static, too)" },
		{ CODED, NULL, "data among the code is not allowed" },
		{ RELOCS, reloc_is_plain, "a relocation that C has no need of" },
	};
	struct words allowed;
	char *bad, *more, *why = NULL;
	bool cut = false;
	size_t i;

	for (i = 0; i < sizeof rows / sizeof rows[0] && why == NULL; i++) {
		/* A file linked in addition exports what it was asked for. */
		if (strcmp(rows[i].tool, DEFINED) == 0 &&
		    strcmp(lab->file, "none") == 0)
			continue;
		allowed = allowed_in(lab, rows[i].tool);
		bad = first_bad(rows[i].tool, object, &allowed, rows[i].fine,
		    &cut);
		more = bad != NULL ? more_of(rows[i].tool, bad) : NULL;
		if (bad != NULL)
			why = xprintf("%s: %s%s", bad, rows[i].why, more);
		free(more);
		free(bad);
		words_free(&allowed);
	}
	bad = why == NULL ? beside_a_name(object, &cut) : NULL;
	if (bad != NULL)
		why = xprintf("%s: a place beside a function of the kernel, "
			      "which C code does not name", bad);
	free(bad);
	bad = why == NULL ? judges_name(object, &cut) : NULL;
	if (bad != NULL)
		why = xprintf("%s: this name of the kernel may exist only "
			      "once: give yours another name", bad);
	free(bad);
	if (why == NULL && reference != NULL &&
	    has_our_code(object, dir, reference))
		why = xstrdup("code of the reference among the data");
	if (why == NULL && cut)
		why = xstrdup("it has more names than can be looked at");
	return why;
}
