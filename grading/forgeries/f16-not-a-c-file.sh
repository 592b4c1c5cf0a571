# A Makefile as the submission: it is compiled as C, and that is all.
. grading/forgeries/lab.sh
run --submission grading/rules.mk
[ $? = 2 ]
