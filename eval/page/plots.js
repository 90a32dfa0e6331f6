'use strict';
/* Plots. Each stands beside a table or text with the same figures. */

/* Round marks that enclose low and high, about `wanted` of them. */
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power, marks = [];
  for (let i = Math.floor(low / step + 1e-9); marks.push(i * step), i * step < high - step * 1e-6; i++);
  return {marks, step};
}

/* The ends of the axis: what has an interval fits, and so do points without one that lie no further out than that is wide. */
function extent(rows, options) {
  const marks = rows.flatMap((row) => [row, row.before]).filter((mark) => mark && known(mark.value));
  const sure = marks.filter((mark) => mark.interval), fixed = options.zero ? [0] : [0, 0.01];
  if (known(options.whole)) fixed.push(options.whole);
  const ends = [...fixed, ...(sure.length ? sure : marks).flatMap((mark) => [mark.value, ...(mark.interval || [])])];
  const low = Math.min(...ends), high = Math.max(...ends);
  const width = Math.max(high - low, 0.01), near = marks.map((mark) => mark.value).filter((value) => value >= low - width && value <= high + width);
  return [Math.min(low, ...near), Math.max(high, low + 0.01, ...near)];
}

/* Rows of points with intervals.  A row: {heading} or {name, under, count, value, interval, small, kind, detail, before:
 * {value, interval}, choose}; value NULL: nothing to draw.  Options: whole (a reference line), zero (differences, in
 * points), show(value). */
function forest(label, rows, options) {
  let [low, high] = extent(rows, options);
  const {marks, step} = ticks(low, high, 5);
  low = marks[0], high = marks[marks.length - 1];
  const x = (value) => (2 + 96 * (Math.min(Math.max(value, low), high) - low) / (high - low)).toFixed(3) + '%';
  const line = (value, kind, y1 = 0, y2 = '100%') => svg('line', {class: kind, x1: x(value), x2: x(value), y1, y2});
  const bar = (ends2, y, kind) => svg('line', {class: 'bar ' + kind, x1: x(ends2[0]), x2: x(ends2[1]), y1: y, y2: y});
  const dot = (value, y, kind, r) => value > high || value < low ? /* beyond the axis: an arrow */
      svg('text', {x: x(value), y, dy: '.35em', 'text-anchor': 'middle'}, value > high ? '▸' : '◂') :
      svg('circle', {class: 'dot ' + kind, cx: x(value), cy: y, r});

  function track(row) {
    const parts = marks.map((mark) => line(mark, 'grid'));
    if (known(options.whole)) parts.push(line(options.whole, 'whole'));
    if (options.zero) parts.push(line(0, 'zero'));
    const y = row.before ? '35%' : '50%', kind = row.kind || '';
    if (row.before && known(row.before.value)) {
      if (row.before.interval) parts.push(bar(row.before.interval, '72%', 'before'));
      parts.push(dot(row.before.value, '72%', 'before', 3.5));
    }
    if (row.interval) parts.push(bar(row.interval, y, kind));
    if (known(row.value)) parts.push(dot(row.value, y, row.small ? 'small' : kind, 4.5));
    return svg('svg', {'aria-hidden': 'true'}, parts);
  }
  const axis = () => el('div', {class: 'axis', 'aria-hidden': 'true'}, el('span', {class: 'name'}), el('span', {class: 'count'}),
      el('span', {class: 'track'}, svg('svg', {}, marks.map((mark) =>
          svg('text', {x: x(mark), y: '1em', 'text-anchor': 'middle'},
              (options.zero && mark > 0 ? '+' : '') + fixed(100 * mark, step < 0.0099 ? 1 : 0))))),
      el('span', {class: 'value soft'}, options.zero ? 'points' : '%'));
  return el('div', {class: 'forest', role: 'group', 'aria-label': label}, rows.length > 8 ? axis() : null, rows.map((row) =>
      row.heading ? el('div', {class: 'heading'}, el('span', {}, row.heading)) :
      el('div', {class: 'row'},
          el('span', {class: row.under ? 'name under' : 'name'}, row.choose ?
              el('button', {type: 'button', class: 'link', click: row.choose, title: 'its utterances'}, data(row.name)) :
              data(row.name)),
          el('span', {class: 'count number'}, row.count || ''), el('span', {class: 'track'}, track(row)),
          el('span', {class: 'value number'}, options.show(row.value), [row.detail || ''].flat().map((text) => el('small', {}, text))))), axis());
}

