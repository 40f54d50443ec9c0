/** <chengda-chat>: the web chat of Chengda over its own API, in light DOM so that labels and live regions work. */

import { Asking, footerOf, headerOf, helpOf } from './chat_parts.js';
import { Composer } from './composer.js';
import { Conversation, DeliveryError } from './conversation.js';
import { Delivery } from './delivery.js';
import { MESSAGES } from './messages.js';
import { el, fill, languageOf, randomId, storage } from './page.js';
import { Room } from './room.js';
import { Turns } from './turns.js';
import { hearSite, paint, tellSite, wishedLanguage } from './widget_frame.js';

const KEPT_ENTRIES = 200;

const settings = storage('localStorage');
const session = storage('sessionStorage');

function savedTranscript() {
  try {
    return JSON.parse(session.get('transcript')) ?? [];
  } catch {
    return [];
  }
}

class ChengdaChat extends HTMLElement {
  connectedCallback() {
    this.language = languageOf(settings.get('language') ?? wishedLanguage);
    this.embedded = location.pathname.endsWith('/widget');
    this.entries = savedTranscript();
    this.build();
    this.entries.forEach((entry) => this.draw(entry));
    this.delivery.holdInterrupted();
    this.applyLargerText(settings.get('larger_text') === 'on');
    this.applyLanguage();
    this.scrollToEnd();
    this.conversation = new Conversation(session, (news) => this.hear(news));
    if (this.embedded) this.joinSite();
  }

