# Progress: on a terminal one line that is rewritten, elsewhere plain lines; nothing for work that takes no time.
. tests/support.sh
make_corpus
train quick --steps 10 >quick.out 2>quick.err
check 'a quick run shows no progress line' sh -c '! grep -q " of .* steps" quick.err'
check 'messages are no output' test ! -s quick.out
JARGON_CUDA=nothing.so expect 0 '^jargon transcribe: 1 recording, .*, device=cpu \(no CUDA found\)$' \
  "$jargon" transcribe --model quick/last wav/0000.wav
JARGON_CUDA=nothing.so expect 0 'M weights, device=cpu \(no CUDA found\), ' train said --steps 10

cat >watch.py <<'END'
import concurrent.futures, os, pty, re, signal, subprocess, sys, time

def run(terminal, command):
    start = time.monotonic()
    reader, writer = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    for pause in (2.1, 0.25, 0.25, 0.25):  # time passes, however fast the machine is
        time.sleep(0.15)
        process.send_signal(signal.SIGSTOP)
        time.sleep(pause)
        process.send_signal(signal.SIGCONT)
    text = b""
    try:
        while piece := os.read(reader, 65536):
            text += piece
    except OSError:  # how a terminal says that its other side is closed
        pass
    os.close(reader)
    return process.wait(), text.decode(), time.monotonic() - start

command = sys.argv[1:]
line = re.compile(r"train  (\d+) of (\d+) steps \((\d+) %\), [\d.]+ steps/s(, \d+:\d\d left)?(, loss [\d.]+(, dev WER [\d.]+ %)?)?$")

with concurrent.futures.ThreadPoolExecutor() as pool:
    plain = pool.submit(run, False, command + ["--out", "plain"])
    terminal = pool.submit(run, True, command + ["--out", "terminal"])
code, text, seconds = plain.result()
lines = text.splitlines()
shown = [l for l in lines if l.startswith("train  ")]
assert code == 0, (code, text)
assert "\r" not in text and "\033" not in text, "control characters in a log file"
assert 1 <= len(shown) <= 1 + seconds // 10 and all(line.match(l) for l in shown), text  # every ten seconds and at the end
assert line.match(shown[-1])[1] == line.match(shown[-1])[2], shown

code, text, _ = terminal.result()
assert code == 0, (code, text)
pieces = text.replace("\r\n", "\n").split("\r")
assert len(pieces) > 3, "the line was not rewritten: %r" % text
counts = []
for piece in pieces[1:]:
    shown, _, rest = piece.partition("\033[K")
    match = line.match(shown)
    assert match, shown
    counts.append(int(match[1]))
    assert int(match[3]) == round(100 * counts[-1] / int(match[2])), shown
assert counts == sorted(counts) and counts[-1] == int(match[2]), counts
assert pieces[-1].partition("\033[K")[2].startswith("\ntrain: finished"), "the last line is not closed: %r" % pieces[-1]
END
check 'progress lines' python3 watch.py "$jargon" train --preset preset.yaml --tokenizer tokenizer.json --corpus corpus \
  --dev corpus --batch-seconds 8 --learning-rate 3e-3 --warmup 10 --steps 300 --eval-every 100
finish
