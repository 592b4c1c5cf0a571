# 14-tables.sh: plays 14-tables.c of this folder
#@ --memory 96M --append ramdisk=48M --append swap=rama
#@ --add build/book/14-tables:/t/tables
/t/tables
