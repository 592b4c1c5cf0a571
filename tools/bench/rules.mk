# rules.mk: the benchmark
#
#   make bench              instructions per operation, here and on Linux 6.1;
#                           the page is build/bench/index.html
#   make bench DESIGN=eager
#   make bench OP=zero-fill ours only; several names in quotes
#   make bench WRITE=1      our figures become tools/bench/baseline.tab
#   make bench-check        ten rows against it

BENCH := $(BUILD)/bench
BENCH_SRC := $(filter-out tools/bench/nothing.c,$(wildcard tools/bench/*.c))

$(BENCH)/bench: $(BENCH_SRC) tools/bench/bench.h | setup
	@mkdir -p $(@D)
	@$(UCC) -pthread $(filter %.c,$^) -o $@

$(BENCH)/nothing: tools/bench/nothing.c | setup
	@mkdir -p $(@D)
	@$(UCC) $< -o $@

bench-tools: $(BENCH)/bench $(BENCH)/nothing $(T)/mkinitrd

bench: $(KERNEL) bench-tools
	@tools/bench/run -b $(BUILD) $(if $(DESIGN),-d $(DESIGN)) $(if $(WRITE),-w) $(OP)

bench-check: $(KERNEL) bench-tools
	@tools/bench/run -b $(BUILD) -c

.PHONY: bench bench-check bench-tools
