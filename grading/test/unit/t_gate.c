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

#include "gate/gate.h"

static struct lab lab;
static const struct gate_places places = { "/k/include/", "vad.c" };

static bool
is_why(char *why)
{
	bool bad = why != NULL;

	free(why);
	return bad;
}

static bool
text(const char *s)
{
	return is_why(gate_text(s, strlen(s)));
}

/* Of the submission, behind a header of ours. */
static bool
tokens(const char *s)
{
	char *all = xprintf("# 1 \"vad.c\"\n# 1 \"/k/include/md.h\" 1\n"
			    "void f(void) { __asm__(\"cli\"); }\n"
			    "# 2 \"vad.c\" 2\n%s", s);
	bool bad = is_why(gate_tokens(&lab, &places, all));

	free(all);
	return bad;
}

static bool
listing(const char *s)
{
	return is_why(gate_listing(&lab, &places, s));
}

static void
refused_texts(void **state)
{
	assert_true(text("#include \"/etc/passwd\"\n"));
	assert_true(text("#include \"../vm/map/vad.c\"\n"));
	assert_true(text("#include \"vm/map/vad.c\"\n"));
	assert_true(text("#include <stdio.h>\n"));
	assert_true(text("#include \"proc/procdat.h\"\n"));
	assert_true(text("#include \"./proc/procdat.h\"\n"));
	assert_true(text("#include \"vm/./vm.h\"\n"));
	assert_true(text("#include \"vm//vm.h\"\n"));
	assert_true(text("# \t include MACRO\n"));
	assert_true(text("#include <limits.h>\n") && text("#include <stdint>\n"));
	assert_true(text("#import \"vm/vm.h\"\n"));
	assert_true(text("#include_next \"vm/vm.h\"\n"));
	assert_true(text("%:include <stdio.h>\n"));
	assert_true(text("#inc\\\nlude <stdio.h>\n"));
	assert_true(text("#inc\\ \t\nlude <stdio.h>\n"));
	assert_true(text("/**/#include <stdio.h>\n"));
	assert_true(text("/*\n*/ # /* */ include <stdio.h>\n"));
	assert_true(text("int x; /* \\\n*\\\n/\n#include <stdio.h>\n"));
	assert_true(text("#line 1 \"/k/include/md.h\"\n"));
	assert_true(text("# 1 \"/k/include/md.h\" 1\n"));
	assert_true(text("%: 1 \"/k/include/md.h\" 1\n"));
	assert_true(text("#pragma weak ev_mark\n"));
	assert_true(text("#pragma redefine_extname a ev_mark\n"));
	assert_true(text("#ident \"x\"\n"));
	assert_true(text("char *s = R\"(\n)\";\n"));
	assert_true(text("char *s = u8R\"(/*)\";\n#include <x>\n"));
	assert_true(text("char c = '\"';\n#include <x.h>\nchar d = '\"';\n"));
	assert_true(text("char *s = \"\n#include <x.h>\n"));
	assert_true(is_why(gate_text("/* \0 */ int x;\n", 16)));
	assert_true(text("int x;\r#include <stdio.h>\n"));
	assert_true(text("int x; /* \001 */\n"));
	assert_true(text("#if 0\n#endif\n#include <stdio.h>\n"));
	assert_true(text("#if 0\n#else\n#include <stdio.h>\n#endif\n"));
	assert_true(text("#if 0\n#if 1\n#endif\n#elif 1\n#include <stdio.h>\n#endif\n"));
	assert_true(text("#if 0 || 1\n#include <stdio.h>\n#endif\n"));
	assert_true(text("#if 0x1\n#include <stdio.h>\n#endif\n"));
	assert_true(text("#ifdef X\n#include <stdio.h>\n#endif\n"));
	assert_true(text("/*\n#if 0\n*/\n#include <stdio.h>\n"));
	assert_true(text("char *s = \"\\\n#if 0\n\";\n#include <stdio.h>\n"));
	assert_true(is_why(gate_text("\xff\xfei\0n\0", 6)));
}

