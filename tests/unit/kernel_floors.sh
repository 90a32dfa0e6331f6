#!/bin/sh
# The table of kernels/README.md is the one its script makes, and every CUDA kernel has a row in it.
exec python3 tests/bench/kernel_floors.py --check kernels/README.md
