#!/bin/sh
# NEEDS: TIMEOUT=300 MORE=all KIND=bounded
# BOUNDED: a page that has not followed within a minute of the host fails
# The page of a guest that runs has all its events, stops it, lets it go on by a step.
. kernel/test/cases/lib.sh

sh tools/setup book && sh tools/setup book-browser || exit 2
[ -d book/node_modules ] || built book/node_modules/.package-lock.json
expect 0 node book/.vitepress/book/livecheck.mjs "$tmp" $guest --cpus 1 --memory 32M >"$tmp/said"
[ "$(grep -c '^ok ' "$tmp/said")" = 10 ] || fail "$(cat "$tmp/said")"
finish
