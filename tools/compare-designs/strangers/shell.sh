n=0
for i in $(seq 1 60); do
	n=$((n + $(echo $((i * i)))))
done
echo "sum of squares: $n"
(cd /tmp && echo here >file && (read -r word <file && echo "$word, $(wc -c <file) bytes"))
