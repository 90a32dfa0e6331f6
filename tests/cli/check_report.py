"""Checks what jargon eval wrote:  check_report.py shape FOLDER | redacted INPUT_FOLDER OUTPUT_FOLDER"""
import base64
import hashlib
import html.parser
import json
import os
import re
import sys
import unicodedata


class Page(html.parser.HTMLParser):
    """Elements, and the texts of the scripts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.scripts, self.inside = [], [], False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.scripts[-1] += data


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def check_page(folder):
    text, page = read(folder, "page.html"), Page(read(folder, "page.html"))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 2 and tags.count("style") == 1, "the page has other scripts than its data and its own"
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "h1", "p", "nav", "noscript", "code", "main", "footer",
               "script"}
    assert set(tags) <= allowed, f"elements that the page itself does not have: {set(tags) - allowed}"
    for tag, attributes in page.elements:
        for name in "src", "href", "srcset", "action", "data":
            assert name not in attributes, f"<{tag}> refers to {attributes[name]}"
    outside = text.replace(page.scripts[0], "").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttpRequest|innerHTML|insertAdjacentHTML|document\.write", outside)
    policy = next(a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy, policy
    return json.loads(page.scripts[0])


def check_document(folder, inside):
    document = json.loads(read(folder, "scores.json"))
    lines = [json.loads(line) for line in read(folder, "hyp.jsonl").splitlines()]
    for kept in inside, document:
        assert len(kept["utterances"]) == len(lines)
    for line, utterance in zip(lines, inside["utterances"]):
        assert utterance["audio"] == os.path.normpath(line["audio_filepath"]), (utterance["audio"], line["audio_filepath"])
        assert " ".join(utterance["ref"]).split() == line["text"].split()
        assert " ".join(utterance["hyp"]).split() == line["pred_text"].split()
        assert utterance["meta"]["speaker"] == line["speaker"]
        path = utterance["path"]
        assert sum(map(path.count, "=SD")) == len(utterance["ref"]) and sum(map(path.count, "=SI")) == len(utterance["hyp"])
    for part in inside, document:  # every figure of one is in the other
        for utterance in part["utterances"]:
            del utterance["audio"]
    assert inside == document
    everything = document["slices"][0]["cells"][0]
    counted = sum(utterance["path"].count("S") for utterance in document["utterances"])
    assert everything["substitutions"] == counted > 0


def columns(row):
    return len(re.sub(r"\\.", "", row).split("|"))


def check_card(folder):
    card, width, document = read(folder, "card.md"), None, json.loads(read(folder, "scores.json"))
    assert not re.search(r"<[a-z!/]", card), "markup of the data in the card"
    rows = 0
    for line in card.split("\n"):
        if not line.startswith("|"):
            width = None
            continue
        width = width or columns(line)
        assert columns(line) == width, f"a row with other columns: {line}"
        rows += 1
    cells = sum(len(part["cells"]) for part in document["slices"][1:])
    assert rows >= cells + 2 * (len(document["slices"]) - 1), "not every group has its row"
    for heading in "Intended use", "Fairness", "Limits", "How it was scored":
        assert f"## {heading}\n" in card
    assert f"{100 * document['slices'][0]['cells'][0]['wer']:.2f} %" in card


def shown(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def check_table(folder):
    table = read(folder, "table.txt")
    wide = [line for line in table.split("\n") if shown(line) > 80]
    assert not wide, f"wider than 80 columns: {wide[0]}"
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]", table), "control characters reach the terminal"
    assert "too narrow for: " in table and "groups of fewer than 10 known" in table
    assert "too few speakers" in table or "hostile" not in folder


def check_redacted(source, folder):
    lines = [json.loads(line) for name in ("hyp.jsonl", "other.jsonl") for line in read(source, name).splitlines()]
    words = {word for line in lines for word in (line.get("text", "") + " " + line["pred_text"]).split()}
    words |= {line["speaker"] for line in lines if "speaker" in line}
    words |= {part for line in lines for part in re.split(r"[/.]", line["audio_filepath"]) if part != "wav"}
    words |= {"hyp.jsonl", "other.jsonl", os.path.basename(os.path.dirname(source)), source}
    assert len(words) > 400
    for name in "page.html", "card.md", "scores.json", "table.txt", "errors.txt":
        text = read(folder, name)
        found = [word for word in words if word in text]
        assert not found and "zq" not in text, f"{name} has {found[:5]}"
    document = json.loads(read(folder, "scores.json"))
    assert all(part in document for part in ("gaps", "models", "jargon", "vocabulary", "confidence")), list(document)
    assert len(document["jargon"]["terms"]) > 40 and document["jargon"]["domains"][0]["recall"] > 0.5
    assert document["redacted"] and len(document["utterances"]) == sum(1 for line in lines if "text" in line)
    by_speaker = next(part for part in document["slices"] if part["keys"] == ["speaker"])
    names = [cell["values"]["speaker"] for cell in by_speaker["cells"]]
    assert sorted(names, key=int) == [str(k + 1) for k in range(len(names))] and len(names) == 48
    speakers = {utterance["meta"]["speaker"] for utterance in document["utterances"]}
    assert speakers == set(names), "a speaker has one number in the groups and another in the utterances"
    genders = {cell["values"]["gender"] for part in document["slices"] if "gender" in part["keys"] for cell in part["cells"]}
    assert genders == {"female", "male"}
    assert all("path" in utterance and "ref" not in utterance for utterance in document["utterances"])


def main(what, *folders):
    if what == "redacted":
        check_redacted(*folders)
    else:
        check_document(folders[0], check_page(folders[0]))
        check_card(folders[0])
        check_table(folders[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
