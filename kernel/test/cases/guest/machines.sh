#!/bin/sh
# NEEDS: TIMEOUT=3600 SUBJECT=teaching KIND=bounded LONG=1
# BOUNDED: it takes what packages the mirror has
# What .devcontainer/Containerfile says makes a machine on which lab 00 is graded: its lines
# run in a new Debian 12, without a container engine.
. kernel/test/cases/lib.sh

file=.devcontainer/Containerfile
context=$(sed -n 's/.*"context": "\(.*\)".*/\1/p' .devcontainer/devcontainer.json)
[ "$(cd ".devcontainer/$context" && pwd)" = "$PWD" ] || fail "the context is another folder: $context"
[ "$(id -u)" = 0 ] || { echo "not root, skipped"; exit 0; }
sh tools/setup machines || exit 2
unshare -m true 2>/dev/null || { echo "nothing can be mounted here, skipped"; exit 0; }
root=$tmp/root
mirror=$(sed -n 's/^URIs: *\(.*debian\)\/*$/\1/p; s/^deb [^ ]*\(http[^ ]*debian\) .*/\1/p' \
	/etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"} >"$tmp/said" 2>&1 ||
	{ echo "no Debian 12 to be had: $(tail -n 1 "$tmp/said"), skipped"; exit 0; }
cp /etc/resolv.conf "$root/etc/"
cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null

# What is mounted goes with the namespace.
inside() { # inside FOLDER COMMAND: by a shell in the new Debian
	timeout 3000 unshare -m sh -c 'mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
		mkdir -p "$1$2" && exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		DEBIAN_FRONTEND=noninteractive sh -c "cd \"\$1\" && eval \"\$2\"" sh "$2" "$3"' sh \
		"$root" "$1" "$2" >"$tmp/said" 2>&1 </dev/null
}
at=/
grep -v '^#' $file >"$tmp/lines"
while read -r word rest; do
	case $word in
	FROM) same '--platform=linux/amd64 docker.io/library/debian:12' "$rest" FROM ;;
	RUN) inside "$at" "$rest" || { fail "RUN $rest: $(tail -n 3 "$tmp/said")"; break; } ;;
	WORKDIR) at=$rest ;;
	COPY)
		mkdir -p "$root$(dirname "${rest#* }")"
		cp "${rest% *}" "$root${rest#* }" || fail "COPY $rest" ;;
	*) fail "$file: a word that this test does not know: $word $rest" ;;
	esac
done <"$tmp/lines"
same /vadose "$at" "where one begins"

mkdir -p "$root$at"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$root$at"
inside "$at" 'sh tools/setup --missing'
same '' "$(cat "$tmp/said")" "still missing"
inside "$at" 'make -s grade LAB=00'
grep -q '^00-tour  0/100' "$tmp/said" || fail "lab 00: $(tail -n 5 "$tmp/said")"
finish
