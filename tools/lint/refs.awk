# refs.awk: files that a "Read next" line names, and that do not exist
#
#   awk -v FILES="$(git ls-files)" -f refs.awk sources…

BEGIN { n = split(FILES, f, /[ \n]+/); for (i = 1; i <= n; i++) exists[f[i]] = 1 }
FNR == 1 { on = 0 }
/^ \* Read next/ { on = 1 }
on && /\*\// { on = 0 }
on {
	line = $0
	while (match(line, /[a-z_0-9]+(\/[a-z_0-9]+)*\.[chS]/)) {
		ref = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		dir = FILENAME; sub(/[^\/]*$/, "", dir)
		if (!(ref in exists) && !(("kernel/" ref) in exists) && !((dir ref) in exists)) {
			print FILENAME ":" FNR ": Read next: no file " ref; bad++
		}
	}
}
END { exit bad > 0 }
