#@ --cpus 4
# How much of the memory is the image's and the initial files' differs with them.
#= s/[0-9]* MiB/N MiB/
#= s/in [0-9]* frames.*/in N frames/
#= s/limit [0-9]* pages/limit N pages/
#= s/^total=[0-9]* .* max_pfn/total=N max_pfn/
dmesg
cat /proc/cmdline
grep processor /proc/cpuinfo
cat /proc/vm/frames
