/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_gate.c: texts that are refused, and texts that only look like it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <gcrypt.h>

#include "grade.h"

static struct lab lab;

static bool
refused(const char *text)
{
	char path[] = "/tmp/t_gate.XXXXXX", *why;
	int fd = mkstemp(path);
	bool bad;

	assert_true(fd >= 0);
	close(fd);
	assert_true(file_write(path, text, strlen(text)));
	why = gate_source(&lab, path);
	unlink(path);
	bad = why != NULL;
	free(why);
	return bad;
}

static void
refused_texts(void **state)
{
	assert_true(refused("#include \"/etc/passwd\"\n"));
	assert_true(refused("#include \"../vm/vad.c\"\n"));
	assert_true(refused("#include \"vm/vad.c\"\n"));
	assert_true(refused("#include <stdio.h>\n"));
	assert_true(refused("# \t include MACRO\n"));
	assert_true(refused("void f(void) { __asm__(\"cli\"); }\n"));
	assert_true(refused("void f(void) { asm (\"cli\"); }\n"));
	assert_true(refused("__attribute__((constructor)) void f(void);\n"));
	assert_true(refused("int x __attribute__((section(\".x\")));\n"));
	assert_true(refused("int f(void) __attribute__((alias(\"g\")));\n"));
	assert_true(refused("/* */ int x __attribute__((__weak__));\n"));
	assert_true(refused("char *s = \"\\\"\"; asm(\"hlt\");\n"));
	assert_true(refused("char c = '\"'; asm(\"hlt\"); char d = '\"';\n"));
}

static void
fine_texts(void **state)
{
	assert_false(refused("#include \"vm/vm.h\"\nint x;\n"));
	assert_false(refused("/* asm, constructor, weak */ int x;\n"));
	assert_false(refused("// asm\nint x;\n"));
	assert_false(refused("const char *s = \"asm weak alias\";\n"));
	assert_false(refused("int asmara, my_section, weakness;\n"));
	assert_false(refused("int x; /* \" */ int y; /* \" */\n"));
}

static void
allowed_asm(void **state)
{
	words_add(&lab.allow, "asm");
	assert_false(refused("void f(void) { __asm__(\"nop\"); }\n"));
	words_free(&lab.allow);
}

static void
globs(void **state)
{
	assert_true(glob_match(".text*", ".text.hot"));
	assert_true(glob_match("*-control", "mov-control"));
	assert_false(glob_match("in", "inc"));
	assert_false(glob_match("outs*", "out"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_texts),
		cmocka_unit_test(fine_texts),
		cmocka_unit_test(allowed_asm),
		cmocka_unit_test(globs),
	};

	gcry_check_version(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
