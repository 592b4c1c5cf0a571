#!/bin/sh
# NEEDS: TIMEOUT=900 LONG=1 KIND=bounded
# BOUNDED: the tests that it runs are bounded
# A kernel built with -Og passes what one with -O2 passes.
[ "$BUILD" = build ] || exit 0
make -s image testing OPT=-Og BUILD=build-og || exit 1
exec build/tools/run -b build-og -j 1 't[0-9]*' 'a[0-9]*' 'selftest'
