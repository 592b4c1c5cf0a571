# 10-words.sh: plays 10-words.c of this folder
#@ --add build/book/10-words:/t/words
/t/words
