/** Telephone calls under way: what is said as it is heard, suggestions for it, and the case form. */

import { CaseForm } from './desk_form.js';
import { Refusal, el, newsOf } from './desk_parts.js';
import { SearchBox } from './desk_search.js';
import { Suggestions } from './desk_suggestions.js';

const LOOK_MS = 5000;
const RETRY_MS = 3000;
/** The kinds of the phone's frames as the desk names them. */
const KINDS = { faq: 'reply', alert: 'reply', article: 'service', next_question: 'question' };

export class CallsPage {
  constructor(desk, main) {
    Object.assign(this, { desk, main, person: desk.person, id: null, offers: new Map() });
  }

  /** Where this call stands at the server. */
  get root() {
    return `desk/api/calls/${encodeURIComponent(this.id)}`;
  }

  get filedText() {
    return 'filed_call';
  }

  /** Cases on the same are looked for as the form changes; no advice brings them. */
  get searches() {
    return true;
  }

  /** What is written for an agent to say; there is no field to send from. */
  get input() {
    return this.said;
  }

  open() {
    const t = (key, values) => this.person.t(key, values);
    this.lists = el('section', { class: 'lists', 'aria-label': t('calls') });
    this.call = el('section', { class: 'talk', 'aria-label': t('transcript') }, el('p', { class: 'card quiet' }, t('no_call')));
    this.help = el('section', { class: 'help-side', 'aria-label': t('suggestions') });
    this.main.classList.add('talks');
    this.main.append(this.lists, this.call, this.help);
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.keys = (event) => this.onKey(event);
    this.main.addEventListener('keydown', this.keys);
    this.look();
  }

  close() {
    clearInterval(this.timer);
    this.listening?.abort();
    this.caseForm?.duplicates.close();
    this.main.removeEventListener('keydown', this.keys);
  }

  async look() {
    let page;
    try {
      page = await this.person.ask('staff/calls?live=true');
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return;
    }
    const told = JSON.stringify(page.calls.map((one) => one.id));
    if (told === this.drawn) return;
    this.drawn = told;
    const t = (key, values) => this.person.t(key, values);
    const lines = page.calls.map((one) =>
      el('li', { class: 'card line' },
        el('p', { class: 'marks' }, [one.id, one.language, one.agent, this.person.when(one.started_at)].filter(Boolean).map((mark) => el('span', { class: 'mark' }, mark))),
        el('button', { type: 'button', class: 'primary', 'aria-label': `${t('open')} ${one.id}`, 'data-call': one.id, click: () => this.show(one.id) }, t('open')),
      ),
    );
    this.lists.replaceChildren(el('h2', {}, t('calls')), lines.length ? el('ul', { class: 'lines' }, lines) : el('p', { class: 'quiet' }, t('calls_empty')));
  }

  show(id) {
    const t = (key, values) => this.person.t(key, values);
    this.listening?.abort();
    this.caseForm?.duplicates.close();
    this.id = id;
    this.offers.clear();
    this.lines = new Map();
    this.log = el('ol', { class: 'log-lines' });
    this.scroller = el('div', { class: 'log card', role: 'log', 'aria-live': 'polite', 'aria-label': t('transcript'), tabindex: '0' }, this.log);
    this.said = el('p', { class: 'card said-next', tabindex: '-1', hidden: true });
    this.call.replaceChildren(el('h2', { tabindex: '-1' }, t('call_title', { id })), this.scroller, this.said);
    this.suggestions = new Suggestions(this);
    this.caseForm = new CaseForm(this);
    this.call.append(el('div', { class: 'card' }, this.caseForm.duplicates.node));
    this.help.replaceChildren(this.suggestions.node, this.caseForm.node, new SearchBox(this).node);
    this.call.querySelector('h2').focus();
    this.listen(id);
  }

  async listen(id) {
    const mine = (this.listening = new AbortController());
    while (!mine.signal.aborted) {
      try {
        for await (const { name, data } of newsOf(this.person, `staff/calls/${encodeURIComponent(id)}/events`, mine.signal)) {
          if (mine.signal.aborted) return;
          this.onFrame(name, data);
          if (name === 'ended') return;
        }
      } catch (error) {
        if (mine.signal.aborted || (error instanceof Refusal && error.status)) return;
      }
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }

  onFrame(name, frame) {
    const frames = {
      line: () => this.heard(frame),
      suggestion: () => this.offers.set(frame.id, frame) && this.offer(),
      retract: () => this.offers.delete(frame.id) && this.offer(),
      slots: () => this.fill(frame.slots),
      draft_case: () => this.suggestions.drawRendering(frame.rendering),
      summary: () => this.summed(frame.text),
      ended: () => this.desk.say(this.person.t('call_over')),
    };
    frames[name]?.();
  }

  /** A line as it is heard; a later revision takes the place of the one before. */
  heard(frame) {
    const by = frame.speaker === 'agent' ? 'agent' : 'citizen';
    const who = this.person.t(by === 'agent' ? 'by_agent' : 'by_caller');
    const node = el('li', { class: `said by-${by}${frame.final ? '' : ' partial'}` }, el('span', { class: 'by' }, who), el('p', {}, frame.written ?? frame.text));
    const before = this.lines.get(frame.segment_id);
    if (before) before.replaceWith(node);
    else this.log.append(node);
    this.lines.set(frame.segment_id, node);
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  offer() {
    const items = [...this.offers.values()].map((one) => ({
      kind: KINDS[one.kind] ?? 'reply', text: one.text, confidence: one.confidence, code: one.service_code, name: one.title,
      source: { title: one.sources[0]?.title ?? '', url: one.sources[0]?.url, checked_on: one.sources[0]?.as_of },
    }));
    items.sort((one, other) => other.confidence - one.confidence);
    this.suggestions.items = items;
    this.suggestions.draw();
  }

  fill(slots) {
    const fields = Object.entries(slots).map(([name, one]) => [name, { value: one.value, confidence: one.confidence, evidence: one.words }]);
    this.caseForm.take(Object.fromEntries(fields));
  }

  summed(text) {
    this.suggestions.summary = text;
    this.suggestions.told.textContent = text;
  }

  onKey(event) {
    if (this.id === null) return;
    const acts = { F2: 'accept', F4: 'edit', F8: 'dismiss' };
    if (event.key === 'F9') this.suggestions.focus();
    else if (event.key === 'F7') this.caseForm.duplicates.joinFirst();
    else if (acts[event.key]) this.suggestions.first(acts[event.key]);
    else return;
    event.preventDefault();
  }

  /** To say it in other words counts as edited at once. */
  take(text, suggestion = null) {
    this.send(text);
    if (suggestion) this.suggestions.note(suggestion, 'edited');
    this.said.focus();
  }

  /** On the telephone the agent says it: the words stand in large letters. */
  async send(text) {
    this.write(text);
    this.desk.say(this.person.t('call_accepted'));
    return true;
  }

  /** Words in the caller's language that the agent says now. */
  tell(words, language) {
    this.write(words, language === 'en' ? 'en' : 'zh-CN');
    this.said.focus();
  }

  write(text, lang = '') {
    this.said.textContent = text;
    this.said.hidden = false;
    if (lang) this.said.lang = lang;
    else this.said.removeAttribute('lang');
  }

  /** Cases on the same as they stand now. */
  refreshKnown() {
    return this.caseForm.duplicates.look(true);
  }
}
