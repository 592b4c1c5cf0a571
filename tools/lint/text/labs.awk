# labs.awk: pages of labs that are not of the one template
#
#   awk -f labs.awk labs/*/lab.conf labs/*/tests/*.test labs/*/README.md
#
# A page has a story of three sentences, then these headings in this order.  What a learner
# has to know begins with at most sixteen names; the long list is imports.md.  The table of
# steps has all points, each step's as lab.conf says, and each test at its step.  Hours are
# a table; that they are those of HOURS the book's check looks at.

BEGIN {
	n = split("Goal|Picture|What the starter shows|What it should show|What you need to know|" \
	    "Steps|Gates|Stuck?|See it|Questions|Challenges|Hours", heading, "|")
	for (i = 1; i <= n; i++) place[heading[i]] = i
	NAMES = 16
}
function say(what) { print FILENAME ":" FNR ": " what; bad++ }
# The page has ended, or its last heading.
function section_ends() {
	if (at == "" && page != "" && sentences != 3)
		tell("the story before \"## Goal\" has " sentences + 0 " sentences: three say what the lab is about")
	if (at == "What you need to know") {
		if (names < 3 || names > NAMES) tell("\"## What you need to know\" has a table \"| name | what it is |\" of 3 to " NAMES " rows: it has " names + 0)
		if (!imports) tell("the long list of names is imports.md: point at it")
	}
	if (at == "Steps") {
		for (k = 1; k <= nsteps[dir]; k++) {
			if (!(k in row)) tell("no row of step " k " in the table \"| step | you write | lines | points | tests |\"")
			else if (!(k in told)) tell("no \"### Step " k ": " row[k] "\"")
			for (i = 1; i <= 99; i++) {
				t = sprintf("t%02d", i)
				if (step[dir, t] == k && !((k, t) in named)) tell("step " k ": its row does not name " t)
			}
		}
		if (sum != 100) tell("the steps have " sum + 0 " points together, not 100")
	}
	if (at == "Hours" && !hours) tell("the hours are a table: | read | write | questions | together | |")
}
function tell(what) { print page ": " what; bad++ }
function page_ends(  i) {
	if (page == "") return
	section_ends()
	for (i = 1; i <= n; i++)
		if (!(heading[i] in seen)) tell("no \"## " heading[i] "\": one template for all labs")
	page = ""
}
FNR == 1 {
	page_ends()
	dir = FILENAME; sub(/\/(tests\/)?[^\/]*$/, "", dir)
	name = FILENAME; sub(/.*\//, "", name)
	at = ""; last = 0; fence = 0; table = ""; sentences = names = imports = sum = hours = 0
	split("", seen); split("", row); split("", told); split("", named)
	if (name == "README.md") page = FILENAME
}
name == "lab.conf" && $1 == "steps" {
	nsteps[dir] = NF - 1
	for (i = 2; i <= NF; i++) points[dir, i - 1] = $i - (i > 2 ? $(i - 1) : 0)
}
name ~ /\.test$/ && $1 == "STEP" { t = name; sub(/\.test/, "", t); step[dir, t] = $2 }
page == "" { next }
/^```/ { fence = !fence; next }
fence { next }
/^## / {
	section_ends()
	at = substr($0, 4); table = ""
	if (!(at in place)) { say("\"## " at "\" is no heading of a lab's page: " heading[1] ", " heading[2] " … " heading[n] ", or ###"); next }
	if (place[at] < last) say("\"## " at "\" stands behind \"## " heading[last] "\"")
	last = place[at]; seen[at] = 1
	next
}
at == "" && !/^#/ && NF > 0 { s = $0; sentences += gsub(/[.?!]( |$)/, "", s) }
/imports\.md/ { imports = 1 }
!/^\|/ { table = "" }
/^\|/ && table == "" { table = $0; next }
/^\|[-|]*$/ { next }
at == "What you need to know" && table == "| name | what it is |" && /^\|/ { names++ }
at == "Hours" && table ~ /^\| read \| write \| questions \| together \|/ && /^\|/ { hours = 1 }
at == "Steps" && table == "| step | you write | lines | points | tests |" && /^\|/ {
	split($0, cell, /  *\| *|\| */)
	k = cell[2] + 0; row[k] = cell[2]; sub(/^[0-9]+ /, "", row[k])
	sum += cell[5]
	if (cell[5] != points[dir, k]) say("step " k " has " cell[5] " points, and lab.conf says " points[dir, k])
	s = cell[6]
	while (match(s, /t[0-9][0-9]/)) {
		t = substr(s, RSTART, 3); s = substr(s, RSTART + 3); named[k, t] = 1
		if (step[dir, t] != k) say("step " k " names " t ((dir, t) in step ? ", a test of step " step[dir, t] : ", which is no test"))
	}
}
at == "Steps" && /^### Step / {
	k = $3 + 0; told[k] = 1
	s = $0; sub(/^### Step [0-9]+: /, "", s)
	if ((k in row) && s != row[k]) say("step " k " is \"" s "\" here, and \"" row[k] "\" in the table")
}
END { page_ends(); exit bad > 0 }
