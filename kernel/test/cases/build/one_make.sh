#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=exact
# Two makes in one folder: the second waits for the first, and says so; but not for one
# that only uses what is built, and not within a make.
. kernel/test/cases/lib.sh
house=$tmp/house
mkdir -p "$house/tools"
cp tools/onemake "$house/tools/"
cat >"$house/Makefile" <<'END'
ifeq ($(MAKELEVEL),0)
LOCKED := $(shell sh tools/onemake build)
endif
slow:
	@echo slow begins >>said; while [ ! -e go ]; do sleep 0.05; done; echo slow ends >>said
fast:
	@echo fast >>said
inner:
	@$(MAKE) -s fast
uses:
	@sh tools/onemake -r build
	@$(MAKE) -s slow
END
unset MAKELEVEL MAKEFLAGS
cd "$house" || exit 2

# until WORDS FILE: they stand there, at some time
until_says() {
	for i in $(seq 600); do
		grep -qs "$1" "$2" && return
		sleep 0.05
	done
	fail "never: $1"
}
make -s slow &
first=$!
until_says 'slow begins' said
make -s fast 2>word &
until_says 'another make runs in this checkout (build)' word
! grep -q fast said || fail "two at a time: $(cat said)"
: >go
wait
same "slow begins slow ends fast" "$(xargs <said)" "the order"

# Within one, and one after the other, nobody waits and nothing is said.
rm said
make -s inner 2>word && make -s fast 2>>word
same "fast fast" "$(xargs <said)" "inner, then fast"
same "" "$(cat word)" "their words"

rm -f said go
make -s uses &
until_says 'slow begins' said
make -s fast 2>word
same "slow begins fast" "$(xargs <said)" "beside one that uses"
: >go
wait

# Who is killed leaves no lock.
rm -f said go
make -s slow &
first=$!
until_says 'slow begins' said
kill -9 $first
make -s fast 2>word
grep -q fast said || fail "after one that was killed"
: >go
wait
cd - >/dev/null
finish
