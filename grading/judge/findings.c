/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * findings.c: what a finding of vm_check, or the assertion of a panic, means for
 * what the learner wrote
 *
 * Problem   "I12 as 1: commit 39, vads have 64 + 4" says which two numbers
 *           differ; a learner asks which line of the code makes them differ.
 *
 * Picture   the log: "check: I12 as 1: commit 39, …" ─→ row of the table ─→ the
 *           sentence behind "so"
 *
 * Rules     1. A row is chosen by the invariant and by a word of the finding; the
 *              first that fits, so the general one of an invariant stands last.
 *           2. A sentence names what was forgotten and what follows from it.
 *
 * Read next hints.c.  Book: invariants.
 */
#include <string.h>

#include "judge/verdict.h"

static const struct {
	const char *invariant, *word, *meaning;
} rows[] = {
	{ "I1", "has no home", "a frame is in use and has no owner: it was "
	    "allocated and neither installed, kept for later nor freed." },
	{ "I1", "", "a page names one place as its home, and another place "
	    "names the page: a word was copied, moved or overwritten without "
	    "its page (page_adopt_locked, or the function that moves a "
	    "home)." },
	{ "I2", "", "the mapcount of a page is not the number of words that "
	    "map it: each word that becomes VALID needs page_map_locked once, "
	    "each that is cleared page_unmap once. Too many: the page never "
	    "leaves memory; too few: it is reused while a program still reads "
	    "it." },
	{ "I3", "idle", "a page is not mapped and not pinned, and is not on "
	    "the queue of idle pages: its last user left without releasing it "
	    "(page_let_go_locked)." },
	{ "I3", "mapcount", "a page is on a queue of idle pages, or free, "
	    "while it is still mapped or pinned: it was dropped too early." },
	{ "I3", "", "the counts of pages by state are not what the pages say: "
	    "a page was allocated or freed twice, or not at all." },
	{ "I4", "", "a table or an entry page counts other words than it has: "
	    "change words by word_set, not by a store." },
	{ "I5", "", "a swap slot has more or fewer owners than it counts: a "
	    "word that names it was copied without a reference, or dropped "
	    "without giving the reference back." },
	{ "I6", "", "the references of a forked page are not the words that "
	    "name it: each word that comes to name an entry takes one "
	    "reference, each that leaves gives one back. Too few: the page is "
	    "freed while a process still has it." },
	{ "I7", "private VAD", "a private mapping may write to the file's own "
	    "page: all processes would see its stores (W of the word)." },
	{ "I7", "zero page", "the zero page, which all processes share, may be "
	    "written to." },
	{ "I7", "", "a page that parent and child still share may be written "
	    "to: one would see the stores of the other." },
	{ "I8", "rights", "a page-table word allows what its mapping forbids: "
	    "when a mapping loses rights its words must lose them, too "
	    "(ops->protect), and a new word has at most the rights of the "
	    "mapping (fault_rights)." },
	{ "I8", "in no VAD", "a page is mapped where no mapping is: the range "
	    "was removed from the tree and not passed on to be unmapped." },
	{ "I8", "gap", "the hole before a mapping, or the largest hole of its "
	    "subtree, is not what the tree holds: where a start or an end "
	    "moves, call gap_update for the mapping and for the one behind "
	    "it." },
	{ "I8", "after", "two mappings overlap, or one is empty." },
	{ "I8", "red-black", "the tree is not balanced, or a link of it is "
	    "wrong: insert and remove VADs by rb_insert and rb_remove only." },
	{ "I8", "", "a mapping or a page-table word has bits that it may not "
	    "have." },
	{ "I9", "listed", "the object does not know one of its mappings: when "
	    "the file is cut this mapping keeps its pages (vad_list_link; after "
	    "a split the link of the upper half goes onto the list, too)." },
	{ "I9", "", "the object's link has another range or offset than the "
	    "mapping: when the file is cut, pages stay mapped, or wrong pages "
	    "are unmapped. Change the link with the mapping "
	    "(vad_update_link)." },
	{ "I10", "", "pages of a file or an object lie beyond its end, or out "
	    "of order." },
	{ "I11", "vads", "the address space counts other mappings or pages "
	    "than its tree holds: change nvads and total_pages once where a "
	    "VAD is inserted, removed, grows or is cut." },
	{ "I11", "locked", "the address space counts other locked pages than "
	    "its mappings have: a piece of a locked mapping takes its locked "
	    "pages with it." },
	{ "I11", "ws ", "the working set counts other pages than are mapped: "
	    "each new VALID word needs ws_insert, each that is cleared "
	    "ws_remove." },
	{ "I11", "priv", "the address space counts other private or forked "
	    "pages than it has (words.priv, words.fork): a word changed its "
	    "kind, and the counts did not." },
	{ "I11", "", "a count of the address space is not what its words "
	    "say." },
	{ "I12", "vads have", "the charge of the address space is not what its "
	    "mappings hold: commit was lost or counted twice where a mapping "
	    "was cut, joined or made writable. Too little: a promised page "
	    "will be missing one day; too much: the charge never comes back." },
	{ "I12", "late", "pages that are charged at the first touch are not "
	    "what was charged: call fault_charge_touch once, before the page "
	    "appears." },
	{ "I12", "", "the sum of all charges is not what the address spaces "
	    "and objects hold: a charge was forgotten or kept." },
	{ "I14", "", "a page table stands at a place to which it does not "
	    "belong." },
	{ "I15", "", "an anonymous object counts other pages than it has, or "
	    "holds another charge." },
	{ "I16", "", "the kernel's pageable memory is not what it counts." },
	{ "I17", "", "a word names an entry of a forked object that is freed, "
	    "or the address space has no reference to that object." },
	{ "I21", "", "a frame that should hold zeros does not: the zero page "
	    "was written to, or a frame after it was freed." },
	{ "I22", "", "a kernel stack has been used to its last KiB: a function "
	    "calls itself, or has a variable that is too large for a stack." },
	{ "6.1", "vad.live", "VADs are counted as alive that no tree holds: "
	    "one was removed, or joined, and not counted (vad_remove)." },
	{ "6.1", "", "a handler counted its case twice, or not at all: each "
	    "handler counts once, where it is complete." },
};

