# 17-chains.sh: plays 17-chains.c of this folder under design shadow
#@ --design shadow --add build/book/17-chains:/t/chains
/t/chains
