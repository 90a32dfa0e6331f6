"""Tests of the page in a browser:  test_page.py FOLDER  (made by page.sh). Prints one line a test."""
import json
import os
import struct
import sys
import traceback
import wave

from devtools import Browser

COUNT = "document.querySelectorAll('article').length"
STATE = "document.getElementById('found').textContent"


def control(label):
    """The JavaScript of the control of the utterances with that label."""
    return f"[...document.querySelectorAll('#utterances label')].find((l) => l.firstChild.textContent === {json.dumps(label)} " \
           f"|| l.lastChild.textContent === {json.dumps(label)}).querySelector('select, input')"


def choose(browser, label, text):
    """Picks the option with that text, as a user's choice."""
    browser.js(f"(() => {{ const box = {control(label)}; box.value = [...box.options].find((o) => o.textContent === {json.dumps(text)}).value;"
               "box.dispatchEvent(new Event('change')); })()")


def wait(browser, condition, seconds=30):
    """Until the JavaScript condition holds; false when it never does."""
    return browser.js(f"new Promise((done) => {{ const end = Date.now() + {1000 * seconds}; const look = () => ({condition}) ? done(true) : "
                      "Date.now() > end ? done(false) : setTimeout(look, 20); look(); })")


def scores(folder, kind):
    with open(f"{folder}/{kind}/scores.json", encoding="utf-8") as file:
        return json.load(file)


def errors(utterance, system=None):
    return sum((system or utterance)["path"].count(op) for op in "SDI")


def test_looks(browser, folder):
    """No sideways scrolling, no small print, nothing asked of the network, no complaint, in every width and scheme."""
    for kind, page in ("plain", "page"), ("hostile", "page"), ("plain", "bare"), ("plain", "redacted"):
        colours = set()
        for width in 1280, 390:
            for dark in False, True:
                browser.screen(width, 900, dark)
                browser.open(f"{folder}/{kind}/{page}.html")
                assert browser.js("document.documentElement.scrollWidth") == width, f"{kind}/{page}: wider than {width}"
                colours.add(browser.js("getComputedStyle(document.body).backgroundColor"))
                if os.environ.get("PICTURES"):
                    browser.picture(f"{os.environ['PICTURES']}/{kind}-{page}-{width}-{'dark' if dark else 'light'}.png")
        assert len(colours) == 2, "light and dark are the same"
        assert browser.js("document.querySelectorAll('section').length") == 9
        assert browser.js("[...document.querySelectorAll('#contents a')].every((a) => document.querySelector(a.hash))")
        assert not browser.js("/undefined|NaN|\\bnull\\b|\\[object/.test(document.getElementById('main').innerText)"), f"{kind}/{page}"


def test_figures(browser, folder):
    """What is drawn is what the document says: the headline, and each interval at its place on the axis."""
    document = scores(folder, "plain")
    everything = document["slices"][0]["cells"][0]
    browser.screen(1280)
    browser.open(f"{folder}/plain/page.html")
    head = browser.js("document.querySelector('.tile.head').innerText").replace("\u202f", " ")
    assert f"{100 * everything['wer']:.2f} %" in head and f"{100 * everything['interval'][0]:.2f} %" in head, head
    drawn = browser.js("""(() => {
      const plot = document.querySelector('#slices .forest'), axis = [...plot.querySelectorAll('.axis text')];
      const at = (text) => text.getBoundingClientRect(), middle = (box) => (box.left + box.right) / 2;
      return {ticks: axis.map((t) => [parseFloat(t.textContent.replace('\u2212', '-')), middle(at(t))]),
              rows: [...plot.querySelectorAll('.row')].map((row) => {
                const bar = row.querySelector('.bar:not(.before)'), dot = row.querySelector('.dot:not(.before)');
                return {name: row.querySelector('.name').innerText.trim(), dot: dot && middle(at(dot)), small: row.querySelectorAll('.dot.small').length,
                        bar: bar && [at(bar).left, at(bar).right], text: row.querySelector('.value').innerText};
              })};
    })()""")
    (low, left), (high, right) = drawn["ticks"][0], drawn["ticks"][-1]
    cells = [cell for part in document["slices"] if len(part["keys"]) == 1 for cell in part["cells"]]
    assert len(cells) == len(drawn["rows"])
    for cell, row in zip(cells, drawn["rows"]):
        place = lambda rate: left + (right - left) * (100 * rate - low) / (high - low)
        assert row["name"] == (list(cell["values"].values())[0] or "unknown")
        assert abs(row["dot"] - place(cell["wer"])) < 1.5, (row, place(cell["wer"]))
        if cell["interval"]:
            assert abs(row["bar"][0] - place(cell["interval"][0])) < 1.5 and abs(row["bar"][1] - place(cell["interval"][1])) < 1.5, (row, cell)
        else:
            assert row["small"] == 1 and not row["bar"] and cell["no_interval"] in row["text"], "a small cell is drawn like a large one"


