#!/bin/sh
# NEEDS: TIMEOUT=240 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: two kernels keep their time on two CPUs
# Debian's User Mode Linux, a Linux that is a program: its memory is a file, the pages of
# its processes are mappings of that, their faults are signals and their calls stops of a
# tracer.  What runs in it says what it says here.
. kernel/test/cases/lib.sh

host_programs linux.uml
# The root of the one inside: not that of the guest, whose /proc is another kernel's.
mkdir -p "$tmp/root/r/bin" "$tmp/root/r/proc" "$tmp/root/r/tmp"
cp /bin/busybox "$tmp/root/r/bin/sh"
cp /bin/busybox "$tmp/root/r/bin"
cat >"$tmp/root/r/work" <<'END'
#!/bin/sh
for i in 1 2 3 4 5 6 7 8; do
	(echo "child $i of $#" | tr a-z A-Z)
done
seq 20000 | sort -rn | md5sum
seq 1000000 >/tmp/big
cat /tmp/big /tmp/big | md5sum
rm /tmp/big
sh -c 'kill -9 $$'; echo "killed: $?"
sleep 1; echo "slept: $?"
END
cat >"$tmp/root/r/inside" <<'END'
#!/bin/sh
busybox mount -t proc proc /proc
busybox --install -s /bin
mount -t tmpfs none /tmp
uname -r >/tmp/name
[ ! -d /proc/vm ] && grep -q '^[4-9]' /tmp/name && echo "another Linux"
sh /work 2>/tmp/said
poweroff -f
END
cat >"$tmp/root/script" <<'END'
mount -t tmpfs -o size=80M none /tmp
export TMPDIR=/tmp HOME=/tmp PATH=/bin:/usr/bin
linux.uml mem=64M rootfstype=hostfs rootflags=/r rw init=/inside quiet con=null \
	con0=null,fd:1 ssl=null </dev/null 2>/tmp/err | tr -d '\r'
echo outside
sh /r/work 2>/tmp/said
echo 2 >/proc/vm/check || exit 8
END
chmod +x "$tmp/root/r/inside"
for design in $(designs_to_try); do
	expect 0 $guest --design $design --memory 160M --swap 128M --cpus 2 \
		--log "$tmp/log" $(root_words) -- /bin/sh /script >"$tmp/out"
	sed -n '/^another Linux/,/^reboot/p' "$tmp/out" | sed '1d;$d' >"$tmp/inside"
	sed '1,/^outside/d' "$tmp/out" >"$tmp/outside"
	[ -s "$tmp/inside" ] && cmp -s "$tmp/inside" "$tmp/outside" ||
		fail "$design: in it and here: $(cat "$tmp/out")"
done
finish
