"""What a safetensors file holds, a line each: name, shape, and whether it is as in another file.

    tensors.py FILE OTHER      "same NAME SHAPE", "other NAME SHAPE", "new NAME SHAPE" (not in OTHER with that shape)
"""
import json, struct, sys


def read(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {name: (tuple(t["shape"]), data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]])
            for name, t in header.items()}


here, there = read(sys.argv[1]), read(sys.argv[2])
for name, (shape, values) in sorted(here.items()):
    known = there.get(name)
    word = "new" if not known or known[0] != shape else "same" if known[1] == values else "other"
    print(word, name, "x".join(map(str, shape)))
