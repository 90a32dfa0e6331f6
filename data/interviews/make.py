#!/usr/bin/env python3
"""Makes the synthetic interview corpus: writes the script from the grammars, has build/speak and flite read it aloud.

Every sentence and every speaker is a function of --seed. Training speakers use variants made from espeak's by moving
their formants; dev and test speakers use variants of espeak that nothing else is made from; no sentence of test,
off-grammar or flite occurs in training or dev. See DATASHEET.md.
"""
import argparse
import concurrent.futures
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import wave

HERE = os.path.dirname(os.path.abspath(__file__))

ACCENTS = {  # name: espeak's voice ("en-gb+m3" would not be taken, "en" is British)
    "us": "en-us", "nyc": "en-us-nyc", "gb": "en", "scotland": "en-gb-scotland", "rp": "en-gb-x-rp",
    "gbclan": "en-gb-x-gbclan", "gbcwmd": "en-gb-x-gbcwmd", "029": "en-029"}

# Whole variants are held out. Near twins of the test variants (rob, steph, steph2, linda, f2) are used nowhere.
VARIANTS = {
    "train": {"male": "m1 m2 m3 m4 m5 m6 Alex Andy Denis Gene Henrique Marco Mario Mike Nguyen adam antonio benjamin "
                      "ed edward gustave iven2 john max pablo paul pedro sandro travis victor Diogo Hugo Jacky Michael "
                      "Storm Tweaky announcer boris grandpa iven3 klatt3 klatt4 marcelo miguel norbert".split(),
              "female": "f1 f4 Alicia anika aunty grandma shelby".split()},
    "dev": {"male": ["Lee", "quincy"], "female": ["f3", "Annie"]},
    "test": {"male": ["m7", "m8", "david", "robert"], "female": ["f5", "belinda", "Andrea", "steph3"]}}

MADE = 145  # variants made for the training speakers of each gender; espeak knows 349 voices at most

FLITE = {"kal16": ("male", "us"), "awb": ("male", "scotland"), "rms": ("male", "us"), "slt": ("female", "us")}

# Never in salad, where nothing tells them from another word.
HOMOPHONES = set("a an the to too two no know knew new write right threw through their there they're its it's by buy "
                 "here hear four for one won wore war our hour week weak see sea son sun meet meat".split())

COLUMNS = ("manifest audio voice pitch rate range shift gain noise tilt pause say text "
           "speaker gender accent domain split style").split()


class CorpusError(Exception):
    pass


def read_lines(path):
    with open(path, encoding="ascii") as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if line and not line.startswith("#"):
                yield number, line


class Grammar:
    """The lists, sentence templates and salad words of one file."""

    def __init__(self, path):
        self.lists, self.sentences, self.words, section = {}, [], [], None
        for number, line in read_lines(path):
            where = f"{path}:{number}"
            if re.fullmatch(r"\[[a-z]+\]", line):
                section = line[1:-1]
            elif section is None:
                raise CorpusError(f"{where}: text before the first [section]")
            elif re.search(r"[^a-z' ,{}()|?]", line):
                raise CorpusError(f"{where}: only a-z, apostrophe, space and {{}} () | ? , are allowed")
            elif section == "sentences":
                self.sentences.append((where, line))
            elif section == "words":
                self.words += line.split()
            else:
                self.lists.setdefault(section, []).extend(i.strip() for i in line.split(",") if i.strip())
        for where, text in self.sentences + [(f"{path}: [{n}]", i) for n, items in self.lists.items() for i in items]:
            for name in re.findall(r"\{(.*?)\}", text):
                if name not in self.lists:
                    raise CorpusError(f"{where}: no list [{name}]")
        if not self.sentences:
            raise CorpusError(f"{path}: no [sentences]")

    def vocabulary(self):
        """Every word it can say."""
        text = " ".join([s for _, s in self.sentences] + [i for items in self.lists.values() for i in items])
        return set(re.findall(r"[a-z']+", re.sub(r"\{.*?\}", " ", text))) | set(self.words)

    def terms(self):
        """The items of the lists that hold no further list or choice."""
        return sorted({i for items in self.lists.values() for i in items if not re.search(r"[{(]", i)})


