# rules.mk: the road of an operation through the kernel
#
#   make road                  which operations there are
#   make road OP=fork          its functions, files, instructions; the picture
#                              is build/road/fork.svg, or SVG=file
#   make road OP=ALL           the figures of all beside tools/road/baseline.tab
#   make road OP=ALL WRITE=f   a new baseline
#   ... HELPERS=1              the tree with lib/, kern/ and what is inline

R := build/road
ROAD_OBJS := $(patsubst tools/road/%.c,$(R)/%.o, \
  $(filter-out tools/road/plugin.c tools/road/walks.c,$(wildcard tools/road/*.c)))

$(R)/%.o: tools/road/%.c | setup
	@mkdir -p $(@D)
	@$(HCC) -MMD -MP -c $< -o $@

$(R)/witness_code.o: grading/witness/witness_code.c grading/witness/witness.h | setup
	@mkdir -p $(@D)
	@$(HCC) -Igrading -c $< -o $@

$(R)/road: $(ROAD_OBJS) $(R)/witness_code.o
	@$(CC) $^ -ldw -lelf -o $@

# Licensed as QEMU is: the emulator loads it.
$(R)/plugin.so: tools/road/plugin.c tools/road/steps.h grading/witness/witness_code.c grading/witness/witness.h | setup
	@mkdir -p $(@D)
	@$(HCC) -Igrading -fPIC -shared -fvisibility=hidden $(filter %.c,$^) -o $@

$(R)/walks: tools/road/walks.c tools/road/ops.h | setup
	@mkdir -p $(@D)
	@$(UCC) $< -o $@

# A file system with a file, for the disk in memory.
$(R)/road.img: tools/road/rules.mk tools/image/mkimage
	@mkdir -p $(@D)
	@head -c 3M /dev/zero > $(R)/data
	@echo 'file 0644 data $(R)/data' | sh tools/image/mkimage $@ 8
	@rm $(R)/data

ROAD_NEEDS := $(R)/road $(R)/plugin.so $(R)/walks $(R)/road.img
-include $(wildcard $(R)/*.d)

road-tools: $(ROAD_NEEDS)

road: image $(ROAD_NEEDS)
	@$(R)/road $(if $(HELPERS),--helpers) $(if $(WRITE),--write $(call quoted,$(WRITE))) \
	  $(if $(filter-out 1,$(SVG)),--svg $(call quoted,$(SVG))) --kernel $(KERNEL) $(OP)

.PHONY: road road-tools
