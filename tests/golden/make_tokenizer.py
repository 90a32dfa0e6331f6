#!/usr/bin/env python3
"""Makes the goldens in tests/golden/tokenizer: small tokenizer.json files and what Hugging Face's tokenizers library makes
of a few hundred lines of nasty text with them. Needs tokenizers, sentencepiece and protobuf (0.23.3, 0.2.3 made those in the
tree) and, for the vocabularies that this program writes itself, the program: make_tokenizer.py [build/jargon]

  NAME.json       a tokenizer
  NAME.expected   for each line of lines.txt: the ids, a tab, the text that they decode to as a JSON string
  lines.txt       a JSON string a line

Special tokens are taken out of the file before the library reads it: it would find "<pad>" in a transcript, and this
program does not, on purpose.
"""
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import sentencepiece
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).resolve().parent / "tokenizer"
SPACE = "\u2581"

TEXT = """the patient was given ten milligrams of morphine and the pain went down
poverty and inequality are measured by the gini coefficient and the poverty line
in ruby a block is a closure and a proc is an object that holds a block
we talked about the theory of the welfare state then about the theatre there
a cat sat on the mat and another cat sat on the other mat under the table
measurement of blood pressure at the clinic was repeated at the hospital
it's the students' work isn't it and they're not sure that he's there
café naïve résumé señor über straße façade
one two three four five six seven eight nine ten eleven twelve""".split("\n")

NASTY = ["", " ", "  ", "a", " a", "a ", "  a  b  ", "\t", "a\tb\nc\r\nd", "\u00a0a\u00a0b", "a\u2003b\u3000c\u200bd", "\u0085x\u2028y\u2029z",
         "é", "e\u0301", "e\u0301\u0301\u0323", "\u0301", " \u0301a", "Ångström Å Å", "ﬁne ﬂuﬀ ½ ① ㎏ Ⅳ ﷺ", "İstanbul I ı i̇ ß ẞ SS",
         "ΣΑΣ σας ς", "ǅ ǆ Ǆ", "日本語 テキスト", "中文字符", "한국어 한국어", "русский текст", "עברית", "العربية",
         "\u202eabc\u202c", "😀", "👩‍👩‍👧‍👦 family", "🇩🇪🇫🇷", "👍🏽ok", "a😀b😀😀c", "\U0010fffd\ue000", "\ufeffbom", "\ufffd", "\u0000"[:0] + "x\u0001y\u007fz",
         SPACE, SPACE + "the", "a" + SPACE + "b", SPACE * 3, " " + SPACE + " ", "the" + SPACE, "th\u00ade", "co-operate", "don't", "o'clock'", "''", "\"q\"",
         "<s>", "</s>", "<0x41>", "<0xZZ>", "<", ">", "&amp;", "\\n", "%s%n", "C:\\path", "http://a.b/c?d=e&f", "x@y.z", "1,234.56", "10%", "$5", "#tag",
         "a" * 200, "ab" * 100, "the" * 60, "tHe ThE THE", "aé" * 40, "zzzzqqqq", "the " * 40, "q" * 30 + " " + "the", "é" * 33, "e\u0301" * 33,
         "there theatre theory them then the th t", "cat cats catcat ca tcat", "on on on  on   on    on", "…—–‘’“”", "²³¹", "ａｂｃ", "ﾊﾝｶｸ",
         "\u1100\u1161\u11a8", "\u0e01\u0e33", "\u0bc6\u0bbe", "क्षि", "\U0001d400\U0001d7ce", "\u212b\u2126", "a\u0328\u0301 \u0105\u0301", "\u0344", "\u2260 =\u0338"]


def lines():
    """Nasty lines, real ones, and random mixtures of both and of single characters."""
    generator = random.Random(7)
    words = sorted({w for line in TEXT for w in line.split()})
    pool = [n for n in NASTY if 0 < len(n) < 12] + words
    out = NASTY + TEXT
    for _ in range(60):
        out.append(generator.choice(["", " "]).join(generator.choice(pool) for _ in range(generator.randint(1, 6))))
    for _ in range(60):
        out.append("".join(generator.choice("abcdefgh theat'  é\u0301▁<>😀日") for _ in range(generator.randint(1, 40))))
    for _ in range(60):
        out.append(" ".join(generator.choice(words) for _ in range(generator.randint(1, 7))))
    return out


def small_charsmap():
    """A precompiled map of a few rules, as sentencepiece makes it."""
    rules = [("ﬁ", "fi"), ("ﬂ", "fl"), ("½", "1/2"), ("①", "1"), ("é", "e"), ("e\u0301", "e"), ("\u00a0", " "), ("\u3000", " "), ("…", "..."), ("“", '"'),
             ("”", '"'), ("’", "'"), ("ß", "ss"), ("İ", "I"), ("\u200b", ""), ("日", "ni"), ("😀", ":)"), ("ＡＢ", "AB"), ("ａ", "a"), ("한", "han")]
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder, "rules.tsv")
        table.write_text("".join("%s\t%s\n" % (" ".join("%X" % ord(c) for c in a), " ".join("%X" % ord(c) for c in b)) for a, b in rules))
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(TEXT), model_writer=model, vocab_size=60, hard_vocab_limit=False,
                                                 model_type="unigram", normalization_rule_tsv=str(table), minloglevel=2)
        from sentencepiece import sentencepiece_model_pb2 as pb
        proto = pb.ModelProto()
        proto.ParseFromString(model.getvalue())
        return bytes(proto.normalizer_spec.precompiled_charsmap)


