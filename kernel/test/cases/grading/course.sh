#!/bin/sh
# NEEDS: TIMEOUT=1800 SUBJECT=grader KIND=bounded LONG=1
# BOUNDED: the grader's limits of the host's time stand behind it
# What grading/INSTRUCTOR.md says, in a clone: a lab of one's own, a course with it, a zip for
# Gradescope in its layout, a repository that grades its pushes, files that are alike.
. kernel/test/cases/lib.sh
sh tools/setup course || exit 2
unset MAKEFLAGS MAKELEVEL
top=$PWD guide_page=grading/INSTRUCTOR.md
git clone -q --shared . "$tmp/clone" || exit 2
# With the times of our files: what is built of them is not built again.
git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read -cf - | tar -xf - -C "$tmp/clone"
cp -a build "$tmp/clone/build"
cd "$tmp/clone" || exit 2
make -s grader build/grading/t_strings >"$tmp/said" 2>&1 || fail "$(tail -n 3 "$tmp/said")"
build/grading/t_strings >"$tmp/said" 2>&1 || fail "forms: $(cat "$tmp/said")"

# A copy with other names, its functions in another order, leads; two own solutions are not named.
mkdir -p "$tmp/class/bob" && cp grading/variants/05-fork/gather.c grading/variants/05-fork/object-first.c "$tmp/class/"
cp labs/05-fork/fork.c "$tmp/class/starter.c"
awk -v RS= -v ORS='\n\n' '/^static[^;]*\{/ { late = late $0 ORS; next } { print } END { print late }' \
	grading/variants/05-fork/gather.c | sed 's/\<va\>/where/g; s/\<page\>/frame/g' >"$tmp/class/bob/fork.c"
make -s similar DIR="$tmp/class" LAB=05 >"$tmp/said" 2>&1
grep -Eqx '( [6-9][0-9]|100) % of (bob is in gather|gather is in bob)' "$tmp/said" || fail "alike: $(cat "$tmp/said")"
same 1 "$(grep -c % "$tmp/said")" "pairs: $(cat "$tmp/said")"

# A lab of one's own: green, the starter has nothing, its bug is found, lint is silent.
sh grading/course/new-lab 05-mine >"$tmp/said" 2>&1 && fail "a number that is no course's"
sh -c "$(printed $guide_page 'make new-lab')" >"$tmp/said" 2>&1 || fail "new-lab: $(tail -n 5 "$tmp/said")"
grep -q '^30-cards  100/100' "$tmp/said" || fail "new-lab: $(tail -n 5 "$tmp/said")"
make -s new-lab NAME=30-cards >"$tmp/said" 2>&1 && fail "new-lab over one that is there"
make -s grade LAB=30 SEED=3 >"$tmp/said" 2>&1
grep -q '^30-cards  0/100' "$tmp/said" || fail "its starter: $(tail -n 5 "$tmp/said")"
sh -c "$(printed $guide_page 'make grade LAB=30 FILE=')" >"$tmp/said" 2>&1 || fail "ours: $(tail -n 5 "$tmp/said")"
git -c user.name=t -c user.email=t@t add -A && git -c user.name=t -c user.email=t@t commit -qm 'labs: 30-cards' || exit 2
sh tools/lint/run build >"$tmp/said"
grep -E 'cards|30-' "$tmp/said" && fail "lint: $(grep -E 'cards|30-' "$tmp/said" | head -n 3)"

# A course: the same again gives the same; the key is nowhere; no solution is handed out.
sh -c "$(printed $guide_page 'make new-course' | sed 's/WITH=".*"/WITH="00 cards"/')" >"$tmp/said" 2>&1 || fail "new-course: $(tail -n 5 "$tmp/said")"
cd "$tmp/os" || exit 2
cp vadose-handout.tar.gz "$tmp/first"
make -s -C "$tmp/clone" new-course DIR=../os WITH='00 cards' >"$tmp/said" 2>&1
cmp "$tmp/first" vadose-handout.tar.gz || fail "another handout"
[ "$(stat -c %a ../os.key)" = 600 ] || fail "the key can be read by others"
for f in 00-tour 30-cards; do [ -s gradescope/$f.zip ] || fail "no gradescope/$f.zip"; done
[ ! -e template/kernel/test/boot/cards/cards.c ] || fail "the solution is in the template"
[ ! -e template/grading/INSTRUCTOR.md ] || fail "the instructor's page is in the template"
[ -e template/.github/workflows/grade.yml ] && [ -e template/.gitlab-ci.yml ] || fail "no workflows"
grep -q 'LAB=00-tour SEED=[0-9]*$' README.md || fail "$(cat README.md)"

