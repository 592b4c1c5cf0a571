# rules.mk: the benchmark
#
#   make bench              instructions per operation, here and on Linux 6.1;
#                           the page is build/bench/index.html
#   make bench DESIGN=eager
#   make bench OP=zero-fill ours only; several names in quotes
#   make bench WRITE=1      our figures become tools/bench/figures/baseline.tab
#   make profile OP=zero-fill  where its instructions go, by function
#   make bench-where        the same of appendix G's paths, into tools/bench/figures/where.tab
#   make bench-check        ten rows against it
#   make bench-evidence     what of each row is asserts, and what trace and counters
#   make bench-host         time of the host beside Linux, on one CPU and on two
#   make paging-linux       what patterns of paging cost, beside Linux, LRU and OPT

BENCH := $(BUILD)/bench
BENCH_SRC := $(filter-out %/nothing.c,$(wildcard tools/bench/program/*.c))

# Where no other program has its text: count.c knows it by its addresses.
$(BENCH)/bench: $(BENCH_SRC) tools/bench/program/bench.h | setup
	@mkdir -p $(@D)
	@$(UCC) -pthread -Wl,-Ttext-segment=0x10000000 $(filter %.c,$^) -o $@

$(BENCH)/nothing: tools/bench/program/nothing.c | setup
	@mkdir -p $(@D)
	@$(UCC) $< -o $@

# Licensed as QEMU is: the emulator loads it.
$(BENCH)/count.so: tools/bench/count.c grading/witness/witness.h | setup
	@mkdir -p $(@D)
	@$(HCC) -Igrading -fPIC -shared -fvisibility=hidden $< -o $@

profile: $(KERNEL) bench-tools $(BENCH)/count.so
	@sh tools/bench/run -b $(BUILD) -p '$(OP)'

bench-where: $(KERNEL) bench-tools $(BENCH)/count.so
	@sh tools/bench/run -b $(BUILD) -W

bench-tools: $(BENCH)/bench $(BENCH)/nothing $(T)/mkinitrd

bench: $(KERNEL) bench-tools
	@sh tools/bench/run -b $(BUILD) $(if $(DESIGN),-d $(DESIGN)) $(if $(WRITE),-w) $(OP)

bench-check: $(KERNEL) bench-tools
	@sh tools/bench/run -b $(BUILD) -c

# Kernels of their own, each without a part of its evidence.
without-asserts:
	@$(MAKE) --no-print-directory kernel BUILD=$(BUILD)/$@ \
	  OPT='$(OPT) -w -include tools/bench/without.h'

without-events:
	@$(MAKE) --no-print-directory kernel BUILD=$(BUILD)/$@ \
	  OPT='$(OPT) -w -DWITHOUT_EVENTS'

bench-evidence: $(KERNEL) bench-tools without-asserts without-events
	@sh tools/bench/run -b $(BUILD) -e

bench-host: $(KERNEL) bench-tools without-events
	@sh tools/bench/run -b $(BUILD) -t $(if $(ROUNDS),-n $(ROUNDS))

paging-linux: image progs $(T)/mkinitrd
	@BUILD=$(BUILD) sh tools/bench/paging

.PHONY: profile bench bench-check bench-evidence bench-host bench-tools paging-linux
.PHONY: bench-where without-asserts without-events
