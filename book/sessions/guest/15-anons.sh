# 15-anons.sh: plays 15-anons.c of this folder under design uvm
#@ --design uvm --add build/book/15-anons:/t/anons
/t/anons
