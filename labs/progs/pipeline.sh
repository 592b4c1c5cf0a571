# pipeline.sh N: N pipelines of three programs
i=0 sum=0
while [ $i -lt $1 ]; do
	i=$((i + 1))
	n=$(/t/busybox seq $i | /t/busybox sort -n | /t/busybox tail -n 1)
	sum=$((sum + n))
done
[ $sum = $(($1 * ($1 + 1) / 2)) ] && echo pipelines done
