# 05-vads.sh: plays 05-vads.c of this folder
#@ --add build/book/05-vads:/t/vads
/t/vads
