# sizes.awk: files, functions, ops structs
#
#   awk -f sizes.awk sources…
#
# Refuses functions over 100 lines (WARN=1 lists those over 60, and files over
# 900), structs of functions over 12 entries, and over what LIMIT has: rows of
# any kind.  How long a file is follows from its mechanism.

BEGIN { limit["school"] = 24; limit["design"] = 9 }
FNR == 1 { if (file != "") file_end(); file = FILENAME; infn = 0; inops = 0 }
{ lines = FNR }

/^[a-z_][a-z_0-9]*\(/ { fn = $0; sub(/\(.*/, "", fn); fnat = FNR }
/^\{/ && fnat { infn = 1; start = FNR }
/^\}/ && infn {
	len = FNR - start + 1
	if (len > 100) say(fnat, fn "() has " len " lines")
	else if (len > 60 && WARN) print file ":" fnat ": note: " fn "() has " len " lines"
	infn = 0; fnat = 0
}

/^struct [a-z_]+_ops \{/ || /^struct [a-z_]+ \{/ && $2 in limit { inops = 1; ops = $2; count = 0; next }
inops && (/\(\*[a-z_]+\)\(/ || ops in limit && /^\t[a-z][^(]*;/) { count++ }
inops && /^\}/ {
	if (count > (ops in limit ? limit[ops] : 12)) say(FNR, "struct " ops " has " count " entries")
	inops = 0
}

function say(line, msg) { print file ":" line ": " msg; bad++ }
function file_end() { if (lines > 900 && WARN) print file ":" lines ": note: the file has " lines " lines" }
END { file_end(); exit bad > 0 }
