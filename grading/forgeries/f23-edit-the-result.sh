# More points written into the result: its seal does not fit any more.
export GRADE_LABS=grading/test/labs
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
head -c 32 /dev/urandom >"$tmp/key"
build/grading/grade run smoke --quiet --test t02 --kernel build/vadose.elf \
	--format json --out "$tmp" --key "$tmp/key" || exit 1
build/grading/grade verify "$tmp/result.json" "$tmp/key" || { echo "honest result refused"; exit 1; }
sed -i 's/"score": 40/"score": 100/' "$tmp/result.json"
! build/grading/grade verify "$tmp/result.json" "$tmp/key"
