#!/bin/sh
# NEEDS: TIMEOUT=120 KIND=exact
# Every command says by --help what it is and how it is called, and does nothing.
. kernel/test/cases/lib.sh

commands=$(git ls-files -s | awk -F'\t' '/^100755/ { print $2 }' |
	grep -vE '^kernel/test/cases/|^[.]ci/')
built=$(find "$BUILD/tools" -type f -perm -u+x ! -name '*.*')
[ "$(echo "$commands" "$built" | wc -w)" -ge 30 ] || fail "commands: $commands $built"
for command in $commands $built; do
	timeout 20 "$command" --help >"$tmp/out" 2>"$tmp/err" </dev/null
	same 0 $? "$command --help: $(cat "$tmp/out" "$tmp/err")"
	same "" "$(cat "$tmp/err")" "$command --help complains"
	grep -q "$(basename "$command")" "$tmp/out" ||
		fail "$command --help: $(cat "$tmp/out")"
done
finish
