/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bstep.c: play a session in Bochs' debugger
 *
 * Problem   A reader wants to see what the processor sees, one step at a time,
 *           and a claim about it in the book must be checked without a reader.
 *
 * Picture   session.step ─→ bstep ─→ Bochs    lines, values, what holds
 *           at a terminal: a pause before each thing to see, and a prompt
 *
 * Rules     1. With --batch, or without a terminal, nothing is asked, and the
 *              first expect that does not hold ends it.
 *           2. At the prompt: commands of sessions, and what is none goes to
 *              Bochs as it is.
 *
 * Read next bstep_script.c, bstep_play.c, bstep_bochs.c.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bstep.h"

static struct {
	struct play play;
	const char *kernel;
	const char *record;  /* transcript to write, or NULL */
	const char *against; /* transcript to compare with, or NULL */
	bool check, batch, stay, same;
	bool rush; /* no more pauses */
	bool greeted;
	char *seen; /* the transcript */
	size_t seen_bytes;
} bstep = { .kernel = "build/vadose.elf" };

static const char help_text[] =
    "bstep [options] SESSION.step    play a session in Bochs' debugger\n"
    "bstep [options]                 boot, and leave the rest to you\n"
    "bstep --same THEN NOW           are two transcripts alike?  Nothing is played\n"
    "\n"
    "  --kernel ELF       the kernel, whose functions have names (build/vadose.elf)\n"
    "  --batch            ask nothing, though there is a terminal\n"
    "  --stay             a prompt at the end of the session\n"
    "  --rush             no pause before its end\n"
    "  --check            only read it: verbs, names, functions\n"
    "  --record FILE      write the transcript, with meanings instead of addresses\n"
    "  --against FILE     play it, and compare with such a transcript\n"
    "  --via gdb          in gdb and QEMU, without what only Bochs has: watch, show\n"
    "  --patience SECONDS how long the machine may be silent (120)\n"
    "\n"
    "A session has one command per line; # begins a note:\n"
    "  boot OPTIONS           the machine, with options of tools/guest (before\n"
    "                         them: --cpus 1 --memory 64M)\n"
    "  mark N                 run to the program's mark N\n"
    "  break \"f\"  unbreak \"f\"  stop where function f begins; break phys \"f\": where\n"
    "                         it was loaded, before there are page tables\n"
    "  watch r|w PA BYTES  unwatch PA    stop at a load or store, physical address\n"
    "  run [N[K|M|G]]         to the next stop, at most N instructions (200M)\n"
    "  step [N]               N instructions\n"
    "  until EXPR             from stop to stop until EXPR is true there\n"
    "  cpu N|any              stops of processor N only\n"
    "  let NAME = EXPR        a variable\n"
    "  walk EXPR              the page tables of an address: pml4e pdpte pde pte\n"
    "                         are bound to the words, pml4e_phys ... to their places\n"
    "  expect EXPR            must be true, or the session fails\n"
    "  where                  who called whom, in the kernel\n"
    "  show COMMAND           Bochs' own answer\n"
    "  forget                 frames may have been freed and taken again: whatever\n"
    "                         comes next gets a new name, P6, K3\n"
    "  sym \"FILE\"             functions of a program, too\n"
    "  say TEXT  quit\n"
    "EXPR: numbers, variables, registers (rip, reg cr2), \"function\", quad ADDR,\n"
    "phys ADDR, rip in \"f\"; || && == != < <= > >= | ^ & << >> + - * / % ~ - !,\n"
    "the weakest first: pte & 3 == 1 compares pte & 3.\n"
    "\n"
    "Exit status: 0 all that is expected holds, 1 something does not (or differs\n"
    "from --against), 2 the session or the options are wrong, 3 the machine failed.\n";

static const char banner[] =
    "\nAt a prompt you have the commands of sessions and those of Bochs.  Try:\n"
    "  where                 who called whom      walk cr2   the last fault's words\n"
    "  break \"vm_fault\"      and then run         step 5     five instructions\n"
    "  info tab              what is mapped       help       all of them\n";

static void options(int argc, char **argv);
static enum end play_script(struct script *);
static enum end one_line(struct command *, bool *quit);
static bool prompt(struct command *next);
static bool dialog_line(const char *line);
static void debugger_line(const char *line);
static enum end same_files(const char *then, const char *now);
static enum end settle(enum end);

/* Ctrl-C stops the machine, and us when there is none or nobody to ask. */
static void
on_interrupt(int sig)
{
	if (bstep.play.machine.pid == 0 || bstep.batch)
		_exit(128 + sig); /* the child dies with us */
	bochs_interrupt(&bstep.play.machine);
}

