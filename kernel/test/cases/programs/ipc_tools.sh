#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=bounded
# BOUNDED: the host's programs are what they are
# Debian's ipcmk makes objects of System V, ipcs shows them, ipcrm takes them away; and
# shows that there are none (its ipcs reads on until a first line has come).
. kernel/test/cases/lib.sh

host_programs ipcs ipcmk ipcrm

cat >"$tmp/root/run" <<'END'
export PATH=/usr/bin:/bin LC_ALL=C
# Keys are by chance.
plain() { sed 's/0x[0-9a-f]\{8\}/KEY/; s/  *$//' | grep -v '^$'; }
ipcmk -M 8192 -p 0600
ipcmk -S 3
ipcmk -Q
ipcs | plain
ipcs -m -i 0 | sed -n 's/.*\(bytes=[0-9]*\).*/\1/p'
ipcs -s -i 0 | grep '^nsems'
ipcs -u | grep -e '^segments' -e '^used arrays' -e '^allocated queues'
ipcrm -m 0 -s 0 -q 0
echo "ipcrm $?"
ipcs | grep -c 0x
ipcrm -m 0 2>&1
echo "again $?"
END
set --
for dir in "$tmp"/root/*; do
	set -- "$@" --add "$dir:/${dir##*/}"
done
expect 0 $guest "$@" -- /bin/sh /run >"$tmp/out" 2>"$tmp/err"
same 'Shared memory id: 0
Semaphore id: 0
Message queue id: 0
------ Message Queues --------
key        msqid      owner      perms      used-bytes   messages
KEY 0          root       644        0            0
------ Shared Memory Segments --------
key        shmid      owner      perms      bytes      nattch     status
KEY 0          root       600        8192       0
------ Semaphore Arrays --------
key        semid      owner      perms      nsems
KEY 0          root       644        3
bytes=8192
nsems = 3
allocated queues = 1
segments allocated 1
used arrays = 1
ipcrm 0
0
ipcrm: invalid id (0)
again 1' "$(cat "$tmp/out")" "what the tools say"
cat "$tmp/err"
finish
