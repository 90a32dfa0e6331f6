'use strict';
/* The sections of figures, in the order of the page. */

const THRESHOLDS = DOCUMENT.thresholds || {};
const ALL = DOCUMENT.slices[0].cells[0], SLICES = DOCUMENT.slices.slice(1);
const COMPARED = Boolean(ALL.before);

/* Why a cell has no interval. */
function whyNone(cell) {
  return cell.no_interval === 'too few speakers' ? `${plural(cell.speakers, 'speaker')}, ${THRESHOLDS.least_speakers} are needed` : cell.no_interval || 'not known';
}

/* Notes on a cell that a reader must not miss. */
function cellNotes(cell) {
  const notes = [];
  if (cell.unknown_speaker) notes.push(`${plural(cell.unknown_speaker, 'utterance')} name no speaker: together they are one block, and no speaker`);
  if (cell.empty_references) notes.push(`${plural(cell.empty_references, 'reference')} empty: the ${plural(cell.empty_insertions, 'word')} recognised there count as insertions`);
  if (cell.without_duration) notes.push(`${plural(cell.without_duration, 'utterance')} without a duration: the minutes lack them`);
  return notes;
}

function tile(value, ...below) {
  return el('div', {class: 'tile'}, el('b', {class: 'number'}, value), below.map((text) => el('span', {}, text)));
}

function headline() {
  const parts = [ALL.interval ? `95 % interval ${range(ALL.interval, percent)}` : `no interval: ${whyNone(ALL)}`,
                 `word error rate over ${plural(ALL.words, 'word')}, ${plural(ALL.utterances, 'utterance')}, ${plural(ALL.speakers, 'known speaker')}`];
  if (COMPARED) parts.push(`the other system: ${percent(ALL.before.wer)}; difference ${points(ALL.before.difference)} points` +
      (ALL.before.difference_interval ? ` (95 % interval ${range(ALL.before.difference_interval, points)})` : ''));
  const head = tile(percent(ALL.wer), ...parts);
  head.classList.add('head');
  return head;
}

function errorShares() {
  const kinds = [['sub', 'substitutions', ALL.substitutions], ['del', 'deletions', ALL.deletions], ['ins', 'insertions', ALL.insertions]];
  const bar = el('div', {class: 'shares', role: 'img', 'aria-label': kinds.map(([, name, number]) => `${number} ${name}`).join(', ')},
      kinds.map(([kind, , number]) => { const part = el('i', {class: kind}); part.style.flexGrow = number; return part; }));
  return errorsOf(ALL) ? el('div', {}, bar, el('div', {class: 'key'}, kinds.map(([kind, name, number]) =>
      el('span', {}, el('i', {class: kind}), `${count(number)} ${name} (${percent(number / ALL.words)} of words)`)))) :
      note('No errors: every reference was recognised word for word.');
}

function howScored() {
  const {files, costs, bootstrap} = DOCUMENT, hidden = 'not written (--redact)';
  const file = (path) => known(path) ? data(path) : DOCUMENT.redacted ? hidden : 'none';
  const rows = [['Transcripts', file(files.hyp)], ['References', known(files.ref) ? data(files.ref) : DOCUMENT.redacted ? hidden : 'in the same file'],
                COMPARED && ['The other system', file(files.before)],
                ['Text normalisation', `${DOCUMENT.normalization}, applied to both sides`],
                ['Alignment', `${costs.name}: substitution ${costs.substitution}, insertion ${costs.insertion}, deletion ${costs.deletion}; ties ${costs.ties}`],
                ['Intervals', `95 %, ${bootstrap.method}, ${count(bootstrap.replicates)} replicates, seed ${bootstrap.seed}`],
                ['Speakers', el('span', {}, 'named by the key ', data(DOCUMENT.speaker_key), `; of fewer than ${THRESHOLDS.least_speakers} no interval, no rank and no gap is given`)],
                ['Significance', `q is p after Benjamini and Hochberg over everything compared here; at most ${THRESHOLDS.false_discovery_rate} counts as significant`]];
  return el('details', {open: matchMedia('(min-width: 40rem)').matches}, el('summary', {}, 'What was scored, and how'),
      el('dl', {class: 'pairs'}, rows.filter(Boolean).map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]).flat()));
}

function overview() {
  const node = section('overview', 'Overview');
  if (DOCUMENT.redacted) node.append(note('Redacted: every figure, and no word of text, no path and no name of a speaker.'));
  node.append(headline(), el('div', {class: 'tiles'},
      tile(percent(ALL.cer), 'character error rate', `${plural(ALL.characters, 'character')}`),
      tile(percent(ALL.speaker_wer), 'mean of the speakers’ rates', 'every speaker counts the same'),
      tile(known(ALL.minutes) ? fixed(ALL.minutes, 1) + THIN + 'min' : DASH, 'audio scored'),
      tile(count(errorsOf(ALL)), 'word errors')), errorShares());
  const notes = cellNotes(ALL);
  if (notes.length) node.append(el('ul', {class: 'notes'}, notes.map((text) => el('li', {class: 'note'}, text))));
  node.append(howScored());
}

