/** Open cases on the same as the case form: why they seem so, joined with one key or dismissed. */

import { Refusal, el, percent } from './desk_parts.js';

/** What is compared: looked for again only when one of them changed, and no more words come for a moment. */
const COMPARED = ['description', 'type', 'category', 'service_item', 'location', 'district', 'subdistrict'];
const PAUSE_MS = 1200;
/** Who goes on speaking does not keep the search waiting for longer. */
const LONGEST_MS = 4000;

export class Duplicates {
  /** Those of a page that `searches` are looked for as the form changes; else they come with the suggestions. */
  constructor(page, form) {
    Object.assign(this, { page, form, person: page.person, root: page.root, known: [], gone: new Set(), asked: '', round: 0 });
    const t = (key) => this.person.t(key);
    this.count = el('p', { class: 'quiet', role: 'status' }, t('duplicates_empty'));
    this.title = el(page.searches ? 'h3' : 'h4', { tabindex: '-1' }, t('duplicates'));
    this.list = el('ul', { class: 'plain' });
    this.node = el('section', { class: 'duplicates', 'aria-label': t('duplicates') }, this.title, this.count, this.list);
  }

  /** The form changed. */
  watch() {
    if (!this.page.searches) return;
    clearTimeout(this.timer);
    this.since ??= Date.now();
    const left = this.since + LONGEST_MS - Date.now();
    this.timer = setTimeout(() => this.look(), Math.max(0, Math.min(PAUSE_MS, left)));
  }

  close() {
    clearTimeout(this.timer);
    this.round += 1;
  }

  /** Look for cases on the same; an answer that comes late is dropped. */
  async look(again = false) {
    clearTimeout(this.timer);
    this.since = undefined;
    const texts = this.form.texts();
    const matter = Object.fromEntries(COMPARED.map((name) => [name, texts[name]]));
    const asked = JSON.stringify(matter);
    if (asked === this.asked && !again) return;
    this.asked = asked;
    const round = ++this.round;
    let found;
    try {
      found = await this.person.ask(`${this.root}/duplicates`, { body: { ...matter, description: matter.description ?? '' } });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.asked = '';
      return;
    }
    if (round === this.round) this.draw(found.duplicates);
  }

  get open() {
    return this.known.filter((one) => !this.gone.has(one.case_id));
  }

  draw(found) {
    this.known = found;
    const { open } = this;
    const first = open.find((one) => one.way);
    const told = open.length ? this.person.t('duplicates_found', { n: open.length }) : this.person.t('duplicates_empty');
    if (this.count.textContent !== told) this.count.textContent = told;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.id : null;
    this.list.replaceChildren(...open.map((one) => el('li', {}, this.line(one, one === first))));
    if (focused) (document.getElementById(focused) ?? this.title).focus();
  }

  /** A case on the same with what speaks for and against it, and the buttons where the citizen can be joined to it. */
  line(one, first) {
    const t = (key, values) => this.person.t(key, values);
    const marks = [one.case_id, t('likeness', { share: percent(one.score) }), t(`status_${one.status}`), t(`type_${one.type}`), one.title, one.anonymous ? t('field_anonymous') : null, one.joined ? t('joined') : null];
    const where = [one.district, one.subdistrict, one.location].filter(Boolean).join(' ');
    const said = (key, told) => (told.length ? el('p', { class: 'source' }, t(key, { why: told.map((reason) => reason.words).join(t('comma')) })) : null);
    return [
      el('p', { class: 'marks' }, marks.filter(Boolean).map((mark) => el('span', { class: 'mark' }, mark))),
      el('p', { class: 'source' }, [where, t('filed_at', { at: this.person.when(one.filed_at) })].filter(Boolean).join(' · ')),
      el('p', { class: 'excerpt' }, one.excerpt),
      said('duplicate_for', one.reasons),
      said('duplicate_against', one.contradictions),
      one.joined ? null : el('p', { class: 'buttons' }, one.way ? this.joining(one, first) : null, first ? el('kbd', { 'aria-hidden': 'true' }, 'F7') : null, this.dismissing(one)),
    ];
  }

  joining(one, first) {
    const t = (key, values) => this.person.t(key, values);
    const act = t(`join_${one.way}`);
    const label = t('join_of', { act, number: one.case_id, excerpt: one.excerpt });
    return el('button', { type: 'button', id: `join-${one.case_id}`, 'aria-label': label, 'aria-keyshortcuts': first ? 'F7' : null, click: () => this.join(one) }, act);
  }

  dismissing(one) {
    const act = this.person.t('duplicate_dismiss');
    const label = this.person.t('join_of', { act, number: one.case_id, excerpt: one.excerpt });
    return el('button', { type: 'button', id: `dismiss-${one.case_id}`, 'aria-label': label, click: () => this.dismiss(one) }, act);
  }

  /** One key: join the citizen to the likeliest case. */
  joinFirst() {
    const one = this.open.find((other) => other.way);
    if (one) this.join(one);
  }

  async join(one) {
    if (this.joiningNow) return;
    const { page } = this;
    const body = { case: one.case_id, way: one.way, place: this.open.indexOf(one) + 1, confidence: Math.min(1, one.score) };
    let joined;
    this.joiningNow = true;
    const done = await page.desk.attempt(
      async () => (joined = await this.person.ask(`${this.root}/join`, { body })),
      () => this.person.t(joined.words ? `joined_${joined.way}_call` : `joined_${joined.way}`, { number: joined.number }),
    );
    this.joiningNow = false;
    if (!done) {
      await page.refreshKnown();
      return;
    }
    this.form.settle();
    this.draw(this.known.map((other) => ({ ...other, way: null, joined: other.joined || other === one })));
    if (page.caseForm !== this.form) return;
    if (joined.words) page.tell(joined.words, joined.language);
    else page.input.focus();
    await page.refreshTalk?.();
  }

  async dismiss(one) {
    const place = this.open.indexOf(one) + 1;
    this.gone.add(one.case_id);
    this.draw(this.known);
    const { case_id: text, service_item: code, score: confidence } = one;
    await this.page.suggestions.note({ kind: 'duplicate', text, code, confidence, place }, 'dismissed');
    this.page.desk.say(this.person.t('duplicate_dismissed', { number: one.case_id }));
  }
}
