#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=exact
# The runner looks at a failure twice: what then passes twice is unsteady, which
# two may be; what is exact must fail the same way; and .ci/run says both.  Who takes
# turns is in check or in check-more, for the same commit always in the same.
. kernel/test/cases/lib.sh
run=build/tools/run
house=$tmp/house
mkdir -p "$house/kernel/test/cases/planted" "$house/build"
ln -s "$PWD/build/tools" "$house/build/tools"

# plant NAME KIND COMMAND: a test; before, $n is how often it has run already
plant() {
	cat >"$house/kernel/test/cases/planted/$1.sh" <<END
# NEEDS: KIND=$2
n=\$(cat runs_of_$1 2>/dev/null || echo 0)
echo \$((n + 1)) >runs_of_$1
$3
END
}
# look STATUS NAME…: run only these
look() {
	want=$1
	shift
	rm -f "$house"/runs_of_*
	(cd "$house" && $run -r "$@") >"$tmp/text" 2>&1
	same "$want" $? "$*: $(tail -n 3 "$tmp/text")"
}
says() {
	grep -qe "$1" "$tmp/text" || fail "no '$1' in: $(cat "$tmp/text")"
}
ran() {
	same "$2" "$(cat "$house/runs_of_$1")" "runs of $1"
}
last_is() {
	same "$1" "$(tail -n 1 "$tmp/text")" "the last line"
}

plant good bounded true
for name in once once2 once3; do
	plant $name bounded 'echo "run $n"; [ $n != 0 ]'
done
plant always bounded 'echo "always $n"; false'
plant second bounded '[ $n = 1 ]'
plant third bounded '[ $n = 1 ] && exit 0; [ $n -lt 1 ] && exit 1; exit 3'
plant same exact 'echo "same in ==$$=="; exit 4'
plant heals exact '[ $n != 0 ]'
plant turns exact 'exit $((n + 5))'
plant talks exact 'echo "$n"; false'

look 0 good once once2
last_is "3 passed, 0 failed"
says '^unsteady: once .*status 1, expected 0'
says '^unsteady: once2 '
says '^run again: 4 times, .* s of CPU$'
ran good 1
ran once 3
same "run 0" "$(cat "$house/build/check/once.first.out")" "its first output"
same "run 2" "$(cat "$house/build/check/once.out")" "its last output"

look 1 good once once2 once3
last_is "1 passed, 3 failed"
says '^FAILED once3: .*unsteady'
! grep -q '^unsteady' "$tmp/text" || fail "three are not forgiven: $(cat "$tmp/text")"

look 1 always once
last_is "1 passed, 1 failed"
says '^FAILED always: status 1'
says '| always 0'
says '^unsteady: once '
ran always 2
look 1 third
ran third 3
last_is "0 passed, 1 failed"

look 1 same
ran same 2
! grep -q 'NOT EXACT' "$tmp/text" || fail "fails as before: $(cat "$tmp/text")"
look 1 heals
says '^FAILED heals: status 1, expected 0; NOT EXACT, again: it passed'
look 1 turns
says '^FAILED turns: status 5, expected 0; NOT EXACT, again: another status'
look 1 talks
says '^FAILED talks: status 1, expected 0; NOT EXACT, again: another output'
last_is "0 passed, 1 failed"

# Exact ones twice, and no others: what they leave is compared.
plant rests exact 'date >/dev/null; echo "the same"'
plant drifts exact 'echo "$n"'
(rm -f "$house"/runs_of_*; cd "$house" && $run -2 good rests drifts) >"$tmp/text" 2>&1
last_is "1 passed, 1 failed"
says '^FAILED drifts: NOT EXACT, again: another output'
ran rests 2

# Without -r nothing runs twice.
rm -f "$house"/runs_of_*
(cd "$house" && $run once) >"$tmp/text" 2>&1
ran once 1
last_is "0 passed, 1 failed"

# A limit is the test's: of a second on a host that gives an eighth of itself, a test
# that needs three is done.  What has no end is told so.
plant slow "bounded TIMEOUT=1" "sleep 3"
plant endless "bounded TIMEOUT=1" "sleep 300"
beside=
for i in $(seq $((8 * $(nproc)))); do
	sh -c 'while :; do :; done' &
	beside="$beside $!"
