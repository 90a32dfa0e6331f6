"""Compares the english normalisation with PyPI's whisper-normalizer, an oracle outside `make test`:

  build/tests/bench/normalize english < lines > ours;  python3 compare_whisper.py lines ours

Prints the classes of difference, each with its number of places and an example. A place is one replaced stretch of the
word-by-word difference; its class is the first that fits."""
import collections
import difflib
import re
import sys

from whisper_normalizer.english import EnglishTextNormalizer

TITLES = {"representative", "general", "saint", "colonel", "reverend", "senator", "president", "associate", "assistant",
          "senior", "governor", "captain", "lieutenant", "honorable"}


def kind(ours, theirs):
    a, b = " ".join(ours), " ".join(theirs)
    if a.replace(" ", "") == b.replace(" ", ""):
        return "words joined or apart"
    if "percent" in ours or "%" in b:
        return "percent as a word"
    if re.search(r"[$£€¢]", b) or re.search(r"\b(dollars?|cents?|pounds?|euros?)\b", a):
        return "money"
    if re.search(r"\b(is|has|had|would)\b", a + " " + b) and ("'s" in a or "is" in theirs):
        return "'s: possessive, is or has"
    if "had" in ours or "would" in theirs:
        return "'d: had or would"
    if any(word in TITLES for word in theirs):
        return "titles from other words"
    if "because" in theirs:
        return "cause"
    if re.search(r"\d(st|nd|rd|th)\b", a + " " + b) or "second" in ours or "first" in ours or "third" in ours:
        return "ordinals"
    if re.search(r"\d", a + b):
        return "other numbers"
    if not ours:
        return "dropped by us"
    if not theirs:
        return "dropped by whisper"
    return "spelling and contractions"


def main():
    whisper = EnglishTextNormalizer()
    counts, examples, equal, total = collections.Counter(), collections.defaultdict(list), 0, 0
    with open(sys.argv[1], encoding="utf-8") as lines, open(sys.argv[2], encoding="utf-8") as made:
        for line, ours in zip(lines, made, strict=True):
            a, b = ours.split(), whisper(line).split()
            total, equal = total + 1, equal + (a == b)
            for tag, i, j, k, n in difflib.SequenceMatcher(None, a, b, False).get_opcodes():
                if tag != "equal":
                    name = kind(a[i:j], b[k:n])
                    counts[name] += 1
                    examples[name].append((" ".join(a[i:j]), " ".join(b[k:n]), line.strip()[:100]))
    print(f"{total} texts, {equal} the same")
    for name, count in counts.most_common():
        print(f"{count:6}  {name}")
        common = collections.Counter((a, b) for a, b, _ in examples[name]).most_common(int((sys.argv + ["3"])[3]))
        for (a, b), times in common:
            print(f"        {times:5} ours '{a}' whisper '{b}'")


main()