/* Which slices a plot shows: all of one key together, or one. */
function sliceChoice(changed, slices) {
  const single = slices.filter((slice) => slice.keys.length === 1), choices = [];
  if (single.length > 1) choices.push(['single', 'each key by itself']);
  slices.forEach((slice, i) => choices.push([String(i), keysName(slice.keys)]));
  const choice = select('Group by', choices, changed);
  return {node: choice.node, chosen: () => choice.box.value === 'single' ? single : [slices[Number(choice.box.value)]]};
}

const ORDERS = [['value', 'by name'], ['high', 'highest WER first'], ['low', 'lowest WER first'], ['words', 'most words first']];

function ordered(cells, order) { /* those too small to rank come last */
  const by = {high: (a, b) => b.wer - a.wer, low: (a, b) => a.wer - b.wer, words: (a, b) => b.words - a.words}[order];
  const ranks = order === 'high' || order === 'low';
  return !by ? cells : cells.slice().sort((a, b) => (ranks && Boolean(a.no_interval) - Boolean(b.no_interval)) || by(a, b));
}

function sliceRows(slices, order) {
  const rows = [];
  for (const slice of slices) {
    if (slices.length > 1) rows.push({heading: data(keysName(slice.keys))});
    for (const cell of ordered(slice.cells, order))
      rows.push({name: groupName(cell.values), under: slices.length > 1, value: cell.wer, interval: cell.interval, small: !cell.interval,
                 count: `${plural(cell.words, 'word')}, ${plural(cell.speakers, 'speaker')}`,
                 detail: cell.interval ? range(cell.interval, bare) : cell.no_interval || 'no interval',
                 before: cell.before && {value: cell.before.wer, interval: cell.before.interval},
                 choose: explorerChooser(cell.values)});
  }
  return rows;
}

/* How many more speakers would show a gap of thresholds.gap. */
function powerText(cell) {
  if (!cell.power) return null;
  const {detectable, more} = cell.power;
  return (known(more) ? more > 0 ? `${count(more)} more` : 'enough' : 'not by this group alone') +
      (known(detectable) ? `; today ${fixed(100 * detectable, 1)} points` : '');
}

function sliceTable(slices) {
  const cells = slices.flatMap((slice) => slice.cells);
  const columns = [{name: 'group', of: (cell) => groupName(cell.values)},
      slices.length > 1 && {name: 'by', of: (cell) => keysName(Object.keys(cell.values))}, {name: 'utterances', of: (cell) => cell.utterances},
      {name: 'words', of: (cell) => cell.words}, {name: 'speakers', of: (cell) => cell.speakers},
      {name: 'minutes', of: (cell) => cell.minutes, show: (value) => fixed(value, 1)},
      {name: 'S', of: (cell) => cell.substitutions}, {name: 'D', of: (cell) => cell.deletions}, {name: 'I', of: (cell) => cell.insertions},
      COMPARED && {name: 'before', of: (cell) => cell.before && cell.before.wer, show: (value) => percent(value)},
      {name: 'WER', of: (cell) => cell.wer, show: (value) => percent(value)},
      {name: '95 % interval', of: (cell) => cell.interval && cell.interval[0], show: (value, cell) => cell.interval ? range(cell.interval, bare) : cell.no_interval},
      {name: 'rank', of: (cell) => cell.rank}, {name: 'speaker mean', of: (cell) => cell.speaker_wer, show: (value) => percent(value)},
      {name: 'CER', of: (cell) => cell.cer, show: (value) => percent(value)},
      {name: `speakers needed to show ${fixed(100 * THRESHOLDS.gap, 0)} points`, of: powerText, wide: true}].filter(Boolean);
  return el('details', {}, el('summary', {}, 'The same as a table, with every figure'), table('Rates by group', columns, cells));
}

function slicesSection() {
  const node = section('slices', 'Groups', 'Each group’s word error rate with its 95 % interval; the dashed line is everything. ' +
      (COMPARED ? 'The hollow mark beneath is the other system. ' : '') + 'A grey hollow circle is a group too small to conclude from.');
  if (!SLICES.length) return node.append(note('No groups were asked for: --by domain,accent,gender names metadata keys to group by.'));
  const plot = el('div'), order = select('Order', ORDERS, draw), choice = sliceChoice(draw, SLICES);
  function draw() {
    const slices = choice.chosen();
    plot.replaceChildren(forest('WER by group', sliceRows(slices, order.box.value), {whole: ALL.wer, show: (value) => percent(value)}), sliceTable(slices));
  }
  node.append(el('div', {class: 'controls'}, choice.node, order.node), plot);
  draw();
}

function crossings() {
  const node = section('crossings', 'Intersections', 'Two keys crossed: a group can do well by each key and badly where they meet. A cell opens its utterances.');
  const pairs = SLICES.filter((slice) => slice.keys.length === 2);
  if (!pairs.length) return node.append(note('No two keys were crossed: --by domain,gender --pairs, or --by domain*gender.'));
  const plot = el('div'), choice = select('Keys', pairs.map((slice, i) => [String(i), keysName(slice.keys)]), draw);
  function draw() {
    plot.replaceChildren(heatMap(pairs[Number(choice.box.value)], (values) => explorerChooser(values)()));
  }
  node.append(el('div', {class: 'controls'}, choice.node), plot);
  draw();
}

