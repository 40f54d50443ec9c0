/** What a citizen is asked of an answered case, in the chat and on its page: satisfied or not, and four scores. */

import { el } from './page.js';

const AXES = ['speed', 'effect', 'service', 'feedback'];
const SCORES = [5, 4, 3, 2, 1];

export function choiceOf(attributes, words) {
  return el('label', { class: 'choice' }, el('input', { type: 'radio', ...attributes }), words);
}

/** The fields; `t` words `satisfied`, `yes`, `no`, `scores`, `no_score` and the name of each score. */
export function ratingFields(t) {
  const choice = (value) => choiceOf({ name: 'satisfied', value }, t(value));
  const score = (axis) => {
    const values = SCORES.map((value) => el('option', { value }, String(value)));
    const select = el('select', { name: axis }, el('option', { value: '' }, t('no_score')), ...values);
    return el('label', { class: 'score' }, el('span', {}, t(axis)), select);
  };
  return [
    el('fieldset', {}, el('legend', {}, t('satisfied')), choice('yes'), choice('no')),
    el('fieldset', { class: 'scores' }, el('legend', {}, t('scores')), ...AXES.map(score)),
  ];
}

/** What was filled in, as the server takes it. */
export function ratingOf(data) {
  const rating = { reason: data.get('reason') || null };
  if (data.get('satisfied')) rating.satisfied = data.get('satisfied') === 'yes';
  for (const axis of AXES) if (data.get(axis)) rating[axis] = Number(data.get(axis));
  return rating;
}
