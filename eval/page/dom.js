'use strict';
/* Small helpers. Text of the data only ever becomes text nodes and attributes, never HTML. */

const DOCUMENT = JSON.parse(document.getElementById('document').textContent);
const DASH = '–', THIN = '\u202f';

/* An element. Properties: class, functions as event listeners, anything else an attribute (null and false: left out).
 * Children: nodes and texts; null is passed over. */
function el(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

function svg(tag, properties, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), properties, children);
}

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) node.append(child);
  return node;
}

/* Text that comes from the data: kept from running into its neighbours' direction. */
const data = (text) => el('span', {class: 'data'}, String(text));

const known = (value) => value !== null && value !== undefined;
const count = (value) => known(value) ? value.toLocaleString('en') : DASH;
const fixed = (value, digits) => known(value) ? value.toFixed(digits).replace('-', '−') : DASH;
const percent = (rate, digits = 2) => known(rate) ? fixed(100 * rate, digits) + THIN + '%' : DASH;
const points = (difference) => known(difference) ? (difference > 0 ? '+' : '') + fixed(100 * difference, 2) : DASH;
const range = (interval, show) => interval ? show(interval[0]) + ' to ' + show(interval[1]) : DASH;
const bare = (rate) => fixed(100 * rate, 2);
const chance = (p) => !known(p) ? DASH : p < 0.001 ? '< 0.001' : fixed(p, 3);
const plural = (number, one, many = one + 's') => count(number) + ' ' + (number === 1 ? one : many);

const valueName = (value) => known(value) ? String(value) : 'unknown';
const groupName = (values) => Object.values(values).map(valueName).join(' / ') || 'all';
const keysName = (keys) => keys.join(' / ') || 'everything';
const errorsOf = (cell) => cell.substitutions + cell.deletions + cell.insertions;

/* A section, its entry in the contents, and where it says why it is empty. */
function section(id, title, explanation) {
  const node = el('section', {id, 'aria-labelledby': id + '-title'}, el('h2', {id: id + '-title'}, title),
                  explanation && el('p', {class: 'soft'}, explanation));
  document.getElementById('main').append(node);
  document.getElementById('contents').append(el('a', {href: '#' + id}, title));
  return node;
}

const note = (...texts) => el('p', {class: 'note'}, ...texts);

function select(label, choices, changed) { /* choices: [value, text] */
  const box = el('select', {change: () => changed(box.value)}, choices.map(([value, text]) => el('option', {value}, text)));
  return {node: el('label', {}, label, box), box};
}

/* A table sorted by clicking its headings.  Columns: {name, of(row) the value, show(value, row) a node or text, wide, without
 * `of` a column that is not sorted by}; a column whose values are numbers is set right.  `most` rows are shown at first. */
function table(caption, columns, rows, most = 60) {
  const numeric = columns.map((column) => column.of && rows.some((row) => typeof column.of(row) === 'number') &&
                                          !rows.some((row) => typeof column.of(row) === 'string'));
  let order = rows.slice(), sorted = -1, direction = 1, shown = most;
  const body = el('tbody'), more = el('button', {type: 'button', click: () => { shown = Infinity; draw(); }});
  const headings = columns.map((column, i) => !column.of ? el('th', {scope: 'col'}, column.name) :
      el('th', {scope: 'col', class: numeric[i] ? 'number' : null, 'aria-sort': 'none'},
         el('button', {type: 'button', click: () => sort(i)}, column.name)));
  function sort(i) {
    direction = sorted === i ? -direction : numeric[i] ? -1 : 1;
    sorted = i;
    const of = columns[i].of;
    order = rows.slice().sort((a, b) => {
      const x = of(a), y = of(b);
      if (!known(x) || !known(y)) return known(y) - known(x); /* the unknown last, either way */
      return direction * (numeric[i] ? x - y : String(x).localeCompare(String(y), 'en', {numeric: true}));
    });
    headings.forEach((heading, k) => columns[k].of &&
        heading.setAttribute('aria-sort', k !== i ? 'none' : direction > 0 ? 'ascending' : 'descending'));
    draw();
  }
  function draw() {
    body.replaceChildren(...order.slice(0, shown).map((row) => el('tr', {}, columns.map((column, i) => {
      const value = column.of ? column.of(row) : null, text = column.show ? column.show(value, row) : typeof value === 'number' ? count(value) : known(value) ? data(value) : DASH;
      return el('td', {class: numeric[i] ? 'number' : column.wide ? 'wide' : null}, text);
    }))));
    more.hidden = order.length <= shown;
    more.textContent = 'Show all ' + count(order.length) + ' rows';
  }
  draw();
  return el('div', {}, el('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption},
      el('table', {}, el('caption', {class: 'hidden-text'}, caption), el('thead', {}, el('tr', {}, headings)), body)), more);
}