def test_heat_map(browser, folder):
    document = scores(folder, "plain")
    browser.open(f"{folder}/plain/page.html")
    pair = next(part for part in document["slices"] if len(part["keys"]) == 2)
    buttons = browser.js("[...document.querySelectorAll('.heat td')].map((td) => [td.innerText, td.style.backgroundColor, td.className])")
    filled = [button for button in buttons if button[0] != "none"]
    assert len(filled) == len(pair["cells"])
    assert sum(1 for button in filled if button[1]) == sum(1 for cell in pair["cells"] if cell["interval"]), "a small cell is coloured"
    assert sum(1 for button in filled if button[2] == "small") == sum(1 for cell in pair["cells"] if not cell["interval"])
    depth = [float(button[1].rstrip(")").split("/")[-1]) / float(button[0].split("\u202f")[0].split()[0].rstrip("%")) for button in filled if button[1]]
    assert max(depth) < 1.05 * min(depth), f"colours are not in proportion to the rates: {depth}"
    browser.js("document.querySelector('.heat button').click()")
    cell = pair["cells"][0]
    assert f"{cell['utterances']} utterances of 400" in browser.js(STATE), "a cell does not open its utterances"


def test_explorer(browser, folder):
    document = scores(folder, "plain")
    every = document["utterances"]
    browser.open(f"{folder}/plain/page.html")
    assert browser.js(STATE).startswith("400 utterances of 400")
    first = browser.js("document.querySelector('article header').textContent")
    assert f"{max(map(errors, every))} errors in" in first, "not sorted by errors"
    assert browser.js(COUNT) < 100, "all is drawn at once"
    choose(browser, "gender", "female")
    wanted = [u for u in every if u["meta"]["gender"] == "female"]
    total, words = sum(map(errors, wanted)), sum(len(u["ref"]) for u in wanted)
    assert f"{len(wanted)} utterances of 400: {total:,} errors in {words:,} words" in browser.js(STATE), browser.js(STATE)
    choose(browser, "accent", "unknown")
    wanted = [u for u in wanted if u["meta"]["accent"] is None]
    assert browser.js(STATE).startswith(f"{len(wanted)} utterances of 400"), "unknown is not a choice of its own"
    choose(browser, "gender", "any")
    choose(browser, "accent", "any")
    choose(browser, "Sort by", "got worse most")
    gain = max(errors(u) - errors(u, u["before"]) for u in every)
    assert f"{gain} error" in browser.js("document.querySelector('article header').textContent")
    word = next(u["ref"][u["path"].index("S")] for u in every if u["path"].startswith("S") or u["path"].startswith("=S"))
    browser.js(f"(() => {{ const box = {control('Search')}; box.value = {json.dumps(word)}; box.dispatchEvent(new Event('input')); }})()")
    browser.js("new Promise((done) => setTimeout(done, 300))")
    found = [u for u in every if word in " ".join(u["ref"]) or word in " ".join(u["hyp"]) or word in u["id"]]
    assert browser.js(STATE).startswith(f"{len(found)} utterance"), (browser.js(STATE), len(found))
    assert browser.js("document.querySelectorAll('mark').length") > 0
    choose(browser, "in", "wrong words")
    assert int(browser.js(STATE).split()[0].replace("No", "0")) <= len(found)
    browser.js(f"(() => {{ const box = {control('Search')}; box.value = ''; box.dispatchEvent(new Event('input')); }})()")
    browser.js(f"{control('with errors only')}.click(); new Promise((done) => setTimeout(done, 300))")
    assert browser.js(STATE).startswith(f"{sum(1 for u in every if errors(u))} utterances of 400")


