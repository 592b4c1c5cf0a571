# kinds.awk: of which kind each test is: what its verdict hangs on
#
#   awk -f kinds.awk tests…         with COUNT=1: only how many there are of each
#
# A test says KIND=exact, bounded or timed in its NEEDS line (kernel/test/run_find.c);
# a program of one CPU and of more says both, alone and together.  Exact is only
# what has one CPU; what is not exact says why, in a line behind: BOUNDED: ….

FNR == 1 { test_end(); file = FILENAME; needs = ""; reason = 0 }
FNR <= 2 && /NEEDS:/ { needs = $0 }
FNR <= 3 && /BOUNDED: *[^ *]/ { reason = 1 }
FNR > 3 { nextfile }

function word(name, otherwise,   at) {
	if (!match(needs, " " name "=[^ ]*"))
		return otherwise
	at = length(name) + 2
	return substr(needs, RSTART + at, RLENGTH - at)
}

function test_end(   kind, cpus, several) {
	# Hosts' parts and what cases source are no tests.
	if (file == "" || (needs == "" && file !~ /\/host\/t_/))
		return
	kind = word("KIND", "")
	cpus = file ~ /\/progs\// ? word("CPUS", "2") : "1"
	several = cpus != "1"
	if (kind !~ /^(exact|bounded|timed|exact,bounded|exact,timed)$/)
		say("no kind: its first line wants KIND=exact, bounded, timed or exact,bounded")
	else if (kind == "exact" && several)
		say("KIND=exact, but several CPUs: exact,bounded")
	else if (kind ~ /,/ && cpus !~ /(^|,)1(,|$)/)
		say("KIND=" kind ", but never one CPU")
	else if (kind != "exact" && !reason)
		say("KIND=" kind ": a line BOUNDED: must say why")
	else if (kind == "exact" && reason)
		say("BOUNDED:, but it is exact")
	if (kind ~ /exact/) count["exact"]++
	if (kind ~ /bounded/) count["bounded"]++
	if (kind ~ /timed/) count["timed"]++
}

function say(msg) { if (!COUNT) print file ": " msg; bad++ }

END {
	test_end()
	if (COUNT)
		printf "tests: %d are exact, %d bounded, %d timed; those of one CPU and of more are in two\n",
			count["exact"], count["bounded"], count["timed"]
	exit !COUNT && bad > 0
}
