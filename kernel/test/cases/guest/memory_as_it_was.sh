#!/bin/sh
# NEEDS: TIMEOUT=120 SHORT=1 TURN=2 KIND=bounded
# BOUNDED: two CPUs at once
# A machine in whose memory anything may stand when it starts, as after a reset: nobody
# reads what nobody has written.  QEMU's is zero otherwise.
. kernel/test/cases/lib.sh

mkdir "$tmp/bin"
cat >"$tmp/bin/qemu-system-x86_64" <<END
#!/bin/sh
for word; do
	shift
	case \$word in
	memory-backend-ram,*)
		size=\${word#*size=}
		size=\${size%%,*}
		yes 'anything at all' | head -c "\$size" >"$tmp/ram"
		word=memory-backend-file,id=ram,size=\$size,share=off,mem-path=$tmp/ram ;;
	esac
	set -- "\$@" "\$word"
done
exec $(command -v qemu-system-x86_64) "\$@"
END
chmod +x "$tmp/bin/qemu-system-x86_64"
cat >"$tmp/script" <<'END'
seq 200000 >/tmp/a
sort -rn /tmp/a | sort -n | cmp - /tmp/a || exit 1
for i in 1 2 3 4; do (seq 20000 | md5sum) & done | sort -u | wc -l
wait
awk 'BEGIN { for (i = 0; i < 100000; i++) a[i] = i; for (i in a) s += a[i]; print s }'
dd if=/dev/zero of=/tmp/b bs=64k count=100 2>/dev/null
tr -d '\000' </tmp/b | wc -c
echo 3 >/proc/vm/check
END
for design in $(designs_to_try); do
	rm -f "$tmp/ram"
	PATH=$tmp/bin:$PATH expect 0 $guest --design $design --memory 40M --swap 64M \
		--add "$tmp/script:/script" -- sh /script >"$tmp/out"
	[ -s "$tmp/ram" ] || fail "the machine had other memory"
	same "1 4999950000 0" "$(echo $(cat "$tmp/out"))" "$design"
done
finish
