/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * findings.c: what a finding of vm_check means for what the learner wrote
 *
 * Problem   "I12 as 1: commit 39, vads have 64 + 4" says which two numbers
 *           differ; a learner asks which line of his makes them differ.
 *
 * Picture   the log: "check: I12 as 1: commit 39, …" ─→ row of the table ─→ the
 *           sentence behind "so"
 *
 * Rules     1. A row is chosen by the invariant and by a word of the finding; the
 *              first that fits, so the general one of an invariant stands last.
 *           2. A sentence names what was forgotten and what comes of it.
 *
 * Read next hints.c.  Book: invariants.
 */
#include <string.h>

#include "judge/verdict.h"

static const struct {
	const char *invariant, *word, *meaning;
} rows[] = {
	{ "I1", "has no home", "a frame is in use and nobody owns it: it was taken "
	    "and neither installed, kept for later nor given back." },
	{ "I1", "", "a page says that it belongs to one place, and another place "
	    "names it: a word was copied, moved or overwritten without its page "
	    "(page_adopt_locked, or the function that moves a home)." },
	{ "I2", "", "a page counts other words that map it than there are: each "
	    "word that becomes VALID needs page_map_locked, each that is cleared "
	    "page_unmap, once. Too many: the page never leaves memory; too few: "
	    "it is given away while a program still reads it." },
	{ "I3", "idle", "a page is mapped by nobody, pinned by nobody, and not "
	    "where idle pages wait: its last user left without letting it go." },
	{ "I3", "mapcount", "a page waits to leave memory, or is free, while "
	    "somebody still maps or pins it: it was let go too early." },
	{ "I3", "", "the numbers of pages by state do not fit the pages: a page "
	    "was taken or given back twice, or not at all." },
	{ "I4", "", "a table or an entry page counts other words than it has: "
	    "words change by word_set, not by a store." },
	{ "I5", "", "a slot of swap has not the owners that it counts: a word that "
	    "names it was copied without a reference, or dropped without giving "
	    "it back." },
	{ "I6", "", "a forked page has other references than words that name it: "
	    "each word that comes to name an entry takes one, each that leaves "
	    "gives one back. Too few: the page is freed under somebody." },
	{ "I7", "private VAD", "a private mapping may write to the file's own page: "
	    "what it stores is seen by all (W of the word)." },
	{ "I7", "zero page", "the zero page that all share may be written to." },
	{ "I7", "", "a page that parent and child still share may be written to: "
	    "one sees what the other stores." },
	{ "I8", "rights", "a page-table word allows what its mapping forbids: when "
	    "a mapping loses rights its words must, too (ops->protect), and a new "
	    "word has at most the mapping's (fault_rights)." },
	{ "I8", "in no VAD", "a page is mapped where no mapping is: the range was "
	    "taken out of the tree and not handed on to be unmapped." },
	{ "I8", "gap", "the hole before a mapping, or the largest of its subtree, "
	    "is not what the tree holds: where a start or an end moves, gap_update "
	    "is due for the mapping and for the one behind it." },
	{ "I8", "after", "two mappings overlap, or one is empty." },
	{ "I8", "red-black", "the tree is not balanced, or a link of it is wrong: "
	    "VADs enter and leave by rb_insert and rb_remove only." },
	{ "I8", "", "a mapping or a page-table word has bits that it may not "
	    "have." },
	{ "I9", "listed", "the object does not know of a mapping of it: when the "
	    "file is cut this mapping keeps its pages (vad_list_link; of a split, "
	    "the upper half's link goes onto the list, too)." },
	{ "I9", "", "the object's link says another range or offset than the "
	    "mapping: when the file is cut, pages stay mapped or others go. The "
	    "link changes with the mapping (vad_update_link)." },
	{ "I10", "", "pages of a file or an object lie beyond its end, or out of "
	    "order." },
	{ "I11", "vads", "the space counts other mappings or pages than its tree "
	    "holds: nvads and total_pages change where a VAD comes, goes, grows or "
	    "is cut, once." },
	{ "I11", "locked", "the space counts other locked pages than its mappings "
	    "say: a piece of a locked mapping takes its pages along." },
	{ "I11", "ws ", "the working set counts other pages than are mapped: each "
	    "new VALID word needs ws_insert, each that is cleared ws_remove." },
	{ "I11", "priv", "the space counts other private or forked pages than it "
	    "has (words.priv, words.fork): a word changed its kind without them." },
	{ "I11", "", "a count of the space does not fit its words." },
	{ "I12", "vads have", "what the space has paid for is not what its mappings "
	    "hold: commit was lost or counted twice where a mapping was cut, "
	    "joined or made writable. Paid too little: a promised page will be "
	    "missing one day; too much: it never comes back." },
	{ "I12", "late", "pages that are paid for at the first touch are not what "
	    "was charged: fault_charge_touch before the page appears, once." },
	{ "I12", "", "the sum of what is promised is not what the spaces and "
	    "objects hold: a charge was forgotten or kept." },
	{ "I14", "", "a page table does not belong where it hangs." },
	{ "I15", "", "an anonymous object counts other pages than it has, or holds "
	    "another charge." },
	{ "I16", "", "the kernel's pageable memory is not what it counts." },
	{ "I17", "", "a word names an entry of a forked object that is gone, or the "
	    "space has no reference to that object." },
	{ "I21", "", "a frame that should hold zeros does not: somebody wrote to "
	    "the zero page or to a frame after giving it back." },
	{ "I22", "", "a kernel stack has been used to its last KiB: a function calls "
	    "itself, or has a variable that is too large for a stack." },
	{ "6.1", "vad.live", "VADs are counted as alive that no tree holds: one was "
	    "taken out, or joined, and not counted (vad_remove)." },
	{ "6.1", "", "a handler counted its case twice, or not at all: each counts "
	    "once, where it is complete." },
};

/*
 * The sentence of the first finding in the log of a boot.
 *
 * Returns:  NULL: there is none, or nothing is known of it.
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