def test_marks(browser, folder):
    """An error is told by words and shape, not by colour alone."""
    browser.open(f"{folder}/plain/page.html")
    kinds = browser.js("""['sub', 'del', 'ins'].map((kind) => { const word = document.querySelector('article .error.' + kind);
      return [word.textContent, getComputedStyle(word).borderBottomStyle, getComputedStyle(word.querySelector('.r')).textDecorationLine]; })""")
    assert "recognised as" in kinds[0][0] and "missed" in kinds[1][0] and "inserted" in kinds[2][0], kinds
    assert len({kind[1] for kind in kinds}) == 3 and kinds[1][2] == "line-through", kinds
    drawn = browser.js("[...document.querySelectorAll('article')].slice(0, 20).map((a) => [a.querySelector('b').textContent, a.querySelectorAll('.words')[0].querySelectorAll('.error').length])")
    errors_of = {u["id"]: errors(u) for u in scores(folder, "plain")["utterances"]}
    assert drawn and all(errors_of[name] == number for name, number in drawn)


def test_hostile(browser, folder):
    """Text of the data is shown as it is and makes no element; no name of a script runs."""
    browser.open(f"{folder}/hostile/page.html")
    choose(browser, "Sort by", "order of the file")
    assert browser.js("document.zq") is None and browser.js("document.querySelectorAll('img, b b, iframe').length") == 0
    assert browser.js("document.querySelectorAll('script').length") == 2
    text = browser.js("document.getElementById('main').textContent")
    for part in "</script><img", "<!--<script>", "javascript:document.zq=1", "&lt;<b>zq</b>":
        assert part in text, part
    browser.js("[...document.querySelectorAll('article button')].slice(0, 8).forEach((b) => b.click())")
    browser.js("new Promise((done) => setTimeout(done, 300))")
    assert browser.js("document.zq") is None
    assert all(url.startswith(("file://" + folder, "data:image/svg")) for url in browser.requests), browser.requests  # data: its own controls
    browser.errors.clear()  # the browser's own lines about files that are not there


def test_audio(browser, folder):
    os.makedirs(f"{folder}/plain/zqfolder", exist_ok=True)
    document = scores(folder, "plain")
    worst = max(document["utterances"], key=errors)  # the first that is shown
    with wave.open(f"{folder}/plain/zqfolder/{worst['id']}.wav", "wb") as sound:
        sound.setnchannels(1), sound.setsampwidth(2), sound.setframerate(16000)
        sound.writeframes(struct.pack("<16000h", *[(k % 100) * 50 for k in range(16000)]))
    browser.open(f"{folder}/plain/page.html")
    name = browser.js("document.querySelector('article b').textContent")
    assert name == worst["id"], (name, worst["id"])
    browser.js("document.querySelector('article button').click()")
    seconds = browser.js("new Promise((done) => { const a = document.querySelector('audio'); if (a.readyState) done(a.duration); "
                         "a.onloadedmetadata = () => done(a.duration); a.onerror = () => done('not played'); setTimeout(() => done('nothing'), 30000); })")
    assert seconds == 1, seconds
    browser.errors.clear()
    browser.js("document.querySelectorAll('article')[1].querySelector('button').click()")
    wait(browser, "document.querySelector('.player').textContent")
    said = browser.js("document.querySelector('.player').textContent")
    assert "No audio beside this page: zqfolder/" in said, said
    assert browser.js("document.querySelectorAll('.player').length") == 1, "two players"
    browser.errors.clear()  # the browser's own line about the file that is not there


def test_keyboard(browser, folder):
    """Every control is reached by Tab and works by key."""
    browser.open(f"{folder}/plain/page.html")
    for _ in range(10):
        browser.key("Tab", 9)
    assert browser.js("document.activeElement.tagName") == "SUMMARY" or browser.js("document.activeElement !== document.body")
    browser.js("document.querySelector('#slices summary').focus()")
    browser.key("Enter", 13, "\r")
    assert browser.js("document.querySelector('#slices details').open")
    browser.js("document.querySelectorAll('#slices th button')[2].focus()")
    browser.key("Enter", 13, "\r")
    order = browser.js("[...document.querySelectorAll('#slices tbody tr')].map((r) => +r.cells[2].innerText.replace(/,/g, ''))")
    assert order == sorted(order, reverse=True) and len(order) > 3, order
    assert browser.js("document.querySelectorAll('#slices th')[2].getAttribute('aria-sort')") == "descending"
    assert browser.js("[...document.querySelectorAll('button, input, select, summary, a')].every((e) => e.tabIndex >= 0)")
    assert browser.js("[...document.querySelectorAll('select, input')].every((e) => e.closest('label') || e.getAttribute('aria-label'))")


