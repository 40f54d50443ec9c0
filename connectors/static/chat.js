/** <chengda-chat>: the web chat of Chengda over its own API, in light DOM so that labels and live regions work. */

import { askRating } from './case_rating.js';
import { Conversation, DeliveryError, fill } from './conversation.js';
import { MESSAGES } from './messages.js';
import { framed, hearSite, paint, tellSite, wishedLanguage } from './widget_frame.js';

const CITY_TIME_ZONE = 'Asia/Shanghai';
const MAX_CHARS = 2000;
const COUNTER_FROM = 1800;
const KEPT_ENTRIES = 200;
const PANEL_MIN_PX = 180;
const RATED_OUTCOMES = ['answered', 'clarify', 'no_service'];
const FILES = '.jpg,.jpeg,.png,.webp,.heic,.pdf,.mp4';
const URGENT_OUTCOMES = ['emergency', 'crisis'];
const HELP_NUMBERS = ['110', '119', '120', '122', '12338', '12345', '12348', '12355', '96110'];
const TRADITIONAL = /[們個這說請問處時間區與關電費證駕駛辦續報號碼雙龍崗羅園據樓燈壞誰嗎點為來後還從開應該對會國]/g;

const settings = storage('localStorage');
const session = storage('sessionStorage');

/** A web storage that forgets instead of failing where the browser forbids it. */
function storage(area) {
  const attempt = (action) => {
    try {
      return action(window[area]);
    } catch {
      return null;
    }
  };
  return {
    get: (key) => attempt((store) => store.getItem(`chengda.${key}`)),
    set: (key, value) => attempt((store) => store.setItem(`chengda.${key}`, value)),
    remove: (key) => attempt((store) => store.removeItem(`chengda.${key}`)),
  };
}

