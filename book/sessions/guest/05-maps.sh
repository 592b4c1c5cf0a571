# 05-maps.sh: what a shell has mapped
cat /proc/self/maps
cat /proc/self/vadtree
