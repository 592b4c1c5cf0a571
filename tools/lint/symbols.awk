# symbols.awk: what C sources define and name, one word a line
#
#   awk -f symbols.awk sources…
#
# Prints  fn NAME FILE:LINE static|global   a function's definition
#         tag KIND NAME FILE:LINE           a struct, union or enum with a body
#         use NAME FILE COUNT               how often code names an identifier
#         str NAME FILE             a string that is a name, or a path that ends so
#         call NAME FILE COUNT              … and not as the name of a function
#                                           that is being declared or defined
# Comments and other strings are left out.  A definition stands as the style has it:
# the name begins a line, the type stands above.

FNR == 1 { if (file != "") flush_(); file = FILENAME; comment = 0; above = "" }
{
	line = code($0)
	if (line ~ /^[a-z_A-Z][a-zA-Z_0-9]*\(/ && line !~ /^[A-Z_0-9]+\(/ && line !~ /;[ \t]*$/) {
		name = line; sub(/\(.*/, "", name)
		if (above !~ /^#/ && above !~ /[;,(=]$/ && above ~ /[a-z_0-9*] *\**$/) {
			print "fn", name, FILENAME ":" FNR, (above ~ /(^|[ \t])static([ \t]|$)/ ? "static" : "global")
			head[name]++
		}
	} else if (FILENAME ~ /\.h$/ && line ~ /^static inline [a-z].*\)[ \t]*$/) {
		name = line; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
		print "fn", name, FILENAME ":" FNR, "static"
		head[name]++
	} else if (line ~ /^[a-z].*[ *][a-z_][a-z_0-9]*\(.*\);?[ \t]*$/ || line ~ /^[a-z][a-z_0-9 ]* \**[a-z_][a-z_0-9]*\([^()]*,?$/) {
		# a prototype, or the first line of one
		name = line; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
		if (line !~ /^(return|else|typedef)/) head[name]++
	}
	if (match(line, /(^|[ \t])(struct|union|enum) [a-z_0-9]+ \{/)) {
		n = split(substr(line, RSTART, RLENGTH), w, /[ \t]+/)
		k = w[1] == "" ? 2 : 1
		print "tag", w[k], w[k + 1], FILENAME ":" FNR
	}
	if (line !~ /^[ \t]*$/) above = line
	rest = line
	while (match(rest, /[A-Za-z_][A-Za-z_0-9]*/)) {
		used[substr(rest, RSTART, RLENGTH)]++
		rest = substr(rest, RSTART + RLENGTH)
	}
}
# The line without comments and strings; `comment` says whether one is open.
function code(s,   out, i, c, w) {
	out = ""
	while (s != "") {
		if (comment) {
			if (!(i = index(s, "*/"))) return out
			s = substr(s, i + 2); comment = 0; out = out " "
			continue
		}
		if (!match(s, /\/\*|\/\/|"([^"\\]|\\.)*"|'([^'\\]|\\.)*'/)) return out s
		c = substr(s, RSTART, 2)
		if (c ~ /^"/) { w = substr(s, RSTART + 1, RLENGTH - 2); sub(/^.*\//, "", w); if (w ~ /^[a-z_0-9]+$/) print "str", w, FILENAME }
		out = out substr(s, 1, RSTART - 1)
		if (c == "//") return out
		if (c == "/*") comment = 1
		else out = out "\"\""
		s = substr(s, RSTART + RLENGTH)
	}
	return out
}
function flush_(   k) {
	for (k in used) {
		print "use", k, file, used[k]
		if (used[k] > head[k]) print "call", k, file, used[k] - head[k]
	}
	split("", used); split("", head)
}
END { flush_() }
