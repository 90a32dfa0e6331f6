#!/bin/sh
# Checks the makers of manifests under data/. Needs build/speak (make build/speak) or SPEAK=path. Under 20 s.
exec python3 -B "$(dirname "$0")/test_data.py"
