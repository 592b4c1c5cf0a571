# 12-ages.sh: plays 12-ages.c of this folder
#@ --add build/book/12-ages:/t/ages
/t/ages
