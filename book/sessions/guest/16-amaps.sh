# 16-amaps.sh: plays 16-amaps.c of this folder under design scalux
#@ --design scalux --add build/book/16-amaps:/t/amaps
/t/amaps
