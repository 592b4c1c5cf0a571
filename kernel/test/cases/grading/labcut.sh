#!/bin/sh
# NEEDS: TIMEOUT=90 SHORT=1 TURN=3 SUBJECT=teaching KIND=exact
# tools/labcut reads C: braces in strings, comments and macros; it refuses what
# it does not know; the committed starters are what it makes today.  make starters LAB=… touches that
# lab only, and keeps what somebody has written.  In make check a third of the labs is
# compiled, step by step, others for another commit; in check-more all.
. kernel/test/cases/lib.sh
cut=build/tools/labcut
mkdir "$tmp/09-try"
list=$tmp/09-try/cut.list

cat >"$tmp/a.c" <<'EOF2'
/* a.c: begins with a comment { */
#include "x.h"
#define OPEN {            /* } */
#define TWO(a)          \
	do { a; } while (0)

static int helper(int a);
static const char text[] = "} { \" '";
struct thing { int a; };
static int (*hook)(void) = 0;

/* ---- a section ---- */

/*
 * Says what it does.
 */
int
first(int a, char *b)
{
	/*@hint Mind the '}' here. */
	if (b[0] == '}' && a == '{') /* { */
		return helper(a);
	return "}"[0];
}

/* Goes with its function. */
static int
helper(int a)
{
	return a;
}

struct thing *
second(void)
{
	return 0;
}

bool
third(void)
{
	return true;
}

void
fourth(struct thing t[2])
{
	TWO(t->a = 1);
}

enum e
fifth(void)
{
	return E_ONE; // }
}

/* given */
static int
given(void)
{
	return 1;
}
EOF2
cat >"$list" <<'EOF2'
cut  first   step 1      # one
drop helper  step 1
cut  second  step 2
cut  third   step 2
cut  fourth  step 3
cut  fifth   step 3 return E_TWO + 1
keep given
EOF2
cat >"$tmp/want" <<'EOF2'
/* a.c: begins with a comment { */
#include "x.h"
#define OPEN {            /* } */
#define TWO(a)          \
	do { a; } while (0)

static const char text[] = "} { \" '";
struct thing { int a; };
static int (*hook)(void) = 0;

/* ---- a section ---- */

/*
 * Says what it does.
 */
int
first(int a, char *b)
{
	/* Mind the '}' here. */
	return lab_todo("09-try step 1: first");
}

struct thing *
second(void)
{
	lab_todo("09-try step 2: second");
	return NULL;
}

bool
third(void)
{
	lab_todo("09-try step 2: third");
	return false;
}

void
fourth(struct thing t[2])
{
	lab_todo("09-try step 3: fourth");
}

enum e
fifth(void)
{
	lab_todo("09-try step 3: fifth");
	return E_TWO + 1;
}

/* given */
static int
given(void)
{
	return 1;
}
EOF2
$cut "$list" "$tmp/a.c" >"$tmp/got" || fail "labcut"
diff "$tmp/want" "$tmp/got" || fail "the starter of a.c"

# All steps are the file itself; one step has its helper again.
$cut --partial 3 "$list" "$tmp/a.c" | cmp -s - "$tmp/a.c" || fail "--partial 3"
$cut --partial 1 "$list" "$tmp/a.c" >"$tmp/got"
grep -q 'return helper(a)' "$tmp/got" || fail "--partial 1: no body of step 1"
same "$(grep -c lab_todo "$tmp/got")" 4 "stubs after step 1"

# What it refuses.
refuses() {
	what=$1
	shift
	"$@" >/dev/null 2>"$tmp/err" && fail "$what was taken"
	grep -q "$want" "$tmp/err" || fail "$what: $(cat "$tmp/err")"
}
cp "$list" "$tmp/list"
want='no function sixth' && echo 'cut sixth step 1' >>"$list"
refuses "an unknown name" $cut "$list" "$tmp/a.c"
want='stands above already' && { cat "$tmp/list"; echo 'keep given'; } >"$list"
refuses "a name twice" $cut "$list" "$tmp/a.c"
want='given() is not in the list' && sed '/given/d' "$tmp/list" >"$list"
refuses "a function that is not listed" $cut "$list" "$tmp/a.c"
want='given() is there twice' && cp "$tmp/list" "$list"
{ cat "$tmp/a.c"; printf 'int\ngiven(void)\n{\n\treturn 2;\n}\n'; } >"$tmp/b.c"
refuses "a function twice" $cut "$list" "$tmp/b.c"
want='say what its stub returns' && sed 's/ return E_TWO + 1//' "$tmp/list" >"$list"
refuses "an enum without a value" $cut "$list" "$tmp/a.c"
want='want: step N' && sed 's/step 2$//' "$tmp/list" >"$list"
refuses "no step" $cut "$list" "$tmp/a.c"
want='has no end' && cp "$tmp/list" "$list" && head -n -2 "$tmp/a.c" >"$tmp/b.c"
refuses "a body without end" $cut "$list" "$tmp/b.c"
same "$($cut --partial x "$list" "$tmp/a.c" 2>/dev/null; echo $?)" 64 usage

# The starters are not older than the kernel, nor do they warn.
n=$(of_commit 3)
flags="-std=gnu11 -O2 -ffreestanding -Ikernel -I$BUILD/gen -Wall -Wextra
  -Wno-unused-parameter -Wshadow -Wmissing-prototypes -Werror -Wno-unused-function -mgeneral-regs-only
  -mcmodel=kernel -mno-red-zone -fno-pic"
for conf in labs/*/lab.conf; do
	dir=${conf%/lab.conf}
	file=kernel/$(awk '$1 == "file" { print $2 }' "$conf")
	starter=$dir/${file##*/}
	$cut "$dir/cut.list" "$file" | diff "$starter" - >"$tmp/diff" ||
		fail "$starter is not what labcut makes (make starters): $(head "$tmp/diff")"
	n=$((n + 1))
	in_full || [ $((n % 3)) = 0 ] || continue
	steps=$(awk '$1 == "steps" { print NF - 1 }' "$conf")
	for k in $(seq 1 "$steps"); do
		$cut --partial "$k" "$dir/cut.list" "$file" >"$tmp/p.c"
		gcc $flags -c "$tmp/p.c" -o "$tmp/o.o" ||
			fail "$dir, steps up to $k"
	done
	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		$cc $flags -c "$starter" -o "$tmp/o.o" || fail "$cc: $starter"
	done
done

git clone -q --shared . "$tmp/clone" && cp labs/lab.mk "$tmp/clone/labs/"
cd "$tmp/clone" || exit 2
echo '/* mine */' >>labs/01-vad/vad.c
echo '/* mine */' >>labs/02-fault/fault.c
(unset MAKEFLAGS MAKELEVEL BUILD; make -s starters LAB=01) >"$tmp/text" 2>&1 || fail "make starters: $(cat "$tmp/text")"
same 'labs/01-vad/vad.c  (what was there: labs/01-vad/vad.c~)' "$(cat "$tmp/text")" 'make starters LAB=01'
git diff --quiet labs/01-vad/vad.c || fail "make starters LAB=01: no starter"
grep -q mine labs/01-vad/vad.c~ || fail "make starters LAB=01: what was there is gone"
grep -q mine labs/02-fault/fault.c || fail "make starters LAB=01: another lab's file is gone"
finish
