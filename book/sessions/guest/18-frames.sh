# 18-frames.sh: plays 18-frames.c of this folder under design frames
#@ --design frames --append frames=8M --add build/book/18-frames:/t/frames
/t/frames
