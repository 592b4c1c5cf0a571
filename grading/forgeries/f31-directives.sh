# Ways around a rule about the text: each is refused, and an honest file that
# looks like them is not.
. grading/forgeries/lab.sh
bad=0
attempt() { # attempt NAME TEXT: behind the reference
	{ cat "$FORGE_FILE"; printf "$2"; } >"$tmp/x.c"
	run --test "$FORGE_TEST" --submission "$tmp/x.c" >"$tmp/out"
	[ $? = 2 ] && grep -q 'is refused' "$tmp/out" ||
		{ echo "$1: $(head -n 3 "$tmp/out")"; bad=1; }
}
attempt paste '#define J(a,b) a##b\nJ(as,m)("nop");\n'
attempt paste-in '#define J(a,b) a##b\nstatic inline void j(void) { J(__as,m__)("cli"); }\n'
attempt digraph '%%:include <stdio.h>\n'
attempt import '#import "vm/vm.h"\n'
attempt splice '#inc\\\nlude <stdio.h>\n'
attempt splice-blank '#inc\\ \nlude <stdio.h>\n'
attempt comment '/**/#include <stdio.h>\n'
attempt comment-in '# /* */ include <stdio.h>\n'
attempt nul '/* \000 */\n__asm__("nop");\n'
attempt raw 'static const char *s = R"(/*)";\n__asm__("nop"); //*/\n'
attempt line '#line 1 "/k/include/md.h"\n__asm__("nop");\n'
attempt marker '# 1 "/k/include/md.h" 1\n__asm__("nop");\n'
attempt pragma '#pragma weak ev_mark\n'
attempt pragma-word '_Pragma("weak ev_mark")\n'
attempt attribute '#define W we\\\nak\n__attribute__((W)) int vad_weak;\n'
attempt brackets '[[gnu::section(".init_array")]] static int x;\n'
attempt renamed 'int f(void) __asm("ev_mark");\n'
attempt segment 'int vad_seg(void); static __attribute__((noinline)) int seg(void) { return *(volatile int __seg_gs *)8; }\nint (*volatile vad_hook)(void) = seg;\n'
# Words that mean nothing here, a name of another file, a line for oneself.
with '	static int section, weak; /* asm("nop"); #import */
	section += weak;
	klog("%s %d", pte_kind_name(0), section);' >"$tmp/x.c"
run --test "$FORGE_TEST" --submission "$tmp/x.c" >"$tmp/out" ||
	{ echo "honest: $(cat "$tmp/out")"; bad=1; }
exit $bad
