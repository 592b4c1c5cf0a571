# A boot that writes over its first files changes nothing for the next boot.
export GRADE_LABS=grading/test/labs
before=$(sha256sum build/grading/progs/smoke build/vadose.elf)
build/grading/grade forgeries f14 >/dev/null
after=$(sha256sum build/grading/progs/smoke build/vadose.elf)
[ "$before" = "$after" ] || { echo "a file has changed"; exit 1; }
build/grading/grade run smoke --quiet --kernel build/vadose.elf --seed 5
