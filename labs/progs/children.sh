# children.sh N: a shell starts N programs and counts what they say
i=0 sum=0
while [ $i -lt $1 ]; do
	i=$((i + 1))
	sum=$((sum + $(/t/busybox echo $i)))
done
[ $sum = $(($1 * ($1 + 1) / 2)) ] && echo children done
