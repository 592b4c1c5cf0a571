#!/bin/sh
# NEEDS: TIMEOUT=300 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: the host ends a run when it pleases
# The trace viewer shows what was: at the end of a pipeline that has more to do than
# memory the replay of its trace says of each frame what the kernel says, and of two
# processes, the shell and a child that has begun no program, what they have mapped; and
# under design shadow of each mapping its chain of objects.
. kernel/test/cases/lib.sh

check=book/.vitepress/book/replaycheck.mjs
lines=5000 times=1
in_full && lines=60000 times=4
expect 0 $guest --cpus 1 --memory 24M --swap 96M --log "$tmp/log" --trace "$tmp/t" -- \
	sh -c "seq 1 $lines | sort -r | sort -n | tail -n 1; dd if=/dev/zero bs=24M count=$times 2>/dev/null | wc -c; (sleep 1000; :) &
for p in \$\$ \$!; do echo maps \$p; cat /proc/\$p/maps; done; cat /proc/vm/framestates; :" \
	>"$tmp/out" 2>"$tmp/err"
same $lines "$(sed -n 1p "$tmp/out")" "the pipeline, $(cat "$tmp/err"; tail -n 3 "$tmp/log")"
[ "$(build/tools/vtr count -e swap.out "$tmp/t" | awk '{ print $2 + 0 }')" -gt 0 ] ||
	fail "no page was written to swap"
expect 0 node $check "$tmp/t" "$tmp/out" >"$tmp/said"
[ "$(grep -c '^maps [0-9]' "$tmp/out")" = 2 ] || fail "no maps: $(cat "$tmp/out")"
grep -q ' 1[0-9] mappings, 0 chains, 0 differences$' "$tmp/said" || fail "$(cat "$tmp/said")"

# One page is no "1 pages".
cat >"$tmp/say.mjs" <<END
import { say } from '$PWD/book/.vitepress/theme/vtr/words.mjs'
const kinds = ['swap.in', 'swap.out'].map(name => ({ name, fields: [] }))
for (const n of [1, 2]) for (const id of [0, 1]) console.log(say({ id: [id], kinds, v: new Uint32Array([7, 0, n, 0, 9, 0, 0, 0]) }, 0))
END
same "A page is read from swap, slot 7; it comes into frame 9.
A page is written to swap, slot 7; it is in frame 9.
2 pages are read from swap, from slot 7 on; the first comes into frame 9.
2 pages are written to swap, from slot 7 on; the first is in frame 9." "$(node "$tmp/say.mjs")"

# What differs is found.
sed 's/^\(pfn=[0-9-]* state=\)MODIFIED$/\1STANDBY/; s/^\(pfn=[0-9-]* state=\)ACTIVE$/\1LIMBO/' "$tmp/out" >"$tmp/other"
node $check "$tmp/t" "$tmp/other" >"$tmp/said" && fail "other states pass"
grep -q '^straight: frame [0-9]*: the replay says ACTIVE, the kernel LIMBO' "$tmp/said" || fail "$(cat "$tmp/said")"
sed 's/ r-xp / rwxp /' "$tmp/out" >"$tmp/other"
node $check "$tmp/t" "$tmp/other" >"$tmp/said" && fail "other rights pass"
grep -q '^process [0-9]*: the kernel maps .* rwxp, the replay does not$' "$tmp/said" || fail "$(cat "$tmp/said")"

# Chains: of a shell, three children of it, one of them with a child, and others that came,
# changed what they saw, and went.
expect 0 $guest --design shadow --cpus 1 --memory 64M --log "$tmp/log" --trace "$tmp/chains" -- \
	sh -c "a=1; (sleep 1000; :) & for i in 1 2 3 4; do (a=\$i; (a=x; : \$a); : \$a); done
(b=2; (sleep 1000; :) & sleep 1000; :) & seq 1 3000 | sort -r | wc -l; (sleep 1000; :) & sleep 1
cat /proc/vm/shadow /proc/vm/framestates; :" >"$tmp/out" 2>"$tmp/err"
same 3000 "$(sed -n 1p "$tmp/out")" "the tree, $(cat "$tmp/err"; tail -n 3 "$tmp/log")"
grep -q ' depth=[2-9] chain ' "$tmp/out" || fail "no chain: $(cat "$tmp/out")"
for e in link collapse end; do
	[ "$(build/tools/vtr count -e shadow.$e "$tmp/chains" | awk '{ print $2 + 0 }')" -gt 0 ] || fail "no shadow.$e"
done
expect 0 node $check "$tmp/chains" "$tmp/out" >"$tmp/said"
grep -q ' [1-9][0-9]* chains, 0 differences$' "$tmp/said" || fail "$(cat "$tmp/said")"
sed 's/^\(.* depth=[1-9] .*:\)\([0-9]*\)$/\19\2/' "$tmp/out" >"$tmp/other"
node $check "$tmp/chains" "$tmp/other" >"$tmp/said" && fail "other chains pass"
grep -q '^the kernel has the chain .*, the replay does not$' "$tmp/said" || fail "$(cat "$tmp/said")"
finish