static void
fine_texts(void **state)
{
	assert_false(text("#include \"vm/vm.h\"\nint x;\n"));
	assert_false(text("#include \"vm/vm.h\" /* ours */\r\nint x;\r\n"));
	assert_false(text("/* #include <stdio.h> */ int x;\n"));
	assert_false(text("// #import\nint x;\n"));
	assert_false(text("const char *s = \"#include <x>\";\n"));
	assert_false(text("char *s = \"\\\"\"; /* \" */ int y;\n"));
	assert_false(text("#define STR(x) #x\n#if 0\n#endif\n#\n"));
	assert_false(text("#pragma GCC diagnostic ignored \"-Wshadow\"\n"));
	assert_false(text("\xef\xbb\xbf#include \"vm/vm.h\"\n"));
	assert_false(text("#if 0\n#include <stdio.h>\n# 1. a list\n#endif\nint x;\n"));
	assert_false(text("# if 0 /* not now */\r\n#if 1\n#else\n#import <x>\n#endif\n"
			  "#endif\n"));
	assert_false(text("int R; char *s = \"\xc3\xa4\"; \f int y;\n"));
	assert_false(text("#include <stdint.h>\n# include <stdbool.h> /* bool */\r\n"
			  "#include <stdatomic.h>"));
}

static void
refused_tokens(void **state)
{
	assert_true(tokens("void g(void) { __asm__(\"cli\"); }\n"));
	assert_true(tokens("void g(void) { asm\n(\"cli\"); }\n"));
	assert_true(tokens("int g(void) __asm(\"ev_mark\");\n"));
	assert_true(tokens("__attribute__((constructor)) void g(void);\n"));
	assert_true(tokens("int x __attribute ((unused, section(\".x\")));\n"));
	assert_true(tokens("int x __attribute__\n((__weak__));\n"));
	assert_true(tokens("[[gnu::naked]] void g(void);\n"));
	assert_true(tokens("[ [ gnu :: section(\".x\") ] ] int x;\n"));
	assert_true(tokens("void *p = __builtin_frame_address(0);\n"));
	assert_true(tokens("void *p = __builtin_return_address (0);\n"));
	assert_true(tokens("#pragma weak x\n"));
	assert_true(tokens("char *s = \"\\\"\"; asm(\"hlt\");\n"));
	assert_true(tokens("# 1 \"/etc/passwd\" 1\nroot\n"));
	assert_true(is_why(gate_files(&places,
	    "vad.o: vad.c /k/include/vm/vm.h \\\n /etc/passwd\n")));
	assert_true(is_why(gate_files(&places,
	    "vad.o: vad.c /k/include/../../etc/passwd\n")));
	assert_true(is_why(gate_files(&places,
	    "vad.o: vad.c /k/include/vm/vm.h /k/include/proc/procdat.h\n")));
}

static void
fine_tokens(void **state)
{
	assert_false(tokens("int section, weak, constructor, alias, used;\n"));
	assert_false(tokens("int asmara, my_asm; char *s = \"asm\";\n"));
	assert_false(tokens("static int x __attribute__((unused));\n"));
	assert_false(tokens("int a[3]; int b = a[a[0]];\nint section;\n"));
	assert_false(tokens("int f(int section) { return (section); }\n"));
	assert_false(tokens("#pragma GCC diagnostic push\n"));
	assert_false(is_why(gate_files(&places,
	    "vad.o: vad.c /k/include/vm/vm.h \\\n"
	    " /usr/lib/gcc/x86_64-linux-gnu/12/include/stddef.h\n")));
}

