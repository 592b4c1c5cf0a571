#!/bin/sh
# NEEDS: TIMEOUT=60 TURN=6 KIND=bounded
# BOUNDED: keys are typed while the host runs
# Who types while the machine still starts loses no kernel: keys come before the
# line has a reader.
. kernel/test/cases/lib.sh

command -v script >/dev/null || { echo "no script(1), skipped"; exit 0; }

keys() {
	for i in $(seq 400); do
		printf '\r\r\r\r\r\r\r\r'
		sleep 0.002
	done
	sleep 1
	printf 'exit\r'
	sleep 1
}

for cpus in 1 4; do
	keys | script -qfec "$GUEST --kernel $BUILD/vadose.elf --cpus $cpus --timeout 25" \
		"$tmp/typescript" >"$tmp/out" 2>&1
	grep -aq 'power off' "$tmp/out" || fail "$cpus CPUs: $(tail -n 20 "$tmp/out")"
done
finish
