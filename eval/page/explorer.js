'use strict';
/* The error explorer: utterances filtered, searched, sorted, and drawn a few at a time as they are scrolled to. */

const UTTERANCES = DOCUMENT.utterances || [];
const CHUNK = 30, RUN = 14, LONG = 400; /* drawn at once; matched words kept around an error; words before "show all" */

const Explorer = {filters: new Map(), search: null, where: null, sort: null, wrong: null, found: [], drawn: 0};

function tally(path) {
  const counts = {'=': 0, S: 0, I: 0, D: 0};
  for (const op of path) counts[op]++;
  return {words: counts['='] + counts.S + counts.D, errors: counts.S + counts.I + counts.D, S: counts.S, D: counts.D, I: counts.I};
}

function prepare() {
  UTTERANCES.forEach((item, i) => {
    item.number = i + 1;
    item.counts = tally(item.path);
    if (item.before) item.gain = item.counts.errors - tally(item.before.path).errors;
  });
}

/* The words of an alignment: {op, r, h, c}; r or h NULL where there is none. Without words (--redact) blocks. */
function aligned(ref, hyp, path, confidence) {
  let r = 0, h = 0;
  return [...path].map((op) => ({op, r: op === 'I' ? null : ref ? ref[r++] : '▆', c: op === 'D' || !confidence ? null : confidence[h],
                                 h: op === 'D' ? null : hyp ? hyp[h++] : '▆'}));
}

const rateOf = (item) => item.counts.words ? item.counts.errors / item.counts.words : item.counts.errors ? Infinity : 0;

const SORTS = {
  errors: ['most errors', (a, b) => b.counts.errors - a.counts.errors],
  rate: ['highest WER', (a, b) => rateOf(b) === rateOf(a) ? b.counts.errors - a.counts.errors : rateOf(b) - rateOf(a)],
  worse: ['got worse most', (a, b) => b.gain - a.gain],
  better: ['got better most', (a, b) => a.gain - b.gain],
  order: ['order of the file', () => 0],
};

/* What is searched: all words, or those of the errors. */
function searchable(item, where) {
  item.texts = item.texts || {};
  if (item.texts[where] === undefined) {
    const {ref, hyp} = item, text = {
      both: () => ` ${ref.join(' ')} \n ${hyp.join(' ')} \n ${item.id}`, ref: () => ` ${ref.join(' ')} `, hyp: () => ` ${hyp.join(' ')} `,
      wrong: () => aligned(ref, hyp, item.path).filter((word) => word.op !== '=').map((word) => `${word.r || ''} ${word.h || ''}`).join('\n')}[where]();
    item.texts[where] = text.toLocaleLowerCase();
  }
  return item.texts[where];
}

function find() {
  const wanted = Explorer.search ? Explorer.search.value.toLocaleLowerCase() : '', where = Explorer.where ? Explorer.where.value : 'both';
  const filters = [...Explorer.filters].filter(([, box]) => box.value !== 'any')
      .map(([key, box]) => [key, JSON.parse(box.value)]);
  Explorer.found = UTTERANCES.filter((item) => (!Explorer.wrong.checked || item.counts.errors) &&
      filters.every(([key, value]) => (known(item.meta[key]) ? String(item.meta[key]) : null) === value) &&
      (!wanted || searchable(item, where).includes(wanted))).sort(SORTS[Explorer.sort.value][1]);
  Explorer.results.replaceChildren();
  Explorer.drawn = 0;
  const errors = Explorer.found.reduce((sum, item) => sum + item.counts.errors, 0), words = Explorer.found.reduce((sum, item) => sum + item.counts.words, 0);
  Explorer.state.textContent = Explorer.found.length ? `${plural(Explorer.found.length, 'utterance')} of ${count(UTTERANCES.length)}: ` +
      `${plural(errors, 'error')} in ${plural(words, 'word')}` + (words ? `, WER ${percent(errors / words)}` : '') : 'No utterance fits.';
  drawMore();
}

function drawMore() {
  const next = Explorer.found.slice(Explorer.drawn, Explorer.drawn + CHUNK);
  Explorer.drawn += next.length;
  Explorer.results.append(...next.map(article));
  Explorer.more.hidden = Explorer.drawn >= Explorer.found.length;
  Explorer.more.textContent = `Show more (${count(Explorer.found.length - Explorer.drawn)} left)`;
}

