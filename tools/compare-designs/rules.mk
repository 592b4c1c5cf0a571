# rules.mk: the comparison of designs
#
#   make compare-designs                    table; the page is build/compare-designs/index.html
#   make compare-designs PROGRAM="fork pressure" DESIGN="fmo uvm"
#   make compare-designs SHORT=1            in seconds

# Static, and the same however the kernel is built.
COMPARE := build/compare-designs
COMPARE_SRC := $(wildcard tools/compare-designs/*.c)

$(COMPARE)/programs: $(COMPARE_SRC) tools/compare-designs/bill.h \
  $(wildcard kernel/test/progs/lib/*.h) | setup
	@mkdir -p $(@D)
	@$(UCC) -Wshadow -pthread -Ikernel/test/progs $(filter %.c,$^) -o $@

compare-programs: $(COMPARE)/programs

compare-designs: image $(COMPARE)/programs
	@sh tools/compare-designs/run -b $(BUILD) -j $(CORES) $(if $(SHORT),-s) \
	  $(if $(DESIGN),-d '$(DESIGN)') $(PROGRAM)

.PHONY: compare-designs compare-programs
