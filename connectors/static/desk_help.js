/** What helps an agent in a talk: suggestions, the case form as it fills, the search for services. */

import { Refusal, el, field, percent, randomId } from './desk_parts.js';

const KEYS = { a: 'accept', e: 'edit', d: 'dismiss' };
const TYPES = ['', 'consult', 'help', 'complaint', 'report', 'suggestion', 'praise'];
const HITS = 5;
/** Fields read off what is said that the bot may always have. */
const HEARD = ['location', 'occurred_at', 'contact'];

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

export class CaseForm {
  constructor(page) {
    Object.assign(this, { page, person: page.person, touched: new Set(), key: randomId() });
    const t = (key) => this.person.t(key);
    this.controls = {
      description: el('textarea', { rows: 3, maxlength: 2000 }),
      type: el('select', {}, TYPES.map((one) => el('option', { value: one }, t(`type_${one}`)))),
      category: el('input', { maxlength: 40 }),
      service_item: el('input', { maxlength: 10 }),
      location: el('input', { maxlength: 200 }),
      district: el('input', { maxlength: 40 }),
      subdistrict: el('input', { maxlength: 40 }),
      occurred_at: el('input', { maxlength: 200 }),
      contact: el('input', { maxlength: 60, inputmode: 'tel' }),
      anonymous: el('input', { type: 'checkbox' }),
    };
    this.hints = {};
    const fields = Object.entries(this.controls).map(([name, control]) => {
      control.addEventListener('input', () => this.touched.add(name));
      control.id = `case-${name}`;
      this.hints[name] = el('span', { class: 'hint' });
      return field(t(`field_${name}`), control, this.hints[name]);
    });
    this.duplicates = el('div', { class: 'duplicates' });
    this.node = el(
      'form',
      {
        class: 'card case-form',
        submit: (event) => {
          event.preventDefault();
          this.file();
        },
      },
      el('h3', {}, t('form')),
      fields,
      el('h4', {}, t('duplicates')),
      this.duplicates,
      el('button', { class: 'primary', type: 'submit', id: 'file-case' }, t('file')),
    );
    this.drawDuplicates([]);
    for (const [name, value] of Object.entries(page.view?.form ?? {})) this.set(name, value);
  }

  set(name, value) {
    const control = this.controls[name];
    if (!control || this.touched.has(name)) return;
    if (name === 'anonymous') control.checked = value === true;
    else control.value = value ?? '';
  }

  /** Values with their confidence and the words they came from; what the agent changed stays. */
  take(draft, duplicates) {
    for (const [name, told] of Object.entries(draft)) {
      if (!this.controls[name]) continue;
      this.set(name, told.value);
      const words = { words: told.evidence, share: percent(told.confidence) };
      this.hints[name].textContent = this.touched.has(name) ? '' : this.person.t('evidence', words);
    }
    this.drawDuplicates(duplicates);
  }

  drawDuplicates(found) {
    const t = (key, values) => this.person.t(key, values);
    this.known = found;
    const first = found.find((one) => one.way);
    const lines = found.map((one) => el('li', {}, this.knownCase(one, one === first)));
    const focused = this.duplicates.contains(document.activeElement) ? document.activeElement.id : null;
    this.duplicates.replaceChildren(found.length ? el('ul', { class: 'plain' }, lines) : el('p', { class: 'quiet' }, t('duplicates_empty')));
    if (focused) document.getElementById(focused)?.focus();
  }

  /** A case on the same, with the button that joins the citizen to it where that is possible. */
  knownCase(one, first) {
    const t = (key, values) => this.person.t(key, values);
    const where = [one.district, one.subdistrict].filter(Boolean).join(' ');
    const told = [t(`status_${one.status}`), where, t('filed_at', { at: this.person.when(one.filed_at) })];
    const button = one.way
      ? el('button', { type: 'button', id: `join-${one.case_id}`, 'aria-label': t('join_of', { act: t(`join_${one.way}`), number: one.case_id, excerpt: one.excerpt }), click: () => this.join(one), 'aria-keyshortcuts': first ? 'F7' : null }, t(`join_${one.way}`))
      : null;
    return [t('duplicate_of', { number: one.case_id, share: percent(one.score) }), el('br'), told.filter(Boolean).join(' · '), el('br'), one.excerpt, button ? el('p', { class: 'buttons' }, button, first ? el('kbd', { 'aria-hidden': 'true' }, 'F7') : null) : null];
  }

