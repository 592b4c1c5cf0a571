seq 1 3000 | sort -r | uniq | awk '{ n += $1 * NR } NR % 500 == 0 { print NR, n }' >/tmp/sums
cat /tmp/sums
seq 1 3000 | sed 's/7/seven/' | sort | md5sum
grep -c 5 /tmp/sums