static void
listings(void **state)
{
	assert_false(listing("\tmovq\t%rax, %rbx\n\tcall\tev_add\n\tret\n"));
	assert_false(listing("#APP\n# 4 \"/k/include/md.h\" 1\n\tcli\n"
			     "# 0 \"\" 2\n#NO_APP\n\tret\n"));
	assert_false(listing("\t.section .debug_info\n"
			     "\t.quad 0xffffffff80200000\n"));
	assert_false(listing("\tmovabsq $-140737488355328, %rax\n"));
	assert_false(listing("\tcmpl $-2147483648, %eax\n"));
	assert_true(listing("#APP\n# 4 \"vad.c\" 1\n\tnop\n"
			    "# 0 \"\" 2\n#NO_APP\n"));
	assert_true(listing("#APP\n\t.byte 0xc3\n#NO_APP\n"));
	assert_true(listing("\tcli\n"));
	assert_true(listing("\tmovq\t%cr3, %rax\n"));
	assert_true(listing("\twrgsbase\t%rax\n"));
	assert_true(listing("\tmovl\t%gs:8, %eax\n"));
	assert_true(listing("\tmovq\t$-2145386000, %rax\n"));
	assert_true(listing("\t.quad\t-2145386000\n"));
	assert_true(listing("\t.incbin \"x\"\n"));
}

/* A number of 32 bits is no address: hashes and masks have such ones. */
static void
halves_of_addresses(void **state)
{
	assert_false(listing("\tmovl\t$-2128831035, %eax\n")); /* 0x811c9dc5 */
	assert_false(listing("\txorl\t$-2128831035, 8(%rdi)\n"));
	assert_false(listing("\tandl\t$-2139062144, %eax\n")); /* 0x80808080 */
	assert_false(listing("\tleal\t-2128831035(%rdi), %eax\n"));
	assert_false(listing("\timull\t$-2097792136, %edi, %eax\n"));
	assert_false(listing("\t.section\t.rodata\n\t.long\t-2097792136\n"));
	assert_false(listing("\ttestq\t$-2114129793, %rbx\n")); /* other flags? */
	assert_false(listing("\tprefetcht0\t64(%rdi)\n"));
	assert_true(listing("\tmovl\t-2145386000, %eax\n"));
	assert_true(listing("\tmovl\t$1, -2145386000(%rax)\n"));
	assert_true(listing("\tmovb\t$1, -2145386000\n"));
	assert_true(listing("\tcall\t-2145386000\n"));
	assert_true(listing("\tleaq\t-2145386000(%rdi), %rax\n"));
	assert_true(listing("\t.section\t.rodata\n\t.quad\t-2145386000\n"));
}

/* What a name can hide: another statement, another line, bytes among the code. */
static void
one_statement_a_line(void **state)
{
	assert_false(listing("\t.text\nvad_find.part.0:\n.L5:\n\tret\n"));
	assert_false(listing("\t.section\t.rodata.str1.1,\"aMS\",@progbits,1\n"
			     ".LC0:\n\t.string\t\"a;b \\\"; wrmsr\"\n"));
	assert_false(listing("\t.data\nx:\n\t.byte\t1\n\t.zero\t3\n\t.long\t5\n"));
	assert_true(listing("\tcall\tklog; wrmsr\n"));
	assert_true(listing("\tcall\tklog\n wrmsr\n"));
	assert_true(listing("\tcall\tklog\nwrmsr\n"));
	assert_true(listing("klog: wrmsr\n"));
	assert_true(listing("\tcall\t\"klog\"\n"));
	assert_false(listing("\tlock addl\t$-2128831035, (%rdi)\n\trep stosq\n"
			     "\trep ret\n\tlock cmpxchgq\t%rcx, 8(%rsp)\n"));
	assert_true(listing("\tdata16 wrmsr\n"));
	assert_true(listing("\tlock\n"));
	assert_true(listing("\trep data16 wrmsr\n"));
	assert_true(listing("\t.text\n\t.byte\t15\n"));
	assert_true(listing("\t.byte\t15\n"));
	assert_true(listing("\t.section\t\".text\"\n\t.byte\t15\n"));
	assert_true(listing("\t.data; wrmsr\n"));
	assert_true(listing("\t.macro ret\n"));
	assert_true(listing("\t.section\t.rodata\n\t.include \"x\"\n"));
	assert_true(listing("\t.string\t\"not closed\n"));
}

