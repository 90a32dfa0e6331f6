#!/usr/bin/env python3
"""Adds to every JSON line of tests/bench/kernels.c what its row of the table in kernels/README.md says: operations, fewest bytes
and the time that no H100 goes below with them (ceilings of kernel_floors.py), what it reached, and its time over that floor.

    build/tests/bench/kernels cuda bf16 0.2 $(python3 tests/bench/kernel_floors.py --letters) | python3 tests/bench/gpu_floors.py

With LETTER=VALUE arguments, those instead of the table's. Fails where a line has no row."""
import json
import sys

from kernel_floors import COPY, LETTERS, PRODUCT, ROWS, value

FORMULAS = {row[0]: row[2:] for row in ROWS if len(row) > 1}


def with_floor(line, letters):
    operations, size = (value(formula, letters) for formula in FORMULAS[line["operation"]])
    seconds, floor = line["ms"] * 1e-3, max(size / COPY, operations / PRODUCT)
    return {**line, "operations": round(operations), "bytes": round(size), "floor_ms": round(floor * 1e3, 6),
            "floor_by": "bytes" if size / COPY >= operations / PRODUCT else "operations",
            "gb_s": round(size / seconds * 1e-9, 1), "gflop_s": round(operations / seconds * 1e-9, 1),
            "over_floor": round(seconds / floor, 2)}


def main():
    given = {word[0]: int(word[2:]) for word in sys.argv[1:]}
    for text in sys.stdin:
        if text.startswith("{"):
            line = json.loads(text)
            letters = {**LETTERS, **given, "b": 2 if line["precision"] == "bf16" else 4}
            letters["R"] = letters["U"] * letters["T"]
            print(json.dumps(with_floor(line, letters)), flush=True)


main()
