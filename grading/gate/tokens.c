/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tokens.c: the tokens that the compiler will see
 *
 * Problem   A word that is pasted together from two by a macro stands nowhere in
 *           the text.  In what the preprocessor writes it does.
 *
 * Picture   # 1 "vad.c" ─→ tokens of the submission ─→ asm? an attribute that
 *           # 1 "/k/include/vm/vm.h" 1 ─→ ours        moves code? a builtin
 *                                                     that reads the stack?
 *           vad.o: vad.c /k/include/… ─→ only our headers were read
 *
 * Rules     1. The text that is judged here is the text that is compiled.
 *           2. A token is of the file of the last line marker; text.c has
 *              seen to it that none of them is the submission's own.
 *           3. Words count where they mean something: a variable may be called
 *              section, weak or constructor.
 *
 * Read next listing.c.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gate.h"

/* Each matters by what it does to the object; no lab has need of one. */
static const char *const attributes[] = { "constructor", "destructor", "alias",
	"ifunc", "section", "weak", "weakref", "symver", "naked", "interrupt",
	"no_caller_saved_registers", "target", "target_clones", "visibility",
	"retain", "used", "patchable_function_entry", "tls_model", "optimize",
	"no_stack_protector", "copy", "dllexport", "ms_abi", "common",
	"set_priority", "init_priority", "regparm" };
static const char *const builtins[] = { "__builtin_return_address",
	"__builtin_frame_address", "__builtin_extract_return_addr",
	"__builtin_frob_return_addr", "__builtin_eh_*", "__builtin_unwind_*",
	"__builtin_init_dwarf*", "__builtin_dwarf_*", "__builtin_longjmp",
	"__builtin_setjmp*", "__builtin_apply*", "__builtin_return",
	"__builtin_ia32_*", "__builtin_nonlocal*", "__builtin_stack_*",
	"__builtin_update_setjmp*", "__builtin_set_thread_pointer",
	"__builtin_thread_pointer" };

/* stdint.h and the like, of the compiler itself. */
#define COMPILER_HEADERS "/usr/lib/gcc"

struct reader {
	const struct lab *lab;
	const struct gate_places *places;
	bool own;       /* the tokens are the submission's */
	int line;
	int attribute;  /* depth of parentheses behind __attribute__, or 0 */
	bool awaited;   /* __attribute__ was there, ( was not yet */
	int brackets;   /* of [[ … ]] */
	char *why;
};

/* "__weak__" is "weak". */
static char *
plain_word(const char *s, size_t n)
{
	if (n > 4 && strncmp(s, "__", 2) == 0 &&
	    strncmp(s + n - 2, "__", 2) == 0)
		return strndup(s + 2, n - 4);
	return strndup(s, n);
}

static bool
is_one_of(const char *word, const char *const *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (glob_match(list[i], word))
			return true;
	return false;
}

#define ONE_OF(word, list) is_one_of(word, list, sizeof(list) / sizeof(list)[0])

static void
refuse(struct reader *r, const char *s, size_t n, const char *what)
{
	if (r->why == NULL)
		r->why = xprintf("line %d: %.*s: %s", r->line, (int)n, s, what);
}

static void
word_read(struct reader *r, const char *s, size_t n)
{
	char *word = strndup(s, n), *plain = plain_word(s, n);

	if ((strcmp(word, "asm") == 0 || strcmp(word, "__asm") == 0 ||
		strcmp(word, "__asm__") == 0) &&
	    !gate_allows(r->lab, "asm"))
		refuse(r, s, n, "assembly is not allowed in a lab's file (to keep the "
		    "compiler from moving a store, use "
		    "__atomic_signal_fence(__ATOMIC_SEQ_CST))");
	else if (strcmp(word, "_Pragma") == 0)
		refuse(r, s, n, "not allowed in a lab's file");
	else if (strcmp(word, "__attribute__") == 0 ||
		 strcmp(word, "__attribute") == 0)
		r->awaited = true;
	else if ((r->attribute > 0 || r->brackets > 0) &&
		 ONE_OF(plain, attributes))
		refuse(r, s, n, "this attribute is not allowed in a lab's file");
	else if (ONE_OF(word, builtins))
		refuse(r, s, n, "this builtin is not allowed in a lab's file");
	free(word);
	free(plain);
}

