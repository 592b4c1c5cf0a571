# 20-same-binary: the program of chapter 20 here; Linux's side is book/runs/ch20-linux.counters
#@ --memory 768M --append ramdisk=32M --append swap=rama --add build/book/ch20-same:/t/same
/t/same > /tmp/all; grep -c . /tmp/all
grep -E '^(load|store|child-loads|parent-same|large) fault.(total|zero.*|around.*|fork.*) ' /tmp/all
grep -E '^(out|in|out-clean|in-backwards) swap.(out|in)_(pages|bios) ' /tmp/all
