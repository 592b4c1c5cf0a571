# record.awk: ANSWERS TABLE → the table with the answers
#
# What a row says is the key; comments and empty lines stay.
function row(line) { sub(/ = .*/, "", line); sub(/[ \t]+$/, "", line); return line }
FNR == NR { if (/ = /) answer[row($0)] = substr($0, index($0, " = ")); next }
/^#/ || /^[ \t]*$/ { print; next }
!(row($0) in answer) { print FILENAME ": no answer to " row($0) > "/dev/stderr"; bad = 1; exit }
{ print row($0) answer[row($0)] }
END { exit bad }
