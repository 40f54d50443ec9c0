/** The forms under a case: how it is rated, files added to it, and where its notices go. */

import { el } from './page.js';
import { choiceOf, ratingFields } from './rating_fields.js';

/** A form that gives itself to `send` instead of leaving the page. */
function formOf(name, send, ...children) {
  const submit = (event) => {
    event.preventDefault();
    send(event.currentTarget);
  };
  return el('form', { class: name, submit, 'aria-labelledby': `${name}-title` }, ...children);
}

export function ratingForm(page) {
  return formOf(
    'rating',
    (form) => page.rate(form),
    el('h3', { id: 'rating-title' }, page.t('rate')),
    ...ratingFields((key) => page.t(key)),
    el('label', { for: 'rating-reason' }, page.t('reason')),
    el('textarea', { id: 'rating-reason', name: 'reason', rows: 3, maxlength: 2000 }),
    el('button', { type: 'submit', class: 'primary' }, page.t('send_rating')),
  );
}

export function fileForm(page) {
  return formOf(
    'files',
    (form) => page.sendFile(form),
    el('h3', { id: 'files-title' }, page.t('files')),
    el('label', { for: 'case-file' }, page.t('file')),
    el('input', { id: 'case-file', type: 'file', name: 'file', 'aria-describedby': 'case-file-hint' }),
    el('p', { id: 'case-file-hint', class: 'hint' }, page.t('files_hint')),
    el('button', { type: 'submit' }, page.t('send_file')),
  );
}

/** A choice of places; a hint alone while there is none to choose. */
export function noticesForm(page) {
  const { notices } = page.case;
  const hint = el('p', { class: 'hint' }, page.t('notices_hint'));
  if (!notices.places.length) return hint;
  const choice = (value, words) => choiceOf({ name: 'place', value, checked: value === (notices.now ?? '') }, words);
  return formOf(
    'notices',
    (form) => page.choosePlace(form),
    el('h3', { id: 'notices-title' }, page.t('notices')),
    el(
      'fieldset',
      {},
      el('legend', {}, page.t('notices_where')),
      ...notices.places.map((place) => choice(place.place, place[page.language])),
      choice('', page.t('notices_none')),
    ),
    el('label', { class: 'choice' }, el('input', { type: 'checkbox', name: 'only', checked: notices.only }), page.t('notices_only')),
    el('button', { type: 'submit' }, page.t('notices_save')),
    hint,
  );
}