# The repository grades what was written, and says it at the line.
cd template || exit 2
cp "$tmp/clone/labs/30-cards/cards.c" labs/30-cards/cards.c
sed -i 's/return 0;$/return 1;/' labs/30-cards/cards.c
GITHUB_ACTIONS=true sh grading/course/ci >"$tmp/said" 2>&1
same 1 $? "ci: $(tail -n 3 "$tmp/said")"
grep -q '^00-tour: the starter' "$tmp/said" || fail "ci: $(head -n 3 "$tmp/said")"
grep -q '^::error file=labs/30-cards/cards.c,line=[0-9]*,title=30/t01 ' "$tmp/said" || fail "no annotation: $(grep :: "$tmp/said")"
grep -q '^::stop-commands::' "$tmp/said" || fail "what is graded could give commands"
"$top/build/grading/grade" validate build/results/30-cards/gl-code-quality-report.json \
	"$top/grading/schema/gitlab.json" >"$tmp/said" 2>&1 || fail "gitlab: $(cat "$tmp/said")"
grep -q '<testsuite name="30-cards step 1" tests="1" failures="1" errors="0"' build/results/30-cards/junit.xml ||
	fail "junit: $(cat build/results/30-cards/junit.xml)"
jq '.tests[0].status = "infra"' build/results/30-cards/result.json |
	jq --arg form gradescope -f grading/course/forms.jq >"$tmp/said" 2>&1 && fail "a host's trouble is a score"
cd ..

# Gradescope's layout: source/ submission/ results/ and the two scripts.
AUTOGRADER=$tmp/autograder
export AUTOGRADER
mkdir -p "$AUTOGRADER/submission"
unzip -q gradescope/30-cards.zip -d "$AUTOGRADER/source"
cp "$AUTOGRADER/source/run_autograder" "$AUTOGRADER/"
bash "$AUTOGRADER/source/setup.sh" >"$tmp/said" 2>&1 || fail "setup.sh: $(tail -n 3 "$tmp/said")"
submit() { # submit SCORE
	(cd "$AUTOGRADER" && ./run_autograder) >"$tmp/said" 2>&1 || fail "run_autograder: $(tail -n 3 "$tmp/said")"
	"$top/build/grading/grade" validate "$AUTOGRADER/results/results.json" "$top/grading/schema/gradescope.json" \
		>"$tmp/said" 2>&1 || fail "results.json: $(cat "$tmp/said")"
	same "$1" "$(jq .score "$AUTOGRADER/results/results.json")" "a score"
}
in=$AUTOGRADER/submission
ln -s "$tmp/clone/kernel/test/boot/cards/cards.c" "$in/cards.c"
(cd "$AUTOGRADER" && ./run_autograder) >"$tmp/said" 2>&1
grep -q '"score": 0, "output": "Hand in one file' "$AUTOGRADER/results/results.json" || fail "a link was taken"
rm "$in/cards.c"
cp "$tmp/clone/kernel/test/boot/cards/cards.c" "$in/$(printf 'a\nb"$(touch pwned).c')"
printf x >"$in/._a.c"
submit 100
[ ! -e "$AUTOGRADER/pwned" ] || fail "a name was run"
cp "$tmp/clone/labs/30-cards/cards.c" "$in/cards.c"
submit 0
# A repository: of all that has the name, the lab's.
mkdir -p "$in/labs/30-cards" && cp "$tmp/clone/kernel/test/boot/cards/cards.c" "$in/labs/30-cards/"
submit 100
rm -r "$in/labs"
echo '#error <script>"\' >"$in/cards.c"
submit 0
mv "$AUTOGRADER/vadose/build/vadose.elf" "$tmp/"
(cd "$AUTOGRADER" && ./run_autograder) >"$tmp/said" 2>&1 && fail "a host's trouble has a result"
[ ! -e "$AUTOGRADER/results/results.json" ] || fail "a host's trouble has a score"
finish
