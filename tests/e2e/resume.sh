# A run killed with kill -9 and resumed gives the bits of one never stopped, and loses no checkpoint: at every kind of
# call that changes a file, and at KILLS random moments. RESULT=/abs/file.json keeps the counts.
. tests/support.sh
make_corpus
BIN=$bin ROOT=$root python3 "$root/tests/e2e/resume.py" "${KILLS:-6}" ${RESULT:+"$RESULT"}
