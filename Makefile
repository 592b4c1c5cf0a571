# Vadose: `make run` ends at a shell on our own kernel, `make check` proves it.

.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# e2fsprogs are where only root looks; and no habit or language of a user changes what
# tools do.
export PATH := $(PATH):/usr/sbin:/sbin
unexport CDPATH POSIXLY_CORRECT
export LC_ALL := C

CC := gcc
BUILD ?= build
OPT ?= -O2
# The root of make run: a disk that keeps its files, or initrd.
ROOT ?= disk
DISK ?= $(BUILD)/disk.img
# Half as many again as processors: a test also waits for its disk and clock.
JOBS ?= $(shell n=$$(($$(nproc) * 3 / 2)); echo $$((n < 8 ? n : 8)))
# Of make soak.
SECONDS ?= 3600
SEED ?= 1
# SERVED=1: the make above this one gives out the jobs.
ifeq ($(filter -j%,$(MAKEFLAGS))$(SERVED),)
MAKEFLAGS += -j2
endif

# One word of a shell, whatever is in the name of a file.
quoted = '$(subst ','\'',$(1))'
# A name that somebody gave is data: make expands nothing in it, and a recipe gets
# it by the environment, so that no line break ends the recipe's line.
ifneq ($(filter command environment,$(firstword $(origin FILE))),)
override FILE := $(value FILE)
GRADE_FILE := $(FILE)
endif
export GRADE_FILE
submitted = $(if $(GRADE_FILE),--submission "$$GRADE_FILE")
# The same for make, where a list of names is read.
blank := $(subst ,, )
escaped = $(subst $(blank),\ ,$(1))
ifneq ($(words $(BUILD)),1)
$(error BUILD=$(BUILD): the name of that folder can have no blanks)
endif

# Two makes in one folder remove each other's kernel.  What only runs what is built
# gives the others their turn.
ifeq ($(MAKELEVEL)$(filter help help-all,$(or $(MAKECMDGOALS),help)),0)
LOCKED := $(shell sh tools/onemake $(call quoted,$(BUILD)))
endif
others_may = @sh tools/onemake -r $(call quoted,$(BUILD))

include kernel/rules.mk
include tools/rules.mk
include labs/lab.mk
include grading/rules.mk
include book/rules.mk
include tools/scene/rules.mk
include tools/road/rules.mk
include tools/bench/rules.mk
include tools/compare-designs/rules.mk

help:
	@echo 'make doctor     checks that the tools are installed and do what the course needs'
	@echo 'make run        a shell on Vadose in QEMU (Ctrl-A x leaves)'
	@echo 'make run LAB=05 with your file of a lab (number or name); LAB_REF=1: ours'
	@echo 'make grade LAB=05  points for your file of a lab; STEP=k TEST=tNN'
	@echo 'make hint LAB=05 STEP=2  one of three hints of a step'
	@echo 'make gdb        the shell, stopped before its first instruction, under gdb; LAB=05 TEST=t08: where it fails'
	@echo 'make bochs SESSION=01  step through a session in Bochs'
	@echo 'make check      the tests, in minutes; make check TEST=name runs one'
	@echo 'make lint       layers, includes, lock tags, contracts, sizes'
	@echo 'make bench      instructions of operations beside those of Linux 6.1; OP=name'
	@echo 'make book       the book as a site'
	@echo 'make help-all   all commands, with all their variables'

