# rules.mk: the simulator: the same sources under an explorer of schedules
# build/sim/vmsim under ASan and UBSan (its fibers have stacks of their own,
# which ASan leaves alone); build/simfast/vmsim without, for long searches.

SIMSRC := $(filter-out kernel/lib/spin.c kernel/mem/kva.c,$(wildcard $(foreach d,lib mem vm \
  vm/* vm/design/*,kernel/$(d)/*.c)) kernel/amd64/shootdown.c \
  kernel/proc/futex.c kernel/proc/futex_pi.c kernel/dev/bio.c)
SIMOWN := $(wildcard kernel/test/sim/*.c kernel/test/hostkern/*.c)
SIMWARN := $(WARN) -Wno-missing-prototypes -Wno-redundant-decls \
  $(ALWAYS_ERRORS) $(CI_ONLY)
SIMCC := $(CC) -std=gnu11 -g -fno-omit-frame-pointer -fwrapv \
  -fno-strict-aliasing -fno-delete-null-pointer-checks $(SIMWARN) \
  -Ikernel/test/sim/md $(INCLUDES) -include kernel/test/sim/sim_pre.h
SIM_ASAN := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
  --param asan-stack=0

SIMLINK := -Wl,--wrap=page_copy

# $(call sim_rules,FOLDER,FLAGS)
define sim_rules
$(BUILD)/$(1)/kernel/test/%.o: kernel/test/%.c | setup $(HEADERS)
	@mkdir -p $$(@D)
	@$(SIMCC) $(2) -D_GNU_SOURCE -MMD -MP -c $$< -o $$@

$(BUILD)/$(1)/kernel/lib/string.o: RENAME += $(RENAME_STRING)
$(BUILD)/$(1)/kernel/amd64/shootdown.o: SIMDEF := -DSIM_SHOOTDOWN
$(BUILD)/$(1)/%.o: %.c | setup $(HEADERS)
	@mkdir -p $$(@D)
	@$(SIMCC) $(2) $$(SIMDEF) $$(call as_kernel,$$(RENAME)) -MMD -MP -c $$< -o $$@

$(BUILD)/$(1)/vmsim: $(patsubst %.c,$(BUILD)/$(1)/%.o,$(SIMSRC) $(SIMOWN)) \
  $(GEN)/events_table.c
	@$(SIMCC) $(2) $$^ $(SIMLINK) -o $$@

-include $(patsubst %.c,$(BUILD)/$(1)/%.d,$(SIMSRC) $(SIMOWN))
endef
$(eval $(call sim_rules,sim,$(SIM_ASAN)))
$(eval $(call sim_rules,simfast,-O2))
$(eval $(call sim_rules,simcov,-O1 --coverage -DSIM_COVERAGE))

# Both are made where they are run: cases/suite/vmsim.sh, for one commit of three.

# Preemptions, seconds for a pair that is not searched whole, searches at once.
BOUND ?= 3
PAIR_SECONDS ?= 30
CORES ?= $(shell nproc)

# The bugs of the bank that schedules find (book: bugs), planted one by one.
SIMBUGS := $(sort $(wildcard kernel/test/sim/bugs/*.patch))

vmsim-check: $(BUILD)/simfast/vmsim
	@CC='$(SIMCC) -O2 $(SIMLINK)' OBJS='$(patsubst %.c,$(BUILD)/simfast/%.o,$(SIMSRC) \
	  $(SIMOWN)) $(GEN)/events_table.c' OUT=$(BUILD)/simbugs \
	  sh kernel/test/sim/plant -j $(CORES) $(if $(BUG),$(wildcard \
	  kernel/test/sim/bugs/*$(BUG)*.patch),$(SIMBUGS))

vmsim: $(BUILD)/simfast/vmsim
	@$< -j $(CORES) -b $(BOUND) -t $(PAIR_SECONDS) -n 10000 -s $(SEED) \
	  kernel/test/sim/pairs.txt $(PAIR)

# Lines and branches of the memory manager that the host's tests reach: theirs,
# and a few schedules of each pair.  build/coverage/index.html.
COV := $(BUILD)/coverage
COV_TESTS := fmo anon cache cache_views kpaged ptab ptpage swap vad ws phys fs fs_names ext2

coverage: $(BUILD)/simcov/vmsim
	@sh tools/setup coverage
	@$(MAKE) -s BUILD=$(COV) HOSTHOW=--coverage \
	  $(patsubst %,$(COV)/host/t_%,$(COV_TESTS))
	@sh kernel/test/sim/coverage $(BUILD) $(COV) $(CORES) $(COV_TESTS)

.PHONY: vmsim vmsim-check coverage
