# lab.mk: a student's file in the place of one object of the kernel
#
#   make kernel LAB=fork              links labs/05-fork/fork.c
#   make run LAB=05                   a number, a name or both
#   make run LAB=fork LAB_REF=1       the reference again
#   make kernel LAB=fork FILE=my.c    another file
#   make starters LAB=fork            its starter anew; what stood there is FILE~
#   make starters                     all starters anew, out of the kernel

LABS := $(sort $(notdir $(patsubst %/lab.conf,%,$(wildcard labs/*/lab.conf))))
# The kernel file that a lab replaces, of its lab.conf: $(call lab_file,05-fork)
lab_file = kernel/$(shell $(AWK) '$$1 == "file" { print $$2 }' labs/$(1)/lab.conf)

# Locks and evidence are calls in a learner's file (kernel/lib/evidence.h).  A
# function of a later step waits for its caller there.
LAB_CFLAGS := -DBY_CALL -Wno-unused-function
# How a learner's file is compiled: our rules for ourselves only warn there.
LAB_CC = $(filter-out -Werror $(EVERY_CASE) $(SMALL_FRAMES),$(KCC)) \
  $(patsubst -Werror=%,-W%,$(SMALL_FRAMES)) $(LAB_CFLAGS)
# What it counts so, or a header in it: lines "E vad_split"
counted = $(KCC) $(LAB_CFLAGS) -E $(1) | \
  sed -n 's/ev_add(EV_/\n&/g; s/ev_record(EV_/\n&/g; p' | \
  sed -n 's/^ev_\(add\|record\)(EV_\([a-z0-9_]*\).*/E \2/p' | sort -u

KERNEL := $(BUILD)/vadose.elf
ifneq ($(LAB),)
LAB_NAME := $(sort $(filter $(LAB) $(LAB)-% 0$(LAB)-%,$(LABS)) \
  $(foreach l,$(LABS),$(if $(filter $(LAB),$(word 2,$(subst -, ,$(l))) \
  $(patsubst $(firstword $(subst -, ,$(l)))-%,%,$(l))),$(l))))
ifneq ($(words $(LAB_NAME)),1)
$(error LAB=$(LAB): there are $(LABS))
endif
ifeq ($(LAB_REF),)
LAB_KFILE := $(call lab_file,$(LAB_NAME))
LAB_OUT := $(BUILD)/labs/$(LAB_NAME)
FILE ?= labs/$(LAB_NAME)/$(notdir $(LAB_KFILE))
KERNEL := $(LAB_OUT)/vadose.elf
LAB_OBJ := $(LAB_OUT)/$(basename $(notdir $(LAB_KFILE))).o
ifeq ($(REFERENCE),)
LAB_OBJS := $(patsubst $(BUILD)/$(basename $(LAB_KFILE)).o,$(LAB_OBJ),$(OBJS))
else
LAB_OBJS := $(filter-out $(REFERENCE),$(OBJS)) $(LAB_OBJ) \
  $(patsubst kernel/%.c,labs/reference/%.others.o,$(LAB_KFILE))
endif

# A newer compiler's warnings never stop a student.
$(LAB_OBJ): $(call escaped,$(FILE)) $(LAB_OUT)/file | setup $(HEADERS)
	@mkdir -p $(@D)
	@$(LAB_CC) -MMD -MP -c $(call quoted,$<) -o $@

# Written anew when FILE names another file than last time.
$(LAB_OUT)/file: lab-file
	@mkdir -p $(@D)
	@printf '%s\n' $(call quoted,$(FILE)) | cmp -s - $@ || printf '%s\n' $(call quoted,$(FILE)) > $@

$(LAB_OUT)/vadose.elf: $(LAB_OBJS) $(LDSCRIPT) tools/gen/symtab.awk
	@$(call link_kernel,$(LAB_OBJS),$(LAB_OUT))
	@ln -sf ../../initrd.cpio ../../root.img $(LAB_OUT)/

# What it included last time, if it was this file: another may be gone.
ifeq ($(shell cat $(LAB_OUT)/file 2>/dev/null),$(FILE))
-include $(LAB_OBJ:.o=.d)
endif
.PHONY: lab-file
endif
endif

kernel: $(KERNEL)
image: $(KERNEL)
.PHONY: kernel

# ---- starters ----

$(T)/labcut: $(addprefix $(T)/cutter/,labcut.o cut.o csource.o)
	@$(CC) $^ -o $@

$(T)/labseal: $(T)/cutter/labseal.o
	@$(CC) $^ -o $@

# A file that differs may be somebody's work: it is kept.
starters: $(T)/labcut
	@for l in $(or $(LAB_NAME),$(LABS)); do \
	  k=kernel/$$($(AWK) '$$1 == "file" { print $$2 }' labs/$$l/lab.conf); \
	  f=labs/$$l/$${k##*/}; \
	  $(T)/labcut labs/$$l/cut.list $$k > labs/$$l/.new || exit 1; \
	  kept=; \
	  if [ -e $$f ] && ! cmp -s labs/$$l/.new $$f; then mv $$f $$f~ || exit 1; kept="  (what was there: $$f~)"; fi; \
	  mv labs/$$l/.new $$f; \
	  echo "$$f$$kept"; \
	done

# ---- what students get ----

# Our files that labs replace, without what tells how they are made.
HANDOUT_OBJS := $(foreach l,$(LABS),$(BUILD)/handout/$(basename $(call lab_file,$(l))).o)

# The kernel's own object knows which headers it was made of.
$(BUILD)/handout/%.o: %.c $(BUILD)/%.o | setup $(HEADERS)
	@mkdir -p $(@D)
	@$(filter-out -g -Werror,$(KCC)) $(LAB_CFLAGS) -ffunction-sections -DASSERT_WITHOUT_TEXT -c $< -o $@
	@$(call counted,$<) > $(@:.o=.counts)

handout-objs: $(HANDOUT_OBJS) $(OBJS) $(T)/labseal
	@echo '$(OBJS)' > $(BUILD)/handout/objects
handout: $(BUILD)/vadose-handout.tar.gz
	@ls -l $<
$(BUILD)/vadose-handout.tar.gz: handout-objs FORCE
	@sh tools/handout $@ $(BUILD)
.PHONY: handout handout-objs

# ---- the newcomer's first hour, timed ----

check-firsthour: $(T)/labcut
	@sh tools/firsthour
.PHONY: check-firsthour

# ---- test programs: no C library, no writable data ----

LCC := $(FROM_HERE) $(CC) -Ilabs/progs -std=gnu11 -O2 -g -ffreestanding -nostdlib -static -no-pie \
  -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables \
  -fcf-protection=none -mno-sse -fno-tree-loop-distribute-patterns \
  -Wall -Wextra -Wno-unused-parameter -Wl,-z,noexecstack \
  -Wl,-z,max-page-size=4096 -Wl,--build-id=none -Wl,-T,labs/progs/libt.ld
LAB_PROGS := $(patsubst %.c,$(BUILD)/%,$(filter-out labs/progs/libt%, \
  $(wildcard labs/progs/*.c)))

$(BUILD)/labs/progs/%: labs/progs/%.c labs/progs/libt.c labs/progs/libt.h \
  labs/progs/libt.ld | setup
	@mkdir -p $(@D)
	@$(LCC) labs/progs/libt.c $< -o $@

# The same of hidden tests.
build/grading/progs/%_shapes: grading/test/progs/%_shapes.c labs/progs/libt.c \
  labs/progs/libt.h labs/progs/libt.ld | setup
	@mkdir -p $(@D)
	@$(LCC) labs/progs/libt.c $< -o $@

lab-progs: $(LAB_PROGS)
.PHONY: starters lab-progs

# ---- editors ----

# build/compile_commands.json, which .clangd and .vscode name: how the kernel's files
# and those of the labs are compiled.
compdb: $(HEADERS)
	@{ for f in $(filter %.c,$(SRCS)); do printf '%s\t%s\n' "$$f" \
	    $(call quoted,$(filter-out -Werror,$(KCC))); done; \
	  for f in $(foreach l,$(LABS),$(wildcard labs/$(l)/*.c)); do printf '%s\t%s\n' "$$f" \
	    $(call quoted,$(LAB_CC)); done; } | \
	  $(AWK) -F '\t' -v dir=$(call quoted,$(CURDIR)) ' \
	  function text(s) { gsub(/["\\]/, "\\\\&", s); return "\"" s "\"" } \
	  BEGIN { print "[" } \
	  { printf "%s{ \"directory\": %s, \"file\": %s, \"command\": %s }", \
	    (NR > 1 ? ",\n" : ""), text(dir), text($$1), text($$2 " -c " $$1) } \
	  END { print "\n]" }' > $(BUILD)/compile_commands.json
.PHONY: compdb