help-all:
	@echo 'make run        a shell on Vadose in QEMU (Ctrl-A x leaves); ROOT=initrd: without its disk; SWAP=64M: with swap'
	@echo '                DISK=file: its disk (build/disk.img); LIVE=1: make view LIVE=1 shows it in a browser, and stops it'
	@echo 'make check      the tests, in minutes; make check TEST=name runs one, JOBS=n at a time;'
	@echo '                SLOW=8: in machines in which an instruction takes 2^8 ns'
	@echo 'make check-more runs in full what check runs in short, and the tests that check leaves out'
	@echo 'make check-long runs all of these, and the long tests'
	@echo 'make check-steady RUNS=20  repeats the check on a host that is idle, loaded, stopped, with one core, under nice; continues where it was stopped; AGAIN=1: from the start'
	@echo 'make nightly    everything that takes hours; continues where it was stopped; ROW=name, AGAIN=1: from the start'
	@echo 'make check-linux  the tables of errors, system calls and seeded scripts, on Debian'\''s Linux 6.1; RECORD=1 writes its answers; SHOW=SEED SCRIPT=SEED'
	@echo 'make compare-designs  twenty-one programs under each design: compares their answers, and shows what each design costs; PROGRAM=fork DESIGN="fmo uvm" SHORT=1'
	@echo 'make soak       all of paging at once, with failures, for an hour; SECONDS=n'
	@echo 'make inject     each failure, one at a time, in the test programs; PROG=name MOST=n'
	@echo 'make check-forced  test programs, while pages, tables and entries are evicted at once; PROG=name POINT=FI_TABLE'
	@echo 'make mutants    bugs planted in the kernel, one by one; SOME=10 SEED=n, NAME=074'
	@echo 'make check-teaching-contract  checks that the kernel has all that labs and grader use'
	@echo 'make models     all searches of the protocol models; MODEL=name for one'
	@echo 'make vmsim      pairs of VM operations in every order with up to 3 preemptions; PAIR=name, BOUND=n, PAIR_SECONDS=n'
	@echo 'make scenes     worlds of the playable figures again, each action in each state; scenes-check compares'
	@echo 'make vmsim-check  bugs planted in copies of the sources: vmsim must find each; BUG=034'
	@echo 'make coverage   lines and branches of kernel/vm that the tests on the host reach'
	@echo 'make races      two CPUs at the same bytes without a lock, while programs run on a kernel that watches itself; TEST=NAME@4'
	@echo 'make coverage-guests  lines of kernel/ that no guest of make check has run; WITH="make check-more"'
	@echo 'make road       the path of a fault, fork, page-out … through the kernel: functions, files, instructions, a picture; OP=fork, OP=ALL'
	@echo 'make bench      instructions of 62 operations beside those of Linux 6.1, and a page with plots; OP=name, DESIGN=eager'
	@echo 'make paging-linux  faults, pages and requests of nine patterns of paging, beside Linux with as much free memory, LRU and OPT'
	@echo 'make bench-evidence  how many of these instructions are asserts, trace and counters'
	@echo 'make bench-where  in which functions these instructions are: the figures of appendix G'
	@echo 'make bench-host  the host'\''s time of some of these operations, and how much two CPUs gain; ROUNDS=5'
	@echo 'make profile OP=zero-fill  the instructions of one operation, by function'
	@echo 'make lint       layers, includes, lock tags, contracts, sizes; how many tests are exact'
	@echo 'make doctor     checks that the tools are installed and do what the course needs'
	@echo 'make gdb        the shell, stopped before its first instruction, under gdb, which knows vm'
	@echo 'make bochs SESSION=01  step through a session in Bochs; LAB=05: that of a lab'
	@echo 'make check-sessions  all sessions, each with a bug that it must notice'
	@echo 'make iso        a CD image for Bochs and real PCs'
	@echo 'make kernel     build/vadose.elf; OPT=-Og BUILD=build-og for stepping'
	@echo 'make run LAB=05 with your file of a lab (number or name); LAB_REF=1: ours'
	@echo 'make grade LAB=05  points for your file of a lab; STEP=k TEST=tNN FILE=path SEED=n'
	@echo 'make grade-all DIR=submissions/ LAB=05  a class: CSV, a page for each student; goes on where it was stopped; HIDDEN=grading/hidden; SSHLOGIN="host 8/host2 :"'
	@echo 'make regrade DIR=… LAB=…  grades all again, and lists each score that changed; make plan-class N=200 HOSTS=4 LAB=…: how long, and its cost; make similar: which files are alike'
	@echo 'make hint LAB=05 STEP=2  one of three hints of a step; the next one after a run of the step has failed'
	@echo 'make compare LAB=05 TEST=t08  your counters and events beside ours; make trace: a page on which your run plays above ours; make gdb or bochs LAB=05 TEST=t08 stops where it fails'
	@echo 'make check-teaching  the labs and their grader; SHARD=1/4'
	@echo 'make mutate LAB=05 N=20 SEED=1  random bugs in our file: do the tests find them? FIRST=1: quick'
	@echo 'make check-determinism LAB=05 RUNS=20  checks that the counters are the same, whatever the host does'
	@echo 'make check-firsthour  the first steps of a newcomer, on a fresh copy, with times'
	@echo 'make handout    build/vadose-handout.tar.gz: the course without its solutions'
	@echo 'make new-course DIR=../os WITH="00 02 05"  a course: handout, repository, zips for Gradescope; KEY=file; grading/INSTRUCTOR.md'
	@echo 'make new-lab NAME=30-cards  the folder of a new lab, whose first test passes'
	@echo 'make compdb     build/compile_commands.json, for editors (.clangd, .vscode)'
	@echo 'make format     clang-format over the sources'
	@echo 'make book-serve the book, to read at once; book (a site), book-pdf, book-check, book-record: book/rules.mk'
	@echo 'make view TRACE=FILE  a page that plays a trace (tools/guest --trace FILE -- COMMAND); BESIDE=FILE: above another; LIVE=1: of make run LIVE=1, while it runs'
	@echo 'make clean      remove build/, with the disk of make run'

setup:
	@! grep -q "$$(printf '\r')" tools/setup || { \
	  echo 'These files have the line ends of Windows (core.autocrlf of git).  To get the right ones:' >&2; \
	  echo '  git rm -rq --cached . && git reset -q --hard    (uncommitted changes are lost)' >&2; exit 1; }
	@sh tools/setup

# Before the first object of a kernel.
first-build: setup
	@[ -e $(BUILD)/vadose.elf ] || echo 'There is no kernel yet: the first build takes some minutes, in silence.' >&2

