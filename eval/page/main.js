'use strict';
/* Draws the page. */

function subject() {
  const {files} = DOCUMENT, name = (path) => path.split('/').pop();
  document.getElementById('subject').append(known(files.hyp) ? data(name(files.hyp)) : 'redacted',
      COMPARED && known(files.before) ? el('span', {}, ' against ', data(name(files.before))) : '');
  document.title = 'Evaluation' + (known(files.hyp) ? ': ' + name(files.hyp) : '');
  document.getElementById('made').append(`Made by ${DOCUMENT.tool}. Rates say how often words are wrong, not how much a mistake matters.`);
}

subject();
overview();
slicesSection();
crossings();
gaps();
comparison();
jargonSection();
vocabularySection();
confidenceSection();
explorerSection();
