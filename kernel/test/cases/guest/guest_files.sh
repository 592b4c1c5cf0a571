#!/bin/sh
# NEEDS: TIMEOUT=60 TURN=6 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# --add, --stdin, --log, --append bring what they say into the guest.
. kernel/test/cases/lib.sh

mkdir "$tmp/dir" "$tmp/dir/sub"
echo one >"$tmp/dir/a"
printf '#!/bin/sh\necho "ran with $1"\n' >"$tmp/dir/sub/prog"
chmod 755 "$tmp/dir/sub/prog"
ln -s a "$tmp/dir/link"
head -c 300000 /dev/urandom >"$tmp/random"

out=$($guest --add "$tmp/dir:/data/x" -- sh -c 'cat /data/x/a /data/x/link; /data/x/sub/prog y')
same "one
one
ran with y" "$out" "--add of a folder"
out=$($guest --add "$tmp/random:/tmp/" -- md5sum /tmp/random | cut -c1-32)
same "$(md5sum <"$tmp/random" | cut -c1-32)" "$out" "--add of a file"
out=$($guest --add "$tmp/random" -- md5sum /random | cut -c1-32)
same "$(md5sum <"$tmp/random" | cut -c1-32)" "$out" "--add without a name"
$guest --stdin "$tmp/random" -- cat >"$tmp/copy" || fail "status of cat"
cmp "$tmp/random" "$tmp/copy" || fail "standard input came back changed"
out=$(echo word | $guest --stdin - -- cat)
same word "$out" "--stdin -"
out=$($guest -- sh -c 'wc -c')
same 0 "$out" "no standard input"

# What is added takes the place of what has its name, and only the name.
out=$($guest --add "$tmp/dir/sub/prog:/bin/watch" --add "$tmp/dir/a:/x" \
	--add "$tmp/random:/x" --add "$tmp/dir:/d" --add "$tmp/dir:/d" \
	-- sh -c '/bin/watch z; wc -c </x; cat /d/link; ls -ld /bin/ls | cut -c1')
same "ran with z
300000
one
l" "$out" "--add in place of others"

# An archive that is broken is passed over, with a line of the log.
{ cat "$BUILD/initrd.cpio"; echo junk; head -c 1000 "$tmp/random"; echo 070701
	head -c 700 "$BUILD/initrd.cpio"; } >"$tmp/broken"
out=$($guest --initrd "$tmp/broken" --log "$tmp/log" -- echo here)
same here "$out" "a broken archive"
grep -q 'initramfs: byte .*no header behind' "$tmp/log" ||
	fail "no line of the log about a broken archive"

$guest --log "$tmp/log" -- true
[ -s "$tmp/log" ] || fail "no kernel messages in --log"
out=$($guest --append check=sys -- cat /proc/cmdline)
case $out in *check=sys*) ;; *) fail "--append: /proc/cmdline is '$out'" ;; esac
err=$($guest -- sh -c 'echo out; echo err >&2' 2>&1 >"$tmp/out")
same err "$err" "standard error"
same out "$(cat "$tmp/out")" "standard output"
finish
