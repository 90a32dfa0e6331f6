"""Packing killed with kill -9 at every kind of call and at random moments, and gone on with: the same bytes.

    pack.py KILLS       in a folder made by tests/support.sh
"""
import os, random, sys, time

from killing import BIN, calls_of, check_order, run

here = os.getcwd()
problems, kills = [], 0


def command(out):
    return [BIN + "/jargon", "pack", "--out", out, "--shard-mib", "1", "wav/manifest.jsonl"]


def files(folder):
    return {name: open(f"{folder}/{name}", "rb").read() for name in sorted(os.listdir(folder))}


reference = here + "/packed"
calls = calls_of(command(reference), reference)
problems += check_order(calls)
whole = files(reference)
shards = [name for name in whole if name.startswith("shard-")]
assert len(shards) > 1 and "corpus.json" in whole, list(whole)


def whole_run(out, next_kill):
    global kills
    while (how := next_kill(out)) is not None:
        code, err, _ = run(command(out), how[0], **how[1])
        if code == 0:
            break
        if code != -9:
            problems.append(f"exit code {code}: {err}")
            return
        kills += 1
        for name in os.listdir(out) if os.path.exists(out) else []:  # what has its final name is final
            if ".tmp" not in name and files(out)[name] != whole[name]:
                problems.append(f"{out}/{name} is not what it will be")
    else:
        run(command(out))
    if files(out) != whole:
        problems.append(f"{out}: {[n for n in whole if files(out).get(n) != whole[n]]} differ, it has {os.listdir(out)}")


whole_run(here + "/kinds", lambda out: (None, {"FAULT_UNDER": out, "FAULT_KINDS": here + "/seen"}))
print(f"{kills} kills, at every kind of call")
seed = int(os.environ.get("SEED", time.time()))
rng = random.Random(seed)
target = kills + int(sys.argv[1])
while kills < target:
    out = f"{here}/random-{kills}"
    whole_run(out, lambda out: None if kills >= target else
              (None, {"FAULT_UNDER": out, "FAULT_AT": str(rng.randint(1, len(calls))), "FAULT_DO": "kill"}))
print(f"seed {seed}: {kills} kills, {len(problems)} problems")
for problem in problems[:20]:
    print("PROBLEM:", problem)
sys.exit(bool(problems) or kills < 20)
