#!/bin/sh
# NEEDS: TIMEOUT=300 SUBJECT=teaching KIND=exact MORE=all
# make compdb says how each starter of a lab is compiled; clang, told so as .clangd tells an
# editor, finds no error in it.  The editor's files are JSON.
. kernel/test/cases/lib.sh
built compdb
command -v clang >/dev/null || { echo "no clang, skipped"; exit 0; }
remove=$(sed -n 's/^ *Remove: \[\(.*\)\]$/\1/p' .clangd | tr -d ' ' | tr , '\n' | sed 's/[+.]/\\&/g; s/\*/.*/')
n=0
for starter in labs/[0-9]*/*.c; do
	n=$((n + 1))
	line=$(grep -F "\"file\": \"$starter\"" build/compile_commands.json)
	[ -n "$line" ] || { fail "$starter is not in compile_commands.json"; continue; }
	words=$(echo "$line" | sed 's/.*"command": "[^ ]* //; s/" }.*//' | tr ' ' '\n' | grep -vxE -e "$remove")
	# shellcheck disable=SC2086
	clang -fsyntax-only $words >"$tmp/said" 2>&1 || fail "$starter: $(grep -m 1 error "$tmp/said")"
	grep -q 'unknown .*option\|unknown argument' "$tmp/said" && fail "$starter: $(grep -m 1 unknown "$tmp/said")"
done
[ $n -ge 11 ] || fail "$n starters"
for f in .vscode/*.json build/compile_commands.json; do
	node -e 'JSON.parse(require("fs").readFileSync(process.argv[1]))' "$f" 2>"$tmp/said" ||
		fail "$f: $(tail -n 3 "$tmp/said")"
done
finish
