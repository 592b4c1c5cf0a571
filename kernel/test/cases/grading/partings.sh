#!/bin/sh
# NEEDS: TIMEOUT=300 MORE=all TURN=1,2 KIND=bounded
# BOUNDED: the grader's limits of the host's time stand behind it
# A failed test names the first event in which its run differs from a good kernel's,
# and compare shows where two kernels part, or that they do not.
. kernel/test/cases/lib.sh
built grader
GRADE_LABS=grading/test/labs
export GRADE_LABS
grade=build/grading/grade

# Two parts of a range are made, and nobody is told: the event is missing.
sed 's/EVENT(vad_split, v->start, v->end, v->flags, v->off);/;/' \
	kernel/vm/map/vad.c >"$tmp/bug.c"
expect 1 $grade run smoke --quiet --seed 7 --submission "$tmp/bug.c" --test t02 >"$tmp/text"
grep -q '^  first difference  at [0-9.]* ms  pid 1  ' "$tmp/text" || fail "run: $(cat "$tmp/text")"
grep -q '^    the reference  at [0-9.]* ms  pid 1  vad.split start=' "$tmp/text" ||
	fail "run: $(cat "$tmp/text")"

mkdir "$tmp/traces"
$grade compare smoke t02 --seed 7 --submission "$tmp/bug.c" --out "$tmp/traces" >"$tmp/text"
build/tools/vtr diff -l "$tmp/traces/yours.vtr" "$tmp/traces/reference.vtr" >"$tmp/diff"
same 1 $? "status of diff"
grep -q '^  B .* vad.split start=' "$tmp/diff" || fail "diff: $(cat "$tmp/diff")"
# The page of both: laid on each other at the test's marks, and what differs.
grep -q '^reference [1-9]' "$tmp/traces/parting" || fail "parting: $(cat "$tmp/traces/parting")"
cat >"$tmp/beside.mjs" <<-'END'
	import { readFileSync } from 'node:fs'
	const { Replay, nameOf, parse } = await import(process.cwd() + '/book/.vitepress/theme/vtr/replay.mjs')
	const { Beside, eventOf } = await import(process.cwd() + '/book/.vitepress/theme/vtr/beside.mjs')
	const [dir, own] = process.argv.slice(2)
	const read = name => { const b = readFileSync(`${dir}/${name}.vtr`); return new Replay(parse(b.buffer.slice(b.byteOffset, b.byteOffset + b.length))) }
	const pair = own ? [read(own), read(own)] : [read('yours'), read('reference')]
	const b = new Beside(...pair)
	for (const [k, r] of pair.entries())
	  for (let i = 0; i < r.t.n; i += 97) if (b.eventAt(k, b.x(k, i)) !== i) throw new Error(`event ${i} of ${k} does not lead back`)
	const seq = Number(readFileSync(`${dir}/parting`, 'utf8').match(/^reference (.*)$/m)[1])
	console.log(b.marks.length, b.only[0].length, b.only[1].length, b.counts.map(c => `${c.name}:${c.n}`).join(' '), nameOf(pair[1].t, eventOf(pair[1].t, seq)))
END
node "$tmp/beside.mjs" "$tmp/traces" >"$tmp/said" 2>&1 || fail "beside: $(cat "$tmp/said")"
grep -q '^[1-9][0-9]* 0 0 .*vad.split:0,1 vad.split$' "$tmp/said" || fail "beside: $(cat "$tmp/said")"
node "$tmp/beside.mjs" "$tmp/traces" yours >"$tmp/said" 2>&1 || fail "beside: $(cat "$tmp/said")"
grep -q '^[1-9][0-9]* 0 0  ' "$tmp/said" || fail "a run beside itself: $(cat "$tmp/said")"
grep -q '^  vad.split  *0  *1$' "$tmp/text" || fail "compare: $(cat "$tmp/text")"
grep -q '^    the reference  .*vad.split' "$tmp/text" || fail "compare: $(cat "$tmp/text")"

# The same code in another file, built again: the same story to the last event.
expect 0 $grade compare smoke t02 --seed 7 --submission kernel/vm/map/vad.c >"$tmp/text"
grep -q '^events     the same$' "$tmp/text" || fail "same: $(cat "$tmp/text")"
# Where nothing could be compared nothing is the same.
expect 3 $grade compare smoke t02 --seed 7 --submission kernel/vm/map/vad.c \
	--out "$tmp/none" >"$tmp/text"
grep -q '^events     could not be compared: .*No such file' "$tmp/text" || fail "no traces: $(cat "$tmp/text")"
finish
