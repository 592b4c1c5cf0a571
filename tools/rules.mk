# rules.mk: the host's tools, the guest's image, the tests' programs

HCC := $(CC) -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Wextra -Wshadow \
  -Wstrict-prototypes -Wmissing-prototypes -Wno-unused-parameter $(CI_ONLY)
# The tools do not depend on how the kernel is built: always in build/.
T := build/tools

$(T)/%.o: tools/%.c | setup
	@mkdir -p $(@D)
	@$(HCC) -MMD -MP -c $< -o $@

GUESTLIB := $(addprefix $(T)/,guestlib.o guest_qemu.o guest_bochs.o \
  guest_pump.o guest_job.o record.o newc.o)

$(T)/guest: $(T)/guest.o $(GUESTLIB)
	@$(CC) $^ -o $@

$(T)/mkinitrd: $(T)/mkinitrd.o $(T)/newc.o
	@$(CC) $^ -o $@

tools: $(T)/guest $(T)/mkinitrd
-include $(wildcard $(T)/*.d)

# ---- the first files of a guest ----

IMAGE := tools/image/list $(wildcard tools/image/etc/*)

$(BUILD)/initrd.cpio: $(IMAGE) $(T)/mkinitrd $(USER) tools/rules.mk
	@{ cat tools/image/list; \
	   echo "file 0755 init $(BUILD)/kernel/user/init"; \
	   for p in $(filter-out init,$(notdir $(USER))); do \
	     echo "file 0755 bin/$$p $(BUILD)/kernel/user/$$p"; done; \
	   /bin/busybox --list | sed -n '/^\(init\|linuxrc\|busybox\)$$/d; s:.*:link bin/& busybox:p'; \
	} | $(T)/mkinitrd > $@.new && mv $@.new $@

image: $(BUILD)/vadose.elf $(BUILD)/initrd.cpio $(T)/guest

iso: $(BUILD)/vadose.iso
$(BUILD)/vadose.iso: $(BUILD)/vadose.elf $(BUILD)/initrd.cpio tools/mkiso
	@tools/mkiso --pc $@ $(BUILD)/vadose.elf $(BUILD)/initrd.cpio ""
	@echo "iso: $@"

.PHONY: tools image iso

# ---- tests ----

$(T)/run: kernel/test/run.c | setup
	@mkdir -p $(@D)
	@$(HCC) -Wno-format-truncation $< -o $@

# A unit test of the host names the kernel sources it is linked with in its
# first line: /* SOURCES: lib/tree.c vm/vad.c test/host/md_host.c */
HOSTCC := $(CC) -std=gnu11 -O1 -g -fsanitize=address,undefined \
  -fno-sanitize-recover=all -fno-omit-frame-pointer -fwrapv \
  -fno-strict-aliasing -DHOST_TEST -Wall -Wextra -Wno-unused-parameter \
  $(INCLUDES)
HOSTSRC := $(wildcard kernel/test/host/t_*.c)
HOST_TESTS := $(patsubst kernel/test/host/%.c,$(BUILD)/host/%,$(HOSTSRC))
sources = $(addprefix kernel/,$(shell sed -n '1s/.*SOURCES: *\(.*\) \*\/.*/\1/p' $(1)))

define host_test
$(BUILD)/host/$(notdir $(basename $(1))): $(1) $(call sources,$(1)) | setup $(HEADERS)
	@mkdir -p $$(@D)
	@$(HOSTCC) -MMD -MP -MF $$@.d -MT $$@ $(1) $(call sources,$(1)) -lcmocka -o $$@
-include $(BUILD)/host/$(notdir $(basename $(1))).d
endef
$(foreach t,$(HOSTSRC),$(eval $(call host_test,$(t))))

testing: $(T)/run $(HOST_TESTS) $(PROGS)
.PHONY: testing