const significant = (q) => known(q) && q <= THRESHOLDS.false_discovery_rate;

function gapName(gap) {
  return groupName(gap.a) + ' − ' + (gap.b ? groupName(gap.b) : 'the rest');
}

function gaps() {
  const node = section('gaps', 'Gaps between groups', 'Differences of WER in points, the first group minus the second: to the right the first group is worse off. ' +
      'The hollow mark beneath is the difference between matched utterances, where there are enough.');
  const all = DOCUMENT.gaps || [];
  if (!all.length) return node.append(note(SLICES.length ? `No gaps: no key has two known groups of ${THRESHOLDS.least_speakers} speakers at least.` :
      'No gaps: nothing was grouped (--by).'), ...models());
  const names = [...new Set(all.map((gap) => keysName(gap.keys)))], plot = el('div');
  const choice = select('Between the groups of', names.map((name) => [name, name]), draw);
  function draw() {
    const chosen = all.filter((gap) => keysName(gap.keys) === choice.box.value);
    const rows = chosen.map((gap) => ({name: gapName(gap), value: gap.difference, interval: gap.difference_interval, small: !gap.difference_interval,
        count: known(gap.q) ? (significant(gap.q) ? 'significant, ' : '') + 'q ' + chance(gap.q) : '',
        kind: significant(gap.q) ? 'clear' : '',
        detail: gap.no_interval || (known(gap.ratio) ? `ratio ${fixed(gap.ratio, 2)}` + (gap.ratio_interval ? ` (${range(gap.ratio_interval, (value) => fixed(value, 2))})` : '') : ''),
        before: gap.matched && {value: gap.matched.difference, interval: gap.matched.difference_interval}}));
    plot.replaceChildren(forest('Gaps', rows.slice(0, 60), {zero: true, show: points}),
        el('details', {}, el('summary', {}, 'The same as a table, with the matched comparison'), gapTable(chosen)));
  }
  node.append(el('div', {class: 'controls'}, choice.node), plot, ...models());
  draw();
}

function gapTable(chosen) {
  const of = (gap, name) => gap.matched ? gap.matched[name] : null;
  return table('Gaps between groups', [{name: 'groups', of: gapName, wide: true},
      {name: 'WER', of: (gap) => gap.wer[0], show: (value, gap) => gap.wer.map((rate) => percent(rate)).join(' / ')},
      {name: 'speakers', of: (gap) => gap.speakers[0], show: (value, gap) => gap.speakers.map(count).join(' / ')},
      {name: 'difference', of: (gap) => gap.difference, show: points},
      {name: '95 % interval', of: (gap) => gap.difference_interval && gap.difference_interval[0], show: (value, gap) => gap.difference_interval ? range(gap.difference_interval, points) : gap.no_interval || DASH},
      {name: 'q', of: (gap) => gap.q, show: chance},
      {name: 'matched pairs', of: (gap) => of(gap, 'pairs')},
      {name: 'matched difference', of: (gap) => of(gap, 'difference'), show: points},
      {name: 'its interval', of: (gap) => of(gap, 'difference_interval') && of(gap, 'difference_interval')[0], show: (value, gap) => of(gap, 'difference_interval') ? range(of(gap, 'difference_interval'), points) : of(gap, 'no_interval') || DASH},
      {name: 'its p', of: (gap) => of(gap, 'p'), show: chance}], chosen);
}

function models() {
  const fits = DOCUMENT.models || [];
  if (!fits.length) return [];
  const terms = fits.flatMap((model) => (model.terms || []).map((term) => ({...term, model})));
  const failed = fits.filter((model) => model.failed);
  return [el('h3', {}, 'Poisson mixed model'), el('p', {class: 'soft'}, 'How many times as many errors per word, other things in the model equal, with a random intercept for each speaker. ' +
          'A dispersion well above 1: the intervals are too narrow.'),
      terms.length ? table('Rate ratios', [{name: 'model', of: (term) => keysName(term.model.keys)}, {name: 'group', of: (term) => `${term.key}: ${valueName(term.value)}`},
          {name: 'against', of: (term) => valueName(term.baseline)}, {name: 'rate ratio', of: (term) => term.rate_ratio, show: (value) => fixed(value, 3)},
          {name: '95 % interval', of: (term) => term.interval && term.interval[0], show: (value, term) => range(term.interval, (end) => fixed(end, 3))},
          {name: 'q', of: (term) => term.q, show: chance}, {name: 'speakers', of: (term) => term.model.speakers},
          {name: 'dispersion', of: (term) => term.model.dispersion, show: (value) => fixed(value, 2)}], terms) : null,
      ...failed.map((model) => note(data(keysName(model.keys)), ': no fit: ' + model.failed))].filter(Boolean);
}
