#!/bin/sh
# NEEDS: TIMEOUT=150 TURN=3 KIND=bounded
# BOUNDED: the host stops the machine, which is what it is about
# A host that stops the emulator again and again while the kernel measures its
# clocks: seconds of the guest are as long as ours all the same.
. kernel/test/cases/lib.sh

# When each line came, in milliseconds.
stamped() {
	while read -r line; do
		echo "$(($(date +%s%N) / 1000000)) $line"
	done
}

# A run: the emulator stands still for so long, again and again, at first.
halting() {
	mkfifo "$tmp/fifo$1"
	stamped <"$tmp/fifo$1" >"$tmp/out$1" &
	$guest --log "$tmp/log$1" -- \
		sh -c 'sleep 4; echo from; sleep 3; echo to' \
		>"$tmp/fifo$1" 2>"$tmp/err$1" &
	guest=$!
	until pid=$(pgrep -P $guest); do sleep 0.01; done
	i=0
	while [ $i -lt 30 ]; do
		kill -STOP "$pid" && sleep "$1" && kill -CONT "$pid"
		sleep 0.01
		i=$((i + 1))
	done
	wait
}

# All at once: they stand still most of the time.
pauses="0.06 0.08 0.1 0.13"
for pause in $pauses; do
	halting $pause &
done
wait
length() { # length PAUSE: of three seconds of the guest, in milliseconds
	awk '$2 == "from" { a = $1 } $2 == "to" { print $1 - a }' "$tmp/out$1"
}
as_long() { [ "${1:-0}" -ge 2500 ] && [ "$1" -le 4500 ]; }
for pause in $pauses; do
	as_long "$(length $pause)" || {
		# The host stood still by itself, perhaps; a wrong clock is wrong again.
		rm "$tmp/fifo$pause"
		halting $pause
	}
	ms=$(length $pause)
	as_long "$ms" || {
		fail "three seconds of the guest take ${ms:-?} ms"
		tail -n 5 "$tmp/log$pause"
	}
done
finish
