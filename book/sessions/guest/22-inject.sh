# 22-inject: three points count their hits in one small program; then a charge fails, then frames
for p in FI_FRAME FI_SLAB FI_COMMIT; do echo $p:probe > /proc/vm/inject; done
/bin/true; cat /proc/vm/inject
echo off > /proc/vm/inject
sh -c 'echo FI_COMMIT:1:0:1:$$+ > /proc/vm/inject; /bin/true; echo reached'
cat /proc/vm/inject
sh -c 'echo FI_FRAME:20:1:9:$$+ > /proc/vm/inject; /bin/true; echo "status $?"'
cat /proc/vm/inject
echo off > /proc/vm/inject
echo 3 > /proc/vm/check && cat /proc/vm/check
