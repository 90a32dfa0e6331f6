"""Writes mapsswe/{ref,a,b}.trn and, with Debian's sctk, mapsswe/expected.txt: segments, mean, standard deviation and
z of the matched pairs test of a against b.   python3 tests/golden/make_mapsswe.py"""
import os
import random
import re
import subprocess
import tempfile

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mapsswe")
random.seed(4)
words = "the of and to in gini index income rate patient dose method class block".split()


def recognise(text, rate):
    out = []
    for word in text:
        dice = random.random()
        if dice < rate / 3:
            continue
        out.append(random.choice(words) if dice < rate else word)
        if random.random() < rate / 4:
            out.append(random.choice(words))
    return out


texts = [[random.choice(words) for _ in range(random.randrange(1, 25))] for _ in range(60)]
for name, make in (("ref", list), ("a", lambda t: recognise(t, 0.12)), ("b", lambda t: recognise(t, 0.18))):
    with open(os.path.join(here, name + ".trn"), "w") as out:
        for i, text in enumerate(texts):
            out.write(" ".join(make(text)) + f" (s{i % 6}_{i:03d})\n")

with tempfile.TemporaryDirectory() as work:
    systems = b""
    for name in "ab":
        systems += subprocess.run(
            ["sctk", "sclite", "-r", f"{here}/ref.trn", "trn", "-h", f"{here}/{name}.trn", "trn", name, "-i", "spu_id",
             "-o", "sgml", "stdout"], check=True, capture_output=True).stdout
    report = subprocess.run(["sctk", "sc_stats", "-p", "-t", "mapsswe", "-v", "-n", f"{work}/report"], input=systems,
                            check=True, capture_output=True, cwd=work).stdout.decode()
    report += open(f"{work}/report.stats.mapsswe").read()
line = re.search(r"# segs: (\d+)\).*?mean: ([-\d.]+)\) \(std dev: ([-\d.]+)\) \(Z Stat: ([-\d.]+)\)", report, re.S)
with open(os.path.join(here, "expected.txt"), "w") as out:
    out.write("\n".join(line.groups()) + "\n")
