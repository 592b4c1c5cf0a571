# 08-object.sh: plays 08-object.c of this folder
#@ --add build/book/08-object:/t/object
/t/object