/* Assertions of the kernel that a wrong count reaches, by a part of their text. */
static const struct {
	const char *word, *meaning;
} panics[] = {
	{ "as->words.fork == 0 && as->words.priv == 0", "a process has ended and "
	    "maps nothing, and words.fork, words.priv or ws.pages of its space is "
	    "not 0: each word that comes is counted up once, each that goes is "
	    "counted down once." },
	{ "as->words.locked == 0 && as->table.n == 0", "a process has ended, and "
	    "one of its page tables was not freed: the table counts words that it "
	    "no longer has. Each change of a word is counted, by word_set or by "
	    "word_sums." },
	{ "&as->words.swap", "a process has ended, and words.swap or commit.late "
	    "of its space is not 0: one of them was not counted up with a word "
	    "that came, or not down with one that went." },
	{ "table->tbl.nvalid == 0", "a page table is freed that still counts VALID "
	    "words: each VALID word that is cleared needs ws_remove." },
	{ "fmo->nrefs == 0", "the last process has left a forked object, and "
	    "nrefs of the object is not 0: it goes down by one with each word "
	    "that is gone, and with each page that is taken back." },
	{ "page_home_kind(pg) == HOME_FMO", "a word says FORK, and the home of "
	    "its page is no entry: one process took the page back while a word "
	    "of another one still named the entry." },
	{ "pg->mapcount > 0", "a page is unmapped once more than it was mapped." },
	{ "pg->pins > 0", "a page is unpinned once more than it was pinned." },
};

/* The sentence of a panic's line; NULL: no row fits it. */
const char *
judge_panic_meaning(const char *line)
{
	size_t i;

	for (i = 0; line != NULL && i < sizeof panics / sizeof panics[0]; i++)
		if (strstr(line, panics[i].word) != NULL)
			return panics[i].meaning;
	return NULL;
}

/*
 * The sentence of the first finding in the log of a boot.
 *
 * Returns:  NULL: there is no finding, or no row fits it.
 */
const char *
judge_meaning(const struct boot *b)
{
	const char *s = b->log != NULL ? strstr(b->log, "check: ") : NULL, *end;
	size_t i, n;

	for (; s != NULL; s = strstr(s, "check: ")) {
		s += strlen("check: ");
		end = s + strcspn(s, "\r\n");
		for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			n = strlen(rows[i].invariant);
			if (strncmp(s, rows[i].invariant, n) != 0 || s[n] != ' ')
				continue;
			if (memmem(s, (size_t)(end - s), rows[i].word,
				strlen(rows[i].word)) != NULL)
				return rows[i].meaning;
		}
	}
	return NULL;
}
