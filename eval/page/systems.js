'use strict';
/* The comparison with a second system, jargon, vocabulary and confidence. */

function verdict(before) {
  if (!before.difference_interval) return {kind: '', text: 'too small to say'};
  if (!significant(before.q)) return {kind: '', text: 'no clear difference'};
  return before.difference < 0 ? {kind: 'better', text: 'better'} : {kind: 'worse', text: 'worse'};
}

function comparison() {
  const node = section('comparison', 'Comparison', 'This system minus the other on the same references, in points: to the left of zero it got better. ' +
      'Green or red, and in words, only where q is small enough.');
  if (!COMPARED) return node.append(note('One system was scored: --before FILE names another system’s transcripts of the same audio.'));
  const {before} = ALL, judged = verdict(before);
  node.append(el('div', {class: 'tiles'}, tile(`${percent(before.wer)} → ${percent(ALL.wer)}`, 'word error rate', el('span', {class: judged.kind}, judged.text)),
      tile(points(before.difference), 'points', before.difference_interval ? `95 % interval ${range(before.difference_interval, points)}` : ALL.no_interval || ''),
      tile(before.improvement_probability > 0.9995 ? '> ' + percent(0.999, 1) : percent(before.improvement_probability, 1), 'probability of improvement', `bootstrap by speaker; p ${chance(before.p)}`),
      before.mapsswe ? tile(chance(before.mapsswe.p), 'p of matched pairs (MAPSSWE)', `z ${fixed(before.mapsswe.z, 2)}, ${plural(before.mapsswe.segments, 'segment')}`) :
          tile(DASH, 'matched pairs (MAPSSWE)', 'too few segments')),
      el('p', {class: 'soft'}, 'Matched pairs take segments for independent, those of one speaker too: their p is about these recordings, the interval and q about other speakers like these.'));
  if (SLICES.length) {
    const plot = el('div'), choice = sliceChoice(draw, SLICES);
    function draw() {
      const slices = choice.chosen(), rows = [];
      for (const slice of slices) {
        if (slices.length > 1) rows.push({heading: data(keysName(slice.keys))});
        for (const cell of slice.cells) rows.push(comparedRow(cell, slices.length > 1));
      }
      plot.replaceChildren(forest('Differences by group', rows, {zero: true, whole: before.difference, show: points}));
    }
    node.append(el('div', {class: 'controls'}, choice.node), plot);
    draw();
  } else node.append(note('No groups were asked for (--by): what got worse for whom is not shown.'));
  if (DOCUMENT.utterances) node.append(el('p', {}, 'Utterances that ', el('button', {type: 'button', class: 'link', click: explorerChooser({}, 'worse')}, 'got worse'),
      ' and that ', el('button', {type: 'button', class: 'link', click: explorerChooser({}, 'better')}, 'got better'), ' most.'));
}

function comparedRow(cell, under) {
  const judged = verdict(cell.before);
  return {name: groupName(cell.values), under, value: cell.before.difference, interval: cell.before.difference_interval,
          small: !cell.before.difference_interval, kind: judged.kind, count: `${percent(cell.before.wer, 1)} → ${percent(cell.wer, 1)}`,
          detail: cell.before.difference_interval ? [range(cell.before.difference_interval, points), `${judged.text}, q ${chance(cell.before.q)}`] : cell.no_interval || judged.text, choose: explorerChooser(cell.values, 'worse')};
}

const domainName = (entry) => entry.all ? 'all' : valueName(entry.domain);
const hiddenTerm = 'term not written';

function jargonSection() {
  const node = section('jargon', 'Jargon', 'How the field’s own terms fare: recall is how many of those spoken were recognised, precision how many of those written were spoken.');
  const {jargon} = DOCUMENT;
  if (!jargon) return node.append(note('No terms: --terms FILE gives the field’s terms, --mine FILE finds them against general text.'));
  const rate = (name, of) => ({name, of, show: (value) => percent(value, 1)});
  const was = (name, key) => COMPARED && rate(name, (row) => row.before && row.before[key]);
  node.append(el('p', {class: 'soft'}, jargon.source === 'mined' ? 'Terms mined from the references: words frequent in their domain, rare elsewhere.' :
      known(jargon.source) ? ['Terms from ', data(jargon.source), '.'] : 'Terms from a list.'),
      table('Jargon by domain', [{name: 'domain', of: domainName}, {name: 'terms', of: (row) => row.terms}, {name: 'spoken', of: (row) => row.reference},
          {name: 'recognised', of: (row) => row.correct}, rate('recall', (row) => row.recall),
          {name: '95 % interval', of: (row) => row.recall_interval && row.recall_interval[0], show: (value, row) => row.recall_interval ? range(row.recall_interval, (end) => fixed(100 * end, 1)) : row.no_interval || DASH},
          was('recall before', 'recall'), rate('precision', (row) => row.precision), rate('F1', (row) => row.f1),
          rate('WER on jargon', (row) => row.jargon_wer), rate('WER on the rest', (row) => row.other_wer), was('WER on jargon before', 'jargon_wer')].filter(Boolean), jargon.domains));
  node.append(el('h3', {}, 'Terms'));
  if (!jargon.terms.length) return node.append(note('None of the terms was spoken or written.'));
  const list = el('div'), find = el('input', {type: 'search', input: draw, 'aria-label': 'find a term'});
  const several = jargon.terms.some((term) => known(term.domain));
  jargon.terms.forEach((term, i) => { if (!known(term.term)) term.number = i + 1; });
  function draw() {
    const wanted = find.value.toLocaleLowerCase();
    const terms = jargon.terms.filter((term) => !wanted || String(term.term).toLocaleLowerCase().includes(wanted));
    list.replaceChildren(terms.length ? table('Terms', [{name: 'term', of: (term) => known(term.term) ? term.term : `term ${term.number}`,
            show: (value, term) => known(term.term) && DOCUMENT.utterances ? el('button', {type: 'button', class: 'link', click: explorerSearch(term.term)}, data(value)) : data(value)},
        {name: 'spoken', of: (term) => term.reference}, rate('recall', (term) => term.recall), was('recall before', 'recall'),
        {name: 'written instead', wide: true, show: (value, term) => confusionList(term.confusions || [])},
        {name: 'missed', of: (term) => term.reference - term.correct}, {name: 'written', of: (term) => term.hypothesis},
        rate('precision', (term) => term.precision), rate('F1', (term) => term.f1),
        several && {name: 'domain', of: (term) => term.domain}].filter(Boolean), terms, 40) :
        note('No term contains this.'));
  }
  node.append(...(DOCUMENT.redacted ? [] : [el('div', {class: 'controls'}, el('label', {}, 'Find a term', find))]), list);
  draw();
}