class Author:
    """Draws sentences. Every list is dealt out like a deck of cards, so its items come up equally often."""

    def __init__(self, grammar, salad, taken, seed):
        self.grammar, self.salad, self.taken = grammar, salad, taken
        self.random = random.Random(seed)
        self.decks = {}

    def deal(self, name, cards):
        deck = self.decks.setdefault(name, [])
        if not deck:
            deck += cards
            self.random.shuffle(deck)
        return deck.pop()

    def expand(self, text):
        while "{" in text:
            text = re.sub(r"\{(\w+)\}", lambda m: self.deal(m[1], self.grammar.lists[m[1]]), text)
        return re.sub(r"\(([^()]*)\)", lambda m: self.random.choice(m[1].split("|")), text)

    def sentence(self):
        """A sentence of 4 to 16 words that is in no other split, and whether it is a question."""
        for _ in range(10000):
            text = self.expand(self.deal("sentences", [s for _, s in self.grammar.sentences]))
            question = text.endswith("?")
            text = " ".join(text.rstrip("?").split())
            text = re.sub(r"\ba (?=[aeiou])(?!uni|use|one|eu)", "an ", text)
            if 4 <= len(text.split()) <= 16 and len(text) <= 100 and text not in self.taken:
                return text, question
        raise CorpusError("the grammar has too few sentences for a corpus of this size")

    def salad_utterance(self):
        """Words in a row with no grammar to guess from."""
        for _ in range(10000):
            text = " ".join(self.salad(self) for _ in range(self.random.randint(3, 8)))
            if len(text) <= 80 and text not in self.taken:
                return text
        raise CorpusError("too few words for salad")


def variants(split, gender):
    """Their names: in training MADE, each made from the variant before the underscore."""
    sources = VARIANTS[split][gender]
    if split != "train":
        return sources
    return [f"{sources[i % len(sources)]}_{i // len(sources)}" for i in range(MADE)]


def moved_formants(text, r):
    """A variant file of espeak with other formants: frequencies by up to 15 %, heights by 35 %, widths by 20 %."""
    formants, lines = {number: [100, 100, 100] for number in range(1, 6)}, []
    for line in text.splitlines():
        words = line.split("//")[0].split()
        if words[:1] == ["formant"] and int(words[1]) in formants:
            formants[int(words[1])] = [float(w) for w in words[2:]]
        else:
            lines.append(line)
    for number, values in formants.items():
        moved = [value * math.exp(r.uniform(-s, s)) for value, s in zip(values, (0.14, 0.3, 0.2))] + values[3:]
        lines.append(f"formant {number} " + " ".join(str(round(v)) for v in moved))
    return "\n".join(lines) + "\n"


def write_voices(options):
    """A folder espeak-ng-data in --out like espeak's own, but its variants are those of this corpus."""
    done = subprocess.run([options.speak, "--espeak-data"], capture_output=True, text=True)
    theirs, ours = done.stdout.strip(), os.path.join(options.out, "espeak-ng-data")
    if done.returncode or not theirs:
        raise CorpusError(f"{options.speak} does not say where espeak's voices are: {done.stderr.strip()}")
    shutil.rmtree(ours, ignore_errors=True)
    os.makedirs(f"{ours}/voices/!v")
    os.makedirs(f"{ours}/lang")
    for name in set(os.listdir(theirs)) - {"voices", "lang"} | {"lang/gmw"}:  # the languages nearest to English
        os.symlink(f"{theirs}/{name}", f"{ours}/{name}")
    r = random.Random(f"{options.seed} variants")
    for split, gender in [(split, gender) for split in VARIANTS for gender in VARIANTS[split]]:
        for name in variants(split, gender):
            source, copy = f"{theirs}/voices/!v/{name.split('_')[0]}", f"{ours}/voices/!v/{name}"
            if split == "train":
                with open(source, encoding="utf-8", errors="replace") as f, open(copy, "w", encoding="utf-8") as to:
                    to.write(moved_formants(f.read(), r))
            else:
                shutil.copyfile(source, copy)


