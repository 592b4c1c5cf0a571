#!/bin/sh
# NEEDS: TIMEOUT=200 TURN=6 SUBJECT=teaching KIND=exact
# Renaming a function, editing a shown line, changing a counter's value or
# breaking a link stops the book, with chapter, line and remedy.
. kernel/test/cases/lib.sh

sh tools/setup book-check || exit 2
mkdir "$tmp/copy"
find kernel book labs grading tools/lint tools/bench tools/compare-designs -name node_modules -prune -o -path book/.vitepress/dist -prune \
	-o -path book/.vitepress/cache -prune -o -type f -print >"$tmp/files"
tar -cf - -T "$tmp/files" | tar -xf - -C "$tmp/copy" || exit 2
cd "$tmp/copy" || exit 2

check() {
	node book/.vitepress/book/check.mjs >"$tmp/said" 2>&1
}

# breaks WHAT FILE SED PATTERN…: the change is to be found, and said in these
# words, by the next `found`: one check for many changes, which do not meet.
breaks() {
	what=$1 file=$2 edit=$3
	shift 3
	cp "$file" "$tmp/before"
	[ -e "$tmp/kept/$file" ] || { mkdir -p "$tmp/kept/${file%/*}" && cp "$file" "$tmp/kept/$file"; }
	sed -i "$edit" "$file"
	cmp -s "$file" "$tmp/before" && fail "$what: the edit changes nothing"
	for p; do
		printf '%s\t%s\n' "$what" "$p" >>"$tmp/wanted"
	done
}

found() {
	check && fail "nothing said"
	while IFS='	' read -r what p; do
		grep -q -- "$p" "$tmp/said" || fail "$what: not said: $p"
	done <"$tmp/wanted"
	cp -r "$tmp/kept/." .
	rm -rf "$tmp/kept" "$tmp/wanted"
}

ch01=book/part1-ground/ch01-what-a-fault-is.md
check || fail "the copy is not clean: $(head -n 6 "$tmp/said")"
breaks "renamed function" kernel/vm/fault/driver.c 's/^fault_resolve(/fault_settle(/' \
	"^$ch01:[0-9]*: kernel/vm/fault/driver.c has no symbol fault_resolve" 'remedy: .*renamed or removed'
breaks "edited line of an excerpt" kernel/vm/fault/driver.c 's/r = fault_once(f);/r = fault_once(f); \/* new *\//' \
	"^$ch01:[0-9]*: excerpt kernel/vm/fault/driver.c#vm_fault{.* has changed" 'make book-accept CH=1'
breaks "changed value" book/runs/ch01-first.counters 's/^rest fault.total .*/rest fault.total 64/' \
	"^$ch01:[0-9]*: ch01-first/rest/fault.total is 64 now, the text was written for 63" 'make book-accept CH=1'
breaks "renamed counter" kernel/kern/events.tab 's/^fault\.zerofill /fault.zero_fill /' \
	"^$ch01:[0-9]*: no counter fault.zerofill in events.tab" 'remedy: see kernel/kern/events.tab'
breaks "broken link" $ch01 's/(\.\.\/appendix\/a-counters\.md)/(..\/appendix\/counters.md)/' \
	"^$ch01:[0-9]*: broken link ../appendix/counters.md" 'remedy: correct the path'
breaks "broken anchor" $ch01 's/#_2-4-tlb-and-invlpg/#_2-4-tlb/' \
	"^$ch01:[0-9]*: broken link .*no heading" 'remedy: its headings'
breaks "a typed number" $ch01 's/^in the TLB and proceeds\./`fault.total` is 17 here. &/;s/^first steps/&/;$a \\nThe counter `fault.total` is 17 here.' \
	"^$ch01:[0-9]*: the number 17 stands beside a counter" 'remedy: take it from a run'
breaks "a claim without source" $ch01 '$a \\nIn FreeBSD this is done by magic.' \
	"^$ch01:[0-9]*: FreeBSD is named without a source" 'remedy: cite one'
breaks "a sentence without an end" $ch01 "\$a \\\\nIt is so$(awk 'BEGIN { for (i = 0; i < 75; i++) printf " and so" }')." \
	"^$ch01:1: a sentence of 153 words" 'make two of it'
breaks "a bar of another figure" tools/bench/figures/baseline.tab 's/^zero-fill .*/zero-fill page 2000.0 check/' \
	'^tools/bench/figures/where.tab:1: where.tab has .* instructions for zero-fill, baseline.tab 2000' 'remedy: make bench-where'
breaks "a bar's function is gone" tools/bench/figures/where.tab '/^now *zero-fill/s/ phys_alloc / phys_given_away /' \
	'^tools/bench/figures/where.tab:1: phys_given_away of zero-fill is nowhere in the kernel' 'remedy: make bench-where'
breaks "a figure that is wrong now" kernel/md.h 's/#define MD_PT_LEVELS 4 /#define MD_PT_LEVELS 5 /' \
	'^book/part1-ground/ch02-the-machine.md:[0-9]*: figure 02-walk.svg' 'remedy: draw it again'