/* A square with both axes from 0 to 1; `draw(x, y)` gives what lies in it. */
function square(title, labels, draw) {
  const size = 320, left = 44, bottom = 40, x = (value) => left + value * (size - left - 12),
        y = (value) => size - bottom - value * (size - bottom - 12), marks = [0, 0.25, 0.5, 0.75, 1];
  return el('figure', {}, svg('svg', {viewBox: `0 0 ${size} ${size}`, role: 'img', 'aria-label': title},
      marks.map((mark) => [svg('line', {class: 'grid', x1: x(mark), x2: x(mark), y1: y(0), y2: y(1)}),
                           svg('line', {class: 'grid', x1: x(0), x2: x(1), y1: y(mark), y2: y(mark)}),
                           svg('text', {x: x(mark), y: y(0) + 16, 'text-anchor': 'middle'}, fixed(100 * mark, 0)),
                           svg('text', {x: x(0) - 6, y: y(mark) + 4, 'text-anchor': 'end'}, fixed(100 * mark, 0))]).flat(),
      draw(x, y),
      svg('text', {x: x(0.5), y: size - 6, 'text-anchor': 'middle'}, labels[0]),
      svg('text', {x: 12, y: y(0.5), 'text-anchor': 'middle', transform: `rotate(-90 12 ${y(0.5)})`}, labels[1])),
      el('figcaption', {}, title));
}

/* Two keys crossed: a table whose cells are buttons.  Cells without an interval are hatched, never coloured. */
function heatMap(slice, choose) {
  const [down, across] = slice.keys, cellAt = new Map(), rows = [], columns = [];
  for (const cell of slice.cells) {
    const row = cell.values[down], column = cell.values[across];
    if (!rows.includes(row)) rows.push(row);
    if (!columns.includes(column)) columns.push(column);
    cellAt.set(JSON.stringify([row, column]), cell);
  }
  rows.sort(byValue), columns.sort(byValue);
  const rates = slice.cells.filter((cell) => cell.interval).map((cell) => cell.wer);
  const high = Math.max(...rates); /* colour is in proportion to the rate: from 0, so that alike groups look alike */
  function box(row, column) {
    const cell = cellAt.get(JSON.stringify([row, column]));
    if (!cell) return el('td', {}, el('span', {class: 'soft'}, 'none'));
    const button = el('button', {type: 'button', click: () => choose(cell.values),
        'aria-label': `${groupName(cell.values)}: WER ${percent(cell.wer)}, ` + (cell.no_interval || range(cell.interval, percent)) },
        percent(cell.wer, 1), el('small', {}, cell.interval ? range(cell.interval, (rate) => fixed(100 * rate, 1)) : 'too small'),
        el('small', {}, plural(cell.speakers, 'speaker')));
    const node = el('td', {class: cell.interval ? null : 'small'}, button);
    if (cell.interval) node.style.backgroundColor = `rgb(var(--heat) / ${0.8 * (high > 0 ? cell.wer / high : 0)})`;
    return node;
  }
  const map = el('table', {class: 'heat'}, el('caption', {class: 'hidden-text'}, `WER by ${down} and ${across}`),
      el('thead', {}, el('tr', {}, el('th', {}, `${down} \\ ${across}`), columns.map((column) => el('th', {scope: 'col'}, data(valueName(column)))))),
      el('tbody', {}, rows.map((row) => el('tr', {}, el('th', {scope: 'row'}, data(valueName(row))), columns.map((column) => box(row, column))))));
  const legend = rates.length ? el('p', {class: 'soft'}, 'WER 0', el('span', {class: 'scale'}), percent(high, 1),
      `; hatched: too small to conclude from (${(slice.cells.find((cell) => cell.no_interval) || {}).no_interval || 'none here'}), not coloured.`) : note('Every cell here is too small to conclude from: none is coloured.');
  return el('div', {}, el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `WER by ${down} and ${across}`}, map), legend);
}

function byValue(a, b) { /* the unknown last */
  if (!known(a) || !known(b)) return known(b) - known(a);
  return String(a).localeCompare(String(b), 'en', {numeric: true});
}
