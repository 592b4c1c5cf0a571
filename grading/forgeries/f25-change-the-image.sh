# A boot that writes over its first files changes nothing for the next boot.
. grading/forgeries/lab.sh
files=$(ls build/grading/progs/* labs/progs/*.c)
before=$(sha256sum $files build/vadose.elf)
case $FORGE_LAB in
90-smoke) build/grading/grade forgeries f14 ;;
*) build/grading/grade forgeries --lab "$FORGE_LAB" f14 ;;
esac >/dev/null
after=$(sha256sum $files build/vadose.elf)
[ "$before" = "$after" ] || { echo "a file has changed"; exit 1; }
run --test "$FORGE_TEST" --submission "$FORGE_FILE" --seed 5
