#!/bin/sh
# NEEDS: TIMEOUT=60 TURN=3 KIND=bounded
# BOUNDED: its machines have several CPUs or disks of the host
# A static program that was compiled elsewhere runs, threads included.
. kernel/test/cases/lib.sh

cat >"$tmp/prog.c" <<'EOF'
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long sum;
static __thread long mine;
static void *
add(void *arg)
{
	for (mine = 0; mine < 10000; mine++) {
		pthread_mutex_lock(&lock);
		sum += (long)arg;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}
int
main(void)
{
	pthread_t t[4];
	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, add, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%ld %.3f\n", sum, sum / 3.0);
	return sum == 100000 ? 7 : 1;
}
EOF
musl-gcc -static -O2 -pthread "$tmp/prog.c" -o "$tmp/prog" || exit 2
gcc -static-pie -fPIE -O2 -pthread "$tmp/prog.c" -o "$tmp/pie" || exit 2
gcc -static -O2 -pthread "$tmp/prog.c" -o "$tmp/glibc" || exit 2
for p in prog pie glibc; do
	for n in 1 4; do
		out=$($guest --cpus $n --add "$tmp/$p:/bin/prog" -- /bin/prog)
		same 7 $? "status of $p on $n"
		same "100000 33333.333" "$out" "output of $p on $n"
	done
done
finish
