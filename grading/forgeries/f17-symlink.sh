# A link to the reference, a folder and a device as the submission.
. grading/forgeries/lab.sh
ln -s "$PWD/$FORGE_FILE" "$tmp/file.c"
for f in "$tmp/file.c" "$tmp" /dev/zero; do
	run --submission "$f"
	[ $? = 2 ] || { echo "$f was taken"; exit 1; }
done