  /** One key: join the citizen to the likeliest case. */
  joinFirst() {
    const one = this.known.find((other) => other.way);
    if (one) this.join(one);
  }

  async join(one) {
    const { page } = this;
    let joined;
    const done = await page.desk.attempt(
      async () => (joined = await this.person.ask(`${page.root}/join`, { body: { case: one.case_id } })),
      () => this.person.t(`joined_${joined.way}`, { number: joined.number }),
    );
    if (!done) return;
    this.settled = true;
    this.touched.clear();
    this.drawDuplicates(this.known.filter((other) => other !== one).map((other) => ({ ...other, way: null })));
    page.input.focus();
    await page.refreshTalk?.();
  }

  /** What the bot should know of the form when it goes on: what the agent wrote or emptied, and for its gaps what was heard. */
  returned() {
    const { active_form: running, form } = this.page.view;
    const begun = !this.settled && (running || this.touched.size) && !form.description;
    const { anonymous, ...texts } = this.controls;
    const of = (name) => texts[name].value.trim() || null;
    const pick = (sent) => Object.fromEntries(Object.keys(texts).filter(sent).map((name) => [name, of(name)]));
    const values = pick((name) => this.touched.has(name) || (name === 'description' && begun && of(name)));
    if (this.touched.has('anonymous')) values.anonymous = anonymous.checked;
    if (this.settled) return { values };
    const heard = pick((name) => HEARD.includes(name) && !this.touched.has(name) && of(name));
    if (anonymous.checked && !this.touched.has('anonymous')) heard.anonymous = true;
    return { values, heard };
  }

  async file() {
    const { page } = this;
    const texts = Object.entries(this.controls).filter(([name]) => name !== 'anonymous');
    const told = Object.fromEntries(texts.map(([name, control]) => [name, control.value.trim() || null]));
    const body = { ...told, description: told.description ?? '', anonymous: this.controls.anonymous.checked, key: this.key };
    let made;
    const done = await page.desk.attempt(
      async () => (made = await this.person.ask(`${page.root}/case`, { body })),
      () => this.person.t(page.filedText, { number: made.number }),
    );
    if (!done) return;
    this.key = randomId();
    this.settled = true;
    this.touched.clear();
    await page.refreshTalk?.();
    // What joins to a case now is the one just filed.
    if (page.refreshTalk) await page.suggestions.refresh();
  }
}

export class SearchBox {
  constructor(page) {
    Object.assign(this, { page, person: page.person });
    const t = (key) => this.person.t(key);
    this.input = el('input', { id: 'search', type: 'search', maxlength: 200 });
    this.hits = el('ul', { class: 'plain', 'aria-live': 'polite' });
    this.node = el(
      'form',
      {
        class: 'card',
        role: 'search',
        submit: (event) => {
          event.preventDefault();
          this.search();
        },
      },
      el('h3', {}, t('search')),
      field(t('search_words'), this.input),
      el('button', { type: 'submit' }, t('search_go')),
      this.hits,
    );
  }

  async search() {
    const query = this.input.value.trim();
    if (!query) return;
    let found;
    const body = { query, top_k: HITS, language: this.person.language };
    if (!(await this.page.desk.attempt(async () => (found = await this.person.ask('knowledge/search', { body }))))) return;
    const use = (hit) => this.page.take(`${hit.name}（${hit.code}，${hit.agency_responsible}）`);
    this.hits.replaceChildren(
      ...found.hits.map((hit) =>
        el('li', {}, el('strong', {}, `${hit.code} ${hit.name}`), ` ${percent(hit.score)}`, el('br'), hit.agency_responsible, ' ', el('button', { type: 'button', 'aria-label': `${this.person.t('use')}: ${hit.name}`, click: () => use(hit) }, this.person.t('use'))),
      ),
    );
    if (!found.hits.length) this.hits.replaceChildren(el('li', { class: 'quiet' }, this.person.t('search_none')));
  }
}
