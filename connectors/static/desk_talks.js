/** The agent's page: the queue, one talk at a time with its transcript, suggestions and the case form. */

import { CaseForm } from './desk_form.js';
import { Refusal, el, field, randomId } from './desk_parts.js';
import { Queue } from './desk_queue.js';
import { SearchBox } from './desk_search.js';
import { Suggestions } from './desk_suggestions.js';

const OUTCOMES = ['resolved', 'called_back', 'unreachable', 'left'];
const TICK_MS = 10_000;

export class TalksPage {
  constructor(desk, main) {
    Object.assign(this, { desk, main, person: desk.person, number: null, lastTurn: 0, known: null, lines: [] });
  }

  /** Where this talk stands at the server. */
  get root() {
    return `desk/api/talks/${this.number}`;
  }

  get filedText() {
    return 'filed';
  }

  open() {
    const t = (key, values) => this.person.t(key, values);
    this.queue = new Queue(this);
    this.talk = el('section', { class: 'talk', 'aria-label': t('transcript') }, el('p', { class: 'card quiet' }, t('no_talk')));
    this.help = el('section', { class: 'help-side', 'aria-label': t('suggestions') });
    this.main.classList.add('talks');
    this.main.append(this.queue.node, this.talk, this.help);
    this.timer = setInterval(() => this.queue.refresh(), TICK_MS);
    this.keys = (event) => this.onKey(event);
    this.main.addEventListener('keydown', this.keys);
    this.queue.refresh();
    if (this.desk.openTalk) this.show(this.desk.openTalk);
  }

  close() {
    clearInterval(this.timer);
    this.closed = true;
    this.main.removeEventListener('keydown', this.keys);
  }

  /** Something changed at the desk. */
  news({ queue, talks }) {
    if (queue !== this.known?.queue) this.queue.refresh();
    if (this.number !== null && talks[this.number] !== undefined && talks[this.number] > this.lastTurn) this.refreshTalk();
    this.known = { queue, talks };
  }

  // ---- one talk ----

  async claim(number) {
    const done = await this.desk.attempt(() => this.person.ask(`desk/api/talks/${number}/claim`, { body: {} }));
    await this.queue.refresh();
    if (done) await this.show(number);
  }

  async show(number) {
    let view;
    if (!(await this.desk.attempt(async () => (view = await this.person.ask(`desk/api/talks/${number}`))))) {
      this.desk.openTalk = null;
      return;
    }
    if (view.talk.state !== 'held' || view.talk.claimed_by !== this.person.account.login) {
      this.desk.openTalk = null;
      return;
    }
    Object.assign(this, { number, lastTurn: view.last_turn, lines: view.lines, view, edited: null });
    this.desk.openTalk = number;
    this.drawTalk();
    this.suggestions.refresh();
    this.input.focus();
  }

  drawTalk() {
    const t = (key, values) => this.person.t(key, values);
    const { view } = this;
    this.log = el('ol', { class: 'log-lines' }, this.lines.map((line) => this.line(line)));
    const log = el('div', { class: 'log card', role: 'log', 'aria-live': 'polite', 'aria-label': t('transcript'), tabindex: '0' }, this.log);
    this.input = el('textarea', { id: 'say', rows: 3, maxlength: 2000, keydown: (event) => this.onInputKey(event) });
    this.editing = el('p', { class: 'quiet', hidden: true }, t('editing'));
    const form = el(
      'form',
      {
        class: 'card say',
        submit: (event) => {
          event.preventDefault();
          this.send();
        },
      },
      field(t('say'), this.input, el('span', { class: 'hint' }, t('say_hint'))),
      this.editing,
      el('button', { class: 'primary', type: 'submit' }, t('send')),
    );
    const callBack = view.call_back_to ? (view.call_back_to === 'messenger' ? t('call_here') : t('call_to', { number: view.call_back_to })) : null;
    this.talk.replaceChildren(
      el('h2', { id: 'talk-title', tabindex: '-1' }, t('talk_title', { number: this.number })),
      this.queue.marks(view.talk),
      callBack ? el('p', { class: 'call-back' }, callBack) : '',
      log,
      form,
      this.ending(),
    );
    this.suggestions = new Suggestions(this);
    this.caseForm = new CaseForm(this);
    this.help.replaceChildren(this.suggestions.node, this.caseForm.node, this.earlier(), new SearchBox(this).node);
    log.scrollTop = log.scrollHeight;
    this.scroller = log;
  }

  line(line) {
    const t = (key) => this.person.t(key);
    return el(
      'li',
      { class: `said by-${line.by}` },
      el('span', { class: 'by' }, t(`by_${line.by}`), ' ', el('time', { datetime: line.at }, this.person.when(line.at))),
      el('p', {}, line.text),
    );
  }

