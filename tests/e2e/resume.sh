# A run killed with kill -9 and resumed gives the bits of one never stopped, and loses no checkpoint: at every kind of
# call that changes a file, and at KILLS random moments.
. tests/support.sh
make_corpus
BIN=$bin python3 "$root/tests/e2e/resume.py" "${KILLS:-6}"
