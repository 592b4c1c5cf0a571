/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scripts_pieces.h: the pieces that scripts are made of
 *
 * In their folder are files a and b, folders d and e, links l and m, and root's
 * r, ro, rd.  The start of a script defines fresh, which makes some of them anew;
 * till COMMAND, which waits until it is true; is STATE PID and ended PID, which
 * look at a process.  Descriptor 9 types on the terminal.
 */
#ifndef SEEDED_SCRIPTS_PIECES_H
#define SEEDED_SCRIPTS_PIECES_H

#include "scripts.h"

static const char start[] =
    "fresh() {\n"
    "\tmkdir -p d/e e\n"
    "\tseq 20 >a; printf 'one two\\nthree\\n' >b; seq 9 >d/a\n"
    "\techo in d >d/b; echo in e >d/e/a\n"
    "\trm -f l m; ln -s a l; ln -s d m\n"
    "}\n"
    "till() { until \"$@\"; do sleep 0.01; done; }\n"
    "is() {\n"
    "\tread one two three rest <\"/proc/$2/stat\" && [ \"$three\" = $1 ]\n"
    "} 2>/dev/null\n"
    "ended() { ! kill -0 $1 2>/dev/null || is Z $1; }\n"
    "export T=/tmp/scripts/beside\n"
    "ulimit -c 0 -f 8192\n"
    "umask 022\n"
    "fresh\n";