  earlier() {
    const t = (key, values) => this.person.t(key, values);
    const { cases } = this.view;
    const lines = cases.map((one) =>
      el('li', {}, el('strong', {}, one.number), ' ', t(`status_${one.status}`), el('br'), one.excerpt),
    );
    return el('section', { class: 'card' }, el('h3', {}, t('earlier')), cases.length ? el('ul', { class: 'plain' }, lines) : el('p', { class: 'quiet' }, t('earlier_empty')));
  }

  ending() {
    const t = (key, values) => this.person.t(key, values);
    this.note = el('textarea', { id: 'note', rows: 2, maxlength: 2000 });
    const outcome = el('select', { id: 'outcome' }, OUTCOMES.map((one) => el('option', { value: one }, t(`outcome_${one}`))));
    const end = (path, body, told) => async () => {
      const number = this.number;
      const done = await this.desk.attempt(() => this.person.ask(`desk/api/talks/${number}/${path}`, { body: body() }), told(number));
      if (done) this.leave();
    };
    const note = () => ({ note: this.note.value.trim() || null });
    const returned = () => ({ ...note(), ...this.caseForm.returned() });
    return el(
      'section',
      { class: 'card' },
      el('h3', {}, t('ending')),
      field(t('note'), this.note),
      field(t('outcome'), outcome),
      el(
        'p',
        { class: 'buttons' },
        el('button', { type: 'button', id: 'take-summary', click: () => { this.note.value = this.suggestions.summary; this.note.focus(); } }, t('take_summary')),
        el('button', { type: 'button', id: 'hand-back', class: 'primary', click: end('hand-back', returned, () => t('handed')) }, t('hand_back')),
        el('button', { type: 'button', id: 'close-talk', click: end('close', () => ({ ...note(), outcome: outcome.value }), (number) => t('over', { number })) }, t('close')),
        el('button', { type: 'button', id: 'release', click: end('release', () => ({}), () => t('released')) }, t('release')),
      ),
    );
  }

  leave() {
    Object.assign(this, { number: null, lines: [] });
    this.desk.openTalk = null;
    const told = el('p', { class: 'card quiet', tabindex: '-1' }, this.person.t('no_talk'));
    this.talk.replaceChildren(told);
    this.help.replaceChildren();
    told.focus();
    this.queue.refresh();
  }

  async refreshTalk() {
    const number = this.number;
    let view;
    try {
      view = await this.person.ask(`desk/api/talks/${number}?after=${this.lastTurn}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 409 && this.number === number) this.leave();
      return;
    }
    if (this.number !== number || view.last_turn <= this.lastTurn) return;
    // Two looks may be under way at once: what the other one brought is left out.
    const fresh = view.lines.filter((line) => line.turn > this.lastTurn);
    this.lastTurn = view.last_turn;
    this.lines.push(...fresh);
    this.log.append(...fresh.map((line) => this.line(line)));
    this.scroller.scrollTop = this.scroller.scrollHeight;
    if (fresh.some((line) => line.by === 'citizen')) this.suggestions.refresh();
  }

  /** Cases on the same as they stand now. */
  refreshKnown() {
    return this.suggestions.refresh();
  }

  // ---- speaking ----

  onInputKey(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.send();
  }

  /** One key for the first suggestion, wherever on this page one is. */
  onKey(event) {
    if (this.number === null) return;
    const acts = { F2: 'accept', F4: 'edit', F8: 'dismiss' };
    if (event.key === 'F9') this.suggestions.focus();
    else if (event.key === 'F7') this.caseForm.duplicates.joinFirst();
    else if (acts[event.key]) this.suggestions.first(acts[event.key]);
    else return;
    event.preventDefault();
  }

  async send(text = this.input.value.trim(), edited = this.edited) {
    if (!text) return false;
    const body = { text, key: randomId() };
    const done = await this.desk.attempt(() => this.person.ask(`desk/api/talks/${this.number}/say`, { body }), this.person.t('sent'));
    if (!done) return false;
    if (edited) await this.suggestions.note(edited, 'edited');
    if (text === this.input.value.trim()) this.input.value = '';
    this.edited = null;
    this.editing.hidden = true;
    await this.refreshTalk();
    this.input.focus();
    return true;
  }

  /** Put a text into the answer, to be changed before it is sent. */
  take(text, suggestion = null) {
    this.input.value = text;
    this.edited = suggestion;
    this.editing.hidden = !suggestion;
    this.input.focus();
  }
}