class Cast:
    """Speakers of one split: no two alike."""

    def __init__(self, split, seed):
        self.split, self.random, self.seen = split, random.Random(seed), set()
        self.variants = {gender: variants(split, gender) for gender in VARIANTS[split]}
        self.drawn = {"male": 0, "female": 0}

    def speaker(self, accent, gender):
        r = self.random
        mine = self.variants[gender]
        while True:
            n = self.drawn[gender]  # each round through the accents starts one variant later: every accent gets them all
            variant = r.choice(mine) if self.split == "train" else mine[(n + n // len(ACCENTS)) % len(mine)]
            pitch, rate, span = r.randrange(30, 71, 2), r.randrange(150, 206, 5), r.randrange(30, 81, 5)
            self.drawn[gender] += 1
            if (accent, variant, pitch, rate, span) not in self.seen:
                break
        self.seen.add((accent, variant, pitch, rate, span))
        return {
            "voice": f"{ACCENTS[accent]}+{variant}", "pitch": pitch, "rate": rate, "range": span,
            "shift": round(r.uniform(0.87, 1.16), 3) if self.split == "train" else 1,
            "gain": round(r.uniform(-9, 0), 1), "noise": round(r.uniform(-70, -50), 1),
            "tilt": round(r.uniform(-0.3, 0.3), 2),
            "speaker": f"{accent}-{variant}-p{pitch}-r{rate}-i{span}", "gender": gender, "accent": accent,
            "split": self.split}


class Script:
    """The lines that build/speak reads."""

    def __init__(self, pronunciations, seed):
        self.lines, self.pronunciations, self.random = ["\t".join(COLUMNS)], pronunciations, random.Random(seed)

    def say(self, text, question):
        for pattern, spoken in self.pronunciations:
            text = pattern.sub(spoken, text)
        return text + ("?" if question else ".")

    def interview(self, manifest, audio, speaker, utterances):
        for text, question, domain, style in utterances:
            row = dict(speaker, manifest=manifest, audio=audio, pause=self.random.randrange(300, 901, 20), text=text,
                       say=self.say(text, question), domain=domain, style=style)
            self.lines.append("\t".join(str(row[c]) for c in COLUMNS))


def seconds_estimate(text, rate):
    return 0.2 + len(text) / (0.103 * rate)


def read_pronunciations(path):
    rules = []
    for number, line in read_lines(path):
        word, equals, spoken = line.partition(" = ")
        if not equals:
            raise CorpusError(f"{path}:{number}: expected 'transcript = spoken'")
        rules.append((re.compile(rf"\b{re.escape(word)}\b"), spoken))
    return rules


def read_offgrammar(path):
    sentences = []
    for number, line in read_lines(path):
        if re.search(r"[^a-z' ]", line):
            raise CorpusError(f"{path}:{number}: only a-z, apostrophe and space are allowed")
        sentences.append(line)
    return sentences


def cells():
    return [(accent, gender) for accent in ACCENTS for gender in ("male", "female")]


def write_atomically(path, text):
    with open(path + ".tmp", "w", encoding="ascii") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    os.replace(path + ".tmp", path)


def make_authors(grammars, taken, seed):
    general_words = sorted((grammars["general"].vocabulary() - HOMOPHONES))
    authors = {}
    for domain, grammar in grammars.items():
        if domain == "general":
            def salad(author):
                return author.deal("salad", general_words)
        else:
            def salad(author, terms=grammar.terms()):
                is_own = author.random.random() < 0.7
                return author.deal("terms", terms) if is_own else author.deal("salad", general_words)
        authors[domain] = Author(grammar, salad, taken, f"{seed} {domain}")
    return authors


def write_script(options, script, authors, offgrammar):
    """Fills the script; returns the sentences left for flite."""
    domains = list(authors)
    taken = set(sum(offgrammar.values(), []))
    for author in authors.values():
        author.taken = taken

    def fresh(domain):
        text, question = authors[domain].sentence()
        taken.add(text)
        return text, question, domain, "sentence"

    # Test and dev: every accent and gender alike, every speaker reads general and every domain.
    casts = {split: Cast(split, f"{options.seed} {split}") for split in VARIANTS}
    for split, per_cell in (("test", options.test_speakers), ("dev", options.dev_speakers)):
        for i in range(per_cell):
            for k, (accent, gender) in enumerate(cells()):
                speaker = casts[split].speaker(accent, gender)
                order = domains[(i + k) % len(domains):] + domains[:(i + k) % len(domains)]
                turns = [order[j % len(order)] for j in range(options.sentences_per_speaker)]
                script.interview(f"{split}.jsonl", f"audio/{split}/{speaker['speaker']}.wav", speaker,
                                 [fresh(domain) for domain in turns])
    hand_written = [(text, False, domain, "handwritten") for domain in offgrammar for text in offgrammar[domain]]
    random.Random(f"{options.seed} offgrammar").shuffle(hand_written)
    for k in range(0, len(hand_written), 5):
        speaker = casts["test"].speaker(*cells()[k // 5 % len(cells())])
        script.interview("offgrammar.jsonl", f"audio/offgrammar/{speaker['speaker']}.wav", speaker,
                         hand_written[k:k + 5])
    for_flite = [fresh(domain) for _ in range(options.flite_sentences) for domain in domains]

    # Training: the sentences above are taken.
    for domain in domains:
        seconds = options.hours * 3600 if domain == "general" else options.minutes_per_domain * 60
        share = options.salad if domain == "general" else options.domain_salad
        texts, author, k = [], authors[domain], 0
        while seconds > 0:
            accent, gender = cells()[k % len(cells())]
            speaker = casts["train"].speaker(accent, gender)
            utterances, length = [], 0
            while length < min(options.interview_seconds, seconds):
                if author.random.random() < share:
                    utterances.append((author.salad_utterance(), False, domain, "salad"))
                else:
                    utterances.append((*author.sentence(), domain, "sentence"))
                length += seconds_estimate(utterances[-1][0], speaker["rate"])
            script.interview(f"{domain}.train.jsonl", f"audio/{domain}.train/{speaker['speaker']}.wav", speaker,
                             utterances)
            texts += [u[0] for u in utterances]
            seconds -= length
            k += 1
        write_atomically(os.path.join(options.out, f"{domain}.train.txt"), "".join(t + "\n" for t in texts))
    return for_flite


def run_flite(options, script, utterances):
    """Another synthesiser's voices, which nothing is trained on."""
    flite = shutil.which("flite")
    if not flite:
        raise CorpusError("flite is not installed (apt install flite); --flite-sentences 0 goes without")
    folder = os.path.join(options.out, "audio/flite")
    os.makedirs(folder, exist_ok=True)

    def speak(index):
        text, question, domain, style = utterances[index]
        voice = list(FLITE)[index // len(options.domains) % len(FLITE)]
        name = f"audio/flite/{index:04d}-{voice}.wav"
        path = os.path.join(options.out, name)
        done = subprocess.run([flite, "-voice", voice, "-t", script.say(text, question), "-o", path + ".tmp"],
                              capture_output=True, text=True)
        if done.returncode:
            raise CorpusError(f"flite failed on '{text}': {done.stderr.strip()}")
        with wave.open(path + ".tmp", "rb") as w:
            if (w.getframerate(), w.getnchannels(), w.getsampwidth()) != (16000, 1, 2):
                raise CorpusError(f"flite's voice {voice} is not 16 kHz, mono, 16 bit")
            duration = w.getnframes() / 16000
        os.replace(path + ".tmp", path)
        return json.dumps({"audio_filepath": name, "offset": 0, "duration": duration, "text": text,
                           "voice": f"flite-{voice}", "speaker": f"flite-{voice}", "gender": FLITE[voice][0],
                           "accent": FLITE[voice][1], "domain": domain, "split": "test", "style": style}) + "\n"

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        lines = list(pool.map(speak, range(len(utterances))))
    write_atomically(os.path.join(options.out, "flite.jsonl"), "".join(lines))


def print_summary(out):
    print(f"{'manifest':24}{'utterances':>11}{'minutes':>9}{'speakers':>9}{'words':>8}{'types':>7}")
    for name in sorted(n for n in os.listdir(out) if n.endswith(".jsonl")):
        with open(os.path.join(out, name), encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        words = [w for r in rows for w in r["text"].split()]
        print(f"{name:24}{len(rows):11}{sum(r['duration'] for r in rows) / 60:9.1f}"
              f"{len({r['speaker'] for r in rows}):9}{len(words):8}{len(set(words)):7}")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(64, f"make.py: {message} (try --help)\n")


def at_least(kind, low):
    def parse(text):
        value = kind(text)
        if not value >= low:
            raise argparse.ArgumentTypeError(f"must be at least {low}")
        return value
    return parse


def parse_options(argv):
    p = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
               epilog="example: python3 data/interviews/make.py --seed 1 --out corpus")
    p.add_argument("--out", required=True, help="folder for audio and manifests")
    p.add_argument("--seed", type=int, default=1, help="[%(default)s]")
    p.add_argument("--hours", type=at_least(float, 0.001), default=10, help="general training speech [%(default)s]")
    p.add_argument("--minutes-per-domain", type=at_least(float, 0.1), default=40, help="training speech [%(default)s]")
    p.add_argument("--test-speakers", type=at_least(int, 1), default=10, help="for each accent and gender [%(default)s]")
    p.add_argument("--dev-speakers", type=at_least(int, 1), default=4, help="for each accent and gender [%(default)s]")
    p.add_argument("--sentences-per-speaker", type=at_least(int, 1), default=6, help="in test and dev [%(default)s]")
    p.add_argument("--flite-sentences", type=at_least(int, 0), default=30, help="for each domain [%(default)s]")
    p.add_argument("--interview-seconds", type=at_least(float, 1), default=35, help="of one training speaker [%(default)s]")
    p.add_argument("--salad", type=at_least(float, 0), default=0.12, help="share of general training utterances [%(default)s]")
    p.add_argument("--domain-salad", type=at_least(float, 0), default=0.35, help="the same in a domain [%(default)s]")
    p.add_argument("--jobs", type=at_least(int, 1), default=os.cpu_count(), help="processes at a time [%(default)s]")
    p.add_argument("--speak", default=os.path.join(HERE, "../../build/speak"), help="program [build/speak]")
    return p.parse_args(argv)


def make(options):
    if not os.access(options.speak, os.X_OK):
        raise CorpusError(f"{options.speak} is not there: build it with `make build/speak`")
    grammar_folder = os.path.join(HERE, "grammar")
    others = sorted(n[:-4] for n in os.listdir(grammar_folder) if n.endswith(".txt") and n != "general.txt")
    options.domains = ["general"] + others
    grammars = {d: Grammar(os.path.join(grammar_folder, d + ".txt")) for d in options.domains}
    offgrammar = {d: read_offgrammar(os.path.join(HERE, "offgrammar", d + ".txt")) for d in options.domains}
    os.makedirs(options.out, exist_ok=True)
    write_voices(options)
    script = Script(read_pronunciations(os.path.join(HERE, "say.txt")), f"{options.seed} script")
    for_flite = write_script(options, script, make_authors(grammars, set(), options.seed), offgrammar)
    path = os.path.join(options.out, "script.tsv")
    write_atomically(path, "\n".join(script.lines) + "\n")
    done = subprocess.run([options.speak, "--jobs", str(options.jobs), path, options.out],
                          env={**os.environ, "ESPEAK_DATA_PATH": options.out})
    if done.returncode:
        return done.returncode if done.returncode > 0 else 74
    if for_flite:
        run_flite(options, script, for_flite)
    print_summary(options.out)
    return 0


def main():
    try:
        return make(parse_options(sys.argv[1:]))
    except CorpusError as e:
        print(f"make.py: {e}", file=sys.stderr)
        return 65
    except OSError as e:
        print(f"make.py: {e}", file=sys.stderr)
        return 74


if __name__ == "__main__":
    sys.exit(main())
