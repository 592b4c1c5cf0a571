#!/bin/sh
# NEEDS: TIMEOUT=120 SHORT=1 KIND=exact
# make lint has nothing to say, and finds what is planted.  In make check once for
# both: in a copy of the tree it finds what is planted there, and nothing else.
[ -n "$SHORT" ] || sh tools/lint/run "$BUILD" || exit
sh tools/lint/selftest "$BUILD"
