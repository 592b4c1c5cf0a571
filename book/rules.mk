# rules.mk: the book: check it, record what it quotes, build it
#
#   make book          the site in book/.vitepress/dist, any static host shows it
#   make book-serve    at once, live while you write; nothing is proved
#   make book-check    is it true?  plays what this kernel has not played yet
#   make book-record   play what it quotes, rewrite the recordings that differ
#   make book-life     record the run whose frames the cover shows
#   make book-linux    Linux's counters of chapter 20, in QEMU; RECORD=1 writes them
#   make book-check-runs  all runs of the guest once more, and compare
#   make book-accept CH=9 chapter 9 has been read again after a change
#   make book-figures  no text leaves its box, in Chromium; book-check does it where there is one
#   make book-session SESSION=14-tables  plays a session; LAB=09: on the kernel with your file
#   make book-browser  every page in headless Chromium, narrow and wide
#   make book-pdf      all chapters as one file
#   make book BASE=/courses/vadose/  for a path below a host's root
#   EDITION=handout    without spoilers and answers
#   make view TRACE=FILE  a trace of tools/guest as one page: build/trace.html (OUT=)
#                      BESIDE=FILE: above another of the same program
#   make view LIVE=1   follows a guest that runs: make run LIVE=1 in another terminal

# A handout has no stamps: its book was checked where the handout was made.
HANDOUT := $(if $(wildcard book/excerpts.lock),,yes)
EDITION ?= $(if $(HANDOUT),handout,full)
BOOK := BOOK_EDITION=$(EDITION)
BOOK_TOOLS := book/.vitepress/book
BOOK_RUNS := $(patsubst book/runs/%.c,$(BUILD)/book/%,$(wildcard book/runs/*.c)) \
  $(patsubst book/sessions/guest/%.c,$(BUILD)/book/%,$(wildcard book/sessions/guest/*.c))

$(BUILD)/book/ch18-pages: UMORE = -iquote kernel $(filter %.c,$(LIBFRAMES))
$(BUILD)/book/ch18-pages: $(LIBFRAMES)
$(BUILD)/book/ch18-fmo: book/runs/ch18-pages.c
$(BUILD)/book/%: book/runs/%.c book/runs/run.h | setup
	@mkdir -p $(@D)
	@$(UCC) $< $(UMORE) -o $@

$(BUILD)/book/%: book/sessions/guest/%.c book/sessions/guest/show.h | setup
	@mkdir -p $(@D)
	@$(UCC) $< -o $@

# Where the site is to be built for the first time npm comes at once, too.
book-setup:
	@sh tools/setup $(if $(filter book book-serve book-browser book-pdf view trace,$(MAKECMDGOALS)),$\
	  $(if $(wildcard book/node_modules/.package-lock.json),book-check,book),book-check)

book/node_modules/.package-lock.json: book/package-lock.json | book-setup
	@sh tools/setup book
	@echo "book: npm ci fetches its packages, once: a quarter of a minute, more where the line is slow"
	@cd book && npm ci --loglevel=error --no-progress --ignore-scripts >/dev/null
	@touch $@

book-check: book-setup $(if $(HANDOUT),,image tools $(BOOK_RUNS) scenes-check)
	@$(if $(HANDOUT),true,$(BOOK) node $(BOOK_TOOLS)/check.mjs)
	@$(if $(HANDOUT),true,$(if $(wildcard /usr/bin/chromium),node $(BOOK_TOOLS)/figures.mjs,\
	  echo "book: no Chromium, so no drawing was measured: make book-figures fetches it"))
	@$(if $(HANDOUT),true,sh book/record --check $(BUILD) && sh tools/sessions compare $(BUILD))

book: book-check book/node_modules/.package-lock.json
	@mkdir -p $(BUILD)
	@echo "book: makes the site: half a minute"
	@cd book && $(BOOK) node node_modules/vitepress/bin/vitepress.js build $(if $(BASE),--base $(call quoted,$(BASE))) --logLevel warn >$(call quoted,$(abspath $(BUILD))/book.log) 2>&1 \
	  || { cat $(call quoted,$(abspath $(BUILD))/book.log); exit 1; }
	@node $(BOOK_TOOLS)/search.mjs
	@echo "book: book/.vitepress/dist/index.html; make book-serve shows it at a port"

# To read at once: what the book quotes is committed; book-check proves it.
book-serve: book-setup book/node_modules/.package-lock.json
	@echo "book: starts; in a few seconds it says its address; Ctrl-C ends it"
	@cd book && $(BOOK) node node_modules/vitepress/bin/vitepress.js dev

book-list: book-setup
	@node $(BOOK_TOOLS)/check.mjs --list

book-accept: book-setup
	@[ -n "$(CH)" ] || { echo "make book-accept CH=9: which chapter has been read again?"; exit 2; }
	@node $(BOOK_TOOLS)/check.mjs --accept $(CH)

book-record: image tools $(BOOK_RUNS)
	@sh book/record $(BUILD) && sh tools/sessions record $(BUILD)
	@echo "book: recorded; make book-check names the chapters to read again"

book-check-runs: image $(BOOK_RUNS)
	@AGAIN=1 sh book/record --check $(BUILD)

book-linux: tools $(BUILD)/book/ch20-same
	@BUILD=$(BUILD) sh book/linux $(if $(RECORD),record)

book-session: image $(BOOK_RUNS)
	@KERNEL=$(KERNEL) sh book/record --session "$(SESSION)" $(BUILD)

book-figures:
	@sh tools/setup book-browser
	@sh tools/setup book-check
	@node $(BOOK_TOOLS)/figures.mjs

book-browser: book
	@sh tools/setup book-browser
	@node $(BOOK_TOOLS)/browser.mjs $(BUILD)/book-shots

book-pdf: book
	@sh tools/setup book-browser
	@echo "book: prints it: $(BUILD)/vadose-book.pdf"
	@node $(BOOK_TOOLS)/pdf.mjs $(BUILD)/vadose-book.pdf

# ---- sessions in Bochs ----

#   make bochs SESSION=10     plays one; also make bochs LAB=05 [TEST=t08]
#   make check-sessions       plays all; each notices its mutant
#   ... VIA=gdb               in gdb and QEMU, where there is no Bochs
#   make sessions-record      only their transcripts, as the book shows them
#   make bochs … BATCH=1      asks nothing

bochs: image tools $(BOOK_RUNS) $(if $(TEST),grader)
	@sh tools/setup $(or $(VIA),bochs)
	$(others_may)
	@$(if $(TEST),$(G)/grade bochs '$(LAB)' $(TEST) \
	  $(if $(SEED),--seed $(SEED)) $(submitted), \
	  step=$$($(if $(SESSION),sh tools/sessions find '$(SESSION)', \
	    $(if $(LAB),sh tools/sessions lab '$(LAB_NAME)'))) && \
	  $(T)/bstep --kernel $(KERNEL) --stay $(if $(VIA),--via $(VIA)) $(if $(BATCH),--batch) $$step)

check-sessions: image tools $(BOOK_RUNS)
	@VIA=$(VIA) sh tools/sessions check $(BUILD) $(SESSION)

sessions-record: image tools $(BOOK_RUNS)
	@sh tools/sessions record $(BUILD) $(SESSION)

# The kernel with one file changed: MUTANT_OUT/mutant.c instead of MUTANT.
mutant: $(OBJS)
	@$(filter-out -Werror $(EVERY_CASE),$(KCC)) -I$(dir $(MUTANT)) -c $(MUTANT_OUT)/mutant.c -o $(MUTANT_OUT)/mutant.o
	@$(call link_kernel,$(patsubst $(BUILD)/$(basename $(MUTANT)).o,$(MUTANT_OUT)/mutant.o,$(OBJS)),$(MUTANT_OUT))
	@ln -sf $(call quoted,$(abspath $(BUILD))/initrd.cpio) $(call quoted,$(abspath $(BUILD))/root.img) $(MUTANT_OUT)/

.PHONY: bochs check-sessions sessions-record mutant
view: book-setup book/node_modules/.package-lock.json
	@[ -n "$(TRACE)$(LIVE)" ] || { echo "make view TRACE=FILE: which trace?  tools/guest --trace FILE -- COMMAND makes one; LIVE=1 follows make run LIVE=1"; exit 2; }
	$(if $(LIVE),$(others_may))
	@$(if $(LIVE),node $(BOOK_TOOLS)/live.mjs $(call quoted,$(if $(filter 1,$(LIVE)),$(BUILD)/live.vtr,$(LIVE))),true)
	@$(if $(LIVE),true,node $(BOOK_TOOLS)/view.mjs $(call quoted,$(or $(OUT),$(BUILD)/trace.html)) $(call quoted,$(TRACE)) $(if $(BESIDE),$(call quoted,$(BESIDE))))

# The life of all frames that the book's cover and three chapters show: 16 MiB, a sort in
# three processes, then a copy through a buffer as big as memory.
LIFE := seq 1 15000 | sort -r | sort -n | tail -n 1; dd if=/dev/zero bs=16M count=2 2>/dev/null | wc -c
book-life: image tools | book-setup
	@mkdir -p $(BUILD)/book
	@sh tools/guest --cpus 1 --icount --memory 16M --swap 64M --append norandom=1 \
	  --trace $(BUILD)/book/life.vtr -- sh -c '$(LIFE)'
	@node $(BOOK_TOOLS)/life.mjs $(BUILD)/book/life.vtr book/public/life.bin

.PHONY: view book-life book-pdf book book-setup book-check book-serve book-list book-accept book-record \
  book-check-runs book-session book-figures book-browser
