# rules.mk: how a folder becomes objects, and objects the kernel
#
#   make kernel                     build/vadose.elf
#   make objs DIRS="lib mem"        only the objects of these folders
#   make kernel OPT=-Og BUILD=build-og

AWK := awk
GEN := $(BUILD)/gen

CFLAGS := -std=gnu11 $(OPT) -g -ffreestanding -fno-common \
  -fno-strict-aliasing -fwrapv -fno-delete-null-pointer-checks \
  -fno-pic -fno-pie -fno-omit-frame-pointer -fstack-protector-strong \
  -mstack-protector-guard=global -fno-asynchronous-unwind-tables \
  -fcf-protection=none -mno-red-zone -mcmodel=kernel -mgeneral-regs-only
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
  -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wundef -Wvla \
  -Wredundant-decls -Wnested-externs -Wformat=2 -Wlogical-op \
  -Wduplicated-cond -Wduplicated-branches -Wimplicit-fallthrough=5 \
  -Wno-unused-parameter
ALWAYS_ERRORS := -Werror=implicit-function-declaration \
  -Werror=incompatible-pointer-types -Werror=int-conversion \
  -Werror=return-type -Werror=switch -Werror=unused-result
# Kernel stacks are of 8 KiB.
SMALL_FRAMES := -Werror=frame-larger-than=1024
# A default: that hides a forgotten enumerator; of what we write, not of learners.
EVERY_CASE := -Werror=switch-enum
CI_ONLY := $(if $(filter 1,$(WERROR)),-Werror)
# RACES=1: the compiler tells test/races of each access to memory.
ifdef RACES
WATCHED := -fsanitize=thread --param=tsan-instrument-func-entry-exit=0 \
  --param=tsan-distinguish-volatile=1 -Wno-tsan
SMALL_FRAMES :=
endif
INCLUDES := -Ikernel -I$(GEN)
KCC = $(CC) $(CFLAGS) $(WATCHED) $(WARN) $(ALWAYS_ERRORS) $(EVERY_CASE) $(SMALL_FRAMES) $(CI_ONLY) \
  $(INCLUDES)

# ---- folders ----

