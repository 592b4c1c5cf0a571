# A link to the reference, a folder and a device as the submission.
export GRADE_LABS=grading/test/labs
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
ln -s "$PWD/kernel/vm/map/vad.c" "$tmp/vad.c"
for f in "$tmp/vad.c" "$tmp" /dev/zero; do
	build/grading/grade run smoke --quiet --submission "$f"
	[ $? = 2 ] || { echo "$f was taken"; exit 1; }
done
