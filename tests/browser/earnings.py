"""Cuts the calls of wer_pairs_earnings21 (reference and recognised text of whole calls, no audio) into utterances, as
data for looking at the page:  earnings.py pairs.jsonl OUT_FOLDER SYSTEM OTHER_SYSTEM

Writes OUT_FOLDER/hyp.jsonl and other.jsonl. The texts are real; speakers, gender, accent, durations and confidence are made
up (the calls come without them), so rates by group and calibration mean nothing."""
import difflib
import json
import os
import random
import sys

WORDS = 11  # an utterance has at least so many


def anchors(ref, hyp):
    """Words of ref that are matched, with their neighbours, to words of hyp: {ref index: hyp index}."""
    found = {}
    for a, b, size in difflib.SequenceMatcher(None, ref, hyp, autojunk=True).get_matching_blocks():
        for k in range(1, size - 1):
            found[a + k] = b + k
    return found


def cut(ref, first, second):
    """The three texts cut at places where all three agree."""
    one, two = anchors(ref, first), anchors(ref, second)
    places, last = [(0, 0, 0)], 0
    for i in sorted(set(one) & set(two)):
        if i - last >= WORDS:
            places.append((i, one[i], two[i]))
            last = i
    places.append((len(ref), len(first), len(second)))
    for (a, b, c), (d, e, f) in zip(places, places[1:]):
        yield ref[a:d], first[b:e], second[c:f]


def confidences(ref, hyp, dice):
    heard = set(ref)
    return [{"word": word, "confidence": round(min(0.999, max(0.02, dice.gauss(0.9 if word in heard else 0.55, 0.12))), 3)}
            for word in hyp]


def main(pairs, folder, system, other):
    calls, dice, lines, others = {}, random.Random(4), [], []
    with open(pairs, encoding="utf-8") as file:
        for line in map(json.loads, file):
            calls.setdefault(line["utt_id"], {})[line["system"]] = line
    people = [{"speaker": f"p{k:02}", "gender": dice.choice(["female", "female", "male", "male", "male"]),
               "accent": dice.choice(["American"] * 6 + ["British"] * 2 + ["Indian"] * 3 + ["Nigerian"])} for k in range(70)]
    people[7] = {"speaker": "p07", "gender": "unknown", "accent": None}
    for name, call in sorted(calls.items()):
        mine, its = call[system], call[other]
        ref, speaker, left = mine["ref"].split(), None, 0
        for k, (words, first, second) in enumerate(cut(ref, mine["hyp"].split(), its["hyp"].split())):
            if left == 0:
                speaker, left = dice.choice(people), dice.randint(5, 40)
            left -= 1
            seconds = round(len(words) / 2.6 + 0.3, 2)
            line = {"audio_filepath": f"calls/{name}-{k:04}.wav", "duration": seconds, "text": " ".join(words),
                    "pred_text": " ".join(first), "domain": mine["domain"], **speaker, "words": confidences(words, first, dice)}
            lines.append(line)
            others.append({"audio_filepath": line["audio_filepath"], "duration": seconds, "pred_text": " ".join(second)})
    os.makedirs(folder, exist_ok=True)
    for file, content in ("hyp.jsonl", lines), ("other.jsonl", others):
        with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
            out.writelines(json.dumps(line) + "\n" for line in content)
    print(len(lines), "utterances")


if __name__ == "__main__":
    main(*sys.argv[1:])
