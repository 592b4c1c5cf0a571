# Sort $1 lines of 4000 bytes, the last first: far more than there is memory;
# then look whether each number stands in its place.
/t/busybox awk -v n="$1" 'BEGIN {
	s = "x"
	while (length(s) < 3990)
		s = s s
	s = substr(s, 1, 3990)
	for (i = n; i > 0; i--)
		print 10000000 + i, s
}' | /t/busybox sort | /t/busybox tr -d x | /t/busybox awk '
{ if ($1 != 10000000 + NR) bad++ }
END { if (bad) exit 1; print NR " lines in order" }'
