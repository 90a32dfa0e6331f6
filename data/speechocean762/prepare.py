#!/usr/bin/env python3
"""Writes NeMo manifests for speechocean762 (OpenSLR 101), speakers of train and dev disjoint.

SOURCE is either the unpacked original (WAVE/, train/, test/) or a folder with a manifest.jsonl whose lines carry
`split`. The original has no dev part: 24 of its training speakers, 6 for each gender and age group, become dev.
"""
import argparse
import json
import os
import random
import re
import sys
import wave

ACCENT = "Mandarin Chinese (non-native)"
DEV_SEED = 762


class DataError(Exception):
    pass


def read_table(path):
    """A Kaldi table: key, white space, value."""
    table = {}
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            parts = line.split(None, 1)
            if len(parts) != 2:
                raise DataError(f"{path}:{number}: expected a key and a value")
            if parts[0] in table:
                raise DataError(f"{path}:{number}: {parts[0]} occurs twice")
            table[parts[0]] = (parts[1].strip(), number)
    return table


def look_up(table, path, key, wanted_by):
    if key not in table:
        raise DataError(f"{wanted_by}: {key} is not in {path}")
    return table[key][0]


def wav_seconds(path, wanted_by):
    try:
        with wave.open(path, "rb") as w:
            seconds = w.getnframes() / w.getframerate()
            size = w.getnframes() * w.getnchannels() * w.getsampwidth()
    except (OSError, EOFError, wave.Error, ZeroDivisionError) as e:
        raise DataError(f"{wanted_by}: {path}: {e}") from e
    if not 0 < size <= os.path.getsize(path):
        raise DataError(f"{wanted_by}: {path}: empty or shorter than its header says")
    return round(seconds, 4)


def read_part(source, part):
    """The utterances of train or test in the original layout."""
    folder = os.path.join(source, part)
    paths = {n: os.path.join(folder, n) for n in ("text", "wav.scp", "utt2spk", "spk2gender", "spk2age")}
    tables = {n: read_table(p) for n, p in paths.items()}
    rows = []
    for utterance, (text, number) in tables["text"].items():
        where = f"{paths['text']}:{number}"
        text = " ".join(text.lower().split())
        if re.search(r"[^a-z' ]", text):
            raise DataError(f"{where}: '{text}': only letters, apostrophe and space are expected")
        speaker = look_up(tables["utt2spk"], paths["utt2spk"], utterance, where)
        gender = look_up(tables["spk2gender"], paths["spk2gender"], speaker, where)
        age = look_up(tables["spk2age"], paths["spk2age"], speaker, where)
        audio = os.path.join(source, look_up(tables["wav.scp"], paths["wav.scp"], utterance, where))
        if gender not in ("m", "f"):
            raise DataError(f"{paths['spk2gender']}:{tables['spk2gender'][speaker][1]}: '{gender}', expected m or f")
        if not age.isdigit():
            raise DataError(f"{paths['spk2age']}:{tables['spk2age'][speaker][1]}: '{age}' is no age")
        rows.append({"audio_filepath": audio, "duration": wav_seconds(audio, where), "text": text,
                     "speaker": f"so762-{speaker}", "gender": {"m": "male", "f": "female"}[gender], "age": int(age),
                     "age_group": "child" if int(age) < 18 else "adult", "accent": ACCENT,
                     "domain": "read-short-sentences", "split": part, "utt_id": utterance})
    return rows


def hold_out_dev(rows, per_cell):
    cells = {}
    for r in rows:
        cells.setdefault((r["gender"], r["age_group"]), set()).add(r["speaker"])
    dev = set()
    for cell, speakers in sorted(cells.items()):
        if len(speakers) <= per_cell:
            raise DataError(f"only {len(speakers)} training speakers are {' '.join(cell)}: cannot hold out {per_cell}")
        dev |= set(random.Random(f"{DEV_SEED} {cell}").sample(sorted(speakers), per_cell))
    for r in rows:
        if r["speaker"] in dev:
            r["split"] = "dev"


def read_manifest(path):
    rows = []
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            try:
                row = json.loads(line)
                missing = {"audio_filepath", "duration", "text", "speaker", "split"} - set(row)
            except (ValueError, TypeError) as e:
                raise DataError(f"{path}:{number}: {e}") from e
            if missing:
                raise DataError(f"{path}:{number}: no {', '.join(sorted(missing))}")
            row["audio_filepath"] = os.path.join(os.path.dirname(path), row["audio_filepath"])
            if not os.path.isfile(row["audio_filepath"]):
                raise DataError(f"{path}:{number}: {row['audio_filepath']} is not there")
            rows.append(row)
    return rows


def write_manifests(rows, out):
    speakers = {}
    for r in rows:
        if speakers.setdefault(r["speaker"], r["split"]) != r["split"]:
            raise DataError(f"speaker {r['speaker']} is in {speakers[r['speaker']]} and in {r['split']}")
    os.makedirs(out, exist_ok=True)
    for split in ("train", "dev", "test"):
        part = [r for r in rows if r["split"] == split]
        if not part:
            continue
        path = os.path.join(out, f"{split}.jsonl")
        with open(path + ".tmp", "w", encoding="utf-8") as f:
            for r in part:
                audio = os.path.relpath(os.path.realpath(r["audio_filepath"]), os.path.realpath(out))
                f.write(json.dumps(dict(r, audio_filepath=audio)) + "\n")
            f.flush()
            os.fsync(f.fileno())
        os.replace(path + ".tmp", path)
        print(f"{path}: {len(part)} utterances, {sum(r['duration'] for r in part) / 3600:.2f} h, "
              f"{len({r['speaker'] for r in part})} speakers")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(64, f"prepare.py: {message} (try --help)\n")


def main():
    p = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
               epilog="example: python3 data/speechocean762/prepare.py ~/speechocean762 --out manifests")
    p.add_argument("source", metavar="SOURCE")
    p.add_argument("--out", required=True, help="folder for the manifests")
    p.add_argument("--dev-speakers", type=int, default=6, help="for each gender and age group [%(default)s]")
    options = p.parse_args()
    try:
        manifest = os.path.join(options.source, "manifest.jsonl")
        if os.path.exists(manifest):
            rows = read_manifest(manifest)
        else:
            rows = read_part(options.source, "train")
            hold_out_dev(rows, options.dev_speakers)
            if os.path.exists(os.path.join(options.source, "test")):
                rows += read_part(options.source, "test")
        write_manifests(rows, options.out)
    except DataError as e:
        print(f"prepare.py: {e}", file=sys.stderr)
        return 65
    except UnicodeDecodeError as e:
        print(f"prepare.py: not UTF-8: {e}", file=sys.stderr)
        return 65
    except OSError as e:
        print(f"prepare.py: {e}", file=sys.stderr)
        return 74
    return 0


if __name__ == "__main__":
    sys.exit(main())