#define OURS(s) "#APP\n# 4 \"/k/include/md.h\" 1\n\t" s "\n# 0 \"\" 2\n#NO_APP\n"

/* What stands in an asm of ours, a macro may have changed. */
static void
asm_of_headers(void **state)
{
	assert_false(listing(OURS("pushfq; popq %rax; cli")));
	assert_false(listing(OURS("movq %gs:16, %rax")));
	assert_false(listing(OURS("rep stosq")));
	assert_false(listing(OURS("movl %gs:44, %r12d")));
	assert_false(listing(OURS("cmpl $0, %gs:40")));
	assert_false(listing(OURS("cmpl %gs:48, %r12d")));
	assert_true(listing(OURS("movl %r12d, %gs:44")));
	assert_false(listing(OURS("cmp %rax, %rax; repe scasq")));
	/* Two side by side: the compiler's own labels and places between them. */
	assert_false(listing(OURS("rdtsc\n# 0 \"\" 2\n.LVL1:\n"
				  "\t.loc 2 137 2 is_stmt 0 view .LVU11")));
	assert_false(listing(OURS("rdtsc\n# 0 \"\" 2\n.LVL1:\n"
				  "\t.loc 2 90 9 is_stmt 0 discriminator 2 view .LVU9")));
	assert_true(listing(OURS("rdtsc\n.LVL1: popfq")));
	assert_true(listing(OURS("rdtsc\n\t.loc 2 137 2; popfq")));
	assert_true(listing(OURS("mov %rax, %cr3")));
	assert_true(listing(OURS("cli; wrmsr")));
	assert_true(listing(OURS("pushfq; popq %rsp")));
	assert_true(listing(OURS("movq %gs:8, %rsp")));
	assert_true(listing(OURS("movq %rax, %gs:8")));
	assert_true(listing(OURS("popfq")));
}

static void
stack_pointer(void **state)
{
	assert_false(listing("\tsubq\t$136, %rsp\n\taddq\t$136, %rsp\n"));
	assert_false(listing("\tsubq\t$-128, %rsp\n"));
	assert_false(listing("\tmovq\t%rsp, %rbp\n\tleave\n"));
	assert_false(listing("\tleaq\t-40(%rbp), %rsp\n"));
	assert_false(listing("\tandq\t$-64, %rsp\n"));
	assert_false(listing("\tmovq\t%rax, 8(%rsp)\n\tcmpq\t%rsp, %rax\n"));
	assert_true(listing("\tsubq\t%rax, %rsp\n"));
	assert_true(listing("\tmovq\t%rax, %rsp\n"));
	assert_true(listing("\tmovl\t%eax, %esp\n"));
	assert_true(listing("\tmovq\t8(%rdi), %rsp\n"));
	assert_true(listing("\tsubq\t$32768, %rsp\n"));
	assert_true(listing("\tleaq\t(%rax,%rbx), %rsp\n"));
	assert_true(listing("\tleaq\t-32808(%rbp), %rsp\n"));
	assert_true(listing("\txchgq\t%rsp, (%rdi)\n"));
	assert_true(listing("\tpopq\t%rsp\n"));
}

static void
allowed_asm(void **state)
{
	words_add(&lab.allow, "asm");
	assert_false(tokens("void g(void) { __asm__(\"nop\"); }\n"));
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
		cmocka_unit_test(refused_tokens),
		cmocka_unit_test(fine_tokens),
		cmocka_unit_test(listings),
		cmocka_unit_test(halves_of_addresses),
		cmocka_unit_test(one_statement_a_line),
		cmocka_unit_test(asm_of_headers),
		cmocka_unit_test(stack_pointer),
		cmocka_unit_test(allowed_asm),
		cmocka_unit_test(globs),
	};

	gcry_check_version(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