breaks "a function of the text" kernel/amd64/trap.c 's/access_of/access_from/' \
	"^$ch01:[0-9]*: access_of() is nowhere in the kernel" 'remedy: was it renamed'
breaks "an answer that is missing" grading/answers/ch01.md 's/^## 1\.3$/## 1.33/' \
	"^$ch01:[0-9]*: exercise 1.3 has no answer" 'remedy: write'
breaks "a session's breakpoint" kernel/vm/fault/driver.c 's/vm_user_fault/vm_program_fault/' \
	'^book/sessions/bochs/01-first-fault.step:[0-9]*: vm_user_fault is nowhere' 'remedy: name its successor'
found

breaks "moved function" kernel/vm/fault/driver.c 's/^vm_fault(/vm_fault_x(/;$a int\nmoved_out(void)\n{\n}' \
	"^$ch01:[0-9]*: .*vm_fault" "remedy:"
breaks "a session's line, not played again" book/sessions/bochs/10-cow.step 's/^break   "fmo_deref"/break   "word_set"/' \
	'^book/sessions/bochs/10-cow.out:[0-9]*: not of .*10-cow.step: recorded "break   "fmo_deref""' 'remedy: make book-record'
breaks "a command of the guest, not played again" book/sessions/guest/05-maps.sh 's:^cat /proc/self/maps:cat /proc/1/maps:' \
	'^book/sessions/guest/05-maps.out:1: not of' 'remedy: make book-record'
ch10=book/part4-fork/ch10-forked-memory-objects.md
breaks "one function more is cut" labs/05-fork/cut.list '$a cut  fork_more  step 2' \
	"^$ch10:[0-9]*: labs/05-fork/cut.list /^cut / is [0-9]* now, the text was written for [0-9]" 'make book-accept CH=10'
breaks "a test of other size" labs/05-fork/tests/t01.test 's/^PARAM .*/PARAM    n = range 10 20/' \
	"^$ch10:[0-9]*: labs/05-fork/tests/t01.test .* is 10 now"
breaks "a lab's hours" labs/01-vad/lab.conf 's/^hours .*/hours     9/' '^labs/01-vad/README.md:[0-9]*: "| 2 | 5 | 1 | 8' \
	'^labs/README.md:[0-9]*: the row of 01-vad says 8 hours'
breaks "a test's points" labs/02-fault/tests/t01.test 's/^POINTS .*/POINTS   7/' '^labs/02-fault/README.md:[0-9]*: "02/t01 fault-classify'
breaks "a test's name" labs/05-fork/tests/t08.test 's/^NAME .*/NAME     fork-stores/' '^labs/05-fork/hints.md:[0-9]*: no test t08 fork-write'
breaks "a total" labs/05-fork/lab.conf 's/^steps .*/steps     6 18 28 43 54 66 80 94 100/' '^labs/05-fork/README.md:[0-9]*: step 4 of lab 05 is said to end at'
breaks "what the starter shows" kernel/user/init.c 's/init: cannot fork/init: no fork/' '^labs/05-fork/README.md:[0-9]*: "init: cannot fork"'
breaks "a finding without explanation" kernel/vm/evidence/check_maps.c 's/"I9", "vad %lx-%lx has/"I23", "vad %lx-%lx has/' \
	'^book/reference/invariants.md:1: no entry for I23, which kernel/vm/evidence/check_maps.c names'
breaks "an explanation of nothing" book/reference/invariants.md 's/^## \*\*I9\*\* links/## **I99** links/' \
	'no entry for I9, which' 'nothing in the kernel names I99'
breaks "a sentence of a note without an answer" book/reference/seeds.md 's/^| 47–50 |/| 47–49 |/' \
	'^book/reference/seeds.md:[0-9]*: note 000: no row has sentence 50'
breaks "a pointer to no page" kernel/vm/calls/mlock.c 's/(book: deadlock)/(book:\x20deadlocks)/' \
	'^kernel/vm/calls/mlock.c:[0-9]*: "book:.deadlocks" leads nowhere'
breaks "a pointer to no number" kernel/fs/file.c 's/locks R4/locks R44/' \
	'^kernel/fs/file.c:[0-9]*: "book:.locks R44": book/reference/locks.md defines no R44'
breaks "a number that is defined twice" book/reference/conformance.md 's/^| \*\*T9\*\*/| **T8**/' \
	'^book/reference/conformance.md:[0-9]*: T8 is defined a second time' 't09_mprotect.c:1: no row T9'
breaks "a struct that is gone" book/reference/objects.md 's/^@struct fmo_ref/@struct fmo_reference/' \
	'^book/reference/objects.md:[0-9]*: 0 definitions of struct fmo_reference'
mkdir -p "$tmp/kept/book/sessions/bochs"
mv book/sessions/bochs/02-walk.out "$tmp/kept/book/sessions/bochs/"
printf '%s\t%s\n' 'no transcript' 'ch02-the-machine.md:[0-9]*: .*02-walk.step has no transcript' >>"$tmp/wanted"
found
check || fail "the copy is not clean at the end: $(head -n 6 "$tmp/said")"
finish
