# rules.mk: the host's tools, the guest's image, the tests' programs

HCC := $(CC) -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -Wshadow \
  -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter $(CI_ONLY)
# The tools do not depend on how the kernel is built: always in build/.
T := build/tools

$(T)/%.o: tools/%.c | setup
	@mkdir -p $(@D)
	@$(HCC) -I. -MMD -MP -c $< -o $@

GUESTLIB := $(addprefix $(T)/,$(addprefix emulator/,guestlib.o guest_qemu.o guest_bochs.o \
  guest_pump.o guest_job.o guest_swap.o record.o) image/newc.o trace/tracesink.o trace/vtrfile.o)

$(T)/guest: $(T)/emulator/guest.o $(GUESTLIB)
	@$(CC) $^ -o $@

$(T)/mkinitrd: $(T)/image/mkinitrd.o $(T)/image/newc.o
	@$(CC) $^ -o $@

$(T)/replaylog: $(T)/image/replaylog.o
	@$(CC) $^ -o $@

VTRLIB := $(addprefix $(T)/trace/,vtrfile.o vtrshow.o vtrdiff.o vtrcheck.o \
  vtrcheck2.o vtrmap.o vtrperfetto.o)

$(T)/vtr: $(T)/trace/vtr.o $(VTRLIB)
	@$(CC) $^ -o $@

BSTEP := $(addprefix $(T)/stepper/,bstep.o bstep_gdb.o bstep_script.o bstep_expr.o bstep_sym.o \
  bstep_bochs.o bstep_show.o bstep_play.o bstep_look.o bstep_check.o)

$(T)/bstep: $(BSTEP)
	@$(CC) $^ -o $@

$(T)/ctext: $(T)/cutter/ctext.o $(T)/cutter/csource.o
	@$(CC) $^ -o $@

tools: $(T)/guest $(T)/mkinitrd $(T)/replaylog $(T)/vtr $(T)/bstep
-include $(wildcard $(T)/*/*.d)

# ---- the first files of a guest ----

IMAGE_MIB ?= 64
IMAGE := tools/image/list $(wildcard tools/image/etc/*)

$(BUILD)/image.list: $(IMAGE) $(USER) tools/rules.mk
	@{ cat tools/image/list; \
	   echo "file 0755 init $(BUILD)/kernel/user/init"; \
	   for p in $(filter-out init,$(notdir $(USER))); do \
	     echo "file 0755 bin/$$p $(BUILD)/kernel/user/$$p"; done; \
	   /bin/busybox --list | sed -n '/^\(init\|linuxrc\|busybox\)$$/d; s:.*:link bin/& busybox:p'; \
	} > $@.new && mv $@.new $@

$(BUILD)/initrd.cpio: $(BUILD)/image.list $(T)/mkinitrd
	@$(T)/mkinitrd < $< > $@.new && mv $@.new $@

# The same files as a disk, for --root disk.
$(BUILD)/root.img: $(BUILD)/image.list tools/image/mkimage
	@sh tools/image/mkimage $@ $(IMAGE_MIB) < $<

image: $(BUILD)/vadose.elf $(BUILD)/initrd.cpio $(BUILD)/root.img $(T)/guest $(T)/vtr

iso: $(BUILD)/vadose.iso
$(BUILD)/vadose.iso: $(BUILD)/vadose.elf $(BUILD)/initrd.cpio tools/image/mkiso
	@sh tools/image/mkiso --pc $@ $(BUILD)/vadose.elf $(BUILD)/initrd.cpio ""
	@echo "iso: $@"

.PHONY: tools image iso

# ---- tests ----

$(T)/run: $(addprefix kernel/test/,run.c run_find.c run_need.c run_batch.c run_again.c run.h run_batch.h) | setup
	@mkdir -p $(@D)
	@$(HCC) -Wno-format-truncation $(filter %.c,$^) -o $@

# Unit tests on the host: the real lib/, mem/, vm/ and fs/ with the machine and
# kern/ of test/host/ and test/hostkern/, under ASan and UBSan.  The kernel's own copies of what
# the host's C library has are renamed, so that ASan sees the calls.
HOSTHOW ?= -fsanitize=address,undefined -fno-sanitize-recover=all
# -g1 has the lines that ASan names; a fifth less to compile than -g.
HOSTCC := $(CC) -std=gnu11 -O1 -g1 $(HOSTHOW) -fno-omit-frame-pointer -fwrapv \
  -fno-strict-aliasing -fno-delete-null-pointer-checks $(WARN) \
  -Wno-missing-prototypes -Wno-redundant-decls $(ALWAYS_ERRORS) $(CI_ONLY) \
  $(INCLUDES) -include kernel/test/host/host_pre.h
RENAME := snprintf vsnprintf
RENAME_STRING := memcpy memmove memset memcmp memchr strlen strnlen strcmp \
  strncmp strchr strrchr strstr
as_kernel = $(foreach f,$(1),-D$(f)=k_$(f))
# With test/host/designlist.c, which has a design more.
HOSTSRC := $(filter-out kernel/vm/design/designlist.c,$(wildcard $(foreach d,lib mem vm \
  vm/* vm/design/* fs fs/ext2 user/libframes test/hostkern,kernel/$(d)/*.c)) kernel/kern/ready.c kernel/dev/bio.c)
HOSTOBJS := $(patsubst %.c,$(BUILD)/host/%.o,$(HOSTSRC) \
  $(filter-out kernel/test/host/t_%,$(wildcard kernel/test/host/*.c))) \
  $(BUILD)/host/events_table.o
HOST_TESTS := $(patsubst kernel/test/host/%.c,$(BUILD)/host/%, \
  $(wildcard kernel/test/host/t_*.c))

$(BUILD)/host/kernel/test/%.o: kernel/test/%.c | setup $(HEADERS)
	@mkdir -p $(@D)
	@$(HOSTCC) -MMD -MP -c $< -o $@

$(BUILD)/host/kernel/lib/string.o: RENAME += $(RENAME_STRING)
$(BUILD)/host/%.o: %.c | setup $(HEADERS)
	@mkdir -p $(@D)
	@$(HOSTCC) $(call as_kernel,$(RENAME)) -MMD -MP -c $< -o $@

$(BUILD)/host/events_table.o: $(GEN)/events_table.c
	@mkdir -p $(@D)
	@$(HOSTCC) -c $< -o $@

$(BUILD)/host/t_%: $(BUILD)/host/kernel/test/host/t_%.o $(HOSTOBJS)
	@$(HOSTCC) $^ -lcmocka -o $@

# Of the tools, with the C library as it is.
$(BUILD)/host/t_vtr: kernel/test/host/t_vtr.c $(filter-out tools/trace/vtr.c, \
  $(wildcard tools/trace/vtr*.[ch])) tools/trace/tracesink.c tools/trace/tracesink.h kernel/channel/tracer.h | setup
	@mkdir -p $(@D)
	@$(HCC) -I. -fsanitize=address,undefined -fno-sanitize-recover=all \
	  $(filter %.c,$^) -lcmocka -o $@

-include $(HOSTOBJS:.o=.d) $(wildcard $(BUILD)/host/kernel/test/host/t_*.d)
.SECONDARY:
include kernel/test/sim/rules.mk

testing: $(BUILD)/kernel/test/run_guest $(T)/bstep $(T)/labcut $(T)/ctext $(T)/run $(T)/replaylog $(HOST_TESTS) $(PROGS)
.PHONY: testing
