/** The satisfaction form of a case: four scores, satisfied or not, and why; a dialog that gives the rating or null. */

import { MESSAGES } from './messages.js';
import { el, fill } from './page.js';
import { ratingFields, ratingOf } from './rating_fields.js';

function form(number, t) {
  return el(
    'form',
    { method: 'dialog', class: 'case-rating' },
    el('h2', { id: 'chengda-rating' }, fill(t('title'), { number })),
    ...ratingFields(t),
    el('label', { for: 'chengda-rating-reason' }, t('reason')),
    el('textarea', { id: 'chengda-rating-reason', name: 'reason', rows: 3, maxlength: 2000 }),
    el('p', { role: 'alert', class: 'rating-problem' }),
    el(
      'div',
      { class: 'dialog-buttons' },
      el('button', { type: 'button', value: 'cancel' }, t('cancel')),
      el('button', { type: 'submit', class: 'primary' }, t('send')),
    ),
  );
}

/** Ask for a rating; `send` gets the body and may throw an error that `told` puts in words. Resolves to done or not. */
export function askRating(parent, number, language, send) {
  const t = (key) => MESSAGES[language][`rating_${key}`];
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
        await send({ case_id: number, ...ratingOf(new FormData(event.currentTarget)) });
        done = true;
        dialog.close();
      } catch (error) {
        alert.textContent = error.told(language);
      }
    });
  });
}
