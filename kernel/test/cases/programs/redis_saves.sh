#!/bin/sh
# NEEDS: TIMEOUT=240 SHORT=1 TURN=3 KIND=bounded
# BOUNDED: a server and its clients run on two CPUs
# Debian's redis, with more keys than there is memory: a forked child saves them as they
# were, while clients change them; what a server reads again is what was saved.
. kernel/test/cases/lib.sh

keys=180000
! in_full || keys=300000
# The server is this program, too, by its name.
host_programs redis-cli redis-benchmark redis-check-rdb
mv "$tmp/root/usr/bin/redis-check-rdb" "$tmp/root/usr/bin/redis-server"
cat >"$tmp/root/script" <<'END'
PATH=/bin:/usr/bin
mkdir /d && mount -t tmpfs -o size=150M none /d && cd /d || exit 1
ask() { redis-cli -s /d/socket "$@"; }
clients() { redis-benchmark -s /d/socket -q -c 10 -r 1000 "$@" >/dev/null 2>&1 || exit 2; }
# start no, or yes: with a log of all changes
start() {
	redis-server --port 0 --unixsocket /d/socket --dir /d --save '' --appendonly $1 \
		--enable-debug-command yes --logfile /d/log &
	for try in $(seq 300); do
		[ "$(ask ping 2>/dev/null)" != PONG ] || return
		sleep 0.1
	done
	cat /d/log
	exit 7
}
end() { ask shutdown nosave; wait; }
# The child that saves has ended, and well.
saved() {
	for try in $(seq 600); do
		ask info persistence | grep -q "$1_in_progress:1" || break
		sleep 0.1
	done
	ask info persistence | grep -q "$2_status:ok" || { cat /d/log; exit 3; }
}
same() { [ "$1" = "$2" ] || { echo "$3: $1, then $2"; exit 4; }; }

start no
ask debug populate $1 key 64 >/dev/null
before=$(ask debug digest)
ask bgsave >/dev/null
clients -n 2000 -t set,lpush,hset,zadd
saved rdb_bgsave rdb_last_bgsave
now=$(ask debug digest)
[ "$before" != "$now" ] || exit 5
end
start no
same "$before" "$(ask  debug digest)" "what was saved while others wrote"
ask config set appendonly yes >/dev/null
clients -n 2000 -t set,lpush,hset,zadd
saved aof_rewrite aof_last_bgrewrite
now=$(ask debug digest)
end
start yes
same "$now" "$(ask debug digest)" "what was saved and what changed behind it"
end
ask ping 2>/dev/null && exit 6
echo 2 >/proc/vm/check || exit 8
sed -n 's/^swap.out_pages //p' /proc/vm/events >&2
END
expect 0 $guest --memory 66M --swap 512M --cpus 2 --log "$tmp/log" $(root_words) \
	-- /bin/sh /script $keys 2>"$tmp/out"
[ "$(tail -n 1 "$tmp/out")" -gt 0 ] || fail "nothing went to swap: $(cat "$tmp/out")"
finish
