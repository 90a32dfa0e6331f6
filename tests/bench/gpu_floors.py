#!/usr/bin/env python3
"""Adds its floor to every JSON line that a test of the operations prints under JARGON_OPS_BENCH=1: bytes, operations, the time
no H100 goes below with them (ceilings of kernel_floors.py), and the time measured over that.

    JARGON_OPS_BENCH=1 JARGON_OPS_DEVICE=cuda build/tests/ops/test_gemm | python3 tests/bench/gpu_floors.py
"""
import json
import sys

from kernel_floors import COPY, PRODUCT


def with_floor(line):
    seconds = line["ms"] * 1e-3
    size, operations = line["gb_s"] * 1e9 * seconds, line["gflop_s"] * 1e9 * seconds
    # bf16 products reach the ceiling; in f32 nothing but the copy is a ceiling that was measured
    floor = max(size / COPY, operations / PRODUCT)
    return {**line, "bytes": round(size), "operations": round(operations), "floor_ms": round(floor * 1e3, 5),
            "floor_by": "bytes" if size / COPY >= operations / PRODUCT else "operations",
            "over_floor": round(seconds / floor, 2) if floor else None}


for text in sys.stdin:
    if text.startswith("{"):
        print(json.dumps(with_floor(json.loads(text))), flush=True)
