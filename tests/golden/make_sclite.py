#!/usr/bin/env python3
"""References and hypotheses with what Debian's sctk (NIST sclite) makes of them.

  make_sclite.py                  writes tests/golden/sclite (apt-get install sctk)
  make_sclite.py --live 100       100 fresh sets, sclite against build/jargon, every report byte for byte
  make_sclite.py --pairs DIR      every REF.trn/HYP.trn (a.ref.trn, a.hyp.trn) or a.stm/a.ctm pair of a folder, the same

Run from the repository's root. The texts are random words; sets: plain, alternatives (with optional words), segments
(stm and ctm with gaps, ignored segments, labels, alternatives), and what only --as sclite scores: either case, tags,
marks in both texts and fragments, by words (rules) and by characters, and alternatives in a ctm file (timed, cut). BUILD
names the build folder."""
import argparse, os, pathlib, random, subprocess, sys, tempfile

WORDS = ["a", "the", "of", "word", "gini", "genie", "poverty", "x-ray", "it's", "uh", "um", "incidence"]
REPORTS = ["sys", "raw", "pra", "dtl"]
SWITCHES = {"rules": "-D -F", "cased": "-s", "characters": "-c NOASCII DH", "timed": "-D -F", "cut": "-D -m ref hyp"}  # -D: as jargon does without --as


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def words(self, low, high):
        return [self.random.choice(WORDS) for _ in range(self.random.randint(low, high))]

    def group(self, depth=0):
        parts = []
        for _ in range(self.random.randint(2, 3)):
            kind = self.random.random()
            if kind < 0.2:
                parts.append("@")
            elif kind < 0.35 and depth < 2:
                parts.append(" ".join(self.words(0, 1) + [self.group(depth + 1)] + self.words(0, 1)))
            else:
                parts.append(" ".join(self.words(1, 3)))
        return "{ " + " / ".join(parts) + " }"

    def reference(self, marks):
        """The reference as written, and the words that a recogniser errs about."""
        said = self.words(1, 14) if self.random.random() > 0.05 else []
        written = []
        for word in said:
            kind = self.random.random()
            written.append(self.group() if marks and kind < 0.15 else
                           "(" + word + ")" if marks and kind < 0.25 else word)
        return " ".join(written), said

    def recognised(self, said):
        out = []
        for word in said:
            kind = self.random.random()
            if kind < 0.12:
                continue
            if kind < 0.3:
                word = self.random.choice(WORDS)
            elif kind < 0.4:
                out.append(self.random.choice(WORDS))
            out.append(word)
        return out

    def transcripts(self, folder, name, count, marks):
        with open(folder / f"{name}.ref.trn", "w") as ref, open(folder / f"{name}.hyp.trn", "w") as hyp:
            for i in range(count):
                written, said = self.reference(marks)
                speaker = self.random.choice(["anna", "bob", "c3", "a-longer-name"]).replace("-", "")
                ref.write(f"{written} ({speaker}-{i:03d})\n")
                hyp.write(f"{' '.join(self.recognised(said))} ({speaker}-{i:03d})\n")

    def dressed(self, words, groups=True):
        """Words as only sclite reads them: in either case, with tags and marks, as fragments."""
        out = []
        for word in words:
            kind = self.random.random()
            if kind < 0.1:
                cut = self.random.randint(1, len(word))
                word = word[:cut] + "-" if kind < 0.05 else "-" + word[-cut:]
            if self.random.random() < 0.3:
                word = word.upper() if self.random.random() < 0.5 else word.capitalize()
            if self.random.random() < 0.1:
                word = word.replace("'", "\\;") + self.random.choice([";tag", ";Tag;other", ";;x", "*"])
            if self.random.random() < 0.1:
                word = "(" + word + ")"
            out.append(self.group() if groups and self.random.random() < 0.08 else word)
        return out

    def rules(self, folder, name, count):
        cased, groups = name == "cased", name != "characters"
        with open(folder / f"{name}.ref.trn", "w") as ref, open(folder / f"{name}.hyp.trn", "w") as hyp:
            for i in range(count):
                speaker = self.random.choice(["Anna", "bob", "C3"]) if i else "Mute"
                said = self.words(1, 14) if i else []  # a speaker without words
                ref.write(f"{' '.join(self.dressed(said, groups))} ({speaker}-{i:03d})\n")
                hyp.write(f"{' '.join(self.dressed(self.recognised(said or ['uh', 'um']), groups))} ({speaker if cased else speaker.upper()}-{i:03d})\n")

    def timed(self, folder, name, count):
        """Alternatives in what was recognised, some across the end of a segment; cut: each file has a time of its own."""
        with open(folder / f"{name}.stm", "w") as stm, open(folder / f"{name}.ctm", "w") as ctm:
            for channel in ("A", "B") if name == "cut" else ("A",):
                self.timed_channel(stm, ctm, channel, count, name == "cut")

    def timed_channel(self, stm, ctm, channel, count, cut):
        first, last = (self.random.randint(2, count // 3), self.random.randint(count // 2, count - 3)) if cut else (0, count)
        silent = cut and self.random.random() < 0.5  # which of the files is the shorter one
        time = 0.0
        for i in range(count):
            inside = first <= i < last
            said = self.words(2, 8)
            end = time + 0.4 * len(said)
            if inside or silent:
                stm.write(f"F1 {channel} S1 {time:.2f} {end:.2f} {' '.join(self.dressed(said))}\n")
            for word in (self.recognised(said) or ["uh"]) if inside or not silent else []:
                begin = time + self.random.uniform(0.05, 0.3)
                # where it cuts, sclite takes "*" for the time 0, and crashes now and then
                if self.random.random() < 0.2 and (not cut or first < i < last - 1):
                    ctm.write(f"F1 {channel} * * <ALT_BEGIN>\n")
                    ctm.write(f"F1 {channel} {begin:.2f} 0.20 {word}\nF1 {channel} * * <ALT>\n")
                    if self.random.random() < 0.7:
                        ctm.write(f"F1 {channel} {begin + self.random.uniform(-0.1, 0.3):.2f} 0.20 {self.random.choice(WORDS).upper()}\n")
                    ctm.write(f"F1 {channel} * * <ALT_END>\n")
                else:
                    ctm.write(f"F1 {channel} {begin:.2f} 0.20 {word}\n")
                time = begin
            time = max(end, time)

    def segments(self, folder, name, count):
        with open(folder / f"{name}.stm", "w") as stm, open(folder / f"{name}.ctm", "w") as ctm:
            stm.write(';; LABEL "o" "Overall" "everything"\n;; LABEL "m" "Male" "men"\n;; LABEL "f" "Female" "women"\n')
            for recording in ["f1", "f2"]:
                for channel in "ab":
                    self.channel(stm, ctm, recording, channel, count // 4)

    def channel(self, stm, ctm, recording, channel, count):
        time = 0.0
        for i in range(count):
            written, said = self.reference(True)
            if i and self.random.random() < 0.1:
                written = "ignore_time_segment_in_scoring"
            end = time + 0.5 + 0.4 * len(said)
            speaker, label = self.random.choice([("s1", "m"), ("s2", "f")])
            stm.write(f"{recording} {channel} {speaker} {time:.2f} {end:.2f} <o,{label}> {written}\n")
            at, begin = self.recognised(said), time - 0.2
            for word in at or ["uh"][: i == 0]:
                begin = max(0, begin + self.random.uniform(0.1, 0.45))
                ctm.write(f"{recording} {channel} {begin:.2f} 0.20 {word}\n")
            time = max(end, begin) + self.random.choice([0, 0, 0.7])


def sclite(folder, name, out):
    stm = (folder / f"{name}.stm").exists()
    files = ([f"{name}.stm", "stm", "-h", f"{name}.ctm", "ctm"] if stm else
             [f"{name}.ref.trn", "trn", "-h", f"{name}.hyp.trn", "trn", "-i", "spu_id"])
    # -D: words in parentheses need not be said
    subprocess.run(["sctk", "sclite", *SWITCHES.get(name, "-D").split(), "-r"] + files + ["-o", "sum", "rsum", "pra", "dtl", "-O", str(out), "-n", name],
                   cwd=folder, check=True, stdout=subprocess.DEVNULL)


def jargon(folder, name, out):
    stm = (folder / f"{name}.stm").exists()
    ref, hyp = (f"{name}.stm", f"{name}.ctm") if stm else (f"{name}.ref.trn", f"{name}.hyp.trn")
    rules = ["--as", f"sclite {SWITCHES[name]}"] if name in SWITCHES else ["--normalize", "none", "--costs", "sclite"]
    program = os.path.abspath(os.environ.get("BUILD", "build")) + "/jargon"
    subprocess.run([program, "eval", "--hyp", hyp, "--ref", ref, *rules, "--replicates", "1000", "--sclite", f"{out}/{name}"], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def differences(folder, names):
    """Prints what differs; returns how many reports were compared and how many differ."""
    compared = differing = 0
    with tempfile.TemporaryDirectory() as theirs, tempfile.TemporaryDirectory() as ours:
        for name in names:
            sclite(folder, name, theirs)
            jargon(folder, name, ours)
            for report in REPORTS:
                compared += 1
                a, b = (pathlib.Path(d, f"{name}.{report}").read_text().splitlines() for d in (theirs, ours))
                lines = [(x, y) for x, y in zip(a, b) if x != y]
                if lines or len(a) != len(b):
                    differing += 1
                    print(f"{folder}/{name}.{report}: {len(lines)} lines differ, {len(a)} against {len(b)} lines")
                    for x, y in lines[:6]:
                        print(f"    sclite {x}\n    jargon {y}")
    return compared, differing


def sets_make(maker, folder, count):
    maker.transcripts(folder, "plain", count, False)
    maker.transcripts(folder, "alternatives", count, True)
    maker.segments(folder, "segments", count)
    for name in ["rules", "cased", "characters"]:
        maker.rules(folder, name, count)
    maker.timed(folder, "timed", count)
    maker.timed(folder, "cut", count)
    return ["plain", "alternatives", "segments", "rules", "cased", "characters", "timed", "cut"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=int, default=0, metavar="SETS")
    parser.add_argument("--pairs", type=pathlib.Path, metavar="DIR")
    arguments = parser.parse_args()
    compared = differing = 0
    if arguments.pairs:
        names = [p.name[: -len(".ref.trn")] for p in sorted(arguments.pairs.glob("*.ref.trn"))]
        names += [p.stem for p in sorted(arguments.pairs.glob("*.stm"))]
        compared, differing = differences(arguments.pairs, names)
    for seed in range(1, arguments.live + 1):
        with tempfile.TemporaryDirectory() as folder:
            names = sets_make(Maker(seed), pathlib.Path(folder), 200)
            more, wrong = differences(pathlib.Path(folder), names)
            compared, differing = compared + more, differing + wrong
    if compared:
        print(f"{compared} reports compared, {differing} differ")
        sys.exit(differing > 0)
    folder = pathlib.Path("tests/golden/sclite")
    folder.mkdir(exist_ok=True)
    for name in sets_make(Maker(4), folder, 40):
        sclite(folder, name, folder.resolve())


main()
