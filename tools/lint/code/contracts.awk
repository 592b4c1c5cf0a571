# contracts.awk: public functions say what they promise
#
#   awk -f contracts.awk headers… sources…      (headers first)
#
# A function that a door (X/X.h, md.h) or a function list (*fn.h) declares has
# a comment above its definition, or above or beside its declaration; a body of
# up to four lines may speak for itself.  What a contract says of locks: held.awk.

FNR == 1 { prev = ""; group = 0; infn = 0 }

# ---- declarations ----
FILENAME ~ /\.h$/ {
	if ($0 ~ /^[ \t]*$/) group = 0
	if ($0 ~ /\/\*/) group = 1
	if ($0 ~ /^[a-z].*[ *]\**[a-z_0-9]+\(/ && $0 !~ /^(static|typedef|#)/) {
		name = $0
		sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
		public[name] = FILENAME
		if (group) told[name] = 1
	}
	next
}

# ---- definitions ----
/^[a-z_][a-z_0-9]*\(/ && prev !~ /static/ {
	name = $0; sub(/\(.*/, "", name)
	missing = name in public && !(name in told) && before !~ /\*\// ? name : ""
	at = FNR
}
/^\}/ && missing != "" {
	if (FNR - at > 6) {
		print FILENAME ":" at ": " missing "() of " public[missing] " has no contract"
		bad++
	}
	missing = ""
}
{ before = prev; prev = $0 }
END { exit bad > 0 }
