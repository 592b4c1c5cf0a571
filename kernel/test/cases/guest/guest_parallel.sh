#!/bin/sh
# NEEDS: TIMEOUT=60 TURN=3 KIND=bounded
# BOUNDED: two machines run side by side
# Calls at the same time do not meet; ^C leaves no process and no file, neither of
# a guest nor of the program that runs the tests.
. kernel/test/cases/lib.sh

for i in 1 2 3 4; do
	$guest -- sh -c "sleep 1; echo $i" >"$tmp/out.$i" 2>&1 &
done
wait
for i in 1 2 3 4; do
	same $i "$(cat "$tmp/out.$i")" "parallel call $i"
done

# The processes whose parent is $1.
children_of() {
	cat /proc/[0-9]*/stat 2>/dev/null | sed 's/(.*)/x/' | awk -v p="$1" '$4 == p { print $1 }'
}

mkdir "$tmp/t"
for emulator in qemu bochs; do
	TMPDIR=$tmp/t $guest --emulator $emulator --log "$tmp/log" -- sleep 1000 &
	pid=$!
	sleep 3
	children=$(children_of $pid)
	for i in $(seq 300); do
		[ -z "$children" ] || break
		sleep 0.1
		children=$(children_of $pid)
	done
	[ -n "$children" ] || fail "$emulator: no child to look for"
	kill -INT $pid
	wait $pid
	same 130 $? "$emulator: status after SIGINT"
	for c in $children; do
		[ ! -d /proc/$c ] || fail "$emulator: process $c is still there"
	done
	same "" "$(ls "$tmp/t")" "$emulator: files left"
done

# Another tree, whose only test is slow.
run=$PWD/build/tools/run
mkdir -p "$tmp/tree/kernel/test/cases/planted" "$tmp/tree/build" && cd "$tmp/tree" || exit 2
cat >kernel/test/cases/planted/slow.sh <<'EOF'
#!/bin/sh
# NEEDS: TIMEOUT=60
trap 'rm -f mine' EXIT
trap 'exit 1' INT TERM HUP
: >mine
sleep 1000 &
echo $$ $! >started.new && mv started.new started
wait
EOF
# Which of the two processes live; a child of the test's is init's to bury.
still_there() {
	for p in $(cat started); do
		case $(sed 's/.*) //' /proc/$p/stat 2>/dev/null) in
		'' | Z*) ;;
		*) echo "$p" ;;
		esac
	done
}
for sig in 2 15 1; do # INT TERM HUP
	rm -f started
	env --default-signal=INT,TERM,HUP "$run" -b build slow >out 2>&1 &
	pid=$!
	for i in $(seq 300); do
		[ -e started ] && break
		sleep 0.1
	done
	kill -$sig $pid
	wait $pid
	same $((128 + sig)) $? "run: status after signal $sig"
	for i in $(seq 50); do
		[ -n "$(still_there)" ] || break
		sleep 0.1
	done
	same "" "$(still_there)" "run, signal $sig: processes"
	[ ! -e mine ] || fail "run, signal $sig: a file is left over"
done
finish
