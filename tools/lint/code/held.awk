# held.awk: what a contract says is held, the first lines assert
#
#   awk -f held.awk exceptions.txt headers… sources…      (headers first)
#
# The clause Locks: of a contract begins with what is held at the call, up to the first
# full stop or semicolon, parted by commas:
#
#   [W]  [M] exclusive  [M]  [P]       HELD(…ws_lock) HELD(…map_lock) HELD_SHARED(…map_lock) HELD(…pfn_lock)
#   [X] [S] [sx] [sh] [O] [F] …        maps_lock swaps.lock sx_lock sh_lock; the others: a field lock
#   both map_locks exclusive           two lines
#   not [P]                            nothing, or NOT_HELD(&pfn_lock): to take it would stop him
#   proc_lock held, vnode->lock        by its name; for writing or not
#
# They may be followed by held, kept, of as (a name of the function's own).  What is
# said otherwise is not asked for: [M] or [W]; [W] of the word's space, which the
# function has no pointer to; at most, any, none of rank.  A function's HELD lines come
# first behind its declarations, and each is named by its contract.  A function called
# *_locked has one, or another ASSERT of its lock.  exceptions.txt: held NAMES REASON.
#
# Where a function changes what it holds by a call that does not show it, a line behind
# it says what is held now: both M, W of the parent; not P.

FILENAME ~ /exceptions/ { if ($1 == "held") excused = excused "|" $2; next }
FNR == 1 { text = ""; in_comment = 0; after = 0; infn = 0; prev = ""; name = "" }

# The clause Locks: of a comment, in one line; "": there is none.
function clause(t,   p) {
	gsub(/\n[ \t]*\*?\/?[ \t]*/, " ", t); gsub(/[ \t]+/, " ", t)
	p = index(t, "Locks:")
	if (!p) return ""
	t = substr(t, p + 6)
	sub(/(Returns|Owns|Context|Sleeps):.*/, "", t); sub(/\*\/.*/, "", t)
	gsub(/^ +| +$/, "", t)
	return t
}

# What a letter's lock is called at its end.
function tail(letter) {
	return letter == "W" ? "ws_lock" : letter == "M" ? "map_lock" : letter == "P" ? "pfn_lock" : \
	    letter == "X" ? "maps_lock" : letter == "S" ? "swaps.lock" : letter == "sx" ? "sx_lock" : \
	    letter == "sh" ? "sh_lock" : "lock"
}

# The lines that a clause asks for: want[1…n] = "HELD ws_lock".
function wants(cl,   kind, e, n, i, k, item, not, letter, rest, items) {
	e = cl
	if (match(e, /[.;]( |$)/)) e = substr(e, 1, RSTART - 1)
	gsub(/shared or exclusive/, "shared", e)
	gsub(/[^,]* and [^,]* of (its|the) [^,]*/, "theirs", e)
	if (e ~ /(^|[ ,])or /) return 0
	n = 0
	k = split(e, items, /, (and )?| and /)
	for (i = 1; i <= k; i++) {
		item = items[i]
		if (item ~ /^(takes|around|may|rank|none|afterwards)( |$)/) break
		if (item ~ /^both (map_locks|ws_locks|\[W\])/) {
			rest = item ~ /map/ ? (item ~ /exclusive/ ? "HELD map_lock" : "HELD_SHARED map_lock") : "HELD ws_lock"
			want[++n] = rest; want[++n] = rest
		} else if (match(item, /^(not )?\[[A-Za-z]+\]/)) {
			letter = substr(item, 1, RLENGTH); rest = substr(item, RLENGTH + 1)
			not = letter ~ /^not/; gsub(/^not |[][]/, "", letter)
			if (rest !~ /^( exclusive)?( in)?( shared)?( held| kept| held and kept)?( of [a-z]+(->[a-z]+)*)?$/ || rest ~ / of (the|its|all)$/)
				continue
			if (not) continue
			want[++n] = (letter == "M" && rest !~ /exclusive/ ? "HELD_SHARED " : "HELD ") tail(letter)
		} else if (match(item, /^[a-z_.>-]*lock( held)?( for (reading|writing))?$/)) {
			kind = item ~ /reading/ ? "HELD_SHARED " : "HELD "
			sub(/ .*/, "", item); sub(/.*->/, "", item)
			want[++n] = kind item
		} else if (match(item, /^[a-z]+ (lock )?held$/ && item != "none held")) {
			sub(/ held/, "", item); sub(/.* lock/, "lock", item)
			want[++n] = "HELD " item
		}
	}
	return n
}

