"""A training run killed with kill -9 at many moments and resumed, against one never stopped.

    resume.py KILLS [RESULT.json]       in a folder made by tests/support.sh

Each start computes on one thread or two. Counts what must not be: checkpoints lost or damaged by a kill, models in best/ or last/ that do not load, files left
over, and any loss, gradient norm, rate or weight that differs from the undisturbed run in a single bit.
"""
import glob, json, os, random, subprocess, sys, time

from killing import BIN, calls_of, check_order, run

JARGON = BIN + "/jargon"
TIMES = {"seconds", "interval_seconds", "log_length"}  # of a checkpoint: they follow the clock
problems = []


def command(out):
    return [JARGON, "train", "--preset", "preset.yaml", "--tokenizer", "tokenizer.json", "--corpus", "corpus", "--dev",
            "corpus", "--out", out, "--batch-seconds", "5", "--accumulate", "2", "--learning-rate", "3e-3", "--warmup",
            "10", "--epochs", "12", "--eval-every", "13", "--save-every", "4", "--log-every", "3"]


def state(checkpoint):
    """A checkpoint's numbers and the hashes of its arrays; None when it cannot be read."""
    printed = subprocess.run([BIN + "/tests/e2e/checkpoint_print", checkpoint], capture_output=True, text=True)
    if printed.returncode:
        return None
    lines = dict(line.split(" ", 1) for line in printed.stdout.splitlines())
    return {key: value for key, value in lines.items() if key not in TIMES}


def log_lines(out):
    """The log without what follows the clock. Numbers have 17 digits: equal text is equal bits."""
    with open(out + "/log.jsonl") as lines:
        rows = [json.loads(line, parse_float=str) for line in lines]
    return [{key: value for key, value in row.items() if key not in ("seconds", "hours_per_hour")} for row in rows]


def files(folder):
    return {name: open(f"{folder}/{name}", "rb").read() for name in sorted(os.listdir(folder))}


def newest(out):
    return max(glob.glob(out + "/checkpoint-*.h5"), default=None)


def step_of(checkpoint):
    return int(checkpoint[-11:-3]) if checkpoint else 0


def after_kill(out, highest, models, tally):
    """The folder as the kill left it: every checkpoint whole, none gone, every model there ever was loads."""
    for checkpoint in glob.glob(out + "/checkpoint-*.h5"):
        if state(checkpoint) is None:
            problems.append(f"{checkpoint} is damaged")
            tally["lost"] += 1
    if step_of(newest(out)) < highest:
        problems.append(f"checkpoint {highest} is gone, the newest is {newest(out)}")
        tally["lost"] += 1
    for model in ("best", "last"):
        if model in models or os.path.exists(f"{out}/{model}"):
            models.add(model)
            loaded = subprocess.run([JARGON, "transcribe", "--model", f"{out}/{model}", "wav/0000.wav"],
                                    capture_output=True, text=True)
            if loaded.returncode:
                problems.append(f"{out}/{model} does not load: {loaded.stderr}")


def whole_run(out, next_kill, tally, rng):
    """Runs to the end, killed as next_kill() says: (seconds or None, faults); None: left alone."""
    highest, models = 0, set()
    while True:
        how = next_kill(out)
        expected = step_of(newest(out))
        seconds, faults = how or (None, {})
        code, err, _ = run(command(out), seconds, rng.choice((1, 2)), **faults)
        tally["starts"] += 1
        if "; step " in err and f"; step {expected} of" not in err and "finished already" not in err:
            problems.append(f"it did not go on at step {expected}: {err}")
        if "going back" in err:
            problems.append(f"a checkpoint was not used: {err}")
        if code == 0:
            return
        if code != -9:
            problems.append(f"exit code {code}: {err}")
            return
        tally["kills"] += 1
        highest = max(highest, expected)
        after_kill(out, highest, models, tally)
        highest = max(highest, step_of(newest(out)))


def compare(out, reference, tally):
    a, b = log_lines(reference), log_lines(out)
    steps = [row["step"] for row in b]
    if steps != [row["step"] for row in a]:
        problems.append(f"{out}: steps in the log: {steps}")
    differ = sum(x != y for x, y in zip(a, b)) + abs(len(a) - len(b))
    if differ:
        problems.append(f"{out}: {differ} lines of the log differ, first: {[(x, y) for x, y in zip(a, b) if x != y][:1]}")
    tally["lines"] += len(b)
    tally["lines_differing"] += differ
    for model in ("best", "last"):
        if files(f"{reference}/{model}") != files(f"{out}/{model}"):
            problems.append(f"{out}/{model} differs")
            tally["models_differing"] += 1
    names = sorted(n for n in os.listdir(reference))
    if sorted(os.listdir(out)) != names:
        problems.append(f"{out} has {sorted(os.listdir(out))}, the undisturbed run {names}")
    for name in names:
        if name.startswith("checkpoint-") and os.path.exists(f"{out}/{name}"):
            if state(f"{reference}/{name}") != state(f"{out}/{name}"):
                problems.append(f"{out}/{name} differs")
                tally["checkpoints_differing"] += 1
    tally["runs"] += 1


def where(kills):
    """Device, date, commit and command of a result."""
    with open("/proc/cpuinfo") as info:
        cpu = next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    commit = subprocess.run(["git", "-C", os.environ["ROOT"], "rev-parse", "HEAD"], capture_output=True, text=True)
    return {"device": cpu, "date": time.strftime("%Y-%m-%d"), "commit": commit.stdout.strip(),
            "command": f"KILLS={kills} RESULT=FILE sh tests/e2e/resume.sh"}


def main(kills, result=None):
    here = os.getcwd()
    reference = here + "/reference"
    calls = calls_of(command(reference), reference)
    problems.extend(check_order(calls))
    _, _, seconds = run(command(here + "/timed"))
    tally = dict.fromkeys(("kills", "starts", "runs", "lost", "lines", "lines_differing", "models_differing",
                           "checkpoints_differing"), 0)
    compare(here + "/timed", reference, tally)  # two runs, the same bits
    seed = int(os.environ.get("SEED", time.time()))
    rng = random.Random(seed)
    print(f"seed {seed}; undisturbed: {seconds:.2f} s, {len(calls)} calls that change files")

    # At the first call of every kind, one after the other in the same run
    kinds = here + "/kinds"
    out = here + "/kinds-run"
    whole_run(out, lambda out: (None, {"FAULT_UNDER": out, "FAULT_KINDS": kinds}), tally, rng)
    compare(out, reference, tally)
    print(f"{tally['kills']} kills, at every kind of call")

    # At random moments
    target = tally["kills"] + kills

    def at_random(out):
        if tally["kills"] >= target:
            return None
        if rng.random() < 0.5:
            return rng.uniform(0.02, 0.5 * seconds), {}
        return None, {"FAULT_UNDER": out, "FAULT_AT": str(rng.randint(1, len(calls) // 4)), "FAULT_DO": "kill"}

    while tally["kills"] < target:
        out = f"{here}/random-{tally['runs']}"
        whole_run(out, at_random, tally, rng)
        compare(out, reference, tally)
    tally["problems"] = len(problems)
    print(json.dumps(tally))
    if result:
        with open(result, "w") as file:
            json.dump({**where(kills), "seed": seed, **tally}, file, indent=1)
            file.write("\n")
    for problem in problems[:20]:
        print("PROBLEM:", problem)
    return not problems


sys.exit(0 if main(int(sys.argv[1]), *sys.argv[2:3]) else 1)