function article(item) {
  const {counts} = item, chips = Object.entries(item.meta).map(([key, value]) => el('span', {class: 'chip'}, `${key}: `, data(valueName(value))));
  const gain = known(item.gain) && item.gain ? el('span', {class: item.gain < 0 ? 'better' : 'worse'}, `${plural(Math.abs(item.gain), 'error')} ${item.gain < 0 ? 'fewer' : 'more'} than the other system`) : null;
  const head = el('header', {}, el('b', {class: 'data'}, known(item.id) ? item.id : `utterance ${item.number}`),
      el('span', {}, counts.errors ? `${plural(counts.errors, 'error')} in ${plural(counts.words, 'word')}: ${counts.S} S, ${counts.D} D, ${counts.I} I` : `${plural(counts.words, 'word')}, no error`),
      gain, chips, known(item.audio) ? el('button', {type: 'button', click: (event) => play(item, event.target)}, '▶ play') : null);
  return el('article', {tabindex: -1}, head, item.before ? el('div', {class: 'which'}, 'this system') : null,
      words(item.ref, item.hyp, item.path, item.confidence),
      item.before ? [el('div', {class: 'which'}, 'the other system'), words(item.before.ref || item.ref, item.before.hyp, item.before.path)] : null);
}

/* Aligned words as running text: what was right once, an error as the reference's word above the recognised one. */
function words(ref, hyp, path, confidence) {
  const node = el('p', {class: 'words'}), all = aligned(ref, hyp, path, confidence);
  if (!all.length) return el('p', {class: 'words soft'}, 'nothing said, nothing recognised');
  draw(all.length > LONG ? LONG : all.length);
  function draw(most) {
    node.replaceChildren();
    for (let i = 0; i < most;) {
      let end = i;
      while (end < most && all[end].op === '=') end++;
      if (end === i) { node.append(errorWord(all[i++]), ' '); continue; }
      node.append(el('span', {class: 'right'}, marked(all.slice(i, end).map((word) => word.h === '' ? `(${word.r})` : word.r).join(' '))), ' ');
      i = end;
    }
    if (most < all.length) node.append(el('button', {type: 'button', click: () => draw(all.length)}, `show all ${count(all.length)} words`));
  }
  return node;
}

/* The text with what was searched for marked. */
function marked(text) {
  const wanted = Explorer.search ? Explorer.search.value.trim().toLocaleLowerCase() : '', parts = [], lower = text.toLocaleLowerCase();
  if (!wanted || lower.length !== text.length) return [text];
  let from = 0;
  for (let at; (at = lower.indexOf(wanted, from)) >= 0; from = at + wanted.length) parts.push(text.slice(from, at), el('mark', {}, text.slice(at, at + wanted.length)));
  return [...parts, text.slice(from)];
}

const SPOKEN = {S: ['[', ' recognised as ', ']'], D: ['[missed: ', '', ']'], I: ['[', 'inserted: ', ']']};
const GAP = '∅';

function errorWord({op, r, h, c}) {
  const kind = {S: 'sub', D: 'del', I: 'ins'}[op], spoken = SPOKEN[op], hidden = (text) => text ? el('span', {class: 'hidden-text'}, text) : null;
  const doubt = known(c) ? {title: `confidence ${fixed(c, 2)}`, class: c < 0.5 ? 'h doubt' : 'h'} : {class: 'h'};
  return el('span', {class: 'error ' + kind}, el('span', {class: 'r'}, hidden(spoken[0]), r === null ? el('span', {'aria-hidden': 'true'}, '+') : marked(r)),
      el('span', doubt, hidden(spoken[1]), h === null ? el('span', {'aria-hidden': 'true'}, GAP) : marked(h), hidden(spoken[2])));
}

let player = null;

/* One player at a time. The path is taken as relative to the page whatever it says. */
function play(item, button) {
  if (player) player.remove();
  const parts = item.audio.split('/'), root = parts[0] === '' ? '' : './';
  const source = root + parts.map((part) => part === '..' ? part : encodeURIComponent(part)).join('/');
  const end = known(item.duration) ? (item.offset || 0) + item.duration : Infinity;
  const sound = el('audio', {controls: true, preload: 'auto', src: source + '#t=' + (item.offset || 0) + (end < Infinity ? ',' + end : '')});
  const failed = el('span', {class: 'soft', role: 'status'});
  sound.addEventListener('error', () => { failed.replaceChildren('No audio beside this page: ', data(item.audio)); sound.remove(); });
  sound.addEventListener('timeupdate', () => { if (sound.currentTime >= end + 0.2) sound.pause(); });
  player = el('div', {class: 'player'}, sound, failed);
  button.closest('article').querySelector('header').after(player);
  sound.play().catch(() => {}); /* refused or failed: the controls or the note remain */
}