# Does the clause name the lock of this line at all?
function names(cl, kind, lock,   i, m, l) {
	sub(/(^| )(takes|around|afterwards) .*/, "", cl)
	m = split("W M P X S sx sh O F anon amap splay pool L B", l, " ")
	for (i = 1; i <= m; i++)
		if (index(cl, "[" l[i] "]") && lock ~ tail(l[i]) "$") return 1
	if (cl ~ /both map_locks/ && lock ~ /map_lock$/ || cl ~ /both ws_locks/ && lock ~ /ws_lock$/) return 1
	if (cl ~ /^as [a-z_]+\(\)/) return 1
	sub(/.*[.>]/, "", lock); sub(/^&/, "", lock)
	return index(cl, lock) > 0
}

function judge(   cl, n, i, j, hit, kind, lock) {
	cl = mine != "" ? mine : said[name]
	if (name ~ "^(" substr(excused, 2) ")$") return
	n = cl == "" ? 0 : wants(cl)
	for (j = 1; j <= nheld; j++) used[j] = 0
	for (i = 1; i <= n; i++) {
		hit = 0
		for (j = 1; j <= nheld && !hit; j++) {
			kind = lock = held[j]; sub(/\(.*/, "", kind); sub(/^[A-Z_]+\(/, "", lock); sub(/\);$/, "", lock)
			split(want[i], w, " ")
			if (!used[j] && kind == w[1] && lock ~ "(^|[^a-z_])" w[2] "$") { used[j] = 1; hit = 1 }
		}
		if (!hit) {
			print FILENAME ":" at ": " name "(): its contract says \"" cl "\": no " w_of(want[i]) " begins it"
			bad++
		}
	}
	for (j = 1; j <= nheld; j++) {
		if (used[j]) continue
		kind = lock = held[j]; sub(/\(.*/, "", kind); sub(/^[A-Z_]+\(/, "", lock); sub(/\);$/, "", lock)
		if (cl != "" ? n > 0 || !names(cl, kind, lock) : name in public) {
			print FILENAME ":" at ": " name "(): " held[j] " is not what its contract says"
			bad++
		}
	}
	if (name ~ /_locked$/ && name !~ /(^|_)is_locked/ && !nheld && !asserts) {
		print FILENAME ":" at ": " name "() does not assert its lock"
		bad++
	}
}
function w_of(want,   w) { split(want, w, " "); return w[1] "(…" w[2] ")" }

# ---- comments: the last one, until something else than a function's head follows ----
FILENAME ~ /\.h$/ {
	if ($0 ~ /^[a-z].*[ *]\**[a-z_0-9]+\(/ && $0 !~ /^(static|typedef|#)/) {
		name = $0
		sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
		public[name] = 1
		if (done && clause(text) != "") said[name] = clause(text)
		beside = name; text = ""; done = 0
	}
	if (match($0, /\/\*/)) { text = substr($0, RSTART); in_comment = 1; done = 0; if ($0 ~ /^[ \t]*\/\*/) beside = "" }
	else if (in_comment) text = text "\n" $0
	else if (text != "" && $0 ~ /^[ \t]*$/) { text = ""; done = 0; beside = "" }
	if (in_comment && $0 ~ /\*\//) {
		in_comment = 0; done = 1
		if (beside != "") { if (clause(text) != "") said[beside] = clause(text); text = ""; beside = "" }
	}
	next
}

!infn && /^\/\*/ { text = ""; in_comment = 1; done = 0 }
!infn && in_comment {
	text = text "\n" $0
	if ($0 ~ /\*\//) { in_comment = 0; done = 1 }
	next
}
!infn && /^[a-z_][a-z_0-9]*\(/ && prev !~ /^[ \t]*$/ && prev !~ /[;{}]$/ {
	name = $0; sub(/\(.*/, "", name)
	at = FNR; mine = done ? clause(text) : ""
}
!infn && /^\{/ { infn = 1; nheld = asserts = blank = 0; may = 1; prev = $0; next }
infn && /^\}/ { if (name != "") judge(); infn = 0; name = text = ""; done = 0 }
infn {
	if (/ASSERT\(/) asserts = 1
	if (/\/\* holds: /) {
		if ($0 !~ /\/\* holds: ((both )?[MWPOFXS]( shared| of [a-z ]+)?(, )?)+(; not [MWPOFXS])? \*\/$/) {
			print FILENAME ":" FNR ": holds: letters of locks, parted by commas; not others"
			bad++
		}
		if (calls !~ /lock/) {
			print FILENAME ":" FNR ": holds: no lock is taken or given up in the three lines before"
			bad++
		}
	}
	calls = before2 "\n" before1 "\n" $0; before2 = before1; before1 = $0
	if (may && /^\t(NOT_)?HELD(_SHARED)?\(.*\);$/) { held[++nheld] = substr($0, 2) }
	else if (/^$/ && !blank && !nheld) { blank = 1; may = 1 }
	else may = 0
	next
}
/^$/ { text = ""; done = 0; name = "" }
{ prev = $0 }
END { exit bad > 0 }
