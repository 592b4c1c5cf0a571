# 05-maps.sh: what a shell has mapped
#
# The shell is the host's: with another version of it the sizes, the number of
# its file and the charges are others.  Rights, order and tree are the same.
#= s/^00[0-9a-f]*-00[0-9a-f]*/SHELL/
#= s/^[0-9a-f]\{6\}-[0-9a-f]\{6\}/SHELL/
#= s/[0-9a-f]* 00:01 [0-9]*/OFFSET 00:01 NUMBER/
#= s/=[0-9]\{7,\}/=NUMBER/g
#= s/commit=[0-9]* tables=[0-9]*/CHARGE/
cat /proc/self/maps
cat /proc/self/vadtree
