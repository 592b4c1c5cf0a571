# judge.awk: what the seeds claim, and that nobody counts where another design does
#
# Input     events.tab, programs.tab, claims.tab, the bills; -v designs=
# Output    what does not hold; status 1 then

FNR == 1 { file++ }
/^#/ || NF == 0 { next }
file == 1 { known[$1] = 1; next }
file == 2 { program[$1] = 1; next }
file == 3 && $1 == "own" {
	owner[$3] = $2
	see($3)
	next
}
file == 3 && $1 == "claim" {
	claim[++claims] = $0
	see($4)
	if (!($2 in program))
		say("claims.tab: there is no program " $2)
	if ($7 != 1 && $7 != "things" && $7 != "operations")
		see($7)
	next
}
file == 3 { say("claims.tab has " $1); next }
{
	ran[$2, $3] = 1
	end[$2, $3, $4] = $5
	change[$2, $3, $4] = $6
	peak[$2, $3, $4] = $7
	other = owner_of($4)
	if (other != "" && index("," other ",", "," $3 ",") == 0 && $5 + 0 != 0)
		say($2 " under " $3 ": " $4 " of design " other " is " $5)
}

function say(s) {
	print "compare-designs: " s
	bad = 1
}

function see(counter) {
	if (!(counter in known))
		say("claims.tab: there is no counter " counter)
}

# By its name, or by claims.tab.
function owner_of(counter, i, n, d) {
	if (counter in owner)
		return owner[counter]
	n = split(designs, d, " ")
	for (i = 1; i <= n; i++)
		if (index(counter, d[i] ".") == 1 || counter ~ "_" d[i] "$")
			return d[i]
	return ""
}

function judge(text, w, n, by, value, what, i) {
	n = split(text, w, " ")
	if (!((w[2], w[3]) in ran))
		return
	if (w[7] == 1)
		by = 1
	else if (w[7] == "things")
		by = peak[w[2], w[3], "operations"]
	else if (w[7] == "operations")
		by = change[w[2], w[3], "operations"]
	else
		by = w[5] == "peak" ? peak[w[2], w[3], w[7]] : change[w[2], w[3], w[7]]
	for (i = 10; i <= n; i++)
		what = what " " w[i]
	if (by + 0 == 0) {
		say(w[2] " under " w[3] ":" what "? " w[7] " is 0")
		return
	}
	value = (w[5] == "peak" ? peak[w[2], w[3], w[4]] : change[w[2], w[3], w[4]]) * w[6] / by
	if (value < w[8] || value > w[9])
		say(w[2] " under " w[3] ":" what "? " w[6] " * " w[4] " / " w[7] " is " value \
		    ", not " w[8] " to " w[9])
}

END {
	for (c = 1; c <= claims; c++)
		judge(claim[c])
	if (file < 4)
		say("no bill")
	exit bad
}
