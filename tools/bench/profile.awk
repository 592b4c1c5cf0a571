# profile.awk: instructions of one operation, by function
#
# Input     the figure (operation per figure times), functions (address name file), in
#           order of addresses, then the counts (address count) likewise
# Addresses are 16 digits of hexadecimal, which compare as text.

FNR == 1 { file++ }
file == 1 {
	op = $1
	per = $2
	figure = $3
	times = $4
	next
}
file == 2 {
	at[++nf] = $1
	name[nf] = $2
	where[nf] = $3
	next
}
$1 == "0" { total = program = $2; i = 1; next }
{
	a = sprintf("%16s", $1)
	while (i < nf && at[i + 1] <= a)
		i++
	n[i] += $2
	total += $2
}
END {
	off = total / times - figure
	if (off > 2 + figure / 1000 || off < -0.11) {
		printf "bench: the functions add up to %.1f, the figure is %s\n", total / times, figure
		exit 1
	}
	printf "%s: %s instructions a %s, mean of %d\n\n%12s %7s  function\n", op, figure, per,
	    times, "instructions", "share"
	printf "%12.1f %6.1f%%  the program\n", program / times, 100 * program / total | "sort -rn"
	for (i in n)
		printf "%12.1f %6.1f%%  %s (%s)\n", n[i] / times, 100 * n[i] / total, name[i], where[i] | "sort -rn"
	close("sort -rn")
	printf "%12.1f %6.1f%%  in all\n", total / times, 100
}