DIRS ?= lib mem boot amd64 kern dev channel vm vm/* vm/design/* fs fs/* proc ipc sys \
  test/boot test/boot/* $(if $(RACES),test/races) .
SRCS := $(sort $(wildcard $(foreach d,$(DIRS),kernel/$(d)/*.c kernel/$(d)/*.S)))
SRCS := $(patsubst kernel/./%,kernel/%,$(SRCS))
# In a handout the files that labs replace are one object (tools/cutter/labbundle).
REFERENCE := $(wildcard labs/reference/all.o)
TABS := events_table.c $(if $(and $(wildcard kernel/sys/syscalls.tab),$(filter sys,$(DIRS))),syscalls.c)
HEADERS := $(GEN)/events.h $(if $(wildcard kernel/sys/syscalls.tab),$(GEN)/syscalls.h)
OBJS := $(addprefix $(BUILD)/,$(addsuffix .o,$(basename $(SRCS)))) \
  $(addprefix $(GEN)/,$(TABS:.c=.o)) $(REFERENCE)

$(BUILD)/kernel/test/races/races.o $(BUILD)/kernel/lib/string.o: WATCHED :=
$(BUILD)/kernel/lib/string.o: CFLAGS += -fno-tree-loop-distribute-patterns

$(BUILD)/%.o: %.c kernel/rules.mk | first-build $(HEADERS)
	@mkdir -p $(@D)
	@$(KCC) -MMD -MP -c $< -o $@

$(BUILD)/%.o: %.S | setup $(HEADERS)
	@mkdir -p $(@D)
	@$(CC) $(INCLUDES) -g -fno-pic -mcmodel=kernel -MMD -MP -c $< -o $@

$(GEN)/%.o: $(GEN)/%.c | setup $(HEADERS)
	@$(KCC) -MMD -MP -c $< -o $@

# ---- generated ----

$(GEN)/events.h: kernel/kern/events.tab tools/gen/events.awk
	@mkdir -p $(@D)
	@$(AWK) -v OUT=h -f tools/gen/events.awk $< > $@.new && mv $@.new $@

$(GEN)/events_table.c: kernel/kern/events.tab tools/gen/events.awk
	@mkdir -p $(@D)
	@$(AWK) -v OUT=c -f tools/gen/events.awk $< > $@.new && mv $@.new $@

$(GEN)/syscalls.h: kernel/sys/syscalls.tab tools/gen/syscalls.awk
	@mkdir -p $(@D)
	@$(AWK) -v OUT=h -f tools/gen/syscalls.awk $< > $@.new && mv $@.new $@

$(GEN)/syscalls.c: kernel/sys/syscalls.tab tools/gen/syscalls.awk
	@mkdir -p $(@D)
	@$(AWK) -v OUT=c -f tools/gen/syscalls.awk $< > $@.new && mv $@.new $@

$(GEN)/counters.md: kernel/kern/events.tab tools/gen/events.awk
	@$(AWK) -v OUT=md -f tools/gen/events.awk $< > $@

$(GEN)/syscalls.md: kernel/sys/syscalls.tab tools/gen/syscalls.awk
	@$(AWK) -v OUT=md -f tools/gen/syscalls.awk $< > $@

# ---- the link, twice: the second has the names of the first ----

LDSCRIPT := kernel/kernel.ld
LDFLAGS := -nostdlib -static -no-pie -Wl,-T,$(LDSCRIPT) -Wl,--build-id=none \
  -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments

# $(call link_kernel,OBJECTS,FOLDER): vadose.elf in FOLDER
define link_kernel
$(CC) $(LDFLAGS) $(1) -o $(2)/vadose.1.elf && \
nm -n $(2)/vadose.1.elf | $(AWK) -f tools/gen/symtab.awk > $(2)/symtab.S && \
$(CC) -c $(2)/symtab.S -o $(2)/symtab.o && \
$(CC) $(LDFLAGS) $(1) $(2)/symtab.o -o $(2)/vadose.elf.new && \
mv $(2)/vadose.elf.new $(2)/vadose.elf && size $(2)/vadose.elf | $(AWK) \
  'NR == 2 { print "kernel: $(2)/vadose.elf text " $$1 " data " $$2 " bss " $$3 }'
endef

$(BUILD)/vadose.elf: $(OBJS) $(LDSCRIPT) tools/gen/symtab.awk
	@$(call link_kernel,$(OBJS),$(BUILD))

objs: $(OBJS)
kernel: $(KERNEL)
.PHONY: objs

# ---- programs of the image: ordinary static Linux programs ----

# What a guest is given does not depend on where the checkout lies: the compiler notes
# this path, not that one, whose length moves all that is loaded behind.
FROM_HERE := PWD=/proc/self/cwd
UCC = $(FROM_HERE) musl-gcc -static $(UOPT) -g -Wall -Wextra -Wno-unused-parameter $(CI_ONLY)
UOPT := -O2
USER := $(patsubst %.c,$(BUILD)/%,$(wildcard kernel/user/*.c))
# Their sources lie by subject; a name says which, so what is built lies together.
PROG_SRC := $(wildcard kernel/test/progs/*/*.c)
PROGS := $(addprefix $(BUILD)/kernel/test/progs/,$(basename $(notdir $(PROG_SRC))))

$(BUILD)/kernel/user/%: kernel/user/%.c | setup
	@mkdir -p $(@D)
	@$(UCC) -MMD -MP $< -o $@

# Hundreds of them: -O2 takes half as long again, and they are as fast.
$(PROGS): UOPT := -O1
LIBFRAMES := $(wildcard kernel/user/libframes/*.[ch])
$(BUILD)/kernel/test/progs/libframes_%: UMORE := -iquote kernel $(filter %.c,$(LIBFRAMES))
$(filter $(BUILD)/kernel/test/progs/libframes_%,$(PROGS)): $(LIBFRAMES)
define prog_of
$(BUILD)/kernel/test/progs/%: $(1)%.c | setup
	@mkdir -p $$(@D)
	@$$(UCC) -pthread -MMD -MP -Ikernel/test/progs $$< $$(UMORE) -o $$@
endef
$(foreach f,$(sort $(dir $(PROG_SRC))),$(eval $(call prog_of,$(f))))

# One program that runs tables of calls, and what starts it on Linux.
ERRORS := $(BUILD)/kernel/test/errors
$(ERRORS)/rows: $(addprefix kernel/test/errors/,rows.c expr.c names.c things.c \
  tree.c rows.h) | setup
	@mkdir -p $(@D)
	@$(UCC) -pthread $(filter %.c,$^) -o $@

$(ERRORS)/init: kernel/test/errors/init.c | setup
	@mkdir -p $(@D)
	@$(UCC) $< -o $@

PROGS += $(ERRORS)/rows

# What runs several of them in one guest.
$(BUILD)/kernel/test/run_guest: kernel/test/run_guest.c kernel/test/run_batch.h | setup
	@mkdir -p $(@D)
	@$(UCC) $< -o $@

progs: $(PROGS)
.PHONY: progs

-include $(OBJS:.o=.d) $(addsuffix .d,$(USER) $(PROGS))
