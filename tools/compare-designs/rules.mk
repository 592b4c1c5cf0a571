# rules.mk: the comparison of designs
#
#   make compare-designs                    table; the page is build/compare-designs/index.html
#   make compare-designs PROGRAM="fork pressure" DESIGN="fmo uvm"
#   make compare-designs SHORT=1            in seconds
#   make compare-designs LOCKS=1            locks, too: each machine twice
#   make compare-designs RECORD=1           all of it, as chapters 15, 16 and 19 of the book quote it

# Static, and the same however the kernel is built.
COMPARE := build/compare-designs
COMPARE_SRC := $(wildcard tools/compare-designs/*.c)

$(COMPARE)/programs: $(COMPARE_SRC) tools/compare-designs/bill.h \
  $(wildcard kernel/test/progs/lib/*.h) | setup
	@mkdir -p $(@D)
	@$(UCC) -Wshadow -pthread -Ikernel/test/progs $(filter %.c,$^) -o $@

compare-programs: $(COMPARE)/programs

# The same fork under each design, as boxes; where there is no node the page has no picture.
compare-boxes: $(SCENE)/scene
	@mkdir -p $(BUILD)/compare-designs/graphs
	@for d in $$(sed -n 's/^designs //p' book/scenes/six.scene); do \
	  $(SCENE)/scene -d $$d -o $(BUILD)/compare-designs/graphs/six-$$d.json book/scenes/six.scene || exit; done
	@! command -v node >/dev/null || node book/.vitepress/book/six.mjs six forked \
	  $(BUILD)/compare-designs/graphs >$(BUILD)/compare-designs/boxes

compare-designs: image $(COMPARE)/programs compare-boxes
	@sh tools/compare-designs/run -b $(BUILD) -j $(CORES) $(if $(SHORT),-s) \
	  $(if $(RECORD),-l -w book/runs/designs.counters,$(if $(LOCKS),-l)) \
	  $(if $(DESIGN),-d '$(DESIGN)') $(PROGRAM)
	@[ -z "$(RECORD)" ] || GUEST='tools/guest --append uvm=late' sh tools/compare-designs/run \
	  -b $(BUILD) -o $(BUILD)/compare-designs/late -j $(CORES) -d uvm \
	  -w book/runs/designs.counters -a late fork fork-exec fork-store swapped >/dev/null

.PHONY: compare-designs compare-boxes compare-programs
