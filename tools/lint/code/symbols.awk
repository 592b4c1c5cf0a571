# symbols.awk: what C sources define and name, one word a line
#
#   ctext --code sources… | awk -f symbols.awk
#
# Prints  fn NAME FILE:LINE static|global   a function's definition
#         tag KIND NAME FILE:LINE           a struct, union or enum with a body
#         use NAME FILE COUNT               how often code names an identifier
#         str NAME FILE             a string that is a name, or a path that ends so
#         call NAME FILE COUNT              … and not as the name of a function
#                                           that is being declared or defined
# A definition stands as the style has it:
# the name begins a line, the type stands above.

$1 == "str" { print; next }
{
	at = now = $1; sub(/:[0-9]*$/, "", now)
	if (now != file) { flush_(); file = now; above = "" }
	line = substr($0, length(at) + 2)
	if (line ~ /^[a-z_A-Z][a-zA-Z_0-9]*\(/ && line !~ /^[A-Z_0-9]+\(/ && line !~ /;[ \t]*$/) {
		name = line; sub(/\(.*/, "", name)
		if (above !~ /^#/ && above !~ /[;,(=]$/ && above ~ /[a-z_0-9*] *\**$/) {
			print "fn", name, at, (above ~ /(^|[ \t])static([ \t]|$)/ ? "static" : "global")
			head[name]++
		}
	} else if (file ~ /\.h$/ && line ~ /^static inline [a-z].*\)[ \t]*$/) {
		name = line; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
		print "fn", name, at, "static"
		head[name]++
	} else if (line ~ /^[a-z].*[ *][a-z_][a-z_0-9]*\(.*\);?[ \t]*$/ || line ~ /^[a-z][a-z_0-9 ]* \**[a-z_][a-z_0-9]*\([^()]*,?$/) {
		# a prototype, or the first line of one
		name = line; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
		if (line !~ /^(return|else|typedef)/) head[name]++
	}
	if (match(line, /(^|[ \t])(struct|union|enum) [a-z_0-9]+ \{/)) {
		n = split(substr(line, RSTART, RLENGTH), w, /[ \t]+/)
		k = w[1] == "" ? 2 : 1
		print "tag", w[k], w[k + 1], at
	}
	if (line !~ /^[ \t]*$/) above = line
	rest = line
	while (match(rest, /[A-Za-z_][A-Za-z_0-9]*/)) {
		used[substr(rest, RSTART, RLENGTH)]++
		rest = substr(rest, RSTART + RLENGTH)
	}
}
function flush_(   k) {
	for (k in used) {
		print "use", k, file, used[k]
		if (used[k] > head[k]) print "call", k, file, used[k] - head[k]
	}
	split("", used); split("", head)
}
END { flush_() }
