#!/bin/sh
# NEEDS: TIMEOUT=20 KIND=exact
# A case that fails says so in its own output, wherever what it tried writes to, and
# also from a shell below; one that ends before finish says that.
. kernel/test/cases/lib.sh

# ends STATUS WORDS SCRIPT: what the case of that script says
ends() {
	printf '. kernel/test/cases/lib.sh\n%s\n' "$3" >"$tmp/case"
	sh "$tmp/case" >"$tmp/out" 2>"$tmp/err"
	same "$1" $? "status of: $3"
	same "$2" "$(cat "$tmp/err")" "what is said by: $3"
}
ends 0 "" 'expect 0 true; same a a b; finish'
ends 1 "does not hold: status 1, expected 0: false" 'expect 0 false >/dev/null 2>&1; finish'
ends 1 "does not hold: b: expected '1', got '2'" 'same 1 2 b 2>"$tmp/said"; finish'
ends 1 "does not hold: below" '(fail below); finish'
ends 1 "does not hold: below" 'said=$(fail below 2>&1); finish'
ends 1 "does not hold: below" 'echo | while read -r line; do fail below; done; finish'
ends 2 "status 2: ended before finish" 'exit 2'
ends 1 "status 1: ended before finish" 'kill -TERM $$; sleep 10'
ends 0 "" 'at_end="echo over"; finish'
same over "$(cat "$tmp/out")" "what is done at the end"
finish
