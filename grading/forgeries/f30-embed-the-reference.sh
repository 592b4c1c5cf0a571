# The reference's own bytes in a submission: as .byte lines behind a pasted
# word, as data that a section makes code, and as plain data.
. grading/forgeries/lab.sh
objcopy -O binary -j .text build/${FORGE_FILE%.c}.o "$tmp/text"
od -An -v -tu1 "$tmp/text" | tr -s ' \n' ',' | sed 's/^,//; s/,$//' >"$tmp/bytes"
{
	echo '#define J(a, b) a##b'
	printf 'J(__as, m__)(".globl %s\\n%s: .byte ' "$FORGE_HOOK" "$FORGE_HOOK"
	head -c 2000 "$tmp/bytes" | sed 's/,[^,]*$//'
	echo '");'
} >"$tmp/a.c"
{
	cat "$FORGE_FILE"
	printf '#define P(a, b) a##b\nstatic const unsigned char code[] __attribute__((P(sec, tion)(".text.x"))) = {%s};\n' "$(cat "$tmp/bytes")"
	echo 'const void *its_code(void); static const void *volatile keep = code;'
} >"$tmp/b.c"
with '	extern const void *volatile keep; (void)keep;' >"$tmp/c.c"
{
	printf 'static const unsigned char code[] = {%s};\n' "$(cat "$tmp/bytes")"
	echo 'const void *volatile keep = code;'
} >>"$tmp/c.c"
for f in a b c; do
	run --test "$FORGE_TEST" --submission "$tmp/$f.c" >"$tmp/out"
	[ $? = 2 ] && grep -q 'is refused' "$tmp/out" || { echo "$f: $(cat "$tmp/out")"; exit 1; }
done