/** An element; `text` and `label` name entries of the messages table that follow the page's language. */
function el(tag, { text, label, hint, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (text) node.dataset.text = text;
  if (label) node.dataset.label = label;
  if (hint) node.dataset.hint = hint;
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

/** A random id; randomUUID exists only on secure origins. */
function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function isTraditional(text) {
  return (text.match(TRADITIONAL) ?? []).length >= 2;
}

/** The language tag of what a person wrote, or of an answer whose language is known. */
function languageTag(text, known) {
  const language = known ?? (/\p{Script=Han}/u.test(text) ? 'zh' : /[a-z]/i.test(text) ? 'en' : null);
  return language === 'zh' && isTraditional(text) ? 'zh-Hant' : language;
}

function savedTranscript() {
  try {
    return JSON.parse(session.get('transcript')) ?? [];
  } catch {
    return [];
  }
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Copying where the clipboard interface is missing, as on plain http. */
function copyBySelection(text) {
  const focused = document.activeElement;
  const area = el('textarea', { class: 'visually-hidden', 'aria-hidden': 'true' });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  focused?.focus();
  return done;
}

class ChengdaChat extends HTMLElement {
  connectedCallback() {
    this.language = this.initialLanguage();
    this.embedded = this.hasAttribute('embedded');
    this.entries = savedTranscript();
    this.cancel = new AbortController();
    this.build();
    this.entries.forEach((entry) => this.draw(entry));
    this.holdInterrupted();
    this.applyLargerText(settings.get('larger_text') === 'on');
    this.applyLanguage();
    this.watchViewport();
    this.scrollToEnd();
    this.conversation = new Conversation(session, (news) => this.hear(news));
    if (this.embedded) this.joinSite();
  }

  initialLanguage() {
    const saved = settings.get('language');
    if (!saved && wishedLanguage in MESSAGES) return wishedLanguage;
    if (saved in MESSAGES) return saved;
    return (navigator.language ?? 'zh').toLowerCase().startsWith('zh') ? 'zh' : 'en';
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
    this.header = this.buildHeader();
    this.help = this.buildHelp();
    this.welcome = el('li', { class: 'turn bot' });
    this.list = el('ol', { class: 'messages' }, this.welcome);
    this.log = el(
      'div',
      { class: 'log', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions', tabindex: '0', label: 'log' },
      this.list,
    );
    this.status = el('p', { class: 'visually-hidden', role: 'status' });
    this.failure = this.buildFailure();
    this.form = this.buildForm();
    this.footer = this.buildFooter();
    this.dialog = this.buildDialog();
    this.dock = el('div', { class: 'dock' }, this.failure, this.form);
    const main = el('main', {}, this.log, this.status, this.dock);
    this.replaceChildren(this.skip, this.header, this.help, main, this.footer, this.dialog);
  }

  buildHeader() {
    this.languageButton = el('button', { type: 'button', text: 'other_language', click: () => this.switchLanguage() });
    this.largerButton = el('button', {
      type: 'button',
      text: 'larger_text',
      'aria-pressed': 'false',
      click: () => this.applyLargerText(this.largerButton.getAttribute('aria-pressed') === 'false'),
    });
    const reset = el('button', { type: 'button', text: 'new_conversation', click: () => this.askReset() });
    return el(
      'header',
      { class: 'header' },
      el('img', { class: 'logo', src: new URL('icon.svg', import.meta.url), alt: '', width: 36, height: 36 }),
      el('div', { class: 'brand' }, el('h1', { text: 'name' }), el('p', { text: 'tagline' })),
      el('div', { class: 'tools', role: 'group', label: 'settings' }, this.languageButton, this.largerButton, reset, this.closing()),
    );
  }

  closing() {
    if (!this.embedded || !framed) return null;
    return el('button', { type: 'button', class: 'close', text: 'close', click: () => tellSite('close') });
  }

  buildHelp() {
    const number = (digits, key) =>
      el('a', { href: `tel:${digits}` }, el('strong', {}, digits), ' ', el('span', { text: key }));
    const urgent = el(
      'p',
      { class: 'urgent' },
      el('span', { class: 'urgent-label', text: 'emergency' }),
      number('110', 'police'),
      number('119', 'fire'),
      number('120', 'ambulance'),
    );
    this.personButton = el('button', {
      type: 'button',
      text: 'person',
      click: (event) => this.choose({ title: this.t('person'), payload: this.t('person_payload') }, event),
    });
    const human = el('p', { class: 'human' }, number('12345', 'hotline'), this.personButton);
    return el('section', { class: 'help', label: 'help' }, urgent, human);
  }

  buildFailure() {
    this.failureText = el('p', { role: 'alert' });
    this.retryButton = el('button', { type: 'button', text: 'retry', click: () => this.retry() });
    return el('div', { class: 'failure', hidden: true }, this.failureText, this.retryButton);
  }

  buildForm() {
    this.input = el('textarea', {
      id: 'chengda-input',
      rows: 1,
      maxlength: MAX_CHARS,
      autocomplete: 'off',
      enterkeyhint: 'send',
      hint: 'placeholder',
      'aria-describedby': 'chengda-input-hint',
      input: () => this.onInput(),
      keydown: (event) => this.onKey(event),
      paste: (event) => this.onPaste(event),
    });
    this.counter = el('p', { class: 'counter', hidden: true });
    this.file = el('input', { type: 'file', class: 'visually-hidden', accept: FILES, tabindex: '-1', label: 'file', change: () => this.sendFile() });
    const plus = el('span', { class: 'plus', 'aria-hidden': 'true' }, '＋');
    const add = el('button', { type: 'button', class: 'add-file', click: () => this.file.click() }, plus, el('span', { text: 'file' }));
    const form = el(
      'form',
      {
        class: 'composer',
        submit: (event) => {
          event.preventDefault();
          this.submit();
        },
      },
      el('label', { for: 'chengda-input', text: 'input' }),
      el('div', { class: 'field' }, add, this.input, el('button', { type: 'submit', class: 'send', text: 'send' })),
      el('p', { id: 'chengda-input-hint', class: 'visually-hidden', text: 'input_hint' }),
      this.counter,
      this.file,
    );
    return form;
  }

  buildFooter() {
    this.privacyText = el('div', { class: 'privacy-text', tabindex: '0', role: 'group', label: 'privacy' });
    const privacy = el(
      'details',
      { class: 'privacy', keydown: (event) => this.closeOnEscape(event) },
      el('summary', { text: 'privacy' }),
      this.privacyText,
    );
    const cases = el('a', { class: 'cases-link', href: new URL('../status', import.meta.url), text: 'cases_page' });
    return el('footer', { class: 'footer' }, el('p', { class: 'ai-label', text: 'ai_label' }), cases, privacy);
  }

  buildDialog() {
    const close = () => this.dialog.close();
    const confirm = () => {
      close();
      this.reset();
    };
    return el(
      'dialog',
      { 'aria-labelledby': 'chengda-reset', 'aria-describedby': 'chengda-reset-text' },
      el('h2', { id: 'chengda-reset', text: 'reset_title' }),
      el('p', { id: 'chengda-reset-text', text: 'reset_text' }),
      el(
        'div',
        { class: 'dialog-buttons' },
        el('button', { type: 'button', text: 'reset_no', click: close }),
        el('button', { type: 'button', class: 'primary', text: 'reset_yes', click: confirm }),
      ),
    );
  }

  closeOnEscape(event) {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.currentTarget.open = false;
    event.currentTarget.querySelector('summary').focus();
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
    this.drawWelcome();
    this.showFailure();
    this.updateCounter();
    this.status.textContent = '';
    this.fitLayout();
  }

  applyLargerText(on) {
    this.largerButton.setAttribute('aria-pressed', String(on));
    document.documentElement.classList.toggle('larger-text', on);
    settings.set('larger_text', on ? 'on' : 'off');
    this.autosize();
    this.fitLayout();
  }

  watchViewport() {
    const fit = () => this.fitLayout();
    window.addEventListener('resize', fit);
    window.visualViewport?.addEventListener('resize', fit);
  }

  /**
   * Keeps the page inside what the on-screen keyboard leaves. Where little is left it scrolls as a whole ("flowing"),
   * with help and AI label staying on the screen as long as they leave room to read ("anchored").
   */
  fitLayout() {
    const viewport = window.visualViewport;
    const zoomed = viewport && Math.abs(viewport.scale - 1) > 0.01;
    const height = viewport && !zoomed ? viewport.height : window.innerHeight;
    if (!zoomed) this.style.setProperty('--room', `${height}px`);
    const [header, help, dock, footer] = [this.header, this.help, this.dock, this.footer].map((part) => part.offsetHeight);
    const left = height - help - dock - footer;
    const flowing = left - header < PANEL_MIN_PX;
    const anchored = flowing && left >= PANEL_MIN_PX;
    this.classList.toggle('flowing', flowing);
    this.classList.toggle('anchored', anchored);
    const above = anchored ? help : 0;
    const below = anchored ? footer : 0;
    this.style.setProperty('--below', `${below}px`);
    document.documentElement.style.scrollPadding = flowing ? `${above + 8}px 0 ${below + dock + 8}px` : '';
  }

  // ---- writing ----

  submit() {
    const text = this.input.value.trim();
    this.input.focus();
    if (!text) return;
    this.input.value = '';
    this.onInput();
    this.send(text, text);
  }

  onKey(event) {
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || composing) return;
    event.preventDefault();
    this.submit();
  }

  onInput() {
    this.autosize();
    this.updateCounter();
  }

  onPaste(event) {
    const { value, selectionStart, selectionEnd } = this.input;
    const pasted = event.clipboardData?.getData('text') ?? '';
    if (value.length - (selectionEnd - selectionStart) + pasted.length > MAX_CHARS) this.overflowed = true;
  }

  autosize() {
    this.input.style.height = 'auto';
    if (this.input.value) this.input.style.height = `${this.input.scrollHeight + 2}px`;
  }

  updateCounter() {
    const count = this.input.value.length;
    const full = count >= MAX_CHARS;
    this.overflowed &&= full;
    const appears = this.counter.hidden && count >= COUNTER_FROM;
    this.counter.hidden = count < COUNTER_FROM;
    this.counter.textContent = this.t(this.overflowed ? 'counter_full' : 'counter', { count, limit: MAX_CHARS });
    this.counter.classList.toggle('full', full);
    if (this.overflowed) this.status.textContent = this.counter.textContent;
    else if (appears) this.status.textContent = this.t('counter_near', { left: MAX_CHARS - count });
  }

  choose(button, event) {
    const byMouse = event.detail > 0 && window.matchMedia('(hover: hover) and (pointer: fine)').matches;
    if (byMouse) this.input.focus();
    this.send(button.payload, button.title);
  }

  send(text, shown) {
    this.retireFormButtons();
    this.addEntry({ kind: 'user', id: randomId(), text, shown, state: 'waiting' });
    this.deliverAll();
  }

  /** Choices of a form step do not outlive it; they stay in place so that focus is not lost. */
  retireFormButtons() {
    for (const button of this.list.querySelectorAll('.form-step button')) button.setAttribute('aria-disabled', 'true');
  }

  // ---- sending ----

  /** Sends what waits, in order; stops at the first message that must be tried again. */
  async deliverAll() {
    if (this.delivering) return;
    const { signal } = this.cancel;
    this.delivering = true;
    this.showFailure(null);
    this.showTyping(true);
    let entry;
    while (!signal.aborted && (entry = this.nextUnsent()) && (await this.deliver(entry, signal)));
    if (signal.aborted) return;
    this.delivering = false;
    this.showTyping(false);
  }

  nextUnsent() {
    return this.entries.find((entry) => entry.state === 'waiting' || entry.state === 'failed');
  }

  async deliver(entry, signal) {
    this.mark(entry, 'waiting');
    try {
      const answered = await this.conversation.say(entry.id, entry.text, this.language, signal);
      if (signal.aborted) return false;
      this.mark(entry, 'sent');
      this.addTurn(answered.turn_id, answered.messages, entry.id);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      return this.onFailure(entry, error);
    }
  }

  onFailure(entry, error) {
    if (!(error instanceof DeliveryError)) throw error;
    this.mark(entry, error.again ? 'failed' : 'refused');
    if (error.again) {
      this.showFailure(error);
      this.reveal(this.nodeOf(entry));
      return false;
    }
    this.addEntry({ kind: 'notice', text: error.told(this.language), language: this.language });
    return true;
  }

  retry() {
    this.input.focus();
    this.deliverAll();
  }

  /** Messages that a reload cut off can be sent again under their old id. */
  holdInterrupted() {
    const cut = this.entries.filter((entry) => entry.state === 'waiting');
    cut.forEach((entry) => this.mark(entry, 'failed'));
    if (this.nextUnsent()) this.failed = new DeliveryError('timeout');
  }

  showFailure(error = this.failed) {
    this.failed = error;
    this.failure.hidden = !error;
    this.failureText.textContent = error ? error.told(this.language) : '';
    this.fitLayout();
  }

  // ---- what others say, files, ratings ----

  /** News of the stream: parts of the answer under way, turns of a person or a notice, cases that changed. */
  hear({ part, turn, messages, cases }) {
    if (part && this.delivering) this.showPart(part);
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

  async sendFile() {
    const [file] = this.file.files;
    this.file.value = '';
    if (!file) return;
    this.status.textContent = this.t('file_sending', { name: file.name });
    try {
      const { turn_id: turn, messages } = await this.conversation.send(file, this.language);
      this.addTurn(turn, messages);
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      this.addEntry({ kind: 'notice', text: error.told(this.language), language: this.language });
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

  rateTurn({ number, language }) {
    const rate = async () => {
      const done = await askRating(this, number, language, (body) => this.conversation.rate(body, language));
      if (done) this.status.textContent = this.t('case_rated', { number }, language);
    };
    const button = el('button', { type: 'button', class: 'rate-case', click: rate }, this.t('rate_case', { number }, language));
    const text = el('p', { class: 'bubble' }, this.t('rate_case_text', { number }, language));
    return el('li', { class: 'turn bot', lang: language }, this.speaker(language, 'system'), text, button);
  }

  // ---- the transcript ----

  addEntry(entry) {
    this.entries.push(entry);
    this.save();
    this.reveal(this.draw(entry));
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
    const node = this.drawn(entry);
    this.list.append(node);
    if (this.typing?.isConnected) this.list.append(this.typing);
    if (entry.kind === 'user') this.markNode(entry);
    return node;
  }

  drawn(entry) {
    if (entry.kind === 'user') return this.userTurn(entry);
    if (entry.kind === 'rate') return this.rateTurn(entry);
    if (entry.kind === 'notice') return el('li', { class: 'turn notice', lang: entry.language }, el('p', {}, entry.text));
    return this.botTurn(entry);
  }

  userTurn(entry) {
    return el(
      'li',
      { class: 'turn user', 'data-id': entry.id },
      el('span', { class: 'visually-hidden', text: 'you' }, this.t('you')),
      el('p', { class: 'bubble', lang: languageTag(entry.shown) ?? this.language }, entry.shown),
      el('span', { class: 'not-sent', text: 'not_sent', hidden: true }, this.t('not_sent')),
    );
  }

  botTurn(entry) {
    const { answer } = entry;
    const turn = answer.at(-1)?.custom?.turn ?? {};
    const language = turn.language in MESSAGES ? turn.language : this.language;
    const whole = answer.map((message) => message.text ?? '').join('\n');
    const urgent = URGENT_OUTCOMES.includes(turn.outcome);
    const node = el('li', { class: 'turn bot', lang: languageTag(whole, language) }, this.speaker(language, entry.role));
    node.classList.toggle('urgent-turn', urgent);
    node.classList.toggle('form-step', Boolean(turn.active_form));
    for (const message of answer) node.append(...this.messageParts(message, turn, language));
    if (urgent) node.append(this.callLinks(whole, language));
    const told = (turn.cases ?? [turn.case]).filter((filed) => filed?.status);
    for (const filed of told) node.append(this.caseCard(filed, language));
    if (turn.sources?.length) node.append(this.sourceList(turn.sources, language));
    const choices = answer.flatMap((message) => message.buttons ?? []);
    if (choices.length) node.append(this.choiceGroup(choices, language));
    if (entry.to && RATED_OUTCOMES.includes(turn.outcome)) node.append(this.ratingGroup(entry, language));
    return node;
  }

  /** Who speaks; every word of the machine is marked as such. */
  speaker(language, role = 'assistant') {
    if (role === 'agent' || role === 'system') return el('p', { class: 'speaker' }, el('strong', {}, this.t(role, {}, language)));
    return el(
      'p',
      { class: 'speaker' },
      el('strong', {}, this.t('name', {}, language)),
      ' ',
      el('span', { class: 'ai-mark' }, this.t('ai_generated', {}, language)),
    );
  }

  messageParts(message, turn, language) {
    const repeatsSources = (line) => turn.sources?.length && turn.sources.every(({ title }) => line.includes(title));
    const lines = (message.text ?? '').split('\n').filter((line) => !repeatsSources(line));
    const text = lines.join('\n').trim();
    const bubble = text && el('p', { class: 'bubble' }, text);
    const image = message.image && el('img', { class: 'picture', src: message.image, alt: this.t('image', {}, language) });
    return [bubble, image].filter(Boolean);
  }

  callLinks(text, language) {
    const numbers = [...new Set(text.match(/\d+/g))].filter((digits) => HELP_NUMBERS.includes(digits));
    const link = (number) => el('a', { href: `tel:${number}` }, `${this.t('call', {}, language)} ${number}`);
    return el('p', { class: 'calls' }, ...numbers.map(link));
  }

  choiceGroup(choices, language) {
    const choiceButton = (choice) =>
      el(
        'button',
        {
          type: 'button',
          click: (event) => {
            if (event.currentTarget.getAttribute('aria-disabled') !== 'true') this.choose(choice, event);
          },
        },
        choice.title,
      );
    const label = this.t('choices', {}, language);
    return el('div', { class: 'choices', role: 'group', 'aria-label': label }, ...choices.map(choiceButton));
  }

  /** Two toggle buttons, of which at most one is pressed. */
  ratingGroup(entry, language) {
    const buttons = Object.entries({ good: '👍', bad: '👎' }).map(([rating, thumb]) =>
      el(
        'button',
        { type: 'button', 'data-rating': rating, click: () => rate(rating) },
        el('span', { 'aria-hidden': 'true' }, `${thumb} `),
        this.t(`rate_${rating}`, {}, language),
      ),
    );
    const show = () => {
      for (const button of buttons) button.setAttribute('aria-pressed', String(entry.rating === button.dataset.rating));
    };
    const rate = async (rating) => {
      const sent = this.conversation.rate({ client_msg_id: entry.to, rating }, this.language);
      const done = await sent.then(() => true, () => false);
      if (done) entry.rating = rating;
      this.save();
      show();
      this.status.textContent = this.t(done ? 'rated' : 'rate_failed', {}, language);
    };
    show();
    return el('div', { class: 'rating', role: 'group', 'aria-label': this.t('rate', {}, language) }, ...buttons);
  }

  sourceList(sources, language) {
    const item = ({ title, url, checked_on: date }) => {
      const name = url ? this.sourceLink(title, url, language) : el('span', {}, title);
      return el('li', {}, name, date ? el('span', { class: 'date' }, this.t('checked', { date }, language)) : null);
    };
    const heading = el('p', { class: 'sources-title' }, this.t('sources', {}, language));
    return el('div', { class: 'sources' }, heading, el('ul', {}, ...sources.map(item)));
  }

  sourceLink(title, url, language) {
    if (!/^https?:/i.test(url)) return el('span', {}, title);
    const note = el('span', { class: 'visually-hidden' }, ` (${this.t('new_window', {}, language)})`);
    return el('a', { href: url, rel: 'noopener', target: '_blank' }, title, note);
  }

  caseCard(filed, language) {
    const row = (key, ...value) => el('div', {}, el('dt', {}, this.t(key, {}, language)), el('dd', {}, ...value));
    const rows = [
      row('case_number', el('span', { class: 'case-number' }, filed.case_id)),
      row('case_status', MESSAGES[language].status[filed.status] ?? filed.status),
    ];
    if (filed.expected_datetime) rows.push(row('case_expected', this.expected(filed.expected_datetime, language)));
    if (filed.query_code) rows.push(row('query_code', el('span', { class: 'query-code' }, filed.query_code)));
    const title = el('h2', {}, this.t('case', {}, language));
    const card = el('div', { class: 'case' }, title, el('dl', {}, ...rows));
    if (filed.query_code) card.append(this.keepCode(filed, language), this.trackLink(filed, language));
    return card;
  }

  /** Number and code stand behind the #, which no server is sent. */
  trackLink({ case_id: number, query_code: code }, language) {
    const page = new URL(`../status#${new URLSearchParams({ number, code })}`, import.meta.url);
    return el('p', {}, el('a', { href: page, rel: 'noopener', target: '_blank' }, this.t('track_case', {}, language)));
  }

  expected(iso, language) {
    const format = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en-GB', {
      dateStyle: 'long',
      timeStyle: 'short',
      timeZone: CITY_TIME_ZONE,
    });
    return this.t('case_before', { time: format.format(new Date(iso)) }, language);
  }

  keepCode(filed, language) {
    const copy = async (event) => {
      const button = event.currentTarget;
      const done = await copyText(`${filed.case_id} ${filed.query_code}`);
      const told = this.t(done ? 'copied' : 'copy_failed', {}, language);
      button.textContent = told;
      this.status.textContent = told;
      setTimeout(() => (button.textContent = this.t('copy', {}, language)), 3000);
    };
    return el(
      'div',
      { class: 'keep-code' },
      el('p', {}, this.t('query_code_note', {}, language)),
      el('button', { type: 'button', click: copy }, this.t('copy', {}, language)),
    );
  }

  drawWelcome() {
    this.welcome.lang = this.language;
    this.welcome.replaceChildren(
      this.speaker(this.language),
      el('p', { class: 'bubble' }, this.t('welcome')),
      el('p', { class: 'aside' }, this.t('welcome_privacy')),
      this.choiceGroup(MESSAGES[this.language].quick, this.language),
    );
  }

  showTyping(on) {
    this.typing ??= el(
      'li',
      { class: 'turn bot typing', 'aria-hidden': 'true' },
      el('p', { class: 'bubble' }, el('i'), el('i'), el('i')),
    );
    this.typing.firstElementChild.replaceChildren(el('i'), el('i'), el('i'));
    this.typing.classList.remove('partly');
    this.partly = '';
    if (on) this.list.append(this.typing);
    else this.typing.remove();
    this.status.textContent = on ? this.t('typing') : '';
    if (on) this.scrollToEnd();
  }

  /** The part of an answer that is here; it is hidden from readers, who hear the finished answer once. */
  showPart({ id, index, text }) {
    if (!this.typing?.isConnected) return;
    this.partly += this.partly && index === 0 ? `\n${text}` : text;
    this.typing.classList.add('partly');
    this.typing.firstElementChild.textContent = this.partly;
    this.typing.dataset.of = id;
  }

  // ---- scrolling ----

  scrollToEnd() {
    const last = this.list.lastElementChild;
    if (this.entries.length) last.scrollIntoView({ block: 'end' });
  }

  /** Shows the end of a new turn, or its beginning where it is longer than the screen. */
  reveal(node) {
    const room = this.classList.contains('flowing') ? PANEL_MIN_PX : this.log.clientHeight;
    node.scrollIntoView({ block: node.offsetHeight > room ? 'start' : 'end' });
  }

  // ---- a new conversation ----

  askReset() {
    if (this.entries.length) this.dialog.showModal();
    else this.reset();
  }

  reset() {
    this.cancel.abort();
    this.cancel = new AbortController();
    this.delivering = false;
    this.entries = [];
    session.remove('transcript');
    this.conversation.close();
    this.conversation = new Conversation(session, (news) => this.hear(news));
    this.list.replaceChildren(this.welcome);
    this.showTyping(false);
    this.showFailure(null);
    this.log.scrollTop = 0;
    this.status.textContent = this.t('reset_done');
    this.input.focus();
  }
}

customElements.define('chengda-chat', ChengdaChat);
