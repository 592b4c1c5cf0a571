#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 KIND=bounded
# BOUNDED: shells and tmux are typed at while the host runs
# Debian's script records a shell; its tmux has two of them in a window that is
# divided and resized; what each had is given back.
. kernel/test/cases/lib.sh

host_programs script tmux bash stty tty
host_files /usr/lib/locale/C.utf8 /lib/terminfo/s/screen

cat >"$tmp/root/run" <<'END'
export PATH=/usr/bin:/bin TERM=vt100 LC_ALL=C.UTF-8
(sleep 1; echo 'echo in$((1+1))side; tty; exit 7') |
    script -qec 'bash --norc' /tmp/typescript >/dev/null
echo "script $?"
tr -d '\r' </tmp/typescript | grep -e '^in2side' -e '^/dev/pts'

pane() { tmux capture-pane -p -t $1 | grep "$2"; }
# Until a pane shows it, or for 20 s.
shows() {
	for i in $(seq 200); do
		pane $1 "$2" && return
		sleep 0.1
	done
	echo "pane $1 does not show $2:"; tmux capture-pane -p -t $1
}
tmux -f /dev/null new-session -d -x 80 -y 24 'bash --norc'
tmux split-window 'bash --norc'
tmux send-keys -t 0 'echo one-$((1+1)); stty size' Enter
shows 0 '^one-2'
shows 0 '^12 80'
tmux send-keys -t 1 'echo two-$((2+2)); sleep 99' Enter
shows 1 '^two-4'
tmux send-keys -t 1 C-c
tmux send-keys -t 1 'echo again-$((3+3))' Enter
shows 1 '^again-6'
tmux resize-pane -t 0 -y 5
tmux send-keys -t 0 'stty size' Enter
shows 0 '^5 80'
tmux kill-server
for i in $(seq 100); do
	left=$(cat /proc/sys/kernel/pty/nr)
	[ $left = 0 ] || sleep 0.1
done
echo "left $left"
END
expect 0 $guest $(root_words) -- /bin/sh /run >"$tmp/out" 2>"$tmp/err"
same 'script 7
in2side
/dev/pts/0
one-2
12 80
two-4
again-6
5 80
left 0' "$(cat "$tmp/out")" "what the terminals showed"
cat "$tmp/err"
finish
