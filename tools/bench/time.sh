# time.sh: the host's time, on one CPU and on two; read by run -t
#
# Instructions say nothing of locks, shared cache lines, or what an instruction
# costs.  Figures are nanoseconds, of each row the least of all boots; the kernels
# take turns, so that what else the host does meets both.
#
# On two CPUs ours clears no frames while a CPU is idle: else one process would have
# the work of two CPUs, and two would seem to gain little (1.3 instead of 1.9).

one="zero-fill cow-copy fork-64m pipe"
two="smp-process smp-processes smp-thread smp-threads"
clock="-rtc base=2026-01-01T00:00:00"

load=$(cut -d' ' -f1 /proc/loadavg)
say "load of this machine: $load on $(nproc) processors"
awk -v l="$load" 'BEGIN { exit !(l > 0.5) }' &&
	say "others are at work here: wait for them, or read ratios only, and with care"
[ "$(nproc)" -ge 2 ] ||
	say "one processor: the rows of two CPUs say nothing here"
tools/setup linux-cloud || exit 2
archive time-one ns $one
archive time-two ns $two
rm -f "$out"/time-*.figures

i=1
while [ $i -le "$rounds" ]; do
	say "round $i of $rounds: six boots, some seconds each"
	cpus=1
	ours time-ours-one-$i time-one norandom=1 || exit 2
	linux time-linux-one-$i time-one norandmaps || exit 2
	ours time-bare-one-$i time-one "norandom=1 trace=off" || exit 2
	cpus=2
	ours time-ours-two-$i time-two "norandom=1 idlezero=0" || exit 2
	linux time-linux-two-$i time-two norandmaps || exit 2
	ours time-bare-two-$i time-two "norandom=1 idlezero=0 trace=off" || exit 2
	i=$((i + 1))
done
for k in linux ours bare; do
	least "$out"/time-$k-*.figures | grep -v '^boot' >"$out/time-$k"
done
awk -f $here/time.awk "$out/time-linux" "$out/time-ours" "$out/time-bare"
say "load now: $(cut -d' ' -f1 /proc/loadavg); a row that is too slow:" \
	"make profile OP=row, then the locks that it takes: make run with locks=1, /proc/vm/locks"