static const struct kind kinds[] = {
	/* ---- words ---- */

	/* a file */
	KIND('f', "a", "a", "b", "c", "d", "d/a", "d/b", "d/e/a", "e", "l",
	    "m/a", "d/l", "m", "x", "y", "z", "x/a", "r", "ro", "rd/x",
	    "nodir/x", "''", "a/", "d/../a", "./b", "m/", "l/"),
	/* a name for a new one */
	KIND('w', "b", "c", "x", "y", "z", "d/b", "d/c", "e/c", "rd/y", "m/x",
	    "nodir/y", "y/"),
	/* a folder */
	KIND('d', "d", "d", "e", "m", "d/e", "rd", "z", ".", "nodir", "a", "x"),
	KIND('n', "0", "1", "2", "3", "5", "7"),
	/* bytes */
	KIND('b', "0", "1", "10", "100", "511", "512", "513", "1000", "4095",
	    "4096", "4097", "5000", "8192"),
	/* a mode */
	KIND('m', "0", "400", "600", "644", "755", "755", "700", "1777", "222",
	    "111", "555", "4755", "2755", "u+x", "g-w", "a=r", "+t", "u-r",
	    "=rw", "go=u", "a+X"),
	/* a signal that a shell can catch */
	KIND('h', "HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "ALRM", "PIPE",
	    "WINCH", "URG", "CONT", "34", "PWR"),
	/* one that kills whoever does not */
	KIND('k', "TERM", "TERM", "KILL", "HUP", "USR1", "PIPE", "ALRM", "SEGV",
	    "ABRT", "BUS", "FPE", "ILL", "TRAP", "SYS", "XCPU", "XFSZ",
	    "VTALRM", "PROF", "IO", "STKFLT", "35", "64"),
	/* a date */
	KIND('y', "@@1000", "@@100000", "@@1000000000",
	    "'2020-01-02 03:04:05'"),
	KIND('t', "hello", "'a b  c'", "\"$x\"", "'*'", "''", "*", "d/*",
	    "$((@n + @n))", "$(echo @n)", "\"$*\""),
	/* a test */
	KIND('g', "[ -e @f ]", "[ -f @f ]", "[ -d @f ]", "[ -L @f ]",
	    "[ -r @f ]", "[ -w @f ]", "[ -x @f ]", "[ -s @f ]", "[ -u @f ]",
	    "[ -k @f ]", "[ -O @f ]", "[ -G @f ]", "[ @f -ef @f ]",
	    "[ @f -nt @F ]", "[ @f -ot nodir/x ]", "[ -p @f ]", "[ -S @f ]",
	    "[ -b /dev/null ]", "[ -c /dev/null ]", "[ -t 0 ]", "[ -t 9 ]",
	    "true", "false", "(exit @n)", "! [ -e @f ]", "[ @n -lt @n ]"),

	/* ---- commands that end by themselves and do one thing ---- */

	KIND('c', "cat @f | @r", "cat @f @f", "wc -c <@f", "cp @f @w",
	    "cp -p @f @w", "rm -rf z 2>&1 | sort; cp -a d z 2>&1 | sort",
	    "rm -rf z 2>&1 | sort; cp -r m/. z 2>&1 | sort", "cp -a a b @d",
	    "cp -d @f @w", "cp -l @f @w", "cp -s @f @w", "mv @f @w", "mv @f @d",
	    "mv -f @f @f", "mv -n @f @w", "ln @f @w", "ln -s @f @w",
	    "ln -sf @f @w", "ln -f @f @w", "ln -sfn @f m", "rm @f",
	    "rm -f @f @f", "rm -r z 2>&1 | sort", "rmdir @d", "rmdir -p d/e/g",
	    "mkdir @w", "mkdir -p @d/x/y", "mkdir -m @m @w", "chmod @m @f",
	    "chmod -R @m d 2>&1 | sort", "chown 1000:1000 @f", "chgrp 5 @f",
	    "chown -R 7 d 2>&1 | sort", "touch -d @y @f", "touch @w",
	    "touch -r @f @w", "touch -c @f", "@g; echo $?", "@g && echo yes",
	    "touch -d @y e; [ @f -nt e ]; echo $?; [ @f -ot e ]; echo $?",
	    "stat -c '%n %F %a %u:%g' @f", "[ -f a ] && stat -c '%h %s %N' a",
	    "[ -L l ] && stat -c '%s %N' l", "stat -L -c '%F %a' @f",
	    "stat -c '%t,%T' /dev/null /dev/zero", "ls -1a @d", "ls -1F @d",
	    "ls -d @d/*", "ls @f @f", "ls -1R d", "ls -1t a b d/a | wc -l",
	    "find . | sort", "find d -type f | sort",
	    "find @d -perm @m 2>&1 | sort", "find . -type l | sort",
	    "touch -d @y e; find . -newer e 2>&1 | sort",
	    "find . -links 2 -type f | sort",
	    "find . -size -1000c -type f | sort", "find d -empty | sort",
	    "find d -type f -exec wc -c {} + 2>&1 | sort",
	    "find d -name @w -prune -o -print | sort",
	    "find d -depth | sort | head -n 3",
	    "find d -type f -exec chmod @m {} \\; 2>&1 | sort",
	    "find -L m -type f | sort", "find . -samefile a | sort",
	    "find . -user 0 | sort", "readlink @f", "readlink -f @f",
	    "realpath @f", "sed -i s/1/x/ @f 2>/dev/null",
	    "sed -i.old '2d;$d' @f 2>/dev/null", "sort @f -o @w",
	    "sort -ru @f | @r",
	    "dd if=@f of=@w bs=@b count=@n skip=@n seek=@n conv=@v status=noxfer",
	    "dd if=@f bs=@b skip=@n count=1 status=none | @r",
	    "dd if=/dev/zero of=@w bs=1 count=1 seek=@b status=noxfer",
	    "dd of=@w bs=3 conv=@v status=noxfer <@f", "truncate -s @b @f",
	    "truncate -c -s @b @w", "fallocate -l @b @w", "echo @t >@w",
	    "fallocate -o @b -l @b @f", "echo @t >>@f", "echo @t >@f", ">@w",
	    "head -c @b /dev/zero | tr '\\0' x >@w", "seq @b >@w",
	    "seq 30 >>@f", "cmp @f @f", "cmp -s @f @f", "diff @f @f",
	    "md5sum @f", "diff -r d z 2>&1 | sort", "od -c @f | head -n 2",
	    "tail -c @b @f", "tail -n @n @f", "tail -n +@n @f | @r",
	    "head -n @n @f", "head -c @n @f", "hexdump -C @f | tail -n 2",
	    "tac @f | @r", "unlink @f", "gzip -c @f | gunzip | md5sum",
	    "gzip -f @f", "gunzip @f.gz", "bzip2 -kf @f", "bunzip2 -c @f.bz2",
	    "printf '%s\\n' d/* [a-c] .*",
	    "printf '1d\\n$p\\nw\\nq\\n' | ed @f",
	    "diff -u a b >df; patch @f <df; rm -f df *.rej",
	    "(cd @d && cd .. && ls)", "(cd @f && ls; pwd)", "(cd @d && @c)",
	    "(cd @d && @c)", "(umask @m; >@w; mkdir @w)",
	    "umask 0@n2; umask; umask -S",
	    "awk '{ print > \"@w\" } END { print NR }' @f", "nl @f | @r",
	    "awk '{ print | \"sort -r\" } END { close(\"sort -r\"); print NR }' @f",
	    "awk 'BEGIN { while ((\"seq @b\" | getline x) > 0) n++; print n }'",
	    "awk 'BEGIN { r = system(\"exit @n\"); print r }'", "fresh",
	    "tee @w @w <@f | @r", "echo more | tee -a @f",
	    "paste a b | tail -n 2", "echo \"${x:-none}\" | @r",
	    "x=$(cat @f | @r); echo \"[$x]\"", "sync",
	    "(renice -n @n $(exec sh -c 'echo $PPID'); cut -d' ' -f19 /proc/self/stat)",
	    "id -u; id -g", "whoami; groups", "env -i A=@n B=2 env | sort",
	    "A=@n env | grep ^A", "env -u HOME env | grep HOME",
	    "which sh ls nosuch", "type cd fresh ls", "nosuch", "./nosuch",
	    "@f", "./@f", "/bin/busybox nosuch",
	    "mktemp -u @w.XXXXXX 2>/dev/null | wc -c", "hostname | wc -l",
	    "expr @n + @n", "test @n -eq @n", "du @w >/dev/null", "kill -l @n",
	    "grep -c @n @f", "grep -rl in d 2>&1 | sort",
	    "basename @f; dirname @f", "cut -c1-2 @f | @r", "uniq -c @f | @r",
	    "pwd", "cd .", "crc32 a", "sha1sum <@f", "chroot @f /bin/true",
	    "mv -T @f @f", "ln -T @f @w", "mv d d/e/x",
	    "ln l h@u; ls -1F h@U; rm h@U", "taskset 1 nproc",
	    "cp /dev/null @w", "rmdir . d/. d/..", "mkdir . / d/. d/..",
	    "mv . x; mv d/. x", "chmod 6775 @f; chown @n @F; stat -c %a @F",
	    "stat -c %h d e", "chmod 6775 @f; echo x >>@F; stat -c %a @F",
	    "ln a x; mv a x; ls a x",
	    "chmod 6775 @f; truncate -s @b @F; stat -c %a @F",
	    "rm -f z; ln -s a/ z; ls z",
	    "chgrp 5 e; chmod 2777 e; mkdir e/s; >e/t; stat -c '%a %g' e/s e/t",
	    "[ -f a ] && touch -d '2020-01-02 03:04:05' a && ls -ln a",
	    "touch -d @@1000 d; @o; [ $(stat -c %Y d) = 1000 ]; echo $?",
	    "touch -d @@1000 d/a; @o; [ $(stat -c %Y d/a) = 1000 ]; echo $?",
	    "touch -d @@1000 d/e; @o; [ $(stat -c %Y d/e) = 1000 ]; echo $?",
	    "touch -d @@1000 a; find . -mtime +9999 | sort",
	    "wc -c </proc/self/cmdline", "head -c @b /dev/urandom | wc -c",
	    "mkdir -p x/y && mv -T x d/e; ls -1F d/e",
	    "rm -rf @d 2>&1 | sort; fresh",
	    "cp -a /dev/null n@u; [ -c n@U ]; echo $?; rm -f n@U"),
	/* an interpreter */
	KIND('i', "/bin/sh", "/bin/sh -e", " /bin/sh", "/bin/echo", "/bin/cat",
	    "/nothing", "/", "", " ", "/bin/sh\t-x ", "./nothing",
	    "/bin/busybox sh", "/bin/env sh", "bin/sh", "/tmp",
	    "/bin/false a b", "/dev/null", "/bin/sh -e -x"),
	/* what changes when d, d/a or d/e was changed, or does not */
	KIND('o', "chmod 640 d/a", "mv d/a d/n", "ln d/a d/n", "rm -f d/b",
	    "cat d/a", "mkdir d/n", "echo x >>d/a", ">d/a", ">d/n",
	    "ln -s a d/n", "mv d/a d/e/n", "mv d/a d/b", "truncate -s 5 d/a",
	    "truncate -s 18 d/a", "ls d", "mv d/e d/n", "mv d/e x",
	    "mkfifo d/n; rm d/n", "ln -f d/b d/a",
	    "dd if=b of=d/a conv=notrunc status=none", "chown 1000 d",
	    "true >>d/a", "fallocate -l 9000 d/a", "rm -r d/e", "chmod 755 d/e",
	    "rmdir d/a"),
	KIND('v', "notrunc", "sync", "swab", "ucase", "noerror", "notrunc,sync",
	    "fsync"),

	/* ---- pipes: what writes, and what reads to the end ---- */

	KIND('p', "seq @b", "echo @t", "cat @f 2>&1", "printf 'b\\na\\nc\\n'",
	    "head -c @b a", "tac a", "od -An -tx1 @f 2>&1", "yes | head -n @n",
	    "seq 5000", "ls -1 d 2>&1", "head -c 100000 /dev/zero | tr '\\0' 1",
	    "yes 12345 | dd bs=6 count=@b status=none iflag=fullblock"),
	KIND('q', "@r", "@r", "head -n @n", "sed 3q",
	    "{ read x; echo \"$x\"; cat; } | @r", "grep 3 | head -n 4",
	    "head -c @b | wc -c", "rev | head -n 2", "(@q)",
	    "dd bs=1 count=5 status=none 2>/dev/null; echo",
	    "dd bs=512 iflag=fullblock count=@n status=none | wc -c"),
	/* what reads all */
	KIND('r', "tail -n @n", "sort -r | head -n 3", "wc -c", "wc -l",
	    "md5sum", "sort -n | uniq -c | tail -n 3", "tr 0-9 a-j | tail -n 2",
	    "sed -n '1p;$p'", "grep -c 1", "cut -c1-3 | tail -n 3", "cat",
	    "awk '{ s += $1 } END { print s, NR }'", "uniq | wc -l",
	    "while read x; do echo \"<$x>\"; done | tail -n 2",
	    "{ read x; echo \"first $x\"; cat | wc -l; }", "tee o@u | wc -c",
	    "xargs -n 3 echo | tail -n 2", "base64 | tail -n 1",
	    "gzip | gunzip | wc -c", "nl | tail -n 1", "fold -w 7 | tail -n 2",
	    "cat | cat | cat | wc -c", "xargs echo | wc -w", "tail -c 7; echo",
	    "dd bs=512 status=none | wc -c", "setsid wc -c", "env wc -l",
	    "xargs -n 1 -P 3 echo | sort | md5sum", "timeout 20 wc -c"),

	/* ---- statements ---- */

	KIND('s', "@c", "@c", "@c", "@c", "@1", "@1", "@1", "@1", "@2", "@2",
	    "@3", "@3", "@4", "@4", "@5", "@5", "@6", "fresh"),
	/* how statements are put together */
	KIND('1',
	    "if @g\nthen\n@l else\n@l fi",
	    "for i in 1 2; do\n@l done",
	    "for i in $(seq @n); do\n\t@c\ndone",
	    "(\n@l)",
	    "{\n@l} >o@u; (@q) <o@U",
	    "{\n@l} 2>&1 | @r",
	    "x=$(\n@l); echo \"[$x]\" | @r",
	    "(\n@l) >o@u; cat o@U",
	    "(\n@l) 2>@w",
	    "{\n@l} 2>&1 >/dev/null | sort",
	    "{\n@l} <@f >>o@u",
	    "f@u() {\n@l\treturn @n\n}\nf@U a b; echo $?",
	    "@p | @q",
	    "@p | @q | @r",
	    "@p | @q >o@u",
	    "@c && @c || @c",
	    "! @c",
	    "@p | head -n 3 | while read x; do\n@l done",
	    "while @g; do\n@l break; done",
	    "case $( @c) in\n*1*) @c ;;\n*) @c ;;\nesac",
	    "(set -e\n@l @g\n@l echo reached\n)",
	    "(set -u; @c; echo $nothing; @c)",
	    "(trap 'echo bye @n' EXIT\n@l exit @n\n)",
	    "(set -x; x=@n; @g; echo @t \"$x\")",
	    "(set -C; echo @t >@f; echo $?; echo new >|@f)",
	    "(set -f; echo d/*)",
	    "(exec 2>@w; @c; @c); echo $?",
	    "cat >f@u <<E@U\n$( @c)\nx=$x\nE@U\ncat f@U | @r",
	    "cat >f@u <<'E@U'\n@l\nE@U\nsh f@U; echo $?; rm f@U",
	    "cat >f@u <<'E@U'\n@l\nreturn @n\necho not here\n"
	    "E@U\n. ./f@U; echo $?; rm f@U",
	    "eval \"$(cat <<'E@u'\n@l\nE@U\n)\"",
	    "set -- @t @t; echo $#; shift 2",
	    "(set -o pipefail; @p | @r; echo $?; yes | head -n 1; echo $?)",
	    "while read -r x; do echo \"$x\" | @r; done <<'E@u'\n"
	    "one\n two  2\nE@U",
	    "(cd @d &&\n@l)",
	    "(x=@n; (x=@n; echo $x); echo $x)",
	    "echo $(echo $( @c) | @r)",
	    "{ echo 1; @c; } | (cat; @c) 2>&1 | sort"),
	/* descriptors */
	KIND('2',
	    "(exec 3>@f; echo @t >&3; (echo sub >&3); cat @F)",
	    "(exec 3<@f; read x <&3; echo \"$x\"; cat <&3 | @r; read y "
	    "<&3; echo $?)",
	    "(exec 3<>@f; read x <&3; echo X >&3; cat <&3 | @r; cat @F | "
	    "@r)",
	    "(exec 3>>@f 4>&3; echo 3 >&3; echo 4 >&4; exec 3>&-; echo 5 "
	    ">&4; echo 6 >&3; cat @F | @r)",
	    "(exec 3<@f 4<@f; read x <&3; read y <&4; echo \"$x $y\")",
	    "(exec 3<@f; exec 4<&3; read x <&3; read y <&4; echo \"$x "
	    "$y\"; exec 3<&-; cat <&3; cat <&4 | @r)",
	    "{ read x; read y; echo \"$x,$y\"; cat | @r; } <@f",
	    "{ head -n 1; cat | wc -c; } <@f",
	    "{ sh -c 'read x; echo $x'; cat | @r; } <@f",
	    "{ dd bs=4 count=1 status=none; dd bs=4 skip=1 count=1 "
	    "status=none; } <@f",
	    "(exec 1>o@u; @c; exec 1>&2; echo back)",
	    "echo x >&7; { @c; } 2>&7",
	    "(exec 3>del; rm del; echo gone >&3; cat /proc/self/fd/3; "
	    "readlink /proc/self/fd/3)",
	    "(exec 3<@f; readlink /proc/self/fd/3; cat /proc/self/fd/3 | "
	    "@r)",
	    "(exec 3<a 4<b 5<&4; ls /proc/self/fd | wc -l)",
	    "(exec 3<@f; rm -f @F; cat <&3 | @r)",
	    "(exec 3>@w; truncate -s @b @W; echo @t >&3; wc -c <@W)",
	    "(exec 3>@w; echo 1234567 >&3; : >@W; echo 89 >&3; wc -c <@W)",
	    "(exec 3<@d; cat <&3; ls /proc/self/fd/3/ | head -n 3)",
	    "(: >@f; echo reached)",
	    "(exec <@f; cat | @r; @c)",
	    "(exec 3>&9; [ -t 3 ]; echo $?)",
	    "(exec >&-; echo x; echo $?; @c) 2>&1",
	    "(exec 0<&-; cat; @c)",
	    "(exec 2>&-; @c; nosuch)",
	    "cat <&0 | @r",
	    "{ @c; } >/dev/full; echo $?",
	    "echo x >/dev/full",
	    "head -c @b /dev/zero | wc -c",
	    "{ @c; } <&-; { @c; } >&-",
	    "(seq 3; @c) >o@u 2>&1 </dev/null; cat o@U | @r",
	    "sh -c 'echo out; echo err >&2' 3>&1 1>&2 2>&3 | @r",
	    "(exec 3>@w; for i in 1 2 3; do (seq $i >&3) & wait; done; cat "
	    "@W)",
	    "echo in >@w; (head -n 1; echo app) <@W >>@W; wc -l <@W",
	    "(exec 3<a; cat >@w <&3; (cat <&3; echo at end); wc -c <@W)",
	    "for i in 1 2; do\n@l done 3>@w 4>&1 <@f",
	    "read x <@f; echo \"$x\"",
	    "x=$(<@f); echo \"$x\" | @r",
	    "(exec 3>&1; x=$(echo in; echo out >&3); echo $x)",
	    "(exec 3<>@f; read x <&3; head -n 2 /proc/self/fdinfo/3)",
	    "(exec 3>>a; echo x >&3; cut -f 2 /proc/self/fdinfo/3 | head "
	    "-n 2)",
	    "(trap '' HUP 34; trap : USR1; cat /proc/self/status | grep -E "
	    "'^(Name|Umask|State|Uid|Gid|Groups|SigIgn|SigBlk|Threads):')",
	    "(x=$(head -c 100000 /dev/zero | tr '\\0' b); cat <<E@u | wc "
	    "-c\n$x\nE@U\n)",
	    "(exec 3<nodir; echo no); (exec 3>d; echo no); (exec 3<a "
	    "4>d/e; echo no)",
	    "cat <@f 3<b <&3 | @r",
	    "(exec 3<a 4>>b 5<>b; for i in 3 4 5 9; do ls -l "
	    "/proc/self/fd/$i | cut -c1-10; done)",
	    "(exec 3<>/dev/ptmx; [ -t 3 ]; echo $?; stty size <&3)",
	    "echo a >o@u 2>&1 >oo@U; cat o@U oo@U"),
	/* fifos and processes that work together */
	KIND('3',
	    "mkfifo p@u && { cat p@U >o@U & @p >p@U; wait $!; echo $?; cat "
	    "o@U | @r; rm p@U; }",
	    "mkfifo p@u && { (exec 3<>p@U; echo @t >&3; read x <&3; echo "
	    "\"$x\"); rm p@U; }",
	    "(mkfifo p@u q@U || exit\n(while read x; do echo $((x + 1)); "
	    "done <p@U >q@U) &\nexec 3>p@U 4<q@U\nfor x in 5 6 7; do echo "
	    "$x >&3; read y <&4; echo $y; done\nexec 3>&-; read y <&4; "
	    "echo \"end $?\"; wait; rm p@U q@U)",
	    "(mkfifo p@u || exit; (read x; echo \"$x\") <p@U >o@U & exec "
	    "3>p@U; echo 1 >&3; wait $!; (trap '' PIPE; echo 2 >&3; echo "
	    "$?); sh -c 'echo 3 >&3'; echo $?; cat o@U; rm p@U)",
	    "for i in 1 2 3 4; do (seq $i 7 200) & done | sort -n | md5sum",
	    "(for i in 1 2 3; do (for k in 1 2 3 4 5; do echo $i.$k; done "
	    ">>ap@u) & done; wait; sort ap@U | md5sum; rm ap@U)",
	    "(echo 0 >n@u || exit; for i in 1 2 3; do (for k in 1 2 3; do\n"
	    "until mkdir lk@U 2>/dev/null; do sleep 0.01; done\n"
	    "read x <n@U; echo $((x + 1)) >n@U; rmdir lk@U; done) & done\n"
	    "wait; cat n@U)",
	    "(for i in 1 2 3; do (ln a one@u 2>/dev/null && echo won) & "
	    "done; wait; rm one@U)",
	    "(for i in 1 2 3; do (mkdir one@u 2>/dev/null && echo won) & "
	    "done; wait)",
	    "(for i in 1 2 3; do (set -C; echo $i >one@u && echo won) & "
	    "done; wait; rm one@U) 2>/dev/null",
	    "(seq 99 >t@u || exit; (for k in 1 2 3 4 5 6; do seq 99 >u@U; "
	    "mv u@U t@U; done; >e@U) &\n{ wc -l <t@U; while ! [ -e e@U ]; "
	    "do wc -l <t@U; done; } | uniq; wait $!; echo $?)",
	    "@p | (read x; exec cat) | @r",
	    "yes | head -n @n",
	    "yes | sed 2q | wc -l",
	    "{ yes; echo $? >st@u; } | head -n 1; cat st@U",
	    "{ trap '' PIPE; while echo x; do :; done; echo $? >st@u; } "
	    "2>e@U | head -n 1; cat st@U e@U",
	    "{ seq 100000; echo $? >st@u; } | tail -n 1; cat st@U",
	    "seq @b | tee o@u oo@U | @r; cmp o@U oo@U; wc -l <o@U",
	    "mkfifo p@u && { cat @f 2>&1 | tee p@U >/dev/null & (@r) <p@U; "
	    "wait $!; rm p@U; }",
	    "mkfifo p@u && { sed -n '$p' <p@U & p=$!; (@c; echo last) >p@U "
	    "2>&1; wait $p; rm p@U; }",
	    "mkfifo p@u && { (exec 3<>p@U; seq 10 >&3; dd bs=4 count=2 "
	    "status=none <&3); rm p@U; }",
	    "mkfifo -m @m p@u; stat -c '%F %a' p@U; [ -p p@U ]; mv p@U "
	    "q@U; rm q@U",
	    "mknod n@u c 1 3 && { echo x >n@U; cat n@U; ls -l n@U | cut "
	    "-c1; rm n@U; }",
	    "head -c 300000 /dev/zero | (sleep 0.05; wc -c)",
	    "(sleep 0.05; echo late) | cat",
	    "while :; do echo 1234567; done | head -c 100000 | md5sum",
	    "mkfifo p@u && { (exec 3<>p@U; (seq 30000; echo end) >&3 & "
	    "while read x <&3; do [ \"$x\" = end ] && break; y=$x; done; "
	    "wait; echo $y); rm p@U; }",
	    "mkfifo p@u && { (yes >p@U; echo $? >s@U) 2>/dev/null & head "
	    "-n 1 <p@U; wait $!; cat s@U; rm p@U; }",
	    "mknod n@u c 240 7; cat n@U; mknod b@U b 240 7; cat b@U; rm -f "
	    "n@U b@U",
	    "sh -c '(sleep 0.05; echo orphan >o@u) & exit'; till [ -s o@U "
	    "]; cat o@U",
	    "sleep 0.05 & kill -STOP $!; till is T $!; kill -CONT $!; wait "
	    "$!; echo $?",
	    "(mkfifo p@u || exit; exec 3<>p@U; (read x <&3; echo \"$x\") & "
	    "till is S $!; kill -STOP $!; till is T $!; echo hi >&3; kill "
	    "-CONT $!; wait $!; echo $?; rm p@U)",
	    "mknod n@u p && { echo x >n@U & cat n@U; wait $!; rm n@U; }",
	    "seq 12 | xargs -P 3 -n 2 echo | sort",
	    "(sh -c 'exit @n' & a=$!; sh -c 'exit @n' & b=$!; wait $b; "
	    "echo $?; wait $a; echo $?; wait $a; echo $?)",
	    "(true & wait $!; echo $?; wait; echo $?; wait 1; echo $?)",
	    "mkfifo p@u && { (read x <p@U; exit @n) & echo go >p@U; wait "
	    "$!; echo $?; rm p@U; }",
	    "(x=1; (x=2; exit @n) & wait $!; echo $x $?)",
	    "(exec 3<@f; (read x <&3; echo \"$x\") & wait; read x <&3; "
	    "echo \"$x\")",
	    "rm -rf $T/@u; mkdir $T/@U; (cd $T/@U && fresh\n"
	    "@l) >$T/o@U 2>&1 & p@U=$!\nwait $p@U 2>/dev/null; echo \"job "
	    "$?\"; cat $T/o@U",
	    "rm -rf $T/@u $T/b@U; mkdir $T/@U $T/b@U; (cd $T/@U && fresh\n"
	    "@l) >$T/o@U 2>&1 & p@U=$!\n(cd $T/b@U && fresh\n"
	    "@l) >$T/ob@U 2>&1 & b@U=$!\n@c\nwait $b@U 2>/dev/null; echo "
	    "\"job $?\"; cat $T/ob@U\nwait $p@U 2>/dev/null; echo \"job "
	    "$?\"; cat $T/o@U",
	    "rm -rf $T/@u; mkdir $T/@U; (cd $T/@U && fresh\n"
	    "@l) >$T/o@U 2>&1 & p@U=$!\n@l wait $p@U 2>/dev/null; echo "
	    "\"job $?\"; cat $T/o@U"),
	/* signals */
	KIND('4',
	    "sh -c 'kill -@k $$'; echo $?",
	    "(sh -c 'kill -@k $$'); echo $?",
	    "sh -c 'trap \"echo t@n\" @h; kill -@H $$; echo after'; echo $?",
	    "sh -c 'trap \"exit @n\" @h; kill -@H $$; echo after'; echo $?",
	    "sh -c 'trap \"\" @k; kill -@K $$; echo alive'; echo $?",
	    "sh -c 'trap \"\" @k; sh -c \"kill -@K \\$\\$; echo alive\"'; "
	    "echo $?",
	    "sh -c 'trap \"echo t\" @k; sh -c \"kill -@K \\$\\$; echo "
	    "alive\"; echo $?'",
	    "sh -c 'trap \"echo bye\" EXIT; kill -@k $$; echo after'; echo "
	    "$?",
	    "sh -c 'trap \"echo t; exit @n\" @h; trap \"echo bye\" EXIT; "
	    "kill -@H $$'; echo $?",
	    "sh -c 'trap \"echo t\" @h; trap - @H; kill -@H $$; echo "
	    "after'; echo $?",
	    "sh -c 'trap \"echo one\" @h; trap \"echo two\" @h; trap; kill "
	    "-@H $$'; echo $?",
	    "(n=0; trap 'n=$((n + 1))' @h; for i in 1 2 3; do sh -c 'kill "
	    "-@H '$(exec sh -c 'echo $PPID'); done; echo $n)",
	    "(trap 'echo t' @h; me=$(exec sh -c 'echo $PPID'); sleep 100 & "
	    "p=$!; (till is S $me; kill -@H $me) & wait $p; echo $?; kill "
	    "-9 $p; wait $p 2>/dev/null; echo $?; wait)",
	    "(trap 'echo chld' CHLD; sh -c 'exit @n'; echo $?; trap - "
	    "CHLD; true)",
	    "(trap '' CHLD; sh -c 'exit @n'; echo $?; (exit 3); echo $?)",
	    "sleep 100 & kill -@k $!; wait $! 2>/dev/null; echo $?",
	    "sh -c 'sleep 100 & kill -@k $!; wait $! 2>/dev/null; echo $?'",
	    "(mkfifo p@u q@U || exit; exec 4<>q@U; (trap 'echo caught; "
	    "exit @n' @h; echo r >p@U; read x <q@U; exit @n) >o@U 2>&1 & "
	    "read x <p@U; kill -@H $!; echo go >&4; wait $! 2>/dev/null; "
	    "echo $?; cat o@U; rm p@U q@U)",
	    "(mkfifo p@u || exit; (echo r >p@U; exec sleep 100) & read x "
	    "<p@U; till is S $!; kill -STOP $!; till is T $!; kill -@k $!; "
	    "kill -CONT $!; wait $! 2>/dev/null; echo $?)",
	    "(mkfifo p@u || exit; (echo r >p@U; exec sleep 100) & read x "
	    "<p@U; kill -STOP $!; till is T $!; kill -KILL $!; wait $! "
	    "2>/dev/null; echo $?; rm p@U)",
	    "(mkfifo p@u || exit; sh -c 'trap \"echo cont; exit @n\" CONT; "
	    "echo r >p@U; kill -STOP $$; :' >o@U & read x <p@U; till is T "
	    "$!; kill -CONT $!; wait $! 2>/dev/null; echo $?; cat o@U; rm "
	    "p@U)",
	    "setsid sh -c 'sleep 100 & sleep 100 & kill -@k 0; wait; echo "
	    "alive'; echo $?",
	    "setsid sh -c 'trap \"echo t\" @h; kill -@H 0; wait; echo "
	    "alive'; echo $?",
	    "(sleep 100 | sleep 100) >/dev/null 2>&1 & till is S $!; kill "
	    "-@k $!; wait $! 2>/dev/null; echo $?",
	    "(sleep 100 & p=$!; kill -STOP $p; till is T $p; kill -0 $p; "
	    "echo $?; kill -9 $p; wait $p 2>/dev/null; echo $?; kill -0 $p "
	    "2>/dev/null; echo $?)",
	    "kill -@h 999999 2>&1; kill -NOSUCH 1; kill",
	    "kill -0 1 2>&1; echo $?",
	    "{ (exec sh -c 'kill -@k $$') | cat; } 2>/dev/null; echo $?",
	    "x=$(sh -c 'echo out; kill -@k $$'); echo $? $x",
	    "{ sh -c 'kill -@k $$; echo no' | @r; } 2>/dev/null",
	    "env sh -c 'kill -@k $$'; echo $?",
	    "echo 1 | xargs sh -c 'kill -@k $$'; echo $?",
	    "find a -exec sh -c 'kill -@k $$' \\;; echo $?",
	    "timeout 20 sh -c 'kill -@k $$'; echo $?",
	    "awk 'BEGIN { r = system(\"kill -@k $$\"); print r }'",
	    "timeout -s @k 1 sleep 100; echo $?",
	    "timeout 1 sh -c 'trap \"\" TERM; sleep 2; echo up'",
	    "if sh -c 'kill -@k $$'; then echo y; else echo \"n $?\"; fi",
	    "! sh -c 'kill -@k $$'; echo $?",
	    "sh -c 'trap \"echo bye; exit 4\" EXIT; exit @n'; echo $?",
	    "sh -c '(trap \"echo sub\" EXIT; exit @n); echo $?; trap'",
	    "(trap 'echo t' USR1; sh -c 'trap; kill -USR1 $$'; echo $?)",
	    "sh -c 'trap \"echo t\" @h; (kill -@H $$); wait; echo end'",
	    "sh -c 'kill -@k $$' >/dev/null 2>&1; echo $?",
	    "sh -c 'sh -c \"kill -@k \\$PPID\"; echo alive'; echo $?"),
	/* programs that are files */
	KIND('5',
	    "cat >x@u <<'E@U'\n#!/bin/sh\n@l echo \"$0 $# $*\"\n"
	    "exit @n\nE@U\nchmod 755 x@U; @x./x@U one 'two  words'; echo $?",
	    "cat >x@u <<'E@U'\n#!@i\necho \"$0 $# $*\"\n"
	    "E@U\nchmod @m x@U; @x./x@U 1 2; echo $?",
	    "cat >x@u <<'E@U'\n#!/bin/sh -e@n\necho \"$-\"; false; echo "
	    "on\nE@U\nchmod 755 x@U; @x./x@U; echo $?",
	    "cat >x@u <<'E@U'\n#! /bin/echo  -n  two words \n"
	    "E@U\nchmod 755 x@U; @x./x@U arg; echo $?",
	    "printf 'echo \"no line $1\"\\nexit @n\\n' >x@u; chmod @m x@U; "
	    "@x./x@U arg; echo $?",
	    "printf '\\177ELF\\2\\1\\1garbage\\n' >x@u; chmod 755 x@U; "
	    "@x./x@U; echo $?",
	    "printf '#!/bin/cat\\nshown\\n' >x@u; chmod 755 x@U; @x./x@U "
	    "@f | @r; echo $?",
	    "printf '#!./y@u\\n' >x@U; printf '#!/bin/sh\\necho y \"$0\" "
	    "\"$@@\"\\n' >y@U; chmod 755 x@U y@U; @x./x@U 1 2; echo $?",
	    "for i in 1 2 3 4 5 6 7; do printf '#!./s@u.%d\\n' $((i - 1)) "
	    ">s@U.$i; done; printf '#!/bin/sh\\necho \"$@@\"\\n' >s@U.0; "
	    "chmod 755 s@U.*; for i in 3 4 5 6 7; do ./s@U.$i; echo $?; "
	    "done; rm s@U.*",
	    "printf '#!./x@u\\n' >x@U; chmod 755 x@U; @x./x@U; echo $?",
	    "printf '#!/nothing/sh\\n' >x@u; chmod 755 x@U; @x./x@U; echo "
	    "$?",
	    "printf '#!/bin/sh\\r\\necho hi\\n' >x@u; chmod 755 x@U; "
	    "@x./x@U; echo $?",
	    "printf '#!%0300d/bin/sh\\necho hi\\n' 0 | tr 0 ' ' >x@u; "
	    "chmod 755 x@U; ./x@U; echo $?",
	    "printf '#!/bin/sh %0240d\\n' 0 >x@u; chmod 755 x@U; @x./x@U; "
	    "echo $?",
	    "printf '#!/bin/echo' >x@u; chmod 755 x@U; @x./x@U a b; echo $?",
	    "printf '#!' >x@u; chmod 755 x@U; @x./x@U; echo $?",
	    "printf '' >x@u; chmod 755 x@U; @x./x@U; echo $?",
	    "printf '#!/bin/sh\\ncat <a | wc -l\\n' >x@u; chmod 111 x@U; "
	    "@x./x@U; echo $?",
	    "mkdir -p p1 p2; printf 'echo p1\\n' >p1/cmd; printf "
	    "'#!/bin/sh\\necho p2\\n' >p2/cmd; chmod @m p1/cmd; chmod 755 "
	    "p2/cmd; (PATH=p1:p2:$PATH; cmd; echo $?); PATH=p1:$PATH "
	    "@xcmd; echo $?",
	    "ln -s /bin/busybox echo@u; ./echo@U hi; ln -sf /bin/busybox "
	    "cat; ./cat b; rm cat",
	    "cp /bin/busybox busybox@u; chmod @m busybox@U; ./busybox@U "
	    "echo hi; echo $?; rm -f busybox@U",
	    "(mkfifo p@u || exit; cp /bin/busybox busybox@U; ./busybox@U "
	    "sh -c 'echo r >p@U; read x <p@U' & read x <p@U; echo x "
	    ">>busybox@U; truncate -s 0 busybox@U; cp a busybox@U; mv a "
	    "busybox@U; echo go >p@U; wait $!; echo $?; rm p@U busybox@U; "
	    "fresh)",
	    "(cp /bin/busybox busybox@u; exec 3>>busybox@U; ./busybox@U "
	    "true; echo $?; exec 3>&-; ./busybox@U true; echo $?; rm "
	    "busybox@U)",
	    "head -c @b /bin/busybox >x@u; chmod 755 x@U; @x./x@U "
	    ">/dev/null 2>&1; [ $? -ne 0 ]",
	    "(exec 3<a; sh -c 'cat <&3 | wc -l'; exec 3<&-)",
	    "cat >x@u <<'E@U'\n#!/bin/sh\nrm \"$0\"; @c\n"
	    "echo still\nE@U\nchmod 755 x@U; @x./x@U; echo $?",
	    "sleep 100 & read a b c d e f g h i </proc/$!/stat; echo $((d "
	    "== $$)) $((e == $$)) $((f == $$)) $((g != 0)) $((h == $$)); "
	    "kill $!; wait $! 2>/dev/null; echo $?",
	    "(exec sh -c 'echo $0 $1' x y; echo no)",
	    "(exec nosuch; echo no); echo $?",
	    "(exec ./@f; echo no); echo $?",
	    "(exec ./d; echo no); echo $?",
	    "sh @f; echo $?",
	    "sh -c '. ./@f'; echo $?",
	    "sh -s x y <<'E@u'\necho $# $1\n@l\nE@U",
	    "echo 'echo $((1 + @n))' | sh",
	    "sh -c 'tr \"\\0\" \" \" </proc/$$/cmdline; echo' a 'b c'",
	    "sh -c 'read x </proc/$$/comm; echo $x; exec cat "
	    "/proc/self/comm'",
	    "A='x  y' sh -c 'tr \"\\0\" \"\\n\" </proc/$$/environ | grep "
	    "^A'",
	    "readlink /proc/self/exe; readlink /proc/self/cwd",
	    "cat /proc/self/cwd/@f | @r",
	    "su -s /bin/sh nobody -c 'id -u; id -g; >x@u; cat r; cat a | "
	    "wc -l' </dev/null; echo $?",
	    "cp /bin/busybox busybox@u; chmod 4755 busybox@U; su -s "
	    "/bin/sh nobody -c './busybox@U id -u; ./busybox@U cat r | wc "
	    "-c' </dev/null; echo $?; rm -f busybox@U",
	    "mkdir -p c@u/bin; cp /bin/busybox c@U/bin/sh; chroot c@U "
	    "/bin/sh -c 'pwd; echo *; cd ..; pwd; cd bin && echo *; . /x; "
	    "echo no'; echo $?; rm -r c@U",
	    "cat >f@u <<'E@U'\n@l\nE@U\nmkdir s@U; chmod @m s@U; cd s@U && "
	    "{ fresh; su -s /bin/sh nobody -c '. ../f@U' </dev/null; cd "
	    "..; }",
	    "cat >f@u <<'E@U'\n@l\nE@U\nsu -s /bin/sh nobody -c '. ./f@U' "
	    "</dev/null; echo $?",
	    "cat >f@u <<'E@U'\n@l\nE@U\n(cd e; chmod 1777 .; fresh; su -s "
	    "/bin/sh nobody -c '. ../f@U' </dev/null)",
	    "chroot . /bin/sh; echo $?",
	    "setpriv --nnp /bin/true; echo $?",
	    "seq 5 | xargs -n 2 sh -c 'echo $0 $1; exit @n'; echo $?",
	    "echo 1 2 | xargs -n 1 sh -c 'exit 255'; echo $?",
	    "echo a | xargs nosuch; echo $?",
	    "echo a | xargs ./@f; echo $?",
	    "printf 'a\\0b c\\0' | xargs -0 -n 1 echo",
	    "echo a b | xargs -n 1 -I{} echo '<{}>'",
	    "xargs -r echo </dev/null; xargs echo </dev/null",
	    "find d -type f -exec sh -c 'echo \"$@@\" | wc -w' x {} +",
	    "find d -name a -exec false \\; -o -name a -print | sort",
	    "run-parts d 2>&1; echo $?",
	    "find d -type f | sort | cpio -o -H newc 2>/dev/null >c@u; "
	    "mkdir x@U; (cd x@U; cpio -idm <../c@U 2>/dev/null; cat ../c@U "
	    "| cpio -t 2>/dev/null | sort); find x@U | sort; rm c@U",
	    "tar cf t@u d 2>&1 | sort; tar tf t@U | sort; mkdir x@U; tar "
	    "xf t@U -C x@U; diff -r d x@U/d 2>&1 | sort; rm t@U",
	    "tar cf - d l m 2>/dev/null | (mkdir x@u; cd x@U; tar xpf -; "
	    "find . | sort)",
	    "tar czf t@u d a 2>&1 | sort; tar tzf t@U | sort; tar xzOf t@U "
	    "a | @r; rm t@U",
	    "rm -rf z 2>&1 | sort; cp -a d z 2>&1 | sort; touch -d @y z/a; "
	    "cp -p z/a z/b; [ z/a -nt z/b ]; echo $?",
	    "ln a h@u; cp -a a h@U d 2>&1; stat -c '%h %n' a d/a d/h@U; rm "
	    "-f h@U",
	    "touch -d @y @f && date -r @F -u +%Y; touch -d @y @f && stat "
	    "-c '%Y' @F"),
	/* how such a file is started */
	KIND('x', "", "", "", "", "env ", "sh ", "setsid ", "timeout 20 ",
	    "exec_it() (exec \"$@@\"); exec_it ", "echo x | xargs ", "command ",
	    "A=1 ", "busybox env ", "! "),
	/* limits, long names, many links */
	KIND('6',
	    "(ulimit -f @n; head -c 5000 /dev/zero >big@u; echo $?; wc -c "
	    "<big@U)",
	    "(ulimit -f 1; dd if=/dev/zero of=big@u bs=@b count=2 "
	    "status=noxfer; echo $?; wc -c <big@U)",
	    "(ulimit -f 0; echo x >f@u; echo $?)",
	    "(ulimit -f 1; trap '' XFSZ; seq 500 >f@u; echo $?; wc -c <f@U)",
	    "(ulimit -f 1; (seq 400; echo end >&2) >f@u); echo $?",
	    "(ulimit -f @n; ulimit -f; ulimit -Hf)",
	    "(ulimit -f 2; truncate -s @b f@u; echo $?; truncate -s 2000 "
	    "f@U; echo $?)",
	    "(ulimit -f 2; seq 1000 | sort -r >f@u; echo $?; wc -c <f@U)",
	    "(ulimit -n 8; exec 3<a 4<a 5<a 6<a 7<a; cat b; exec 8<a; echo "
	    "no); echo $?",
	    "(ulimit -n 6; @c; echo x | cat | cat)",
	    "(ulimit -n 4; cat a | wc -l; ls d); echo $?",
	    "(ulimit -n 20; ulimit -n; ulimit -Hn; ulimit -n 30); echo $?",
	    "(ulimit -Sn 20; ulimit -n; ulimit -Sn 25; ulimit -n)",
	    "(ulimit -n 3; cat a); echo $?",
	    "(ulimit -n @n; /bin/true); echo $?",
	    "(ulimit -v 20000; dd if=/dev/zero of=/dev/null bs=40M count=1 "
	    "status=noxfer); echo $?",
	    "(ulimit -v 100; /bin/true); echo $?",
	    "(ulimit -d 1000; dd if=/dev/zero of=/dev/null bs=8M count=1 "
	    "status=noxfer); echo $?",
	    "(ulimit -s 64; /bin/true; echo $?; ulimit -s)",
	    "(ulimit -u 1; /bin/true; echo in); echo $?",
	    "(ulimit -s unlimited; /bin/true $(seq 200000); echo $?)",
	    "(ulimit -t 1; while :; do :; done); echo $?",
	    "(ulimit -St 1; trap 'echo xcpu; exit @n' XCPU; while :; do :; "
	    "done); echo $?",
	    "(ulimit -s 64; /bin/true $(seq 1000); echo $?; /bin/true "
	    "$(seq 40000); echo $?)",
	    "/bin/true $(seq 200000); echo $?",
	    "/bin/true $(seq 100000); echo $?",
	    "x=$(head -c 131071 /dev/zero | tr '\\0' a); /bin/true $x; "
	    "echo $?; /bin/true ${x}a; echo $?",
	    "x=$(head -c 131072 /dev/zero | tr '\\0' a); (export x; "
	    "/bin/true; echo $?)",
	    "(x=$(head -c 131060 /dev/zero | tr '\\0' a); export x; env | "
	    "wc -c)",
	    "(for i in $(seq 300); do export V$i=$i; done; env | wc -l; sh "
	    "-c 'env | grep -c ^V')",
	    "(x=$(head -c 60000 /dev/zero | tr '\\0' a); /bin/echo $x $x | "
	    "wc -c)",
	    "seq 30000 | xargs echo | wc -l",
	    "find d -type f -exec true {} +; seq 3000 | xargs -n 1000 echo "
	    "| wc",
	    "(n=$(printf '%0255d' 0); >$n; echo $?; >${n}0; echo $?; mkdir "
	    "${n}; ls | wc -l; rm $n)",
	    "(n=$(printf '%0200d' 0); for i in $(seq 25); do mkdir $n "
	    "2>/dev/null && cd $n || break; done; echo $i; pwd | wc -c; "
	    "pwd -P | wc -c; echo x >y; cat y; cd ..; ls | wc -l)",
	    "(for i in $(seq 30); do mkdir -p x@u && cd x@U; done; echo f "
	    ">f; for i in $(seq 30); do cd -P ..; done; ls x@U; cat "
	    "x@U/x@U/x@U/../../../a | wc -l)",
	    "(mkdir x@u; cd x@U; rmdir ../x@U; ls -a; pwd; echo y >z; "
	    "/bin/pwd; cd -P ..; echo $?; cd ..; pwd)",
	    "(mkdir x@u; cd x@U; mv ../x@U ../y@U; /bin/pwd; pwd; cd -P "
	    "..; ls -d ?@U)",
	    "(cd d/e; rm -r ../../d 2>&1; ls; cd -P ..; echo $?); fresh",
	    "mkdir t@u; mount -t tmpfs none t@U && { echo x >t@U/f; (cd "
	    "t@U; umount ../t@U; echo $?); mv t@U q@U; rmdir t@U; mv t@U/f "
	    "f@U; ln f@U t@U/g; umount t@U; ls -A t@U; }; rmdir t@U",
	    "ln -s l1@u l2@U; ln -s l2@U l1@U; cat l1@U; cd l2@U; echo x "
	    ">l1@U; [ -e l1@U ]; rm l1@U l2@U",
	    "(ln -s a s@u.0; for i in $(seq 42); do ln -s s@U.$((i - 1)) "
	    "s@U.$i; done; for i in 38 39 40 41; do cat s@U.$i | wc -l; "
	    "done; rm s@U.*)",
	    "(ln -s . s@u; cat s@U/s@U/s@U/a | wc -l; cd s@U/s@U; pwd; pwd "
	    "-P; cd ..; pwd; rm s@U)",
	    "ln -s $(printf '%04000d' 0) s@u; readlink s@U | wc -c; cat "
	    "s@U; ls -l s@U | wc -c; rm s@U",
	    "ln -s $(printf '%04096d' 0) s@u; echo $?",
	    "cat $(printf '%04096d' 0) 2>&1 | cut -c1-20",
	    "mkdir -p s@u; chmod 1777 s@U; >s@U/f; su -s /bin/sh nobody -c "
	    "'rm -f s@U/f; >s@U/g; mv s@U/g s@U/h; ls s@U' </dev/null",
	    "cat /proc/self/limits | grep -c .",
	    "(ulimit -n 77; grep 'Max open' /proc/self/limits)",
	    "(ulimit -c 0; ulimit -c)",
	    "for i in $(seq 60); do echo $i >n@u.$i; done; ls n@U.* | wc "
	    "-l; cat n@U.* | md5sum; rm n@U.*",
	    "for i in $(seq 40); do (exit $i) & done; for i in $(seq 2); "
	    "do wait; done; echo $?",
	    "x=; for i in $(seq 12); do x=\"$x | cat\"; done; eval \"seq "
	    "2000 $x | md5sum\"",
	    "f@u() { [ $1 -gt 0 ] && (f@U $(($1 - 1)); exit $1); echo -n "
	    "\"$? \"; }; f@U 15; echo",
	    "e=; while [ ${#e} -lt 9 ]; do e=$(echo ${e}@n | cut -c1-9); "
	    "done; echo $e"),
	/* job control: the script has a terminal, on which descriptor 9 types */
	KIND('7',
	    "sleep 100 & kill -STOP %1; till is T $!; jobs; kill -@k %1; "
	    "kill -CONT %1; till ended $!; wait %1 2>/dev/null; echo $?",
	    "sh -c 'kill -STOP $$; echo woke; exit @n'; echo $?; jobs; fg; "
	    "echo $?",
	    "sh -c 'kill -TSTP $$; echo woke; exit @n'; echo $?; bg %1; "
	    "wait %1 2>/dev/null; echo $?",
	    "sh -c 'kill -TTIN $$; kill -TTOU $$; exit @n'; echo $?; fg "
	    "%1; echo $?; fg; echo $?",
	    "cat </dev/tty & till is T $!; jobs; kill -@k %1; kill -CONT "
	    "%1; till ended $!; wait %1 2>/dev/null; echo $?",
	    "cat </dev/tty & till is T $!; printf 'typed\\n\\004' >&9; fg "
	    "%1; echo $?",
	    "(printf '\\003' >&9; exec cat </dev/tty); echo $?",
	    "(printf '\\034' >&9; exec cat </dev/tty); echo $?",
	    "(printf '\\032' >&9; cat </dev/tty; echo end); echo $?; jobs; "
	    "printf 'more\\n\\004' >&9; fg; echo $?",
	    "sh -c 'trap \"echo int; exit @n\" INT; (until grep -q \"S (\" "
	    "/proc/$$/status; do :; done; printf \"\\003\" >&9) & read x "
	    "</dev/tty'; echo $?",
	    "sh -c 'trap \"\" INT; printf \"\\003line\\n\" >&9; read x "
	    "</dev/tty; echo $x'; echo $?",
	    "sh -c 'trap \"echo int\" INT; (printf \"\\003\" >&9; exec cat "
	    "</dev/tty); echo $?'; echo $?",
	    "printf 'line one\\nline two\\n' >&9; read x </dev/tty; read y "
	    "</dev/tty; echo $x,$y",
	    "printf 'ab\\177c d\\027ef\\n' >&9; read x </dev/tty; echo $x",
	    "printf 'abc\\025xyz\\n' >&9; read x </dev/tty; echo $x",
	    "printf 'a\\026\\003b\\n' >&9; read x </dev/tty; echo \"$x\" | "
	    "od -c",
	    "printf 'ab\\004' >&9; dd bs=100 count=1 status=none "
	    "</dev/tty; echo",
	    "printf 'text\\n\\004' >&9; cat </dev/tty; echo $?",
	    "s=$(stty -g </dev/tty); stty -icanon min 3 time 0 </dev/tty; "
	    "printf abc >&9; dd bs=10 count=1 status=none </dev/tty; echo; "
	    "stty $s </dev/tty",
	    "s=$(stty -g </dev/tty); stty -isig -icrnl </dev/tty; printf "
	    "'a\\003b\\rc\\n' >&9; dd bs=10 count=1 status=none </dev/tty "
	    "| od -c; stty $s </dev/tty",
	    "stty rows 3@n columns 7@n </dev/tty; stty size </dev/tty; "
	    "stty size <&9",
	    "sh -c 'trap \"echo winch\" WINCH; stty rows 1@n columns 2@n "
	    "<&9; stty size </dev/tty; stty rows 1@n columns 9 <&9; echo "
	    "end'",
	    "stty tostop </dev/tty; (echo x >/dev/tty; echo $?) & till is "
	    "T $!; jobs; fg >/dev/null; echo $?; stty -tostop </dev/tty",
	    "(stty -echo </dev/tty; echo $?) & till is T $!; jobs; fg "
	    ">/dev/null; echo $?",
	    "sleep 100 & read a b c d e f g h i </proc/$!/stat; echo $((d "
	    "== $$)) $((e == a)) $((f == $$)) $((g != 0)) $((h == $$)); "
	    "kill %1; wait $! 2>/dev/null; echo $?",
	    "(exit @n) & wait %1 2>/dev/null; echo $?; jobs; fg; bg %1; "
	    "kill %1",
	    "sleep 100 | sleep 100 & till is S $!; kill -@k %1; wait %1 "
	    "2>/dev/null; echo $?; jobs",
	    "sh -c 'sleep 100 & kill -@k 0; wait'; echo $?",
	    "sleep 100 & sleep 100 & till is S $!; jobs; kill -@k %1; wait "
	    "%1 2>/dev/null; echo $?; kill -@k %2; wait %2 2>/dev/null; "
	    "echo $?",
	    "stty -a </dev/tty",
	    "printf 'echo hi $((1 + @n))\\nexit @n\\n' >&9; sh -i "
	    "</dev/tty >o@u 2>&1; echo $?; cat o@U",
	    "printf 'sleep 100 &\\nkill -USR1 %%1\\nwait\\nexit @n\\n' "
	    ">&9; sh -i </dev/tty >/dev/null 2>&1; echo $?",
	    "(@l) & wait $! 2>/dev/null; echo $?; jobs",
	    "(@l); echo $?",
	    "@p | @q | @r; echo $?",
	    "(trap 'echo cont' CONT; kill -STOP $(exec sh -c 'echo "
	    "$PPID'); echo on; exit @n); echo $?; fg; echo $?",
	    "(setsid sh -c 'cat </dev/tty'; echo $?)",
	    "(setsid sh -c 'kill -TSTP $$; echo on'; echo $?)",
	    "sh -c 'setsid sh -c \"kill -TTIN \\$\\$; echo on\"; echo $?'",
	    "mkfifo p@u && { sh -c 'sh -c \"trap \\\"echo hup >p@U; "
	    "exit\\\" HUP; kill -STOP \\$\\$; while :; do sleep 1; done\" "
	    "& until grep -q \"T (\" /proc/$!/status; do :; done; exit "
	    "@n'; echo $?; read x <p@U; echo $x; rm p@U; }",
	    "sh -c 'kill -STOP $$; echo on' | sh -c 'kill -STOP $$; cat'; "
	    "echo $?; jobs; fg; echo $?",
	    "(sh -c 'kill -STOP 0; echo on'; echo in); echo $?; fg; echo $?",
	    "sleep 100 & kill -STOP $!; till is T $!; bg; till is S $!; "
	    "kill -@k $!; wait $! 2>/dev/null; echo $?",
	    "sh -c 'kill -STOP $$; echo back' & till is T $!; fg %1; echo "
	    "$?; (sleep 100; echo no) & kill -@k %1; wait %1 2>/dev/null; "
	    "echo $?"),
};

#endif
