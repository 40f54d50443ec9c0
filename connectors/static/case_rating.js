/** The satisfaction form of a case: four scores, satisfied or not, and why; a dialog that gives the rating or null. */

import { MESSAGES } from './messages.js';

const AXES = ['speed', 'effect', 'service', 'feedback'];

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function form(number, t) {
  const choice = (value) =>
    node('label', { class: 'choice' }, node('input', { type: 'radio', name: 'satisfied', value }), t(`rating_${value}`));
  const score = (axis) => {
    const values = [5, 4, 3, 2, 1].map((value) => node('option', { value }, String(value)));
    const select = node('select', { name: axis }, node('option', { value: '' }, t('rating_none')), ...values);
    return node('label', { class: 'score' }, node('span', {}, t(`rating_${axis}`)), select);
  };
  return node(
    'form',
    { method: 'dialog', class: 'case-rating' },
    node('h2', { id: 'chengda-rating' }, fillNumber(t('rating_title'), number)),
    node('fieldset', {}, node('legend', {}, t('rating_satisfied')), choice('yes'), choice('no')),
    node('fieldset', { class: 'scores' }, node('legend', {}, t('rating_scores')), ...AXES.map(score)),
    node('label', { for: 'chengda-rating-reason' }, t('rating_reason')),
    node('textarea', { id: 'chengda-rating-reason', name: 'reason', rows: 3, maxlength: 2000 }),
    node('p', { role: 'alert', class: 'rating-problem' }),
    node(
      'div',
      { class: 'dialog-buttons' },
      node('button', { type: 'button', value: 'cancel' }, t('rating_cancel')),
      node('button', { type: 'submit', class: 'primary' }, t('rating_send')),
    ),
  );
}

function fillNumber(text, number) {
  return text.replace('{number}', number);
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
  const dialog = node('dialog', { class: 'rating-dialog', 'aria-labelledby': 'chengda-rating', lang: language }, form(number, t));
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
