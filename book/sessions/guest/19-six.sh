# 19-six.sh: plays 19-six.c of this folder: each design in turn
#@ --add build/book/19-six:/t/six
/t/six