int
main(int argc, char **argv)
{
	struct script script = { .file = "bstep" };
	struct sigaction sa = { .sa_handler = on_interrupt };
	enum end end = END_SCRIPT;
	struct command boot;
	char *why = NULL;

	options(argc, argv);
	if (bstep.same)
		return optind + 2 == argc
			   ? same_files(argv[optind], argv[optind + 1])
			   : (warnx("--same THEN NOW: two transcripts"),
				     END_SCRIPT);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A session that is killed has said how far it came. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (optind < argc) {
		if (!script_read(&script, argv[optind]))
			return END_SCRIPT;
	} else if (command_read(&boot, "boot", &why)) {
		script.v = malloc(sizeof boot);
		if (script.v == NULL)
			abort();
		script.v[script.n++] = boot;
		bstep.stay = true;
	}
	if (!play_open(&bstep.play, bstep.kernel, script.file))
		return END_MACHINE;
	if (play_check(&bstep.play, &script))
		end = bstep.check ? END_GOOD : settle(play_script(&script));
	play_close(&bstep.play);
	script_free(&script);
	return end;
}

static void
options(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "kernel", required_argument, NULL, 'k' },
		{ "batch", no_argument, NULL, 'b' },
		{ "stay", no_argument, NULL, 's' },
		{ "rush", no_argument, NULL, 'u' },
		{ "check", no_argument, NULL, 'c' },
		{ "record", required_argument, NULL, 'r' },
		{ "against", required_argument, NULL, 'a' },
		{ "same", no_argument, NULL, 'm' },
		{ "via", required_argument, NULL, 'v' },
		{ "patience", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *patience = "120", *via = "bochs";
	char *end;
	int opt;

	while ((opt = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
		if (opt == 'h')
			exit(fputs(help_text, stdout) == EOF);
		if (opt == 'k')
			bstep.kernel = optarg;
		bstep.batch |= opt == 'b' || opt == 'r' || opt == 'a';
		bstep.stay |= opt == 's';
		bstep.rush |= opt == 'u';
		bstep.check |= opt == 'c';
		bstep.same |= opt == 'm';
		if (opt == 'r')
			bstep.record = optarg;
		if (opt == 'a')
			bstep.against = optarg;
		if (opt == 'v')
			via = optarg;
		if (opt == 'p')
			patience = optarg;
		if (opt == '?')
			exit(END_SCRIPT);
	}
	bstep.play.machine.patience = strtod(patience, &end);
	bstep.play.machine.via_gdb = strcmp(via, "gdb") == 0;
	if (!bstep.play.machine.via_gdb && strcmp(via, "bochs") != 0)
		errx(END_SCRIPT, "--via %s: it is bochs or gdb", via);
	if (bstep.play.machine.via_gdb &&
	    (bstep.record != NULL || bstep.against != NULL))
		errx(END_SCRIPT, "transcripts are of Bochs");
	if (argc - optind > 1 + bstep.same || *end != '\0' ||
	    !(bstep.play.machine.patience > 0))
		errx(END_SCRIPT, "see bstep --help");
	bstep.batch |= !isatty(0) || !isatty(1);
}

/* ---- the lines of a session ---- */

static void
echo(const struct command *c)
{
	FILE *out = bstep.play.out;

	if (c->text == NULL && c->note == NULL)
		fputc('\n', out);
	else if (c->text == NULL)
		fprintf(out, "# %s\n", c->note);
	else if (c->note == NULL)
		fprintf(out, "%s\n", c->text);
	else
		fprintf(out, "%-32s # %s\n", c->text, c->note);
	fflush(out);
}

static enum end
play_script(struct script *s)
{
	enum end end = END_GOOD;
	bool quit = false;
	size_t i;

	if (bstep.record != NULL || bstep.against != NULL) {
		bstep.play.shown.normal = true;
		bstep.play.out = open_memstream(&bstep.seen, &bstep.seen_bytes);
	}
	for (i = 0; i < s->n && !quit && end == END_GOOD; i++)
		end = one_line(&s->v[i], &quit);
	while (bstep.stay && !bstep.batch && !quit)
		quit = !prompt(NULL);
	return end;
}

/* A person decides what comes after something that went wrong. */
static enum end
one_line(struct command *c, bool *quit)
{
	enum end end;

	if (c->note != NULL && c->note[0] == '@')
		return END_GOOD; /* for tools */
	if (c->text == NULL) {
		echo(c);
		return END_GOOD;
	}
	if (c->verb == V_QUIT && (bstep.stay || !bstep.batch)) {
		bstep.stay = true; /* the prompt has a quit of its own */
		return END_GOOD;
	}
	if (!bstep.batch && !bstep.rush && c->verb != V_BOOT && !prompt(c)) {
		*quit = true;
		return END_GOOD;
	}
	echo(c);
	end = play_command(&bstep.play, c, quit);
	fflush(bstep.play.out);
	if (end == END_GOOD || bstep.batch)
		return end;
	bstep.rush = false;
	return END_GOOD;
}

/* The whole of a file; "" when it is empty. */
static char *
slurp(const char *file)
{
	FILE *f = fopen(file, "re");
	char *text = NULL;
	size_t n = 0;

	if (f == NULL)
		err(END_SCRIPT, "%s", file);
	if (getdelim(&text, &n, '\0', f) < 0) {
		free(text);
		text = text_of("%s", "");
	}
	fclose(f);
	return text;
}

static enum end
compared(const char *file, const char *then, const char *now)
{
	char *why = NULL;

	if (show_same(now, then, &why))
		return END_GOOD;
	fprintf(stderr, "%s: differs, %s\n", file, why);
	free(why);
	return END_FALSE;
}

static enum end
same_files(const char *then, const char *now)
{
	char *a = slurp(then), *b = slurp(now);
	enum end end = compared(then, a, b);

	free(a);
	free(b);
	return end;
}

/* The transcript is kept, or compared; that of a failure is only shown. */
static enum end
settle(enum end end)
{
	char *then;
	FILE *f;

	if (bstep.seen == NULL)
		return end;
	fclose(bstep.play.out);
	if (end != END_GOOD) {
		fputs(bstep.seen, stdout);
	} else if (bstep.record != NULL) {
		f = fopen(bstep.record, "we");
		if (f == NULL || fputs(bstep.seen, f) == EOF || fclose(f) != 0)
			err(END_SCRIPT, "%s", bstep.record);
	} else {
		then = slurp(bstep.against);
		end = compared(bstep.against, then, bstep.seen);
		free(then);
	}
	free(bstep.seen);
	return end;
}

/* ---- a person ---- */

/*
 * Lines from the terminal until the next one of the session may be played
 * (NULL: there is none).  False: it is over.
 */
static bool
prompt(struct command *next)
{
	char *line = NULL;
	size_t cap = 0;
	bool on = false, over = false;
	ssize_t n;

	if (!bstep.greeted)
		fputs(banner, stdout);
	bstep.greeted = true;
	while (!on && !over) {
		if (next != NULL)
			printf("\n%s%s%s\n", next->text,
			    next->note != NULL ? "    # " : "",
			    next->note != NULL ? next->note : "");
		fputs(next != NULL
			  ? "[Enter: do it, c: go on without asking, q: end] "
			  : "[a command, q: end] ",
		    stdout);
		fflush(stdout);
		n = getline(&line, &cap, stdin);
		if (n < 0 && errno == EINTR) {
			clearerr(stdin);
			continue;
		}
		while (n > 0 && line[n - 1] == '\n')
			line[--n] = '\0';
		if (n == 0)
			on = next != NULL;
		else if (next != NULL && strcmp(line, "c") == 0)
			on = bstep.rush = true;
		else
			over = n < 0 || !dialog_line(line);
	}
	free(line);
	return on;
}

/* False: the reader wants to leave. */
static bool
dialog_line(const char *line)
{
	struct command c = { .verb = VERBS };
	char *why = NULL;
	bool quit = strcmp(line, "q") == 0 || strcmp(line, "quit") == 0;

	if (quit)
		return false;
	if (strcmp(line, "help") == 0) {
		fputs(help_text, stdout);
	} else if (command_read(&c, line, &why)) {
		if (c.text != NULL)
			play_command(&bstep.play, &c, &quit);
	} else if (strncmp(why, "usage", 5) == 0) {
		puts(why);
	} else {
		debugger_line(line);
	}
	free(why);
	command_free(&c);
	return true;
}

/* What is no command of ours: the debugger's, or a slip of the fingers. */
static void
debugger_line(const char *line)
{
	const char *debugger = bstep.play.machine.via_gdb ? "gdb" : "Bochs";
	char *answer = bochs_ask(&bstep.play.machine, "%s", line), *why;
	const char *meant = command_meant(line);

	if (answer == NULL) {
		puts("the machine has ended");
	} else if (!bochs_refused(answer, &why)) {
		fputs(answer, stdout);
	} else {
		printf("\"%s\": %s does not take it%s%s%s\n", line, debugger,
		    why[0] != '\0' ? " (" : "", why, why[0] != '\0' ? ")" : "");
		if (meant != NULL)
			printf("did you mean  %s\n", meant);
		printf("there are     " VERB_LIST "\n"
		       "and           the commands of %s; help explains ours\n",
		    debugger);
		free(why);
	}
	free(answer);
}
