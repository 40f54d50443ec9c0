/** The lists of talks: who waits, who is held by whom, and answers that wait for approval. */

import { Refusal, el, field, percent } from './desk_parts.js';

export class Queue {
  constructor(page) {
    Object.assign(this, { page, desk: page.desk, person: page.person });
    this.node = el('section', { class: 'lists', 'aria-label': this.person.t('queue') });
  }

  async refresh() {
    let queue;
    try {
      queue = await this.person.ask('desk/api/queue');
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return;
    }
    if (this.page.closed) return;
    const told = JSON.stringify(queue);
    if (told === this.drawn) return;
    const before = this.waiting;
    this.drawn = told;
    this.waiting = queue.waiting.length;
    this.draw(queue);
    if (before !== undefined && this.waiting > before) this.desk.say(this.person.t('new_waiting', { n: this.waiting }));
  }

  draw({ waiting, mine, others, drafts }) {
    const t = (key, values) => this.person.t(key, values);
    const focused = this.node.contains(document.activeElement) ? document.activeElement.id : null;
    const editing = this.node.querySelector('textarea:focus');
    if (editing) return;
    this.node.replaceChildren(
      el('h2', {}, t('queue')),
      this.list(waiting, 'queue_empty', (one) => this.button('claim', one, () => this.page.claim(one.number))),
      el('h2', {}, t('mine')),
      this.list(mine, 'mine_empty', (one) => this.button('open', one, () => this.page.show(one.number))),
      drafts.length ? el('h2', {}, t('drafts')) : '',
      el('ul', { class: 'lines' }, drafts.map((one) => this.draftLine(one))),
      others.length ? el('h2', {}, t('others')) : '',
      others.length ? this.list(others, 'queue_empty', (one) => this.otherButton(one)) : '',
    );
    if (focused) document.getElementById(focused)?.focus();
  }

  list(lines, empty, button) {
    if (!lines.length) return el('p', { class: 'quiet' }, this.person.t(empty));
    return el('ul', { class: 'lines' }, lines.map((one) => el('li', { class: one.danger ? 'card line danger' : 'card line' }, this.marks(one), el('p', { class: 'excerpt' }, one.excerpt || this.person.t('no_words')), button(one))));
  }

  marks(one) {
    const t = (key, values) => this.person.t(key, values);
    const marks = [
      one.place ? t('place', { place: one.place }) : t('talk_title', { number: one.number }),
      t('waited', { time: this.person.spell(one.waited) }),
      one.channel,
      one.language,
      one.danger ? t('danger') : null,
      one.call_back || one.reason === 'call_back' ? t('call_back') : null,
      one.claimed_by && one.claimed_by !== this.person.account.login ? t('held_by', { login: one.claimed_by }) : null,
    ];
    return el('p', { class: 'marks' }, marks.filter(Boolean).map((mark) => el('span', { class: mark === t('danger') ? 'mark alarm' : 'mark' }, mark)));
  }

  button(key, one, act) {
    const label = this.person.t(`${key}_of`, { place: one.place, number: one.number, excerpt: one.excerpt });
    return el('button', { type: 'button', id: `${key}-${one.number}`, class: key === 'claim' ? 'primary' : '', 'aria-label': label, click: act }, this.person.t(key));
  }

  otherButton(one) {
    if (!this.person.may('figures')) return null;
    const act = () => this.desk.attempt(() => this.person.ask(`desk/api/talks/${one.number}/release`, { body: {} }), this.person.t('released'));
    return el('button', { type: 'button', id: `release-${one.number}`, click: act }, this.person.t('release'));
  }

  draftLine(one) {
    const t = (key, values) => this.person.t(key, values);
    const text = el('textarea', { rows: 4, maxlength: 2000, lang: one.language });
    text.value = one.answer;
    const decide = (decision) =>
      this.desk.attempt(async () => {
        const edited = text.value.trim() !== one.answer.trim();
        const body = decision === 'refused' ? { decision } : edited ? { decision: 'edited', text: text.value } : { decision };
        await this.person.ask(`desk/api/drafts/${one.number}`, { body });
        text.blur();
        await this.refresh();
      }, t('decided'));
    return el(
      'li',
      { class: 'card line' },
      el('p', { class: 'marks' }, el('span', { class: 'mark' }, t('confidence', { share: percent(one.confidence) })), el('span', { class: 'mark' }, t('left', { time: this.person.spell(one.left) }))),
      el('p', { class: 'excerpt' }, one.question),
      field(t('answer_text'), text),
      el('p', { class: 'buttons' }, el('button', { type: 'button', class: 'primary', click: () => decide('approved') }, t('approve')), el('button', { type: 'button', click: () => decide('refused') }, t('refuse'))),
    );
  }
}