# The disk is locked as long as a process of the machine lives: e2fsck ignores the
# emulator's own lock.
take_disk = disk=$(call quoted,$(DISK)); exec 9>>"$$disk.lock"; flock -n 9 || { \
  echo "$$disk is in use by another make run: DISK=other.img or ROOT=initrd" >&2; exit 1; }; \
  [ -e "$$disk" ] || { cp $(BUILD)/root.img "$$disk.new" && mv "$$disk.new" "$$disk"; } || exit 1; \
  sh tools/image/repair "$$disk" || exit 1;

# LIVE=1: for make view LIVE=1, in another terminal.
watched = $(if $(LIVE),--trace $(call quoted,$(BUILD)/live.vtr) --control $(call quoted,$(BUILD)/live.qmp))

run: image
	$(others_may)
	@if [ -t 0 ] && [ -t 1 ]; then $(if $(filter disk,$(ROOT)),$(take_disk)) sh tools/guest --kernel $(KERNEL) \
	  $(if $(SWAP),--swap $(SWAP)) $(watched) \
	  --root $(call quoted,$(if $(filter disk,$(ROOT)),$(DISK),$(ROOT))); \
	else sh tools/guest --kernel $(KERNEL) --timeout 120 $(watched) -- /bin/sh /etc/tour.sh; fi

gdb: image $(if $(TEST),grader)
	$(others_may)
	@$(if $(TEST),$(G)/grade gdb '$(LAB)' $(TEST) \
	  $(if $(SEED),--seed $(SEED)) $(submitted), \
	  sh tools/guest --kernel $(KERNEL) --gdb)

# Builds what the named tests need; if no test is named, what all need.
check check-more: $(if $(TEST),chosen,image testing)

chosen: $(T)/run
	@build/tools/run -m -b $(BUILD) $(TEST) | xargs -r $(MAKE) -s --no-print-directory SERVED=1 BUILD='$(BUILD)'

check:
	$(others_may)
	@build/tools/run -r -b $(BUILD) -j $(JOBS) $(if $(SLOW),-k $(SLOW)) $(TEST)

check-more:
	$(others_may)
	@build/tools/run -r -w more -b $(BUILD) -j $(JOBS) $(TEST)

check-long: image testing
	$(others_may)
	@build/tools/run -w all -b $(BUILD) -j $(JOBS) $(TEST)

# The test of a release: all tests, RUNS times, whatever the host is doing.
check-steady: image testing
	$(others_may)
	@sh kernel/test/steady $(if $(AGAIN),-f) -n $(or $(RUNS),20) -j $(JOBS) -b $(BUILD) $(TEST)

# Takes hours; rows that have a result are not run again.
nightly: image testing
	$(others_may)
	@sh kernel/test/nightly $(if $(AGAIN),-f) $(ROW)

check-linux: progs $(ERRORS)/init $(T)/mkinitrd $(BUILD)/image.list
	@BUILD=$(BUILD) sh kernel/test/errors/linux $(if $(RECORD),record)$(if $(SHOW),show $(SHOW))$(if $(SCRIPT),script $(SCRIPT))

soak: image testing
	@GUEST=build/tools/guest BUILD=$(BUILD) SOAK_SECONDS=$(SECONDS) \
	  sh kernel/test/cases/paging/soak.sh $(SEED)

inject: image testing
	@sh kernel/test/inject -j $$((2 * $(JOBS))) -b $(BUILD) $(if $(MOST),-n $(MOST)) $(PROG)

check-forced: image testing
	@sh kernel/test/forced -j $(JOBS) -b $(BUILD) $(if $(POINT),-p $(POINT)) $(PROG)

coverage-guests: image testing
	@sh kernel/test/unrun -b $(BUILD) $(or $(WITH),$(MAKE) --no-print-directory check)

races: image testing
	@sh kernel/test/races/run -j $(JOBS) -b $(BUILD) $(TEST)

mutants: image testing
	@sh grading/mutants/kernel/run -j $(JOBS) -b $(BUILD) \
	  $(if $(SOME),-n $(SOME) -s $(SEED)) $(NAME)

models: setup
	@sh kernel/test/models/run -j $(CORES) $(MODEL)

check-teaching-contract: image testing
	@build/tools/run -b $(BUILD) teaching_contract

lint: $(BUILD)/vadose.elf build/grading/grade $(T)/ctext
	@sh tools/lint/run $(BUILD)
	@$(AWK) -v COUNT=1 -f tools/lint/text/kinds.awk kernel/test/progs/*/*.c \
	  kernel/test/host/t_*.c kernel/test/cases/*/*.sh

doctor: image
	@sh tools/doctor $(BUILD)

format:
	@sh tools/setup format
	@git ls-files 'kernel/*.[ch]' 'tools/*.[ch]' | xargs clang-format -i

clean:
	@rm -rf build build-og book/.vitepress/dist book/.vitepress/cache

.PHONY: help help-all setup first-build run gdb check chosen check-more check-long check-steady nightly check-linux check-forced coverage-guests races soak inject mutants models check-teaching-contract lint doctor format clean
