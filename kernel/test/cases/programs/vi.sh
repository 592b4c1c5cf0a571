#!/bin/sh
# NEEDS: TIMEOUT=120 TURN=3 KIND=bounded
# BOUNDED: keys are typed while the host runs
# What vi writes on the root of make run is there after the next boot; two do
# not have the disk at once.
. kernel/test/cases/lib.sh

command -v script >/dev/null || { echo "no script(1), skipped"; exit 0; }
unset MAKEFLAGS MAKELEVEL

# boot KEYS: make run at a terminal; KEYS types
boot() {
	: >"$tmp/typescript"
	$1 | timeout 60 script -qfec "make -s run BUILD=$BUILD DISK=$tmp/disk.img" \
		"$tmp/typescript" >/dev/null 2>&1
	same 0 $? "$1: status"
	[ $failures = 0 ] || cat "$tmp/typescript" >&2
	expect 0 e2fsck -fn "$tmp/disk.img" >"$tmp/fsck" 2>&1
}

# The status line of vi says where we are, and a dash there that no text is typed: keys
# that come at once behind ESC would be taken for those of an arrow.  What is typed
# before the prompt may come before the serial line is set up.
typed='- /root/note \[Modified\]'
insert='I /root/note \[Modified\]'
write_note() {
	seen 'vadose:~#' && printf 'vi /root/note\r'
	seen ' 1/1 100%' && printf 'ikept over the boot\033'
	seen "$typed" && printf ':wq\r'
	seen 'vadose:~#' 2 && printf 'exit\r'
}

# The file is there; another line goes below, one word is changed.
change_note() {
	seen 'vadose:~#' && printf 'vi /root/note\r'
	seen 'kept over the boot' && printf 'oand a second line\033'
	seen "$typed 2/2" && printf '1G'
	seen "$typed 1/2" && printf 'dwi'
	seen "$insert 1/2" && printf 'still \033'
	seen "$insert 1/2.*$typed 1/2" && printf ':wq\r'
	seen 'vadose:~#' 2 && printf 'exit\r'
}

show_note() {
	seen 'vadose:~#' && printf 'wc -l /root/note\r'
	seen '^2 /root/note' && printf 'exit\r'
}

# While it lives another make run is told whose the disk is, and looks away.
with_another() {
	seen 'vadose:~#'
	script -qfec "make -s run BUILD=$BUILD DISK=$tmp/disk.img" /dev/null \
		</dev/null >"$tmp/another" 2>&1
	echo $? >"$tmp/status"
	printf 'exit\r'
}

boot write_note
boot with_another
same 2 "$(cat "$tmp/status")" "status of another make run"
grep -q 'in use by another make run: DISK=' "$tmp/another" || fail "another: $(cat "$tmp/another")"
boot change_note
boot show_note
debugfs -R "dump /root/note $tmp/note" "$tmp/disk.img" 2>/dev/null
printf 'still over the boot\nand a second line\n' >"$tmp/want"
cmp "$tmp/want" "$tmp/note" || fail "the note: $(cat "$tmp/note")"
finish
