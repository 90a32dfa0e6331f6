"""Checks data/: prints `ok NAME` or `FAIL NAME: why` for each, exits 1 if any failed."""
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import wave

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPEAK = os.environ.get("SPEAK", os.path.join(ROOT, "build/speak"))
INTERVIEWS = os.path.join(ROOT, "data/interviews")
SMALL = ["--hours", "0.1", "--minutes-per-domain", "1.5", "--test-speakers", "1", "--dev-speakers", "1",
         "--flite-sentences", "1", "--interview-seconds", "20"]

spec = importlib.util.spec_from_file_location("make", os.path.join(INTERVIEWS, "make.py"))
make = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make)

failures = 0


def check(name, ok, why=""):
    global failures
    failures += not ok
    print(f"ok {name}" if ok else f"FAIL {name}: {why}", flush=True)


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True)


def make_corpus(out, *more):
    return run(sys.executable, os.path.join(INTERVIEWS, "make.py"), "--out", out, "--speak", SPEAK, *SMALL, *more)


def files(folder):
    found = {}
    for parent, _, names in os.walk(folder):
        for n in names:
            path = os.path.join(parent, n)
            with open(path, "rb") as f:
                found[os.path.relpath(path, folder)] = hashlib.sha256(f.read()).hexdigest()
    return found


