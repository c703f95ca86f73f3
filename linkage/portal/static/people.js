// Comfort only: the hint follows the chosen kind, and pages can be printed. Everything works without.
'use strict';
const hint = document.getElementById('hint');
for (const choice of document.querySelectorAll('input[name=kind]')) {
  choice.addEventListener('change', () => {
    hint.textContent = choice.dataset.hint;
    document.querySelector('input[name=text]').focus();
  });
}
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => {
    for (const folded of document.querySelectorAll('details')) folded.open = true;
    window.print();
  });
}
for (const form of document.querySelectorAll('form[data-slow]')) {
  form.addEventListener('submit', () => {
    const zh = document.documentElement.lang.startsWith('zh');
    form.querySelector('[data-progress]').textContent = zh ? '正在比对…' : 'Matching…';
  });
}
