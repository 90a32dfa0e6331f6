#!/usr/bin/env python3
"""Adds to every JSON line of tests/bench/kernels.c what its row of the table in kernels/README.md says: operations, fewest bytes,
the time that no H100 goes below with them and the time expected, what it reached, and its time over both.

    build/tests/bench/kernels cuda bf16 0.2 $(python3 tests/bench/kernel_floors.py --letters) | python3 tests/bench/gpu_floors.py

With LETTER=VALUE arguments, those instead of the table's. Fails where a line has no row."""
import json
import sys

from kernel_floors import LETTERS, ROWS, expected_of, floor_of, value

TABLE = {row[0]: row for row in ROWS if len(row) > 1}


def with_floor(line, letters):
    row, seconds = TABLE[line["operation"]], line["ms"] * 1e-3
    (floor, by), (expected, expected_by) = floor_of(row, letters), expected_of(row, letters)
    operations, size = value(row[2], letters), value(row[3], letters)
    return {**line, "operations": round(operations), "bytes": round(size), "gb_s": round(size / seconds * 1e-9, 1),
            "gflop_s": round(operations / seconds * 1e-9, 1), "floor_ms": round(floor * 1e3, 6), "floor_by": by,
            "over_floor": round(seconds / floor, 2), "expected_ms": round(expected * 1e3, 6), "expected_by": expected_by,
            "over_expected": round(seconds / expected, 2)}


def main():
    given = {word[0]: int(word[2:]) for word in sys.argv[1:]}
    for text in sys.stdin:
        if text.startswith("{"):
            line = json.loads(text)
            letters = {**LETTERS, **given, "b": 2 if line["precision"] == "bf16" else 4}
            letters["R"] = letters["U"] * letters["T"]
            print(json.dumps(with_floor(line, letters)), flush=True)


main()
