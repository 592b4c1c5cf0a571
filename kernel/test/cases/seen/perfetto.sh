#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=4 KIND=exact
# What tools/vtr perfetto writes is what its schema says, has each event once, each
# fault as a span with its begin and end, and counts the frames as the trace does.
. kernel/test/cases/lib.sh
built grader
vtr=build/tools/vtr grade=build/grading/grade schema=tools/trace/perfetto.json

expect 0 $guest --cpus 1 --log "$tmp/log" --trace "$tmp/t" -- sh -c 'echo $((6*7)) | cat' >"$tmp/out"
expect 0 $vtr perfetto "$tmp/t" >"$tmp/t.json"
expect 0 $grade validate "$tmp/t.json" $schema
cat >"$tmp/ask.mjs" <<-'END'
	import { readFileSync } from 'node:fs'
	const all = JSON.parse(readFileSync(process.argv[2])).traceEvents
	const of = ph => all.filter(e => e.ph === ph)
	const ends = new Map(of('e').map(e => [e.id, e]))
	const bad = of('b').filter(b => !(ends.get(b.id)?.ts >= b.ts && ends.get(b.id).name === b.name && ends.get(b.id).pid === b.pid))
	const rows = new Set(of('M').filter(e => e.name === 'thread_name').map(e => e.tid))
	const seen = new Set(all.filter(e => 'bei'.includes(e.ph)).map(e => e.args.event))
	console.log(`events ${seen.size} begun ${of('b').length} ended ${ends.size} bad ${bad.length} without-a-row ${of('i').filter(e => !rows.has(e.tid)).length}`)
	console.log(Object.entries(of('C').at(-1).args).map(([k, n]) => `${k}=${n}`).join(' '))
END
node "$tmp/ask.mjs" "$tmp/t.json" >"$tmp/said"
n() { $vtr count "$@" "$tmp/t" | awk '{ n += $2 } END { print n + 0 }'; }
same "events $(n) begun $(n -e fault.begin) ended $(n -e fault.begin) bad 0 without-a-row 0" \
	"$(sed -n 1p "$tmp/said")" "all of it"
[ "$(n -e fault.begin)" -gt 100 ] || fail "few faults: $(n -e fault.begin)"
$vtr dump -e page.state "$tmp/t" | sed 's/.*pfn=\([0-9]*\) change=[A-Z]*>\([A-Z]*\) .*/\1 \2/' |
	awk '{ is[$1] = $2 } END { for (f in is) n[is[f]]++; for (s in n) print s "=" n[s] }' | sort >"$tmp/want"
sed -n 2p "$tmp/said" | tr ' ' '\n' | grep -v '=0$' | sort >"$tmp/got"
cmp -s "$tmp/want" "$tmp/got" || fail "frames: $(diff "$tmp/want" "$tmp/got")"

# A filter holds, and what the schema does not know is refused.
$vtr perfetto -e swap.,fault.begin "$tmp/t" >"$tmp/some.json"
expect 0 $grade validate "$tmp/some.json" $schema
grep -q '"ph":"i"' "$tmp/some.json" && fail "a filter lets others pass"
for bad in 's/"ph":"i"/"ph":"I"/' 's/"ts":\([0-9.]*\),"s"/"ts":"\1","s"/' 's/"cat":"fault","id"/"cat":"fault","ID"/' 's/"ACTIVE":\([0-9]\)/"ACTIVE":-\1/'; do
	sed "$bad" "$tmp/t.json" >"$tmp/other.json"
	$grade validate "$tmp/other.json" $schema 2>"$tmp/err" && fail "taken: $bad"
	grep -q '/traceEvents/[0-9]*: ' "$tmp/err" || grep -q '/traceEvents/[0-9]*/' "$tmp/err" || fail "$bad: $(cat "$tmp/err")"
done
finish
