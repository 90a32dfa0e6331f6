"""Made-up manifests to make reports from:  corpus.py FOLDER UTTERANCES [hostile]

Writes FOLDER/hyp.jsonl (text, pred_text, words with confidence, metadata), other.jsonl (a second system), terms.txt and
vocabulary.txt.
Every word, path and name begins with "zq", so that a test can look for them. `hostile` adds texts and names that a careless
report would take for markup."""
import json
import os
import random
import sys

HOSTILE = ["</script><img src=x onerror=document.zq=1>", "<!--<script>", "zq\u2028zq\u2029", "| zq | **zq** `zq`", "\"'&lt;<b>zq</b>",
           "zq\u202egpj.exe", "javascript:document.zq=1", "zq" * 400]


def word(dice):
    return "zq" + "".join(dice.choice("bdfgklmnprstvz") + dice.choice("aeiou") for _ in range(dice.randint(1, 3)))


def recognised(text, vocabulary, dice, errors):
    """What a system that errs at that rate would write."""
    out = []
    for spoken in text:
        chance = dice.random()
        if chance < errors * 0.5:
            out.append(dice.choice(vocabulary))
        elif chance < errors * 0.8:
            continue
        else:
            out.append(spoken)
        if dice.random() < errors * 0.2:
            out.append(dice.choice(vocabulary))
    return out


def main(folder, count, hostile=""):
    dice = random.Random(7)
    vocabulary = [word(dice) for _ in range(600)]
    people = [{"speaker": f"zqperson{k}", "gender": dice.choice(["female", "male"]), "accent": dice.choice(["northern", "southern", None]),
               "domain": dice.choice(["medicine", "poverty"])} for k in range(48)]
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/hyp.jsonl", "w", encoding="utf-8") as hyp, open(f"{folder}/other.jsonl", "w", encoding="utf-8") as other:
        for k in range(count):
            person = dice.choice(people)
            ref = [dice.choice(vocabulary) for _ in range(dice.randint(3, 20))]
            rate = 0.1 + 0.1 * (person["gender"] == "female")
            said, before = recognised(ref, vocabulary, dice, rate), recognised(ref, vocabulary, dice, 0.25)
            line = {"audio_filepath": f"zqfolder/zqclip{k}.wav", "duration": round(len(ref) / 2.5, 2), "text": " ".join(ref),
                    "pred_text": " ".join(said), **person,
                    "words": [{"word": w, "confidence": round(dice.uniform(0.6, 1) if w in ref else dice.uniform(0.1, 0.8), 3)}
                              for w in said]}
            if hostile and k < len(HOSTILE):
                line["text"], line["pred_text"] = f"zqbabe {HOSTILE[k]}", f"zqbabe {HOSTILE[-1 - k]}"
                line["accent"], line["speaker"] = HOSTILE[k], HOSTILE[k]
                line["audio_filepath"] = f"zqfolder/{HOSTILE[k][:60]}.wav"
                del line["words"]
            hyp.write(json.dumps(line) + "\n")
            other.write(json.dumps({"audio_filepath": line["audio_filepath"], "pred_text": " ".join(before)}) + "\n")
    known = sorted(set(vocabulary))
    for name, words in ("terms.txt", known[:60]), ("vocabulary.txt", known[30:]):
        with open(f"{folder}/{name}", "w", encoding="utf-8") as out:
            out.writelines(f"{w}\n" for w in words)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
