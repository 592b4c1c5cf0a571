# rules.mk: the grader, its observer, and what it builds submissions with
#
#   make grader                     build/grading/grade and what it needs
#   make grade LAB=05 [STEP=k] [TEST=tNN] [FILE=path] [SEED=n] [OUT=folder]
#   make hint LAB=05 STEP=2         one of three hints of a step
#   make compare LAB=05 TEST=t08    the student's and the reference's counters, and
#                                   where their events part; make trace keeps both
#   make mutate LAB=05 N=20 SEED=1  do its tests find bugs by chance?
#   make grade-all DIR=folder LAB=05  a class; regrade, plan-class N=200 HOSTS=4, similar: class/
#   make check-honest N=1000        a table: that many honest runs, none accused
#   make check-grader               its unit tests

G := build/grading
GRADE_ROOMS := base lab witness gate boot judge report learn self class
# The observer is a plugin of the emulator; the rest of its room is ours.
WITNESS_SRCS := $(wildcard grading/witness/witness*.c)
GRADE_SRCS := grading/grade.c $(filter-out $(WITNESS_SRCS), \
  $(wildcard $(GRADE_ROOMS:%=grading/%/*.c)))
GRADE_OBJS := $(patsubst grading/%.c,$(G)/%.o,$(GRADE_SRCS))
GRADE_CC := $(HCC) -I. -Igrading
GRADE_LAB := $(LAB)
GRADE_FORMATS := text,json
# Only one that was asked for: the Makefile has a SEED of its own.
GRADE_SEED := $(if $(filter command environment,$(firstword $(origin SEED))),$(SEED))
GRADE_LIBS := -lgcrypt -ljansson
GRADE_TESTS := $(patsubst grading/test/unit/%.c,$(G)/%,$(wildcard grading/test/unit/t_*.c))

$(G)/%.o: grading/%.c | setup
	@mkdir -p $(@D)
	@$(GRADE_CC) -MMD -MP -c $< -o $@

GRADE_TOOLS := $(T)/image/newc.o $(T)/trace/tracesink.o $(T)/cutter/cut.o $(T)/cutter/csource.o \
  $(VTRLIB)

$(G)/grade: $(GRADE_OBJS) $(GRADE_TOOLS)
	@$(CC) $^ $(GRADE_LIBS) -o $@

# Licensed as QEMU is; the emulator loads it, nothing is linked with it.
$(G)/witness.so: $(WITNESS_SRCS) grading/witness/witness.h | setup
	@mkdir -p $(@D)
	@$(GRADE_CC) -fPIC -shared -fvisibility=hidden $(WITNESS_SRCS) -o $@

$(G)/t_%: grading/test/unit/t_%.c $(filter-out $(G)/grade.o,$(GRADE_OBJS)) $(GRADE_TOOLS)
	@$(GRADE_CC) -MMD -MP $< $(filter %.o,$^) $(GRADE_LIBS) -lcmocka -o $@

# ---- what a submission is compiled and linked with ----

# Written anew when it differs, so that nothing is built again for nothing.
define keep
@mkdir -p $(@D)
@printf '%s\n' '$(strip $(1))' | cmp -s - $@ || printf '%s\n' '$(strip $(1))' > $@
endef

# What is a bug more often than not is told beside the verdict; make kernel LAB=05 says all.
GRADE_WARN := -Wuninitialized -Wmaybe-uninitialized -Wparentheses -Wsequence-point \
  -Wformat -Wunused-value -Wreturn-local-addr -Warray-bounds -Wshift-count-overflow

$(G)/cflags: FORCE
	$(call keep,$(filter-out -Werror,$(CFLAGS) $(ALWAYS_ERRORS)) $(GRADE_WARN) $(LAB_CFLAGS))
$(G)/ldflags: FORCE
	$(call keep,$(LDFLAGS))
$(G)/objects: $(OBJS)
	@mkdir -p $(@D)
	@printf '%s\n' $(OBJS) > $@
$(G)/include/made: $(HEADERS) $(shell find kernel -name '*.h') | setup
	@rm -rf $(@D) && mkdir -p $(@D)/gen
	@to=$$(cd $(@D) && pwd) && cd kernel && find . -name '*.h' | cpio -pdm --quiet "$$to"
	@cp $(HEADERS) $(@D)/gen/ && touch $@


# What a lab's file may define (D), use (U) and count (E): names of ours, of all files that a lab
# (or a lab of the grader's own) replaces.  In a handout they come with it.
LAB_FILES := $(sort $(shell $(AWK) '$$1 == "file" && $$2 != "none" { print $$2 }' \
  $(wildcard labs/*/lab.conf grading/test/labs/*/lab.conf)))
LAB_NAMES := $(patsubst %.c,$(G)/names/%.names,$(LAB_FILES))
ifeq ($(wildcard labs/reference),)
# Compiled once more as a learner's file is: in line it would use other names.
$(G)/names/%.names: kernel/%.c $(BUILD)/kernel/%.o
	@mkdir -p $(@D)
	@$(KCC) $(LAB_CFLAGS) -c $< -o $(@:.names=.o)
	@nm -g $(@:.names=.o) | $(AWK) 'NF == 3 { print "D " $$3 } NF == 2 { print "U " $$2 }' > $@
	@$(call counted,$<) >> $@
else
$(G)/names/%.names: labs/reference/%.names
	@mkdir -p $(@D)
	@cp $< $@
endif
$(G)/exports: $(OBJS)
	@nm -g --defined-only $(OBJS) | $(AWK) 'NF == 3 { print $$3 }' | sort -u > $@

# Which order a graded kernel's objects have: this host's secret.
$(G)/secret:
	@mkdir -p $(@D)
	@(umask 077; head -c 32 /dev/urandom > $@)

GRADE_NEEDS := $(G)/grade $(G)/witness.so $(G)/cflags $(G)/ldflags \
  $(G)/objects $(G)/include/made $(G)/exports $(G)/secret $(LAB_NAMES) \
  build/vadose.elf
GRADE_PROGS := $(patsubst grading/test/progs/%.c,$(G)/progs/%, \
  $(wildcard grading/test/progs/*.c))

$(G)/progs/%: grading/test/progs/%.c | setup
	@mkdir -p $(@D)
	@$(UCC) $< -o $@

# The student's file of the grader's own lab is the kernel's; in a handout there
# is neither.
ifneq ($(wildcard kernel/vm/map/vad.c),)
SMOKE := grading/test/labs/90-smoke/vad.c
$(SMOKE): kernel/vm/map/vad.c
	@cp $< $@
endif

grader: $(SMOKE) $(GRADE_NEEDS) $(GRADE_PROGS) $(if $(wildcard labs/progs/libt.c),lab-progs)

grade: grader
	$(others_may)
	@$(G)/grade run '$(GRADE_LAB)' $(if $(STEP),--step $(STEP)) \
	  $(if $(TEST),--test $(TEST)) $(submitted) \
	  $(if $(GRADE_SEED),--seed $(GRADE_SEED)) $(if $(OUT),--out $(call quoted,$(OUT)) --format $(GRADE_FORMATS)) \
	  --jobs $(JOBS)

hint: $(G)/grade
	@$(if $(STEP),$(G)/grade hint '$(GRADE_LAB)' '$(STEP)',$(G)/grade hint)

compare: grader
	@$(G)/grade compare '$(GRADE_LAB)' '$(TEST)' $(if $(GRADE_SEED),--seed $(GRADE_SEED)) \
	  $(submitted)

# Both traces of a test, for tools/vtr, and a page that shows one above the other.
TRACE_OUT := $(or $(OUT),build/trace)
trace: grader book-setup book/node_modules/.package-lock.json
	@mkdir -p $(call quoted,$(TRACE_OUT)) && cd $(call quoted,$(TRACE_OUT)) && rm -f yours.vtr reference.vtr parting trace.html
	@echo "trace: $(TEST) runs on both kernels, then again with a trace"
	@$(G)/grade compare '$(GRADE_LAB)' '$(TEST)' $(if $(GRADE_SEED),--seed $(GRADE_SEED)) \
	  $(submitted) --out $(call quoted,$(TRACE_OUT)) || [ -e $(call quoted,$(TRACE_OUT)/parting) ]
	@cd $(call quoted,$(TRACE_OUT)) && node $(call quoted,$(CURDIR))/book/.vitepress/book/view.mjs \
	  trace.html yours.vtr reference.vtr parting
	@echo "trace: open file://$$(cd $(call quoted,$(TRACE_OUT)) && pwd)/trace.html"

# Bugs by chance: N of them, chosen by SEED; FIRST=1 quick and without points,
# CUT=1 only what the learner writes, IN=function.
N ?= 20
mutate: grader
	@$(G)/grade mutate '$(GRADE_LAB)' --n $(N) --seed $(SEED) --jobs $(JOBS) \
	  $(if $(FIRST),--first) $(if $(CUT),--cut) $(if $(IN),--in '$(IN)')

# A class: DIR has a file or a folder of each student.  The lab is one word of a shell.
CLASS_OUT := $(or $(OUT),build/class/$(GRADE_LAB))
CLASS_ENV := SEED=$(or $(GRADE_SEED),1) JOBS='$(JOBS)' \
  SSHLOGIN=$(call quoted,$(SSHLOGIN)) PRICE=$(call quoted,$(or $(PRICE),0.05)) \
  HIDDEN=$(call quoted,$(HIDDEN))
grade-all: grader
	@sh tools/setup class
	$(others_may)
	@$(CLASS_ENV) sh grading/class/all '$(GRADE_LAB)' $(call quoted,$(DIR)) $(call quoted,$(CLASS_OUT))

# All of it anew; the old results stay beside, and each score that moved is said.
regrade: grader
	@sh tools/setup class
	$(others_may)
	@$(CLASS_ENV) sh grading/class/all again '$(GRADE_LAB)' $(call quoted,$(DIR)) $(call quoted,$(CLASS_OUT))

HOSTS ?= 1
plan-class: grader
	@$(CLASS_ENV) sh grading/class/all plan '$(GRADE_LAB)' $(call quoted,$(CLASS_OUT)) '$(N)' '$(HOSTS)'

# Which of them are alike, apart from what all were given.
similar: grader
	@sh tools/setup course
	@sh grading/class/similar '$(LAB_NAME)' $(call quoted,$(DIR)) $(LEAST)

# A folder with all that a course hands out; the folder of a new lab (grading/INSTRUCTOR.md).
# Both make with makes of their own.
KEY ?= $(DIR:/=).key
WITH ?= $(foreach l,$(LABS),$(firstword $(subst -, ,$(l))))
new-course:
	$(others_may)
	@sh grading/course/new-course $(call quoted,$(DIR)) $(call quoted,$(KEY)) $(WITH)

new-lab:
	$(others_may)
	@sh grading/course/new-lab $(call quoted,$(NAME))

# A lab whose public reference is not the answer, by numbers of SEED: grading/twists/README.md.
twist:
	@sh grading/twists/make '$(TWIST)' '$(SEED)' $(call quoted,$(DIR))

# What each lab's page says that may be called, anew from the headers.
imports: grader
	@for l in $(LABS); do $(G)/grade imports $$l > labs/$$l/imports.md || exit 1; done

# N runs, of all labs together, each of one test: HONEST= for whole gradings.
HONEST := --one
HONEST_LABS := $(words $(wildcard labs/[0-9]*/lab.conf))
check-honest: grader
	@$(G)/grade selftest --honest $$((($(or $(N),1000) + $(HONEST_LABS) - 1) / $(HONEST_LABS))) $(HONEST)

check-grader: $(GRADE_TESTS)
	@for t in $(GRADE_TESTS); do $$t || exit 1; done

-include $(wildcard $(G)/*.d $(G)/*/*.d)
FORCE:
.PHONY: grader grade hint compare trace mutate check-grader check-honest grade-all regrade plan-class similar new-course new-lab twist FORCE

# ---- all of the teaching side: hours, by shards ----

check-teaching: image testing grader $(T)/labcut
	@sh grading/teaching $(if $(SHARD),$(SHARD),1/1)

# The same whatever the host is doing: RUNS of each lab, or of LAB.
RUNS ?= 20
check-determinism: grader
	@sh grading/determinism $(RUNS) $(LAB)

# Seconds of processors: 3 to the first verdict, 40 for a lab.
check-grade-speed: grader
	@sh grading/speed $(LAB)

.PHONY: check-teaching check-determinism check-grade-speed