done
(cd "$house" && $run -p 1 slow) >"$tmp/text" 2>&1
kill $beside
wait $beside 2>/dev/null
last_is "1 passed, 0 failed"
(cd "$house" && $run -p 1 endless) >"$tmp/text" 2>&1
says '^FAILED endless: no end after 1 s'

# Turns: each in one of the two, the same for one commit, others for another.
turns="dear1 dear2 dear3 dear4 dear5 dear6 dear6_too dear7"
for name in $turns; do
	plant $name "exact TURN=3" true
done
plant dear7 "exact TURN=3 SUBJECT=dear1" true
dear() { (cd "$house" && $run -n "$@") | grep '^dear' | sort | xargs; }
dear >"$tmp/check"
same "$turns" "$(echo $( (dear; dear -w more) | tr ' ' '\n' | sort))" "both halves together"
same "$(cat "$tmp/check")" "$(dear)" "the same commit"
git init -q "$house"
for i in 1 2 3 4 5 6; do
	GIT_AUTHOR_DATE=@$i\ +0000 GIT_COMMITTER_DATE=@$i\ +0000 git -C "$house" \
		-c user.name=n -c user.email=e commit -q --allow-empty -m "$i"
	dear
done >"$tmp/commits"
[ "$(sort -u "$tmp/commits" | wc -l)" = 3 ] || fail "turns of six commits: $(cat "$tmp/commits")"
grep 'dear[17]' "$tmp/commits" | grep -v '^dear1 .*dear7$' && fail "dear7 comes with dear1"
plant dear_more "exact TURN=1,2 MORE=all" true
rm -f "$house"/kernel/test/cases/planted/dear[1-9]*
same "dear_more" "$(dear -w all)" "all have it"
same "" "$(dear)" "it is none of check"
for i in 1 2 3 4 5 6; do
	GIT_AUTHOR_DATE=@$i\ +0000 GIT_COMMITTER_DATE=@$i\ +0000 git -C "$house" \
		-c user.name=n -c user.email=e commit -q --allow-empty -m "$i more"
	dear -w more
done >"$tmp/commits"
[ "$(sort -u "$tmp/commits" | wc -l)" = 2 ] || fail "turns in check-more: $(cat "$tmp/commits")"
rm -rf "$house"/kernel/test/cases/planted/dear* "$house/.git"

# What make builds for one of them is what that one needs.
needs() {
	same "$2" "$(build/tools/run -m "$1" | xargs)" "what $1 needs"
}
needs t_ws build/host/t_ws
needs t02_fork_cow "image build/kernel/test/progs/t02_fork_cow"
build/tools/run -m ext2_bad | grep -qx build/kernel/test/progs/bad_sectors || fail "needs of ext2_bad"
build/tools/run -m designs | grep -qx testing || fail "needs of designs"

# Both halves of CI: two of them together may be unsteady.
mkdir -p "$house/.ci" "$house/tools"
cp .ci/run "$house/.ci/run"
printf '#!/bin/sh\n' >"$house/tools/setup"
chmod +x "$house/tools/setup"
ci() {
	rm -f "$house"/runs_of_*
	printf 'check:\n\t@%s -r %s\ncheck-more:\n\t@%s -r %s\n' "$run" "$2" "$run" "$3" >"$house/Makefile"
	(unset MAKEFLAGS MAKELEVEL; "$house/.ci/run") >"$tmp/text" 2>&1
	same "$1" $? "ci of $2 and $3: $(tail -n 3 "$tmp/text")"
}
ci 0 "good once" "once2"
last_is "3 passed, 0 failed"
same "unsteady: once unsteady: once2" "$(tail -n 3 "$tmp/text" | sed '$d; s/  .*//' | xargs)" "the end"
ci 1 "good once" "once2 once3"
last_is "1 passed, 3 failed"
ci 1 "good" "always once"
last_is "2 passed, 1 failed"
finish
