# 06-faults.sh: three faults of ch06-cases, by their counters
#@ --add build/book/ch06-cases:/t/cases
/t/cases >/tmp/said
grep -E '^(F1|F3-after-read|denied-right) (fault|page)\.' /tmp/said
