# rules.mk: worlds of the book's playable figures (scene.h)
#
#   make scenes            all graphs again: book/scenes/*.json
#   make scenes-check      are they what this kernel does?
#   ... SCENES="store hand"  these only

SCENE := $(BUILD)/simfast
SCENE_OBJS := $(patsubst %.c,$(SCENE)/%.o,$(SIMSRC) $(filter-out \
  $(addprefix kernel/test/sim/,vmsim.c explore.c script.c),$(SIMOWN)) \
  $(wildcard tools/scene/*.c) $(filter-out %/lf_sys.c,$(wildcard kernel/user/libframes/*.c)))

$(SCENE)/tools/scene/%.o: tools/scene/%.c | setup $(HEADERS)
	@mkdir -p $(@D)
	@$(SIMCC) -O2 -D_GNU_SOURCE -I. -MMD -MP -c $< -o $@

$(SCENE)/kernel/user/libframes/%.o: kernel/user/libframes/%.c | setup $(HEADERS)
	@mkdir -p $(@D)
	@$(SIMCC) -O2 -MMD -MP -c $< -o $@

$(SCENE)/scene: $(SCENE_OBJS) $(GEN)/events_table.c
	@$(SIMCC) -O2 $^ $(SIMLINK) -o $@

-include $(wildcard $(SCENE)/tools/scene/*.d)

GRAPHS = CC='$(SIMCC) -O2 -D_GNU_SOURCE $(SIMLINK)' OBJS='$(SCENE_OBJS) $(GEN)/events_table.c' \
  sh tools/scene/graphs

scenes: $(SCENE)/scene
	@$(GRAPHS) $(SCENE) $(SCENES)

scenes-check: $(SCENE)/scene
	@$(GRAPHS) --check $(SCENE) $(SCENES)

.PHONY: scenes scenes-check
