/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seeded_on_linux.h: the text of a seed is the same on Linux
 *
 * A program makes something of each seed, run() of struct compared.  Linux's text
 * has a digest in a header which make check-linux RECORD=1 writes; ours must have
 * the same.
 *
 *	PROGRAM [N]             the first N seeds
 *	PROGRAM show SEED,SEED  prints their texts
 *	PROGRAM record          prints all digests
 */
#ifndef SEEDED_ON_LINUX_H
#define SEEDED_ON_LINUX_H

#include "seeded.h"

#define MOST_TOLD 20 /* seeds that differ */

/* What is compared with Linux. */
struct compared {
	const char *name; /* of the program */
	const char *word; /* make check-linux WORD=SEED prints Linux's text */
	uint32_t (*run)(uint64_t seed); /* record has its text; the digest */
	const uint32_t *on_linux;       /* digests */
	size_t seeds;
	size_t digests;
	const unsigned *known; /* seeds whose answers are others, rightly */
	size_t known_count;
};

/* Of a text that was the same twice: on a busy host Linux's threads are late. */
static uint32_t
steady(const struct compared *c, uint64_t seed)
{
	uint32_t digest = c->run(seed), before;

	do {
		before = digest;
		digest = c->run(seed);
	} while (digest != before);
	return digest;
}

static void
record_all(const struct compared *c)
{
	for (size_t seed = 0; seed < c->seeds; seed++)
		printf("%s0x%08x,%s", seed % 6 ? " " : "\t", steady(c, seed),
		    seed % 6 == 5 || seed + 1 == c->seeds ? "\n" : "");
	fflush(stdout);
}

static void
show(const struct compared *c, char *seeds)
{
	for (char *s = strtok(seeds, ","); s != NULL; s = strtok(NULL, ",")) {
		printf("seed %s\n", s);
		c->run(strtoul(s, NULL, 0));
		fwrite(record->text, 1, record->used, stdout);
		fflush(stdout);
	}
}

static bool
is_known(const struct compared *c, unsigned seed)
{
	for (size_t i = 0; i < c->known_count; i++)
		if (c->known[i] == seed)
			return true;
	return false;
}

static void
compare(const struct compared *c, size_t seeds)
{
	char text[MOST_TOLD * 8] = "";
	unsigned differ = 0, first = 0;

	LE(seeds, c->digests);
	for (unsigned seed = 0; seed < seeds; seed++) {
		if ((c->run(seed) != c->on_linux[seed]) == is_known(c, seed))
			continue;
		if (differ == 0)
			first = seed;
		if (differ++ < MOST_TOLD)
			sprintf(text + strlen(text), " %u", seed);
	}
	if (differ > 0)
		FAIL("%u of %zu seeds differ, or no more:%s%s; the text: "
		    "%s show %u; Linux's: make check-linux %s=%u", differ,
		    seeds, text, differ > MOST_TOLD ? " ..." : "", c->name,
		    first, c->word, first);
}

/*
 * On Linux another thread carries what is written to one end of a terminal to
 * the other.  Who is idle leaves it the processor before the call returns, if
 * there is one processor.
 */
static void
be_idle(void)
{
	struct sched_param none = { 0 };

	if (!on_vadose())
		OK(syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &none));
}

/* What the arguments of main() ask for; begin_record() was called. */
static void
compare_with_linux(const struct compared *c, int argc, char **argv)
{
	be_idle();
	if (argc > 2 && strcmp(argv[1], "show") == 0)
		show(c, argv[2]);
	else if (argc > 1 && strcmp(argv[1], "record") == 0)
		record_all(c);
	else
		compare(c, argc > 1 ? strtoul(argv[1], NULL, 0) : c->digests);
}

#endif
