/** The turns of a conversation as nodes: what was said, choices, sources, cases and ratings. */

import { askRating } from './case_rating.js';
import { MESSAGES } from './messages.js';
import { el } from './page.js';

const CITY_TIME_ZONE = 'Asia/Shanghai';
const RATED_OUTCOMES = ['answered', 'clarify', 'no_service'];
const URGENT_OUTCOMES = ['emergency', 'crisis'];
const HELP_NUMBERS = ['110', '119', '120', '122', '12338', '12345', '12348', '12355', '96110'];
const TRADITIONAL = /[們個這說請問處時間區與關電費證駕駛辦續報號碼雙龍崗羅園據樓燈壞誰嗎點為來後還從開應該對會國]/g;

function isTraditional(text) {
  return (text.match(TRADITIONAL) ?? []).length >= 2;
}

/** The language tag of what a person wrote, or of an answer whose language is known. */
function languageTag(text, known) {
  const language = known ?? (/\p{Script=Han}/u.test(text) ? 'zh' : /[a-z]/i.test(text) ? 'en' : null);
  return language === 'zh' && isTraditional(text) ? 'zh-Hant' : language;
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

/** Draws the turns of a chat. */
export class Turns {
  constructor(chat) {
    this.chat = chat;
  }

  get language() {
    return this.chat.language;
  }

  t(...told) {
    return this.chat.t(...told);
  }

  /** What stands at the beginning of every conversation. */
  welcome() {
    return [
      this.speaker(this.language),
      el('p', { class: 'bubble' }, this.t('welcome')),
      el('p', { class: 'aside' }, this.t('welcome_privacy')),
      this.choiceGroup(MESSAGES[this.language].quick, this.language),
    ];
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
            if (event.currentTarget.getAttribute('aria-disabled') !== 'true') this.chat.choose(choice, event);
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
      const sent = this.chat.conversation.rate({ client_msg_id: entry.to, rating }, this.language);
      const done = await sent.then(() => true, () => false);
      if (done) entry.rating = rating;
      this.chat.save();
      show();
      this.chat.status.textContent = this.t(done ? 'rated' : 'rate_failed', {}, language);
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
      this.chat.status.textContent = told;
      setTimeout(() => (button.textContent = this.t('copy', {}, language)), 3000);
    };
    return el(
      'div',
      { class: 'keep-code' },
      el('p', {}, this.t('query_code_note', {}, language)),
      el('button', { type: 'button', click: copy }, this.t('copy', {}, language)),
    );
  }

  rateTurn({ number, language }) {
    const rate = async () => {
      const done = await askRating(this.chat, number, language, (body) => this.chat.conversation.rate(body, language));
      if (done) this.chat.status.textContent = this.t('case_rated', { number }, language);
    };
    const button = el('button', { type: 'button', class: 'rate-case', click: rate }, this.t('rate_case', { number }, language));
    const text = el('p', { class: 'bubble' }, this.t('rate_case_text', { number }, language));
    return el('li', { class: 'turn bot', lang: language }, this.speaker(language, 'system'), text, button);
  }
}
