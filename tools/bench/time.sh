# time.sh: the host's time, on one CPU and on two; read by run -t
#
# Instructions say nothing of locks, shared cache lines, or what an instruction
# costs.  Figures are nanoseconds, of each row the least of all boots; the kernels
# take turns, so that what else the host does meets both.  A boot has one of two
# speeds, 1.6 times apart, for both kernels and by chance; so the rows that are compared
# with each other, those of two CPUs, are of twice as many boots.
#
# On two CPUs ours clears no frames while a CPU is idle: else one process would have
# the work of two CPUs, and two would seem to gain little (1.3 instead of 1.9).

one="zero-fill cow-copy fork-64m pipe"
two="smp-process smp-processes smp-thread smp-threads smp-mapper smp-mappers"
clock="-rtc base=2026-01-01T00:00:00"

load=$(cut -d' ' -f1 /proc/loadavg)
say "load of this machine: $load on $(nproc) processors"
awk -v l="$load" 'BEGIN { exit !(l > 0.5) }' &&
	say "others are at work here: wait for them, or read ratios only, and with care"
[ "$(nproc)" -ge 2 ] ||
	say "one processor: the rows of two CPUs say nothing here"
sh tools/setup linux-cloud || exit 2
archive time-one ns $one
archive time-two ns $two
rm -f "$out"/time-*.figures

# turn CPUS NAME ROUND MORE: a boot of each kernel; bare: no trace, no counters
turn() {
	cpus=$1
	kernel=$build/vadose.elf
	ours time-ours-$2-$3 time-$2 "norandom=1 $4" || exit 2
	linux time-linux-$2-$3 time-$2 norandmaps || exit 2
	kernel=$build/without-events/vadose.elf
	ours time-bare-$2-$3 time-$2 "norandom=1 $4" || exit 2
}

i=1
while [ $i -le "$rounds" ]; do
	say "round $i of $rounds: nine boots, some seconds each"
	turn 1 one $i
	turn 2 two $i idlezero=0
	turn 2 two $i-again idlezero=0
	i=$((i + 1))
done
for k in linux ours bare; do
	least "$out"/time-$k-*.figures | grep -v '^boot' >"$out/time-$k"
done
awk -f $here/time.awk "$out/time-linux" "$out/time-ours" "$out/time-bare"
say "load now: $(cut -d' ' -f1 /proc/loadavg); a row that is too slow:" \
	"make profile OP=row, then the locks that it takes: make run with locks=1, /proc/vm/locks"
