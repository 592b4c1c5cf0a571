#!/bin/sh
# NEEDS: TIMEOUT=200 SHORT=1 TURN=3 SUBJECT=vmsim KIND=exact
# The book's playable figures are what this kernel does: every action in every
# state again; the stale byte is reached with the bug planted, and only then.  In
# make check two of them, together with vmsim, which is a minute to build for both;
# make book-check and check-more play all, for each commit.
. kernel/test/cases/lib.sh

built build/simfast/scene
build/simfast/scene --help 2>&1 | grep -q 'scene \[options\]' || fail "scene --help"
some="last-owner stale-tlb"
in_full && some=
make -s scenes-check SCENES="$some" >"$tmp/out" 2>&1
same 0 $? "$(cat "$tmp/out")"
grep -q '\["stale",[0-9]' book/scenes/stale-tlb-bug.json ||
	fail "the stale byte is not in the graph of the planted bug"
grep -q '\["stale",[0-9]' book/scenes/stale-tlb.json && fail "the stale byte is in our graph"

# A graph that differs is named.
mkdir "$tmp/scenes"
cp book/scenes/last-owner.* "$tmp/scenes"
sed -i 's/refs 2/refs 3/' "$tmp/scenes/last-owner.json"
SCENE_DIR=$tmp/scenes sh tools/scene/graphs --check build/simfast last-owner >"$tmp/out" &&
	fail "a graph that differs passes"
grep -q '^scene last-owner: this kernel does otherwise: [1-9]' "$tmp/out" || fail "$(cat "$tmp/out")"
finish