  /** The page that frames us: its colour, when it opens and closes us, and how many answers came meanwhile. */
  joinSite() {
    paint();
    this.unread = 0;
    this.shown = true;
    hearSite((type) => {
      this.shown = type === 'open' || (this.shown && type !== 'close');
      if (type === 'open') {
        this.unread = 0;
        this.input.focus();
      }
    });
    this.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented && !this.querySelector('dialog[open]')) tellSite('close');
    });
    tellSite('ready');
  }

  t(key, values = {}, language = this.language) {
    return fill(MESSAGES[language][key], values);
  }

  // ---- the page ----

  build() {
    this.skip = el('a', { class: 'skip', href: '#chengda-input', text: 'skip' });
    this.header = headerOf(this);
    this.help = helpOf(this);
    this.welcome = el('li', { class: 'turn bot' });
    this.list = el('ol', { class: 'messages' }, this.welcome);
    this.log = el(
      'div',
      { class: 'log', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions', tabindex: '0', label: 'log' },
      this.list,
    );
    this.status = el('p', { class: 'visually-hidden', role: 'status' });
    this.delivery = new Delivery(this);
    this.composer = new Composer(this);
    this.footer = footerOf(this);
    this.asking = new Asking(this);
    this.turns = new Turns(this);
    this.room = new Room(this);
    this.dock = el('div', { class: 'dock' }, this.delivery.failure, this.composer.form);
    const main = el('main', {}, this.log, this.status, this.dock);
    this.replaceChildren(this.skip, this.header, this.help, main, this.footer, this.asking.dialog);
  }

  get input() {
    return this.composer.input;
  }

  // ---- language, text size, room on the screen ----

  switchLanguage() {
    this.language = this.language === 'zh' ? 'en' : 'zh';
    settings.set('language', this.language);
    if (this.embedded) tellSite('language', { language: this.language });
    this.applyLanguage();
  }

  applyLanguage() {
    document.documentElement.lang = this.language === 'zh' ? 'zh-CN' : 'en';
    document.title = this.t('page_title');
    for (const node of this.querySelectorAll('[data-text]')) node.textContent = this.t(node.dataset.text);
    for (const node of this.querySelectorAll('[data-label]')) node.setAttribute('aria-label', this.t(node.dataset.label));
    for (const node of this.querySelectorAll('[data-hint]')) node.placeholder = this.t(node.dataset.hint);
    this.languageButton.lang = this.language === 'zh' ? 'en' : 'zh';
    this.privacyText.replaceChildren(...MESSAGES[this.language].privacy_text.map((text) => el('p', {}, text)));
    this.welcome.lang = this.language;
    this.welcome.replaceChildren(...this.turns.welcome());
    this.delivery.tell();
    this.composer.updateCounter();
    this.status.textContent = '';
    this.room.fit();
  }

  applyLargerText(on) {
    this.largerButton.setAttribute('aria-pressed', String(on));
    document.documentElement.classList.toggle('larger-text', on);
    settings.set('larger_text', on ? 'on' : 'off');
    this.composer.autosize();
    this.room.fit();
  }

  // ---- writing ----

  choose(button, event) {
    const byMouse = event.detail > 0 && window.matchMedia('(hover: hover) and (pointer: fine)').matches;
    if (byMouse) this.input.focus();
    this.send(button.payload, button.title);
  }

  send(text, shown) {
    this.retireFormButtons();
    this.addEntry({ kind: 'user', id: randomId(), text, shown, state: 'waiting' });
    this.delivery.sendAll();
  }

  /** Choices of a form step do not outlive it; they stay in place so that focus is not lost. */
  retireFormButtons() {
    for (const button of this.list.querySelectorAll('.form-step button')) button.setAttribute('aria-disabled', 'true');
  }

  // ---- what others say, files, ratings ----

  /** News of the stream: turns of a person or a notice, cases that changed. */
  hear({ turn, messages, cases }) {
    if (cases) this.offerRating();
    const own = messages?.some(({ client_msg_id: id }) => id && this.entries.some((entry) => entry.id === id));
    if (messages && !own) this.addTurn(turn, messages);
  }

  addTurn(turn, messages, to = null) {
    if (turn && this.entries.some((entry) => entry.turn === turn)) return;
    const said = messages.filter(({ role }) => role !== 'user');
    if (!said.length) return;
    const answer = said.map(({ text, buttons, image }) => ({ text, buttons, image }));
    answer.at(-1).custom = { turn: said.at(-1).turn ?? {} };
    this.addEntry({ kind: 'bot', answer, to, turn, role: said[0].role });
    if (this.embedded && !this.shown) tellSite('unread', { count: (this.unread += 1) });
  }

  async sendFile(file) {
    this.status.textContent = this.t('file_sending', { name: file.name });
    try {
      const { turn_id: turn, messages } = await this.conversation.send(file, this.language);
      this.addTurn(turn, messages);
    } catch (error) {
      this.addRefusal(error);
    }
    this.status.textContent = '';
  }

  /** Cases of this conversation that were answered may be rated here; each is offered once. */
  async offerRating() {
    const cases = await this.conversation.cases(this.language).catch(() => []);
    const offered = this.entries.filter(({ kind }) => kind === 'rate').map(({ number }) => number);
    for (const { case_id: number, rateable } of cases) {
      if (rateable && !offered.includes(number)) this.addEntry({ kind: 'rate', number, language: this.language });
    }
  }

  // ---- the transcript ----

  addEntry(entry) {
    this.entries.push(entry);
    this.save();
    this.reveal(this.draw(entry));
  }

  /** A refusal in words; any other error goes on. */
  addRefusal(error) {
    if (!(error instanceof DeliveryError)) throw error;
    this.addEntry({ kind: 'notice', text: error.told(this.language), language: this.language });
  }

  save() {
    session.set('transcript', JSON.stringify(this.entries.slice(-KEPT_ENTRIES)));
  }

  mark(entry, state) {
    entry.state = state;
    this.save();
    this.markNode(entry);
  }

  nodeOf(entry) {
    return this.list.querySelector(`[data-id="${entry.id}"]`);
  }

  markNode(entry) {
    const node = this.nodeOf(entry);
    if (!node) return;
    node.dataset.state = entry.state;
    node.querySelector('.not-sent').hidden = entry.state !== 'failed' && entry.state !== 'refused';
  }

  draw(entry) {
    const node = this.turns.drawn(entry);
    this.list.append(node);
    if (this.typing?.isConnected) this.list.append(this.typing);
    if (entry.kind === 'user') this.markNode(entry);
    return node;
  }

  showTyping(on) {
    this.typing ??= el(
      'li',
      { class: 'turn bot typing', 'aria-hidden': 'true' },
      el('p', { class: 'bubble' }, el('i'), el('i'), el('i')),
    );
    if (on) this.list.append(this.typing);
    else this.typing.remove();
    this.status.textContent = on ? this.t('typing') : '';
    if (on) this.scrollToEnd();
  }

  scrollToEnd() {
    if (this.entries.length) this.list.lastElementChild.scrollIntoView({ block: 'end' });
  }

  /** Shows the end of a new turn, or its beginning where it is longer than the screen. */
  reveal(node) {
    node.scrollIntoView({ block: this.room.overflows(node) ? 'start' : 'end' });
  }

  // ---- a new conversation, and what a citizen may do with what is kept ----

  askReset() {
    if (this.entries.length) this.asking.ask('reset', () => this.reset('reset_done'));
    else this.reset('reset_done');
  }

  reset(told) {
    this.entries = [];
    session.remove('transcript');
    this.conversation.close();
    this.conversation = new Conversation(session, (news) => this.hear(news));
    this.list.replaceChildren(this.welcome);
    this.showTyping(false);
    this.delivery.stop();
    this.log.scrollTop = 0;
    this.status.textContent = this.t(told);
    this.input.focus();
  }

  /** A file with everything that the server keeps of this conversation. */
  exportAll() {
    return this.attempt(async () => {
      const kept = await this.conversation.all(this.language);
      if (!kept) return 'export_none';
      const address = URL.createObjectURL(new Blob([JSON.stringify(kept, null, 2)], { type: 'application/json' }));
      el('a', { href: address, download: `chengda-${kept.session_id.slice(0, 8)}.json` }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
      return 'export_done';
    });
  }

  /** Have the server forget this conversation, then begin anew. */
  erase() {
    return this.attempt(async () => {
      await this.conversation.erase(this.language);
      this.reset('erase_done');
      this.querySelector('.privacy').open = false;
      return 'erase_done';
    });
  }

  /** Do something and tell its words; a refusal is told as a notice. */
  async attempt(act) {
    this.status.textContent = '';
    try {
      this.status.textContent = this.t(await act());
    } catch (error) {
      this.addRefusal(error);
    }
  }
}

customElements.define('chengda-chat', ChengdaChat);
