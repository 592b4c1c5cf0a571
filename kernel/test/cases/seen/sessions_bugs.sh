#!/bin/sh
# NEEDS: TIMEOUT=600 MORE=all TURN=1,3 SUBJECT=teaching KIND=bounded
# BOUNDED: Bochs runs beside the clock of the host
# Each session notices the planted bug that it names: one of its claims does not
# hold then.  That they hold of this kernel: sessions.sh.
. kernel/test/cases/lib.sh

built tools $(sed -n 's/^boot .*--add \(build\/book\/[^: ]*\).*/\1/p' book/sessions/bochs/*.step | sort -u)
expect 0 sh tools/sessions check "$BUILD"
finish
