#!/bin/bash
# setup.sh: what Gradescope runs once, when its image is made
#
# Its images are of Ubuntu, whose emulator may be older than what is needed.  So Debian 12
# is put into a folder beside; where the machine is one, nothing is.
case "$1" in
-h | --help)
	sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
	exit 0
	;;
esac
set -e
top=${AUTOGRADER:-/autograder}
export DEBIAN_FRONTEND=noninteractive
root=
if ! grep -q '^12' /etc/debian_version || ! grep -q '^ID=debian' /etc/os-release; then
	root=$top/debian
	apt-get update
	apt-get install -y --no-install-recommends debootstrap debian-archive-keyring ca-certificates
	[ -d "$root/usr" ] || debootstrap --variant=minbase --include=make,ca-certificates bookworm "$root" \
		${MIRROR:+"$MIRROR"}
fi
home=${root:+/home}
home=${home:-$top}
tar -xzf "$top/source/vadose.tar.gz" -C "$root$home"
export home
${root:+chroot "$root"} sh -c 'cd "$home/vadose" && sh tools/setup && sh tools/setup course && make -s grader'
