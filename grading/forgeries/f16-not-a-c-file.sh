# A Makefile as the submission: it is compiled as C, and that is all.
export GRADE_LABS=grading/test/labs
build/grading/grade run smoke --quiet --submission grading/rules.mk
[ $? = 2 ]