static void
mark_read(struct reader *r, const char *s)
{
	if (*s == '(' && (r->awaited || r->attribute > 0)) {
		r->attribute++;
		r->awaited = false;
	} else if (*s == ')' && r->attribute > 0) {
		r->attribute--;
	} else if (s[0] == '[' && r->brackets == 0) {
		/* "[ [" is the same to the compiler. */
		const char *t = s + 1 + strspn(s + 1, " \t\n");

		r->brackets = *t == '[' ? 1 : 0;
	} else if (s[0] == '[' && r->brackets > 0) {
		r->brackets++;
	} else if (s[0] == ']' && r->brackets > 0) {
		r->brackets--;
	} else if (s[0] == '<' && s[1] == ':') {
		r->brackets += r->brackets > 0 || s[2] == '<';
	}
}

/* Behind a string or a character at s. */
static const char *
behind_quote(const char *s)
{
	char quote = *s++;

	while (*s != '\0' && *s != quote && *s != '\n')
		s += *s == '\\' && s[1] != '\0' ? 2 : 1;
	return *s == quote ? s + 1 : s;
}

static const char *
token_read(struct reader *r, const char *s)
{
	size_t n = 0;

	if (*s == '"' || *s == '\'')
		return behind_quote(s);
	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '$' ||
	       (unsigned char)s[n] >= 0x80)
		n++;
	if (n == 0) {
		mark_read(r, s);
		return s + 1;
	}
	if (!isdigit((unsigned char)*s))
		word_read(r, s, n);
	return s + n;
}

/* # 12 "file" 1, or #pragma that the preprocessor leaves to the compiler. */
static void
hash_line(struct reader *r, const char *s)
{
	const char *h = r->places->headers, *name = s + strcspn(s, "\"\n");
	size_t n;

	if (strncmp(s, "#pragma", 7) == 0) {
		if (r->own && strncmp(s, "#pragma GCC diagnostic", 22) != 0)
			refuse(r, s, strcspn(s, "\n"),
			    "not allowed in a lab's file");
		return;
	}
	if (!isdigit((unsigned char)s[2]) || *name != '"') {
		refuse(r, s, strcspn(s, "\n"), "not understood");
		return;
	}
	n = strcspn(++name, "\"");
	r->line = atoi(s + 2);
	r->own = strlen(r->places->source) == n &&
		 strncmp(name, r->places->source, n) == 0;
	if (!r->own && *name != '<' && strncmp(name, h, strlen(h)) != 0 &&
	    strncmp(name, COMPILER_HEADERS, sizeof COMPILER_HEADERS - 1) != 0 &&
	    !(n > 2 && strncmp(name + n - 2, "//", 2) == 0))
		refuse(r, name, n, "only the kernel's headers can be included");
}

char *
gate_tokens(const struct lab *lab, const struct gate_places *places,
    const char *text)
{
	struct reader r = { .lab = lab, .places = places, .own = true };
	const char *s = text;

	while (*s != '\0' && r.why == NULL) {
		if (*s == '#' || (s[0] == '%' && s[1] == ':')) {
			hash_line(&r, s);
			s += strcspn(s, "\n");
			s += *s == '\n';
			continue;
		}
		while (*s != '\0' && *s != '\n' && r.why == NULL)
			s = !r.own ? s + strcspn(s, "\n")
			    : isspace((unsigned char)*s)
				  ? s + 1
				  : token_read(&r, s);
		r.line++;
		s += *s == '\n';
	}
	return r.why;
}

/* The rule for make that the preprocessor wrote: all that it has read. */
char *
gate_files(const struct gate_places *places, const char *rule)
{
	const char *s = strchr(rule, ':');
	size_t n, h = strlen(places->headers);

	for (s = s != NULL ? s + 1 : ""; *s != '\0'; s += n) {
		s += strspn(s, " \\\n");
		n = strcspn(s, " \\\n");
		if (n == 0 || (n == strlen(places->source) &&
				  strncmp(s, places->source, n) == 0))
			continue;
		if ((strncmp(s, places->headers, h) != 0 &&
			strncmp(s, COMPILER_HEADERS,
			    sizeof COMPILER_HEADERS - 1) != 0) ||
		    memmem(s, n, "/../", 4) != NULL)
			return xprintf("%.*s: only the kernel's headers can be "
				       "included", (int)n, s);
		if (strncmp(s, places->headers, h) == 0 && gate_is_above(s + h))
			return xprintf("%.*s: a room above vm/, of which vm/ "
				       "knows nothing (kernel/layers.txt)",
			    (int)n, s);
	}
	return NULL;
}