def test_contrast(browser, folder):
    """Text against what it stands on, both schemes: at least 4.5 to 1 (WCAG 2)."""
    script = """(() => {
      const parse = (c) => c.match(/[\\d.]+/g).map(Number), channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
      const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]), worst = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const e = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !e.getClientRects().length || e.closest('script, noscript, option, svg, .words')) continue;
        const layers = [];
        for (let at = e; at; at = at.parentElement) layers.unshift(parse(getComputedStyle(at).backgroundColor));
        let back = [255, 255, 255];
        for (const [r, g, b, a = 1] of layers) back = [r, g, b].map((v, i) => v * a + back[i] * (1 - a));
        const fore = parse(getComputedStyle(e).color), x = light(fore), y = light(back), ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
        if (ratio < 4.5) worst.push([ratio.toFixed(2), walker.currentNode.data.slice(0, 30), e.className]);
      }
      return worst.slice(0, 5);
    })()"""
    for dark in False, True:
        browser.screen(1280, 900, dark)
        browser.open(f"{folder}/plain/page.html")
        assert not browser.js(script), browser.js(script)


def test_missing(browser, folder):
    """A section without data says why."""
    browser.open(f"{folder}/plain/bare.html")
    for section, reason in ("slices", "--by"), ("crossings", "--pairs"), ("comparison", "--before"), ("jargon", "--terms"), ("vocabulary", "--vocabulary"):
        text = browser.js(f"document.getElementById('{section}').innerText")
        assert reason in text and not browser.js(f"document.querySelector('#{section} svg')"), (section, text)
    browser.open(f"{folder}/plain/redacted.html")
    text = browser.js("document.getElementById('main').textContent")
    assert "Redacted" in text and "▆" in text and "zq" not in text


def test_many(browser, folder):
    """10,000 utterances: there in 2 seconds of the processor's time, a search in half of one, more drawn as one scrolls."""
    browser.screen(1280)
    browser.call("Performance.enable", timeDomain="threadTicks")

    def busy():
        return next(m["value"] for m in browser.call("Performance.getMetrics")["metrics"] if m["name"] == "TaskDuration")

    browser.open("/dev/null")
    start, wall = busy(), browser.open(f"{folder}/many/page.html")
    loaded = busy() - start
    assert browser.js(STATE).startswith("10,000 utterances of 10,000")
    start = busy()
    browser.js(f"(() => {{ const box = {control('Search')}; box.value = 'zqba'; box.dispatchEvent(new Event('input')); }})()")
    browser.js("new Promise((done) => setTimeout(done, 400))")
    searched = busy() - start
    assert "utterances of 10,000" in browser.js(STATE)
    before = browser.js(COUNT)
    browser.js("document.documentElement.scrollTo(0, document.documentElement.scrollHeight)")
    assert wait(browser, f"{COUNT} > {before}"), "scrolling draws no more"
    print(f"      10,000 utterances: loaded in {loaded:.2f} s of the processor ({wall:.2f} s by the clock), searched in {searched:.2f} s")
    assert loaded < 2 and searched < 0.5, (loaded, searched)


def main(folder):
    browser, failed = Browser(), 0
    tests = [(name, test) for name, test in globals().items() if name.startswith(os.environ.get("ONLY", "test_"))]
    for name, test in tests:
        browser.errors.clear(), browser.requests.clear()
        browser.screen(1280)
        try:
            test(browser, folder)
            assert not browser.errors, f"the browser complains: {browser.errors[:3]}"
            outside = [url for url in browser.requests if not url.startswith(("file:///", "data:"))]
            assert not outside, f"the page asks the network: {outside[:3]}"
            print("ok   ", name)
        except Exception:
            failed += 1
            print("FAIL ", name, traceback.format_exc(limit=-1))
    browser.close()
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(os.path.realpath(sys.argv[1])) else 0)
