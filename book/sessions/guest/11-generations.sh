# 11-generations.sh: plays 11-generations.c of this folder
#@ --add build/book/11-generations:/t/generations
/t/generations
