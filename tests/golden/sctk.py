#!/usr/bin/env python3
"""Every test case of SCTK's own (src/sclite/testdata/tsclite.sh) with sclite and with jargon eval --as sclite.

  sctk.py FOLDER      of a snapshot of github.com/usnistgov/SCTK, or its src/sclite/testdata; apt-get install sctk

Prints a table: words of the reference and substitutions, deletions and insertions by both; utterances whose counts
differ; and the reports that are not the same byte for byte, which is no failure (eval/README.md says where). Of two ctm files, which sclite cuts at pauses into pieces of about 50 words, whole channels are compared. Exit
code 1 when anything differs. Files in GB2312 are converted to UTF-8, and in sclite switched to it (-e utf-8). Run from
the repository's root; BUILD names the build folder."""
import os, pathlib, re, subprocess, sys, tempfile

# name, reference, hypothesis, switches of sclite that --as takes, others of sclite
CASES = [
    ("1", "csrnab.ref", "csrnab.hyp", "", ""),
    ("1f", "csrnab.ref", "csrnab.hyp", "", "-e utf-8"),
    ("3", "lvc_ref.stm", "lvc_hyp.ctm", "", ""),
    ("3a", "lvc_refe.stm", "lvc_hyp.ctm", "", ""),
    ("3b", "lvc_ref.stm", "lvc_hypc.ctm", "", ""),
    ("3c", "lvc_refm.stm", "lvc_hypm.ctm", "", ""),
    ("7", "tests.ref", "tests.hyp", "-F -D", ""),
    ("7_r", "tests.hyp", "tests.ref", "-F -D", ""),
    ("7_noD", "tests.ref", "tests.hyp", "-F", ""),
    ("7 plain", "tests.ref", "tests.hyp", "", ""),
    ("7 -D", "tests.ref", "tests.hyp", "-D", ""),
    ("7 -s", "tests.ref", "tests.hyp", "-s", ""),
    ("7_5", "tests.ref", "tests.hyp", "-c DH", ""),
    ("7_6", "tests.ref", "tests.hyp", "-F -D", "-e utf-8"),
    ("7 2 bytes", "tests.ref.utf8-2bytes", "tests.hyp.utf8-2bytes", "-F -D", "-e utf-8"),
    ("7 3 bytes", "tests.ref.utf8-3bytes", "tests.hyp.utf8-3bytes", "-F -D", "-e utf-8"),
    ("7 4 bytes", "tests.ref.utf8-4bytes", "tests.hyp.utf8-4bytes", "-F -D", "-e utf-8"),
    ("8", "csrnab1.ref", "csrnab1.hyp", "-c", ""),
    ("9", "mand_ref.stm", "mand_hyp.ctm", "-c", "-e utf-8"),
    ("9_1", "mand_ref.stm", "mand_hyp.ctm", "-c DH", "-e utf-8"),
    ("10", "mand_ref.stm", "mand_hyp.ctm", "-c NOASCII", "-e utf-8"),
    ("10_1", "mand_ref.stm", "mand_hyp.ctm", "-c NOASCII DH", "-e utf-8"),
    ("13", "tima_ref.ctm", "tima_hyp.ctm", "", ""),
    ("13_D", "tima_ref.ctm", "tima_hyp.ctm", "-D", ""),
    ("14_a", "lvc_refr.stm", "lvc_hypr.ctm", "-m ref hyp", ""),
    ("14_b", "lvc_ref.stm", "lvc_hypr.ctm", "-m ref hyp", ""),
    ("14_c", "lvc_refr.stm", "lvc_hyp.ctm", "-m ref hyp", ""),
    ("14_d", "lvc_refr.stm", "lvc_hypr.ctm", "-m hyp", ""),
    ("14_e", "lvc_refr.stm", "lvc_hypr.ctm", "-m ref", ""),
    ("15_a", "test.cantonese.stm", "test.cantonese.ctm", "", "-e utf-8"),
    ("15_b", "test.cantonese.stm", "test.cantonese.ctm", "-c NOASCII DH", "-e utf-8"),
    ("15_c", "test.turkish.ref", "test.turkish.hyp", "", "-e utf-8"),
    ("15_d", "test.ukranian.ref", "test.ukranian.hyp", "", "-e utf-8"),
    ("16_1", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp-extra.ctm", "", ""),
    ("16_2", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp-missall.ctm", "", ""),
    ("16_3", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp-missfile1.ctm", "", ""),
    ("16_4", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp-missfile1chanA.ctm", "", ""),
    ("16_5", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp-missfile1chanb.ctm", "", ""),
    ("16_6", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp-missfile2.ctm", "", ""),
    ("16_7", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp-missfile2chanA.ctm", "", ""),
    ("16_8", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp-missfile2chanB.ctm", "", ""),
    ("16_9", "stm2ctm_missing.ref.stm", "stm2ctm_missing.hyp.ctm", "", ""),
    ("17", "test.vietnamese.ref.trn", "test.vietnamese.hyp.trn", "", "-e utf-8"),
]

NOT_THERE = {
    "1a, 1c, 1d": "sgml pipes and word weights (-P, -w)", "1b": "a language model (-L)", "2, 4, 5, 6": "alignment by GNU diff (-d)",
    "7_1 - 7_4, 11, 12": "inferred word segmentation (-S)", "13_a, 13_aD": "alignment by times (-T)"}


def form(name):
    return "stm" if name.endswith(".stm") else "ctm" if name.endswith(".ctm") else "trn"


def figures(prefix, channels):
    """Words, S, D, I; and the counts of each utterance, or channel, in order of their ids."""
    text = pathlib.Path(prefix + ".pra").read_text(errors="replace")
    sums = {}
    for name, counts in re.findall(r"^id: \((.*)\)\n(?:(?!Scores).*\n)*Scores: \(#C #S #D #I\) ([\d ]+)", text, re.M):
        name = re.sub(r"-\d{4}$", "", name.lower()) if channels else name.lower()
        sums[name] = [x + int(y) for x, y in zip(sums.get(name, [0, 0, 0, 0]), counts.split())]
    each = sorted(sums.items())
    c, s, d, i = (sum(counts[k] for _, counts in each) for k in range(4))
    return (c + s + d, s, d, i), each


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace", **more)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["failed"])[-1]


def converted(data, name, out):
    """A file's path; in UTF-8 if it is Chinese in GB2312."""
    path = data / name
    if not name.startswith("mand"):
        return path
    copy = out / name
    copy.write_text(path.read_bytes().decode("gb2312", errors="replace"))
    return copy


def reports_differing(theirs, ours):
    """The names of the reports that are not byte for byte the same."""
    return " ".join(name for name in ("sys", "raw", "pra", "dtl")
                    if pathlib.Path(f"{theirs}.{name}").read_bytes() != pathlib.Path(f"{ours}.{name}").read_bytes())


def case(data, out, number, ref, hyp, switches, others):
    theirs, ours = str(out / f"s{number}"), str(out / f"j{number}")
    ref_path, hyp_path = converted(data, ref, out), converted(data, hyp, out)
    ids = "-i wsj" if ref.startswith("csrnab") else "-i spu_id"
    trouble = run(["sctk", "sclite", "-r", ref_path, form(ref), "-h", hyp_path, form(hyp), *ids.split(), *switches.split(),
                   *others.split(), "-o", "sum", "rsum", "pra", "dtl", "-O", str(out), "-n", f"s{number}", "-f", "0"])
    if trouble or not pathlib.Path(theirs + ".pra").exists():
        theirs_figures = None
        trouble = trouble or "no report"
    else:
        theirs_figures = figures(theirs, form(ref) == "ctm")
    program = os.path.abspath(os.environ.get("BUILD", "build")) + "/jargon"
    wrong = run([program, "eval", "--hyp", hyp_path, "--ref", ref_path, "--format", form(hyp), "--ref-format", form(ref),
                 "--as", f"sclite {ids} {switches}", "--missing", "empty", "--replicates", "1000", "--sclite", ours])
    ours_figures = None if wrong else figures(ours, form(ref) == "ctm")
    print(f"{number:10} {switches:14}", end="")
    if theirs_figures and ours_figures:
        (a, each), (b, each_ours) = theirs_figures, ours_figures
        differing = sum(x != y for x, y in zip(each, each_ours)) + abs(len(each) - len(each_ours))
        print(f"{a[0]:6} words   sclite {a[1]:4} {a[2]:4} {a[3]:4}   jargon {b[1]:4} {b[2]:4} {b[3]:4}   "
              f"of {len(each):4} utterances {differing:3} differ   {reports_differing(theirs, ours)}", end="")
        same = a == b and not differing
    else:
        print(f"   sclite: {trouble or 'scores'}; jargon: {wrong or 'scores'}", end="")
        same = bool(trouble) == bool(wrong)
    print("" if same else "   DIFFERS")
    return same


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = pathlib.Path(sys.argv[1])
    if (data / "src/sclite/testdata").is_dir():
        data = data / "src/sclite/testdata"
    with tempfile.TemporaryDirectory() as out:
        good = [case(data, pathlib.Path(out), *one) for one in CASES]
    print("\nnot scored by jargon:")
    for cases, what in NOT_THERE.items():
        print(f"  {cases}: {what}")
    print(f"\n{len(good)} cases, {good.count(False)} differ")
    sys.exit(False in good)


main()
