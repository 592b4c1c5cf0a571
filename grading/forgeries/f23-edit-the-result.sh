# More points written into the result: its seal does not fit any more.
. grading/forgeries/lab.sh
head -c 32 /dev/urandom >"$tmp/key"
run --test "$FORGE_TEST" --submission "$FORGE_FILE" --format json --out "$tmp" \
	--key "$tmp/key" || exit 1
build/grading/grade verify "$tmp/result.json" "$tmp/key" || { echo "honest result refused"; exit 1; }
cp "$tmp/result.json" "$tmp/honest"
sed -i -E 's/"score": [0-9]+/"score": 101/' "$tmp/result.json"
! cmp -s "$tmp/honest" "$tmp/result.json" || { echo "there is no score"; exit 1; }
! build/grading/grade verify "$tmp/result.json" "$tmp/key"