function confusionList(confusions) {
  return confusions.length ? el('span', {}, confusions.slice(0, 4).map((confusion, i) => [i ? ', ' : '',
      confusion.text === '' ? el('i', {}, 'nothing') : known(confusion.text) ? data(confusion.text) : 'not shown', ` ×${confusion.count}`]).flat()) : DASH;
}

function vocabularySection() {
  const node = section('vocabulary', 'Vocabulary', 'Words of the references that the vocabulary lacks.');
  const {vocabulary} = DOCUMENT;
  if (!vocabulary) return node.append(note('No word list was given: --vocabulary FILE.'));
  node.append(table('Words outside the vocabulary', [{name: 'domain', of: domainName}, {name: 'words', of: (row) => row.words}, {name: 'unknown', of: (row) => row.unknown},
      {name: 'rate', of: (row) => row.rate, show: (value) => percent(value)}, {name: 'distinct', of: (row) => row.distinct_unknown},
      {name: 'most frequent', wide: true, show: (value, row) => el('span', {}, (row.examples || []).slice(0, 8).map((example, i) =>
          [i ? ', ' : '', known(example.word) ? data(example.word) : 'not shown', ` ×${example.count}`]).flat())}], vocabulary.domains));
}

function confidenceSection() {
  const node = section('confidence', 'Confidence', 'Whether the recogniser knows when it is wrong.');
  const {confidence} = DOCUMENT;
  if (!confidence) return node.append(note('These transcripts carry no confidence: `jargon transcribe --format jsonl` writes it, one per word.'));
  const {bins, review} = confidence, share = (part) => confidence.errors ? part.errors / confidence.errors : 0;
  node.append(el('div', {class: 'tiles'}, tile(fixed(confidence.ece, 4), 'expected calibration error', '0 is perfect'),
      tile(fixed(confidence.nce, 3), 'normalised cross-entropy', '1 is perfect, below 0 worse than a constant'),
      tile(percent(confidence.accuracy, 1), 'of recognised words are right', `mean confidence ${percent(confidence.mean, 1)}`)));
  if (confidence.without) node.append(note(`${plural(confidence.without, 'recognised word')} without a confidence: not in these figures.`));
  const calibration = square('Calibration: below the diagonal the recogniser is too sure of itself.', ['confidence, %', 'right, %'], (x, y) => [
      svg('line', {class: 'whole', x1: x(0), y1: y(0), x2: x(1), y2: y(1)}),
      svg('polyline', {class: 'curve', points: bins.map((bin) => `${x(bin.confidence)},${y(bin.correct / bin.words)}`).join(' ')}),
      ...bins.map((bin) => svg('circle', {class: 'dot', cx: x(bin.confidence), cy: y(bin.correct / bin.words), r: 4}))]);
  const curve = square('Review: errors found when the least confident words are looked at.', ['words looked at, %', 'of all errors, %'], (x, y) => [
      svg('line', {class: 'whole', x1: x(0), y1: y(0), x2: x(1), y2: y(1)}),
      svg('polyline', {class: 'curve', points: [[0, 0], ...review.map((part) => [part.share, share(part)])].map(([a, b]) => `${x(a)},${y(b)}`).join(' ')}),
      ...review.map((part) => svg('circle', {class: 'dot', cx: x(part.share), cy: y(share(part)), r: 4}))]);
  node.append(el('div', {class: 'plots'}, calibration, curve), el('p', {},
      review.filter((part) => part.share >= 0.05).map((part) => `The least confident ${percent(part.share, 0)} of words hold ${percent(share(part), 1)} of all errors.`).slice(0, 3).join(' '),
      confidence.deletions ? ` ${count(confidence.deletions)} of ${count(confidence.errors)} errors are deletions: no recognised word stands for them.` : ''),
      el('details', {}, el('summary', {}, 'The same as tables'), table('Calibration', [{name: 'confidence from', of: (bin) => bin.low, show: (value) => fixed(value, 3)}, {name: 'to', of: (bin) => bin.high, show: (value) => fixed(value, 3)},
          {name: 'words', of: (bin) => bin.words}, {name: 'mean confidence', of: (bin) => bin.confidence, show: (value) => percent(value, 1)},
          {name: 'right', of: (bin) => bin.correct / bin.words, show: (value) => percent(value, 1)}], bins),
      table('Review', [{name: 'share of words', of: (part) => part.share, show: (value) => percent(value, 0)}, {name: 'words', of: (part) => part.words},
          {name: 'errors among them', of: (part) => part.errors}, {name: 'of all errors', of: share, show: (value) => percent(value, 1)}], review)));
}
