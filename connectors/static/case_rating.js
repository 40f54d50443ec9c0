/** The satisfaction form of a case: four scores, satisfied or not, and why; a dialog that gives the rating or null. */

import { MESSAGES } from './messages.js';
import { el, fill } from './page.js';

const AXES = ['speed', 'effect', 'service', 'feedback'];

function form(number, t) {
  const choice = (value) =>
    el('label', { class: 'choice' }, el('input', { type: 'radio', name: 'satisfied', value }), t(`rating_${value}`));
  const score = (axis) => {
    const values = [5, 4, 3, 2, 1].map((value) => el('option', { value }, String(value)));
    const select = el('select', { name: axis }, el('option', { value: '' }, t('rating_none')), ...values);
    return el('label', { class: 'score' }, el('span', {}, t(`rating_${axis}`)), select);
  };
  return el(
    'form',
    { method: 'dialog', class: 'case-rating' },
    el('h2', { id: 'chengda-rating' }, fill(t('rating_title'), { number })),
    el('fieldset', {}, el('legend', {}, t('rating_satisfied')), choice('yes'), choice('no')),
    el('fieldset', { class: 'scores' }, el('legend', {}, t('rating_scores')), ...AXES.map(score)),
    el('label', { for: 'chengda-rating-reason' }, t('rating_reason')),
    el('textarea', { id: 'chengda-rating-reason', name: 'reason', rows: 3, maxlength: 2000 }),
    el('p', { role: 'alert', class: 'rating-problem' }),
    el(
      'div',
      { class: 'dialog-buttons' },
      el('button', { type: 'button', value: 'cancel' }, t('rating_cancel')),
      el('button', { type: 'submit', class: 'primary' }, t('rating_send')),
    ),
  );
}

function ratingOf(data, number) {
  const body = { case_id: number, reason: data.get('reason') || null };
  if (data.get('satisfied')) body.satisfied = data.get('satisfied') === 'yes';
  for (const axis of AXES) if (data.get(axis)) body[axis] = Number(data.get(axis));
  return body;
}

/** Ask for a rating; `send` gets the body and may throw an error that `told` puts in words. Resolves to done or not. */
export function askRating(parent, number, language, send) {
  const t = (key) => MESSAGES[language][key];
  const dialog = el('dialog', { class: 'rating-dialog', 'aria-labelledby': 'chengda-rating', lang: language }, form(number, t));
  const alert = dialog.querySelector('[role=alert]');
  const opener = document.activeElement;
  parent.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let done = false;
    dialog.addEventListener('close', () => {
      dialog.remove();
      opener?.focus();
      resolve(done);
    });
    dialog.querySelector('[value=cancel]').addEventListener('click', () => dialog.close());
    dialog.querySelector('form').addEventListener('submit', async (event) => {
      event.preventDefault();
      try {
        await send(ratingOf(new FormData(event.currentTarget), number));
        done = true;
        dialog.close();
      } catch (error) {
        alert.textContent = error.told(language);
      }
    });
  });
}