def manifest(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def manifests(folder):
    return {n: manifest(os.path.join(folder, n)) for n in sorted(os.listdir(folder)) if n.endswith(".jsonl")}


def words(rows):
    return {w for r in rows for w in r["text"].split()}


def check_lines(folder, corpus):
    """Every line has its keys, and its segment lies inside its WAV and is not silent."""
    bad, lengths = [], {}
    for name, rows in corpus.items():
        for number, r in enumerate(rows, 1):
            path = os.path.join(folder, r["audio_filepath"])
            with wave.open(path) as w:
                form = (w.getframerate(), w.getnchannels(), w.getsampwidth())
                w.setpos(min(round(r["offset"] * 16000), w.getnframes()))
                samples = memoryview(w.readframes(round(r["duration"] * 16000))).cast("h")
            good = (form == (16000, 1, 2) and len(samples) == round(r["duration"] * 16000) > 4000
                    and r["text"] and not set(r["text"]) - set("abcdefghijklmnopqrstuvwxyz' ")
                    and r["text"] == " ".join(r["text"].split())
                    and all(isinstance(r[k], str) and r[k] for k in
                            ("speaker", "gender", "accent", "domain", "split", "voice", "style"))
                    and max(samples) > 1000)
            if not good:
                bad.append(f"{name}:{number}")
            lengths.setdefault(r["style"], []).append(r["duration"])
    check("manifest lines valid and inside their WAV", not bad, bad[:5])
    usual = [d for all_of_style in lengths.values() for d in all_of_style]
    share = sum(1.2 <= d <= 9 for d in usual) / len(usual)
    check("utterances of 1.2 to 9 s", share > 0.98, f"only {share:.3f}")


def variant_source(voice):
    """What the variant of a voice was made from: of en-us+m1_2 it is m1."""
    return voice.split("+")[-1].split("_")[0]


def check_splits(corpus):
    train = [r for n, rows in corpus.items() if n.endswith(".train.jsonl") for r in rows]
    dev, test = corpus["dev.jsonl"], corpus["test.jsonl"]
    unseen = test + corpus["offgrammar.jsonl"] + corpus["flite.jsonl"]
    for key in ("text", "speaker", "voice"):
        def values(rows):
            return {variant_source(r[key]) if key == "voice" else r[key] for r in rows}
        shared = (values(unseen) & (values(train) | values(dev))) | (values(dev) & values(train))
        check(f"no {key} of test or dev elsewhere", not shared, sorted(shared)[:5])
    check("no test sentence twice", len({r["text"] for r in test}) == len(test), "")
    domains = set(make_domains())
    cells = {(a, g) for a in make.ACCENTS for g in ("male", "female")}
    for name in ("test.jsonl", "dev.jsonl"):
        have = {(r["accent"], r["gender"], r["domain"]) for r in corpus[name]}
        missing = {(a, g, d) for a, g in cells for d in domains} - have
        check(f"{name} has every accent, gender and domain", not missing, sorted(missing)[:5])
    hand = {d: sum(r["domain"] == d for r in corpus["offgrammar.jsonl"]) for d in domains}
    check("40 hand-written sentences a domain", min(hand.values()) >= 40, hand)


def check_script_at_full_size(tmp):
    """What the small corpus would hardly show, a sentence drawn twice, a voice never drawn: the full script, unspoken."""
    mute = f"{tmp}/mute"
    with open(mute, "w") as f:
        f.write(f'#!/bin/sh\n[ "$1" != --espeak-data ] || exec {SPEAK} "$1"\n')
    os.chmod(mute, 0o755)
    done = run(sys.executable, os.path.join(INTERVIEWS, "make.py"), "--out", f"{tmp}/full", "--speak", mute,
               "--flite-sentences", "0")
    check("script at full size", done.returncode == 0, done.stderr)
    with open(f"{tmp}/full/script.tsv", encoding="ascii") as f:
        lines = [line.rstrip("\n").split("\t") for line in f]
    column = {name: k for k, name in enumerate(lines[0])}
    texts = {}
    for line in lines[1:]:
        texts.setdefault(line[column["manifest"]].split(".")[-2], []).append(line[column["text"]])
    shared = set(texts["train"]) & set(texts["dev"] + texts["test"] + texts["offgrammar"])
    check("no sentence of test or dev in training at full size", not shared, sorted(shared)[:5])
    for split in ("dev", "test"):
        heard = {(row[column["accent"]], row[column["gender"]], row[column["voice"]].split("+")[1])
                 for row in lines[1:] if row[column["manifest"]] == split + ".jsonl"}
        silent = {(a, g, v) for a in make.ACCENTS for g, all_of in make.VARIANTS[split].items() for v in all_of} - heard
        check(f"{split}: every accent is spoken by every held-out variant", not silent, sorted(silent)[:5])
    unseen = texts["dev"] + texts["test"] + texts["offgrammar"]
    check("no unseen sentence twice at full size", len(set(unseen)) == len(unseen), len(unseen) - len(set(unseen)))


def make_domains():
    return [n[:-4] for n in os.listdir(os.path.join(INTERVIEWS, "grammar")) if n.endswith(".txt")]


def check_vocabulary(corpus):
    grammars = {d: make.Grammar(os.path.join(INTERVIEWS, "grammar", d + ".txt")) for d in make_domains()}
    general = grammars["general"].vocabulary()
    for domain, grammar in grammars.items():
        if domain == "general":
            continue
        own = grammar.vocabulary() - general
        terms = [t for t in grammar.terms() if set(t.split()) & own]
        check(f"{domain}: 120 terms of its own, 15 templates", len(terms) >= 120 and len(grammar.sentences) >= 15,
              f"{len(terms)} terms, {len(grammar.sentences)} templates")
        leaked = own & words(corpus["general.train.jsonl"])
        check(f"{domain}: its words absent from general training", not leaked, sorted(leaked)[:5])
    extra = words(corpus["general.train.jsonl"]) - general - {"an"}
    check("general training says words of its grammar only", not extra, sorted(extra)[:5])
    jargon = {"medicine": "pneumonia metformin dialysis blood doctor", "poverty": "gini inequality quintile wage poverty",
              "ruby": "rspec gem metaprogramming sidekiq ruby"}   # by name: the subtraction above cannot see these leak
    for domain, some in jargon.items():
        leaked = set(some.split()) & general
        check(f"{domain}: jargon is not general", not leaked, leaked)


def write_script(path, rows):
    columns = ("manifest audio voice pitch rate range shift gain noise tilt pause say text speaker").split()
    default = dict(manifest="m.jsonl", audio="a.wav", voice="en-us+m1", pitch=50, rate=170, range=50, shift=1, gain=0,
                   noise=-120, tilt=0, pause=300, say="the doctor parked near the water.", text="x", speaker="s")
    with open(path, "w", encoding="ascii") as f:
        f.write("\t".join(columns) + "\n")
        for row in rows:
            f.write("\t".join(str({**default, **row}[c]) for c in columns) + "\n")


def check_voices(tmp):
    """Each accent with each variant sounds unlike every other: the noise is below one step, so WAVs would be equal."""
    variants = sorted({v for split in make.VARIANTS.values() for both in split.values() for v in both})
    voices = [f"{a}+{v}" for a in make.ACCENTS.values() for v in variants]
    write_script(f"{tmp}/voices.tsv", [dict(audio=f"{v}.wav", voice=v, say="water car") for v in voices])
    done = run(SPEAK, f"{tmp}/voices.tsv", f"{tmp}/voices")
    heard = {}
    for name, digest in files(f"{tmp}/voices").items():
        if name.endswith(".wav"):
            heard.setdefault(digest, []).append(name)
    same = [names for names in heard.values() if len(names) > 1]
    check(f"{len(voices)} voices, no two alike", done.returncode == 0 and len(heard) == len(voices), same or done.stderr)


def check_made_variants(tmp, corpus):
    """Each variant made for training sounds unlike the others, and espeak has room for all of them."""
    names = [n for gender in ("male", "female") for n in make.variants("train", gender)]
    write_script(f"{tmp}/made.tsv", [dict(audio=f"{n}.wav", voice=f"en-us+{n}", say="water car") for n in names])
    done = subprocess.run([SPEAK, f"{tmp}/made.tsv", f"{tmp}/made"], capture_output=True, text=True,
                          env={**os.environ, "ESPEAK_DATA_PATH": corpus})
    heard = {digest for name, digest in files(f"{tmp}/made").items() if name.endswith(".wav")}
    check(f"{len(names)} made variants, no two alike", done.returncode == 0 and not done.stderr.count("Warning") and
          len(heard) == len(names) == 2 * make.MADE, (len(heard), done.stderr))
    theirs = run(SPEAK, "--espeak-data").stdout.strip()
    changed = [n for genders in (make.VARIANTS["dev"], make.VARIANTS["test"]) for both in genders.values() for n in both
               if run("cmp", f"{theirs}/voices/!v/{n}", f"{corpus}/espeak-ng-data/voices/!v/{n}").returncode]
    check("the held-out variants are espeak's own", not changed, changed)


def check_speak_errors(tmp):
    def refuses(name, code, message, *rows, arguments=None):
        out = tempfile.mkdtemp(dir=tmp)
        write_script(f"{tmp}/bad.tsv", rows)
        done = run(SPEAK, *(arguments or [f"{tmp}/bad.tsv", out]))
        left = [n for n in files(out) if n.endswith(".jsonl")]
        check(f"speak refuses {name}", done.returncode == code and message in done.stderr and not left,
              (done.returncode, done.stderr, left))
    refuses("an unknown option", 64, "unknown option", arguments=["--wat"])
    refuses("a missing script", 74, "No such file", arguments=[f"{tmp}/none.tsv", tmp])
    refuses("zero jobs", 64, "--jobs", arguments=["--jobs", "0", "a", "b"])
    refuses("an unknown variant", 65, "bad.tsv:2: espeak has no variant", {"voice": "en-us+nobody"})
    refuses("en-gb with a variant", 65, "bad.tsv:2: espeak has no voice", {"voice": "en-gb+m3"})
    refuses("a number out of range", 65, "bad.tsv:2: pitch is '101', expected", {"pitch": 101})
    refuses("a path that leaves the folder", 65, "paths inside", {"audio": "../a.wav"})
    refuses("an interview in two places", 65, "two places", {}, {"audio": "b.wav"}, {})
    refuses("a voice that changes", 65, "changes inside", {}, {"voice": "en-us+m2"})
    refuses("an empty text", 65, "text is empty", {"text": ""})
    refuses("an empty script", 65, "no utterances")
    write_script(f"{tmp}/ok.tsv", [{}])
    done = run(SPEAK, f"{tmp}/ok.tsv", "/dev/null/x")
    check("speak reports a folder it cannot make", done.returncode == 74, (done.returncode, done.stderr))


def check_make_errors(tmp):
    for name, arguments, code in (("no --out", [], 64), ("--hours x", ["--out", tmp, "--hours", "x"], 64),
                                  ("a missing speak", ["--out", tmp, "--speak", "/none"], 65),
                                  ("a speak without voices", ["--out", tmp, "--speak", "/bin/true"], 65)):
        done = run(sys.executable, os.path.join(INTERVIEWS, "make.py"), *arguments)
        check(f"make.py refuses {name}", done.returncode == code and "make.py:" in done.stderr, done.stderr)
    path = f"{tmp}/grammar.txt"
    for name, text in (("an unknown list", "[sentences]\nwe {nothing}\n"), ("a capital", "[sentences]\nWe\n")):
        with open(path, "w") as f:
            f.write(text)
        try:
            make.Grammar(path)
            check(f"grammar with {name}", False, "taken")
        except make.CorpusError as e:
            check(f"grammar with {name}", f"{path}:2" in str(e), e)


def fake_speechocean(folder, speakers_per_cell=3):
    """The layout of OpenSLR 101 with a second of silence an utterance."""
    for part, first in (("train", 0), ("test", 5000)):
        tables = {n: [] for n in ("text", "wav.scp", "utt2spk", "spk2gender", "spk2age")}
        for k in range(4 * speakers_per_cell):
            speaker = f"{first + k:04d}"
            gender, age = "mf"[k % 2], (8, 30)[k // 2 % 2]
            tables["spk2gender"].append(f"{speaker}\t{gender}")
            tables["spk2age"].append(f"{speaker}\t{age}")
            for u in range(2):
                utterance, name = f"{speaker}{u:05d}", f"WAVE/SPEAKER{speaker}/{speaker}{u:05d}.WAV"
                os.makedirs(os.path.join(folder, os.path.dirname(name)), exist_ok=True)
                with wave.open(os.path.join(folder, name), "wb") as w:
                    w.setparams((1, 2, 16000, 16000, "NONE", None))
                    w.writeframes(bytes(32000))
                tables["text"].append(f"{utterance}\tWE  CALL IT BEAR")
                tables["wav.scp"].append(f"{utterance}\t{name}")
                tables["utt2spk"].append(f"{utterance}\t{speaker}")
        os.makedirs(os.path.join(folder, part))
        for name, lines in tables.items():
            with open(os.path.join(folder, part, name), "w") as f:
                f.write("\n".join(lines) + "\n")


def check_speechocean(tmp):
    source, out = f"{tmp}/so762", f"{tmp}/so762_out"
    fake_speechocean(source)

    def prepare(*more):
        return run(sys.executable, os.path.join(ROOT, "data/speechocean762/prepare.py"), source, "--out", out,
                   "--dev-speakers", 2, *more)
    done = prepare()
    check("speechocean762: original layout", done.returncode == 0, done.stderr)
    if done.returncode:
        return
    parts = manifests(out)
    speakers = {n: {r["speaker"] for r in rows} for n, rows in parts.items()}
    check("speechocean762: splits", {n: len(s) for n, s in speakers.items()} ==
          {"train.jsonl": 4, "dev.jsonl": 8, "test.jsonl": 12} and not set.intersection(*speakers.values())
          and not speakers["train.jsonl"] & speakers["dev.jsonl"], speakers)
    cells = {}
    for r in parts.get("dev.jsonl", []):
        cells.setdefault((r["gender"], r["age_group"]), set()).add(r["speaker"])
    check("speechocean762: two dev speakers a cell", sorted(map(len, cells.values())) == [2, 2, 2, 2], cells)
    row = parts["test.jsonl"][0]
    check("speechocean762: a line", row["text"] == "we call it bear" and row["duration"] == 1 and
          os.path.isfile(os.path.join(out, row["audio_filepath"])) and row["age_group"] ==
          ("child" if row["age"] == 8 else "adult"), row)
    again = files(out)
    prepare()
    check("speechocean762: the same twice", files(out) == again, "")

    def refuses(name, path, old, new, message):
        path = os.path.join(source, path)
        with open(path, "rb") as f:
            before = f.read()
        with open(path, "wb") as f:
            f.write(before.replace(old, new, 1))
        done = prepare()
        check(f"speechocean762 refuses {name}", done.returncode == 65 and message in done.stderr, done.stderr)
        with open(path, "wb") as f:
            f.write(before)
    refuses("a gender x", "train/spk2gender", b"0002\tm", b"0002\tx", "spk2gender:3")
    refuses("an age of none", "train/spk2age", b"0001\t8", b"0001\tnone", "spk2age:2")
    refuses("an utterance with no speaker", "train/utt2spk", b"000100000", b"999900000", "text:3")
    refuses("a digit in a text", "train/text", b"BEAR", b"B3AR", "text:1")
    refuses("a truncated WAV", "WAVE/SPEAKER0000/000000000.WAV", bytes(20000), b"", "000000000.WAV")
    done = run(sys.executable, os.path.join(ROOT, "data/speechocean762/prepare.py"), source, "--out", out)
    check("speechocean762 refuses too few speakers", done.returncode == 65 and "cannot hold out 6" in done.stderr,
          done.stderr)
    done = run(sys.executable, os.path.join(ROOT, "data/speechocean762/prepare.py"), f"{tmp}/none", "--out", out)
    check("speechocean762 reports a missing folder", done.returncode == 74, done.stderr)


def check_barista(tmp):
    source, out = f"{tmp}/barista", f"{tmp}/barista_out"
    os.makedirs(source)
    rows = [{"audio_filepath": "a.opus", "duration": 2, "text": "a latte please", "speaker": "c1", "gender": None,
             "slots": {"x": "y"}, "split": split} for split in ("train", "dev", "unlabelled")]
    rows[2]["text"] = ""

    def prepare(lines):
        with open(f"{source}/a.opus", "wb") as f:
            f.write(b"x")
        with open(f"{source}/manifest.jsonl", "w") as f:
            f.writelines(line + "\n" for line in lines)
        return run(sys.executable, os.path.join(ROOT, "data/barista/prepare.py"), source, "--out", out)
    done = prepare(json.dumps(r) for r in rows)
    parts = manifests(out) if done.returncode == 0 else {}
    check("barista: train and dev, no unlabelled", sorted(parts) == ["dev.jsonl", "train.jsonl"] and
          all(os.path.isfile(os.path.join(out, r["audio_filepath"])) and "slots" not in r and "gender" not in r
              for p in parts.values() for r in p), done.stderr or parts)
    done = prepare([json.dumps(rows[0]), "{"])
    check("barista refuses broken JSON", done.returncode == 65 and "manifest.jsonl:2" in done.stderr, done.stderr)
    done = prepare([json.dumps(dict(rows[0], audio_filepath="none.opus"))])
    check("barista refuses missing audio", done.returncode == 65 and "manifest.jsonl:1" in done.stderr, done.stderr)


def main():
    if not os.access(SPEAK, os.X_OK):
        print(f"FAIL build/speak: {SPEAK} is not there")
        return 1
    with tempfile.TemporaryDirectory() as tmp:
        one, two = make_corpus(f"{tmp}/one", "--jobs", "1"), make_corpus(f"{tmp}/two", "--jobs", "2")
        check("make.py", one.returncode == 0 and two.returncode == 0, one.stderr + two.stderr)
        if one.returncode == 0 and two.returncode == 0:
            a, b = files(f"{tmp}/one"), files(f"{tmp}/two")
            differ = sorted(n for n in set(a) | set(b) if a.get(n) != b.get(n))
            check("1 job and 2 jobs: identical bytes", not differ, differ[:5])
            check("no temporary files left", not [n for n in a if n.endswith(".tmp")], "")
            corpus = manifests(f"{tmp}/one")
            check_lines(f"{tmp}/one", corpus)
            check_splits(corpus)
            check_vocabulary(corpus)
        check_script_at_full_size(tmp)
        check_voices(tmp)
        check_made_variants(tmp, f"{tmp}/one")
        check_speak_errors(tmp)
        check_make_errors(tmp)
        check_speechocean(tmp)
        check_barista(tmp)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
