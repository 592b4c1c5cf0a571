# The lab that a script attacks: as `grade forgeries` says, else the grader's own.
# FORGE_FILE, FORGE_TEST, FORGE_HOOK: our file of it, a
# test, and the function that a piece in C hooks.
if [ -z "${FORGE_LAB-}" ]; then
	export GRADE_LABS=grading/test/labs
	FORGE_LAB=90-smoke FORGE_FILE=kernel/vm/map/vad.c
	FORGE_TEST=t02 FORGE_HOOK=vad_remove_range
fi
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
run() { build/grading/grade run "$FORGE_LAB" --quiet "$@"; }
# Our file with the lines of $1 as the first ones of the function.
with() {
	awk -v hook="$FORGE_HOOK(" -v text="$1" 'index($0, hook) == 1 { here = 1 } { print }
		here && /^{/ { print text; here = 0 }' "$FORGE_FILE"
}
