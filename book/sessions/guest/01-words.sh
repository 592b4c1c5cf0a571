# 01-words.sh: plays 01-words.c of this folder
#@ --add build/book/01-words:/t/words --append around=1
/t/words