def metaspace(scheme="always"):
    return pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme=scheme), decoders.Metaspace(replacement=SPACE, prepend_scheme=scheme)


def train(tokenizer, trainer):
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def cases():
    quiet = dict(show_progress=False)
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    t.pre_tokenizer, t.decoder = metaspace()
    yield "bpe", train(t, trainers.BpeTrainer(vocab_size=160, special_tokens=["<unk>"], **quiet))

    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=False))
    t.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase(), normalizers.Strip(), normalizers.Replace("’", "'")])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace()[0]])
    t.decoder = metaspace()[1]
    t = train(t, trainers.BpeTrainer(vocab_size=130, special_tokens=["<unk>"], **quiet))
    t.add_tokens([AddedToken("theatre", normalized=False), AddedToken("😀", normalized=False)])
    yield "bpe_normalized", t

    data = json.loads(train(Tokenizer(models.BPE()), trainers.BpeTrainer(vocab_size=70, **quiet)).to_str())
    alphabet = ["<unk>"] + ["<0x%02X>" % i for i in range(256)] + [SPACE] + [c for c in "abcdefghijklmnopqrstuvwxyz'"] + ["th", "the", SPACE + "t", SPACE + "the", "at", "ca", "cat"]
    merges = [("t", "h"), ("th", "e"), (SPACE, "t"), (SPACE, "the"), ("a", "t"), ("c", "a"), ("ca", "t"), ("c", "at"), (SPACE + "t", "he")]
    del data
    t = Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(alphabet)}, merges=[m for m in merges if "".join(m) in alphabet and all(x in alphabet for x in m)],
                             unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    t.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    yield "bpe_bytes", t

    for name, form in (("nfd", normalizers.NFD()), ("nfkd", normalizers.NFKD()), ("nfc", normalizers.NFC())):
        pieces = ["<unk>", SPACE] + sorted({c for c in "".join(TEXT)} - {" "}) + ["\u0301", "\u0308", "\u0327", "f", "i"]
        t = Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(dict.fromkeys(pieces))}, merges=[], unk_token="<unk>"))
        t.normalizer = form
        t.pre_tokenizer, t.decoder = metaspace("never")
        yield "char_" + name, t

    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.Sequence([normalizers.Precompiled(small_charsmap()), normalizers.Strip(left=False, right=True),
                                         normalizers.Replace(__import__("tokenizers").Regex(" {2,}"), SPACE)])
    t.pre_tokenizer, t.decoder = metaspace()
    yield "unigram", train(t, trainers.UnigramTrainer(vocab_size=140, special_tokens=["<unk>"], unk_token="<unk>", **quiet))

    pieces = [("<unk>", 0.0)] + [("<0x%02X>" % i, -9.0) for i in range(256)] + [(SPACE, -2.0), ("t", -3.0), ("h", -3.5), ("e", -3.1), ("a", -3.2), ("c", -4.0), ("th", -4.5),
                                                                              ("he", -5.5), ("the", -6.0), (SPACE + "the", -6.5), ("cat", -8.0), ("at", -6.2), ("ca", -7.5)]
    t = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    t.pre_tokenizer = metaspace()[0]
    t.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    yield "unigram_bytes", t

    if len(sys.argv) > 1: # what this program writes itself
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "text").write_text("\n".join(TEXT) + "\n")
            for kind in ("bpe", "unigram", "char"):
                out = pathlib.Path(folder, kind + ".json")
                subprocess.run([sys.argv[1], "vocab", "--kind", kind, "--size", "90", "--out", str(out), str(pathlib.Path(folder, "text"))], check=True)
                yield "ours_" + kind, Tokenizer.from_file(str(out))


def without_special(text):
    data = json.loads(text)
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["special"]]
    return Tokenizer.from_str(json.dumps(data))


def main():
    HERE.mkdir(exist_ok=True)
    text = [line for line in lines() if "<unk>" not in line and "<pad>" not in line]
    (HERE / "lines.txt").write_text("".join(json.dumps(line) + "\n" for line in text))
    for name, tokenizer in cases():
        (HERE / (name + ".json")).write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")
        bare = without_special(tokenizer.to_str())
        special = {t["id"] for t in json.loads(tokenizer.to_str())["added_tokens"] if t["special"]} | {0}
        with open(HERE / (name + ".expected"), "w") as out:
            for line in text:
                ids = bare.encode(line, add_special_tokens=False).ids
                back = bare.decode([i for i in ids if i not in special])
                out.write(" ".join(map(str, ids)) + "\t" + json.dumps(back) + "\n")


main()
