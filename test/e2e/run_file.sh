#!/bin/sh
# run_file.sh BUN REPORTS FILE: one file of tests, its output in one piece when it has ended, its counts in a report.
bun=$1 reports=$2 file=$3
name=$(basename "$file" .ts)
output=$reports/$name.log
"$bun" test --timeout 600000 --reporter=junit --reporter-outfile="$reports/$name.xml" "$file" >"$output" 2>&1
status=$?
cat "$output"
# xargs would stop at 255.
[ "$status" -eq 0 ]
