#!/bin/sh
# NEEDS: TIMEOUT=300 SUBJECT=teaching KIND=bounded MORE=all
# BOUNDED: a debugger stops a machine beside the clock of the host
# make compdb says how each starter of a lab is compiled; clang, told so as .clangd tells an
# editor, finds no error in it.  The editor's files fit their schemas.
. kernel/test/cases/lib.sh
built compdb grader image
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
# The editor's files are what their schemas say, and name what is there.
fits() { # fits FILE SCHEMA
	build/grading/grade validate "$1" "kernel/test/editors/$2.json" >"$tmp/said" 2>&1
}
for f in .vscode/tasks .vscode/launch .devcontainer/devcontainer; do
	fits $f.json "${f##*/}" || fail "$f.json: $(cat "$tmp/said")"
	sed '0,/"[a-z]*":/s//"nobody":/' $f.json >"$tmp/bad.json"
	fits "$tmp/bad.json" "${f##*/}" && fail "$f.json: a schema that takes anything"
done
for f in .vscode/*.json build/compile_commands.json; do
	node -e 'JSON.parse(require("fs").readFileSync(process.argv[1]))' "$f" 2>"$tmp/said" ||
		fail "$f: $(tail -n 3 "$tmp/said")"
done
cat >"$tmp/names.mjs" <<'END'
import { readFileSync, readdirSync } from 'node:fs'
const read = f => JSON.parse(readFileSync(f, 'utf8'))
const tasks = read('.vscode/tasks.json').tasks
const say = text => console.log(text)
const rules = ['Makefile', 'labs/lab.mk', 'grading/rules.mk', 'book/rules.mk', 'kernel/rules.mk', 'tools/rules.mk']
  .map(f => readFileSync(f, 'utf8')).join('\n')
for (const t of tasks)
  for (const [, target] of t.command.matchAll(/\bmake ([a-z-]+)/g))
    if (!new RegExp(`^([a-z-]+ )*${target}( [a-z-]+)*:`, 'm').test(rules)) say(`make ${target}: nobody makes it`)
for (const c of read('.vscode/launch.json').configurations)
  for (const name of [c.preLaunchTask, c.postDebugTask])
    if (!tasks.some(t => t.label === name)) say(`${c.name}: no task ${name}`)
// A failed test leads to file and line: what the labs' pages show of the grader.
const pattern = new RegExp(tasks.find(t => t.label === 'grade a step').problemMatcher[0].pattern.regexp)
let seen = 0
for (const lab of readdirSync('labs').filter(d => /^\d/.test(d)))
  for (const line of readFileSync(`labs/${lab}/README.md`, 'utf8').split('\n').filter(l => /^ +look at /.test(l))) {
    const m = pattern.exec(line)
    if (!m || !readFileSync(m[2])) say(`labs/${lab}: ${line}`)
    seen++
  }
if (seen < 10) say(`${seen} lines of the grader`)
END
node "$tmp/names.mjs" >"$tmp/said" 2>&1
same '' "$(head -n 5 "$tmp/said")" "tasks, launch"

# The debugger's commands, as the editor gives them to gdb, stop the kernel at a fault.
sh tools/gdb/machine >"$tmp/typescript" 2>&1 &
machine=$!
at_end='kill $machine 2>/dev/null'
seen '^ready: ' || fail "no machine: $(cat "$tmp/typescript")"
node -e 'for (const c of JSON.parse(require("fs").readFileSync(".vscode/launch.json")).configurations[0].customLaunchSetupCommands)
	console.log(c.text.replaceAll("${workspaceFolder}", process.cwd()))
	console.log("-gdb-set mi-async on\n-exec-continue")' >"$tmp/mi"
{ cat "$tmp/mi"; for try in $(seq 60); do grep -q '^\*stopped,reason="br' "$tmp/said" && break; sleep 1; done; echo -gdb-exit; } |
	timeout 100 gdb -q -nx --interpreter=mi >"$tmp/said" 2>&1
grep -q 'reason="breakpoint-hit".*func="vm_fault"' "$tmp/said" || fail "gdb: $(grep -v '^~' "$tmp/said" | tail -n 5)"
sh tools/gdb/machine end
wait $machine
[ ! -e build/gdb.socket ] || fail "the machine has not ended"
finish
