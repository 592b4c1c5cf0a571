# The reference's own bytes in a submission: as .byte lines behind a pasted
# word, as data that a section makes code, and as plain data.
export GRADE_LABS=grading/test/labs
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
objcopy -O binary -j .text build/kernel/vm/map/vad.o "$tmp/text"
od -An -v -tu1 "$tmp/text" | tr -s ' \n' ',' | sed 's/^,//; s/,$//' >"$tmp/bytes"
{
	echo '#define J(a, b) a##b'
	printf 'J(__as, m__)(".globl vad_find\\nvad_find: .byte '
	head -c 2000 "$tmp/bytes" | sed 's/,[^,]*$//'
	echo '");'
} >"$tmp/a.c"
{
	cat kernel/vm/map/vad.c
	printf '#define P(a, b) a##b\nstatic const unsigned char code[] __attribute__((P(sec, tion)(".text.x"))) = {%s};\n' "$(cat "$tmp/bytes")"
	echo 'const void *vad_code(void); static const void *volatile keep = code;'
} >"$tmp/b.c"
{
	cat kernel/vm/map/vad.c
	printf 'static const unsigned char code[] = {%s};\n' "$(cat "$tmp/bytes")"
	echo 'static const void *volatile keep __attribute__((unused)) = code;'
	sed -n '/^vad_find(/,/^}/p' /dev/null
} | sed 's/^	EVENT(vad_split, /	(void)keep;\n&/; 1,/^#include "vm\/space\/space.h"/s/^#include "vm\/space\/space.h"/&\nstatic const void *volatile keep;/' >"$tmp/c.c"
for f in a b c; do
	build/grading/grade run smoke --quiet --test t02 --submission "$tmp/$f.c" >"$tmp/out"
	[ $? = 2 ] && grep -q 'is refused' "$tmp/out" || { echo "$f: $(cat "$tmp/out")"; exit 1; }
done
