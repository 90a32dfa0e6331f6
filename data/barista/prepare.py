#!/usr/bin/env python3
"""Writes train and dev manifests for the coffee orders of Picovoice's speech-to-intent-benchmark.

SOURCE is the folder with manifest.jsonl (see DATASHEET.md). Lines without a transcript (split `unlabelled`) are left
out; `speaker` is an automatic cluster, not a person.
"""
import argparse
import json
import os
import sys


class DataError(Exception):
    pass


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
            if row["split"] == "unlabelled":
                continue
            if not row["text"]:
                raise DataError(f"{path}:{number}: no text in a line of split {row['split']}")
            row["audio_filepath"] = os.path.join(os.path.dirname(path), row["audio_filepath"])
            if not os.path.isfile(row["audio_filepath"]):
                raise DataError(f"{path}:{number}: {row['audio_filepath']} is not there")
            row.pop("slots", None)   # nested: no slice
            rows.append({key: value for key, value in row.items() if value is not None})
    return rows


def write_manifests(rows, out):
    os.makedirs(out, exist_ok=True)
    for split in sorted({r["split"] for r in rows}):
        part = [r for r in rows if r["split"] == split]
        path = os.path.join(out, f"{split}.jsonl")
        with open(path + ".tmp", "w", encoding="utf-8") as f:
            for r in part:
                audio = os.path.relpath(os.path.realpath(r["audio_filepath"]), os.path.realpath(out))
                f.write(json.dumps(dict(r, audio_filepath=audio)) + "\n")
            f.flush()
            os.fsync(f.fileno())
        os.replace(path + ".tmp", path)
        print(f"{path}: {len(part)} utterances, {sum(r['duration'] for r in part) / 3600:.2f} h, "
              f"{len({r['speaker'] for r in part})} speaker clusters")


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(64, f"prepare.py: {message} (try --help)\n")


def main():
    p = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
               epilog="example: python3 data/barista/prepare.py ~/corpora/barista_orders --out manifests")
    p.add_argument("source", metavar="SOURCE")
    p.add_argument("--out", required=True, help="folder for the manifests")
    options = p.parse_args()
    try:
        write_manifests(read_manifest(os.path.join(options.source, "manifest.jsonl")), options.out)
    except DataError as e:
        print(f"prepare.py: {e}", file=sys.stderr)
        return 65
    except OSError as e:
        print(f"prepare.py: {e}", file=sys.stderr)
        return 74
    return 0


if __name__ == "__main__":
    sys.exit(main())