/* Filters the explorer by a group's values, when there are utterances; used by plots and tables. */
function explorerChooser(values, sort) {
  if (!UTTERANCES.length) return null;
  return () => {
    for (const [key, box] of Explorer.filters) box.value = key in values ? JSON.stringify(known(values[key]) ? String(values[key]) : null) : 'any';
    if (Explorer.search) Explorer.search.value = '';
    Explorer.sort.value = sort || 'errors';
    show();
  };
}

function explorerSearch(text) {
  return () => {
    for (const box of Explorer.filters.values()) box.value = 'any';
    Explorer.search.value = text;
    Explorer.where.value = 'both';
    show();
  };
}

function show() {
  find();
  document.getElementById('utterances').scrollIntoView();
  Explorer.state.focus({preventScroll: true});
}

function explorerSection() {
  const node = section('utterances', 'Utterances', 'References with what was recognised.');
  if (!UTTERANCES.length) return node.append(note('This document carries no utterances: --utterances puts them in.'));
  prepare();
  const controls = el('div', {class: 'controls'}), words2 = !DOCUMENT.redacted;
  for (const key of new Set(UTTERANCES.flatMap((item) => Object.keys(item.meta)))) {
    const values = [...new Set(UTTERANCES.map((item) => known(item.meta[key]) ? String(item.meta[key]) : null))].sort(byValue);
    if (values.length < 2) continue;
    const choice = select(key, [['any', 'any'], ...values.map((value) => [JSON.stringify(value), valueName(value)])], find);
    Explorer.filters.set(key, choice.box);
    controls.append(choice.node);
  }
  const sort = select('Sort by', Object.entries(SORTS).filter(([name]) => COMPARED || (name !== 'worse' && name !== 'better')).map(([name, [text]]) => [name, text]), find);
  Explorer.sort = sort.box;
  Explorer.wrong = el('input', {type: 'checkbox', change: find});
  if (words2) {
    let waiting = 0;
    Explorer.search = el('input', {type: 'search', input: () => { clearTimeout(waiting); waiting = setTimeout(find, 120); }});
    const where = select('in', [['both', 'all words'], ['wrong', 'wrong words'], ['ref', 'the reference'], ['hyp', 'what was recognised']], find);
    Explorer.where = where.box;
    controls.append(el('label', {}, 'Search', Explorer.search), where.node);
  }
  controls.append(sort.node, el('label', {class: 'check'}, Explorer.wrong, 'with errors only'));
  Explorer.state = el('p', {id: 'found', role: 'status', tabindex: -1});
  Explorer.results = el('div', {id: 'results'});
  Explorer.more = el('button', {type: 'button', click: drawMore});
  node.append(legend(), ...(words2 ? [confusions()] : []), controls, Explorer.state, Explorer.results, Explorer.more);
  new IntersectionObserver((entries) => { if (entries[0].isIntersecting && !Explorer.more.hidden) drawMore(); }, {rootMargin: '600px'}).observe(Explorer.more);
  find();
}

function legend() {
  const example = (op, r, h, text) => el('span', {class: 'words'}, errorWord({op, r, h, c: null}), ' ', text);
  return DOCUMENT.redacted ? el('p', {class: 'soft'}, 'A block is a word; the words themselves are not written (--redact).') :
      el('div', {class: 'key'}, example('S', 'gini', 'genie', 'substituted: above spoken, below recognised'),
         example('D', 'index', null, 'deleted'), example('I', null, 'uh', 'inserted'),
         UTTERANCES.some((item) => item.confidence) ? el('span', {class: 'words'}, el('span', {class: 'doubt'}, 'wavy'), ' a wrong word of confidence below 0.5') : null);
}

/* The most frequent errors, counted when opened. */
function confusions() {
  const body = el('div'), node = el('details', {toggle: () => { if (node.open && !body.hasChildNodes()) draw(); }}, el('summary', {}, 'The most frequent errors'), body);
  function draw() {
    const counts = new Map();
    for (const item of UTTERANCES) for (const word of aligned(item.ref, item.hyp, item.path)) {
      if (word.op === '=') continue;
      const key = JSON.stringify([word.op, word.r, word.h]);
      counts.set(key, (counts.get(key) || 0) + 1);
    }
    const rows = [...counts].map(([key, times]) => ({times, word: JSON.parse(key)})).sort((a, b) => b.times - a.times).slice(0, 500);
    body.append(rows.length ? table('The most frequent errors', [{name: 'times', of: (row) => row.times}, {name: 'kind', of: (row) => ({S: 'substituted', D: 'deleted', I: 'inserted'})[row.word[0]]},
        {name: 'spoken', of: (row) => row.word[1]}, {name: 'recognised', of: (row) => row.word[2]}], rows, 20) : note('There are none.'));
  }
  return node;
}
