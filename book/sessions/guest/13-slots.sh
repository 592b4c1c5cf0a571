# 13-slots.sh: plays 13-slots.c of this folder
#@ --append ramdisk=16M --append swap=rama
#@ --add build/book/13-slots:/t/slots
cat /proc/vm/swap
/t/slots
