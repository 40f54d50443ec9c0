/** Suggestions beside a talk or call, each with its source: accepted, edited or dismissed with one key, and noted. */

import { Refusal, el, percent } from './desk_parts.js';

const KEYS = { a: 'accept', e: 'edit', d: 'dismiss' };

export class Suggestions {
  constructor(page) {
    Object.assign(this, { page, person: page.person, items: [], gone: new Set(), summary: '', round: 0 });
    const t = (key) => this.person.t(key);
    this.list = el('ol', { class: 'suggestions' });
    this.empty = el('p', { class: 'quiet' }, t('suggestions_empty'));
    this.rendering = el('div', { class: 'rendering' });
    this.told = el('p', { class: 'summary' }, t('summary_empty'));
    this.node = el(
      'section',
      { class: 'card' },
      el('h3', {}, t('suggestions')),
      el('p', { class: 'hint' }, t('suggestions_hint')),
      this.list,
      this.empty,
      this.rendering,
      el('h4', {}, t('summary')),
      this.told,
    );
  }

  /** The suggestions after what was said last; an answer that comes late is dropped. */
  async refresh() {
    const round = ++this.round;
    let advice;
    try {
      advice = await this.person.ask(`desk/api/talks/${this.page.number}/advice`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return;
    }
    if (round === this.round) this.take(advice);
  }

  /** Draw what was advised. */
  take(advice) {
    this.items = advice.suggestions;
    this.summary = advice.summary;
    this.told.textContent = advice.summary || this.person.t('summary_empty');
    this.draw();
    this.drawRendering(advice.rendering);
    this.page.caseForm.take(advice.case_draft, advice.duplicates);
  }

  draw() {
    const open = this.open();
    const focused = this.list.contains(document.activeElement);
    this.list.replaceChildren(...open.map((one, place) => el('li', {}, this.card(one, place))));
    this.empty.hidden = open.length > 0;
    if (focused) this.focus();
  }

  open() {
    return this.items.filter((one) => !this.gone.has(one.text));
  }

  card(one, place) {
    const t = (key, values) => this.person.t(key, values);
    const { source } = one;
    const checked = source.checked_on ? t('checked', { day: source.checked_on }) : '';
    const from = source.url
      ? el('a', { href: source.url, target: '_blank', rel: 'noopener' }, source.title)
      : source.title;
    const button = (act, key) => el('button', { type: 'button', click: () => this.act(act, one) }, t(act), el('kbd', { 'aria-hidden': 'true' }, key));
    return el(
      'div',
      {
        class: 'suggestion',
        role: 'group',
        tabindex: '0',
        'aria-label': `${place + 1}. ${t(`kind_${one.kind}`)}: ${one.text}`,
        keydown: (event) => this.onKey(event, one),
      },
      el('p', { class: 'marks' }, el('span', { class: 'mark' }, t(`kind_${one.kind}`)), one.code ? el('span', { class: 'mark' }, one.code) : null, el('span', { class: 'mark' }, t('confidence', { share: percent(one.confidence) }))),
      el('p', { class: 'text' }, one.text),
      el('p', { class: 'source' }, t('source', { title: '' }), from, checked),
      el('p', { class: 'buttons' }, button('accept', 'A'), button('edit', 'E'), button('dismiss', 'D')),
    );
  }

  drawRendering(rendering) {
    const t = (key) => this.person.t(key);
    this.rendering.replaceChildren();
    if (!rendering) return;
    this.rendering.append(
      el('h4', {}, t('rendering')), el('p', { lang: 'zh-CN' }, rendering.text),
      el('h4', {}, t('original')), el('p', { lang: 'en' }, rendering.original),
    );
  }

  focus(place = 0) {
    const cards = [...this.list.querySelectorAll('.suggestion')];
    (cards[Math.max(0, Math.min(place, cards.length - 1))] ?? this.page.input).focus();
  }

  onKey(event, one) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target !== event.currentTarget) return;
    const place = this.open().indexOf(one);
    const act = KEYS[event.key.toLowerCase()];
    if (act) this.act(act, one);
    else if (event.key === 'ArrowDown') this.focus(place + 1);
    else if (event.key === 'ArrowUp') this.focus(place - 1);
    else if (event.key === 'Escape') this.page.input.focus();
    else return;
    event.preventDefault();
  }

  first(act) {
    const [one] = this.open();
    if (one) this.act(act, one);
  }

  async act(act, one) {
    const place = this.items.indexOf(one) + 1;
    if (act === 'edit') {
      this.page.take(one.text, { ...one, place });
      return;
    }
    const inList = this.list.contains(document.activeElement);
    if (act === 'accept' && !(await this.page.send(one.text, null))) return;
    await this.note({ ...one, place }, act === 'accept' ? 'accepted' : 'dismissed');
    this.page.desk.say(this.person.t(act === 'accept' ? 'accepted' : 'dismissed'));
    this.gone.add(one.text);
    this.draw();
    if (act === 'dismiss' && inList) this.focus(place - 1);
  }

  /** Write down what was done with a suggestion; the talk goes on where that fails. */
  async note(one, use) {
    const body = { kind: one.kind, service: one.code ?? null, place: one.place, confidence: Math.min(1, one.confidence), use };
    this.gone.add(one.text);
    try {
      await this.person.ask(`${this.page.root}/used`, { body });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    this.draw();
  }
}
