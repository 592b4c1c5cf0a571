echo "Vadose: $(uname -srm), $(nproc) CPUs"
echo
echo "Memory is given at the first touch (zerofill).  A fork copies nothing: it"
echo "makes an entry per private page.  A write to a shared page copies it, but"
echo "the last owner takes the page as it is (steal).  Counters of this run:"
echo
tour || exit
echo
echo "All counters: cat /proc/vm/events.  A shell: make run in a terminal."
