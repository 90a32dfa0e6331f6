#!/usr/bin/env python3
"""Words of the reference scored in a second: build/tests/bench/score against jiwer and sclite, in one run.

  VENV/bin/python tests/bench/score.py [--pairs shared/corpora/wer_pairs_earnings21] [--out tests/bench/results/score.json]

Needs PyPI's jiwer and Debian's sctk. Short: 50,000 random utterances of 1 to 40 words, 14 % errors. Long: the pairs of
one system of Earnings-21, a whole call each (sclite, which needs minutes for a call, is left out). Times include reading the two files, not the start of a
program or of Python (but sclite's, which cannot be told apart). On a machine that others use too the processor's
seconds say more than the wall's. First of all: total edits equal to jiwer's on 10,000 random pairs."""
import argparse, datetime, itertools, json, os, pathlib, random, resource, subprocess, sys, tempfile, time

import jiwer


def random_pairs(count, seed, longest=40, vocabulary=5000):
    dice = random.Random(seed)
    words = [f"w{i}" for i in range(vocabulary)]
    weights = list(itertools.accumulate(1 / (i + 2) for i in range(vocabulary)))
    draw = lambda n: dice.choices(words, cum_weights=weights, k=n)
    for _ in range(count):
        ref, hyp = draw(dice.randint(1, longest)), []
        for word in ref:
            kind = dice.random()
            hyp += [] if kind < 0.03 else draw(1) if kind < 0.11 else draw(1) + [word] if kind < 0.14 else [word]
        yield ref, hyp


def write(folder, pairs):
    texts = {name: open(folder / name, "w") for name in ("ref.txt", "hyp.txt", "ref.trn", "hyp.trn")}
    for i, (ref, hyp) in enumerate(pairs):
        for side, words in (("ref", ref), ("hyp", hyp)):
            texts[f"{side}.txt"].write(" ".join(words) + "\n")
            texts[f"{side}.trn"].write(" ".join(words) + f" (s-{i})\n")
    for text in texts.values():
        text.close()


def ours(folder, threads):
    program = os.environ.get("BUILD", "build") + "/tests/bench/score"
    return json.loads(subprocess.run([program, folder / "ref.txt", folder / "hyp.txt", str(threads), "7"], check=True,
                                     capture_output=True, text=True).stdout)


def theirs(folder, runs):
    wall = cpu = 1e9
    for _ in range(runs):
        start, start_cpu = time.perf_counter(), time.process_time()
        ref, hyp = ((folder / name).read_text().splitlines() for name in ("ref.txt", "hyp.txt"))
        out = jiwer.process_words(ref, hyp)
        wall, cpu = min(wall, time.perf_counter() - start), min(cpu, time.process_time() - start_cpu)
    return {"errors": out.substitutions + out.insertions + out.deletions, "wall": wall, "cpu": cpu}


def sclite(folder, runs):
    wall = cpu = 1e9
    for _ in range(runs):
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        start, start_cpu = time.perf_counter(), used.ru_utime + used.ru_stime
        subprocess.run(["sctk", "sclite", "-s", "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", "-i", "spu_id", "-o", "sum",
                        "-n", "out", "-f", "0"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall, cpu = min(wall, time.perf_counter() - start), min(cpu, used.ru_utime + used.ru_stime - start_cpu)
    return {"wall": wall, "cpu": cpu}


def measure(name, pairs):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write(folder, pairs)
        cores = os.cpu_count()
        result = {"set": name, "one": ours(folder, 1), "all": ours(folder, cores), "cores": cores,
                  "jiwer": theirs(folder, 2)}
        if name == "short":
            result["sclite"] = sclite(folder, 1)
    words = result["one"]["words"]
    rate = {f"{who} {clock}": round(words / result[who][clock]) for who in ("one", "all", "jiwer", "sclite")
            if who in result for clock in ("wall", "cpu")}
    result["words_per_second"] = rate
    result["times_jiwer"] = {"one core, cpu": round(rate["one cpu"] / rate["jiwer cpu"], 1),
                             "all cores, wall": round(rate["all wall"] / rate["jiwer wall"], 1)}
    if "sclite" in result:
        result["times_sclite"] = {"one core, cpu": round(rate["one cpu"] / rate["sclite cpu"], 1)}
    result["errors_differ_from_jiwer"] = result["one"]["errors"] - result["jiwer"]["errors"]
    return result


def equal_to_jiwer(count):
    """Edits of each of `count` random pairs, every length and vocabulary: those that differ."""
    differing = 0
    for seed, longest, vocabulary in ((1, 10, 3), (2, 60, 20), (3, 200, 2), (4, 40, 5000)):
        pairs = list(random_pairs(count // 4, seed, longest, vocabulary))
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            write(folder, pairs)
            program = os.environ.get("BUILD", "build") + "/jargon"
            subprocess.run([program, "eval", "--hyp", folder / "hyp.txt", "--ref", folder / "ref.txt", "--normalize", "none",
                            "--sclite", folder / "out", "--replicates", "1000"], check=True, stdout=subprocess.DEVNULL)
            counts = [tuple(map(int, line.split(")")[1].split())) for line in open(folder / "out.pra")
                      if line.startswith("Scores:")]
        assert len(counts) == len(pairs)
        for (ref, hyp), (_, sub, dele, ins) in zip(pairs, counts):
            out = jiwer.process_words([" ".join(ref)], [" ".join(hyp)])
            differing += sub + dele + ins != out.substitutions + out.deletions + out.insertions
    return {"pairs": count, "total_edits_differ": differing}


def earnings(folder):
    for line in open(folder / "pairs.jsonl"):
        pair = json.loads(line)
        if pair["system"] == "google":
            yield pair["ref"].split(), pair["hyp"].split()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("tests/bench/results/score.json"))
    arguments = parser.parse_args()
    cpu = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    family = "/".join(line.split(":")[1].strip() for line in open("/proc/cpuinfo").read().split("\n\n")[0].splitlines()
                      if line.split("\t")[0] in ("cpu family", "model"))
    document = {"device": f"{cpu} (family/model {family}), {os.cpu_count()} cores", "date": datetime.date.today().isoformat(),
                "commit": subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip(),
                "command": "python tests/bench/score.py " + " ".join(sys.argv[1:]), "load": os.getloadavg(),
                "jiwer": __import__("importlib.metadata").metadata.version("jiwer"), "equal": equal_to_jiwer(10000),
                "sets": [measure("short", list(random_pairs(50000, 1)))]}
    if arguments.pairs:
        document["sets"].append(measure("long", list(earnings(arguments.pairs))))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document, indent=1))


main()
