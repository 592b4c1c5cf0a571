# strace.awk: what strace -f wrote, so that two runs compare
#
# Each process by its number, a call in one line also where others came between;
# processes are P1, P2, ..., addresses ADDR.  Children end in any order: what is told
# of that is at the end of each process, of no child by name, and once, for ends that
# come together are one signal; and a clone() that it has made begin anew is told once.

function named(s, pid, name) {
	sub("si_pid=" pid ",", "si_pid=" name ",", s)
	if (s ~ /^(clone|getpid|getppid|set_tid_address|kill)/) {
		sub("= " pid "$", "= " name, s)
		sub("kill\\(" pid ",", "kill(" name ",", s)
	}
	return s
}

{
	pid = $1
	sub(/^[0-9]+ +/, "")
	if (!(pid in number)) {
		for (i = n++; i > 0 && known[i] > pid + 0; i--)
			known[i + 1] = known[i]
		known[i + 1] = pid + 0
		number[pid]
	}
	line[++lines] = $0
	of[lines] = pid + 0
}

END {
	for (l = 1; l <= lines; l++) {
		s = line[l]
		p = of[l]
		if (sub(/ *<unfinished \.\.\.>$/, "", s)) {
			begun[p] = s
			continue
		}
		if (sub(/^<\.\.\. [a-z0-9_]+ resumed>/, "", s))
			s = begun[p] s
		sub(/ += /, " = ", s)
		if (s ~ /^clone.* = [?] ERESTARTNOINTR/) # a child that ended came between
			continue
		gsub(/, */, ", ", s)
		sub(/, si_utime.*}/, "}", s)
		gsub(/"(\\x[0-9a-f][0-9a-f])+"/, "BYTES", s)
		gsub(/0x[0-9a-f]+/, "ADDR", s)
		sub(/nodename="[^"]*"/, "nodename=NAME", s)
		sub(/^getppid.*/, "getppid", s)
		sub(/^rt_sigreturn.*/, "rt_sigreturn", s)
		if (s ~ /^wait4/)
			sub(/= [1-9][0-9]*$/, "= CHILD", s)
		if (s ~ /^--- SIGCHLD/)
			sub(/si_pid=[0-9]+/, "si_pid=CHILD", s)
		for (i = 1; i <= n; i++)
			s = named(s, known[i], "P" i)
		if (s ~ /^--- SIGCHLD/ || s ~ /^rt_sigreturn/)
			late[p] = late[p] (told[p, s]++ ? "" : s "\n")
		else
			text[p] = text[p] s "\n"
	}
	for (i = 1; i <= n; i++)
		printf "P%d:\n%s%s", i, text[known[i]], late[known[i]]
}
