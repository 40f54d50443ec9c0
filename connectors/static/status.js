/** <chengda-status>: a citizen's case by number and query code, drawn like a parcel's track; the code stays in memory. */

import { el, fill, languageOf, storage } from './page.js';
import { ratingOf } from './rating_fields.js';
import { fileForm, noticesForm, ratingForm } from './status_forms.js';
import { MESSAGES } from './status_messages.js';

const API = new URL('../', import.meta.url);
const TIMEOUT_MS = 30_000;
const CITY_TIME_ZONE = 'Asia/Shanghai';

const settings = storage('localStorage');

/** What a link brought along, taken out of the address at once so that no code stays in it. */
function fromAddress() {
  const told = new URLSearchParams(location.hash.slice(1) || location.search);
  if (location.search || location.hash) history.replaceState(null, '', location.pathname);
  return { number: told.get('number') ?? '', code: told.get('code') ?? '' };
}

/** Why something was refused, in the person's words. */
class Refusal extends Error {}

class ChengdaStatus extends HTMLElement {
  connectedCallback() {
    this.language = languageOf(settings.get('language'));
    Object.assign(this, { case: null, told: '', alert: '' }, { address: fromAddress() });
    this.draw();
    if (this.address.number && this.address.code) this.lookUp();
    else this.querySelector('#case-number').focus();
  }

  t(key, values = {}) {
    return fill(MESSAGES[this.language][key], values);
  }

  // ---- talking to the server ----

  async ask(path, options = {}) {
    const url = new URL(`cases/${encodeURIComponent(this.address.number)}${path}`, API);
    url.searchParams.set('code', this.address.code);
    let response;
    try {
      response = await fetch(url, {
        ...options,
        headers: { ...options.headers, 'Accept-Language': this.language },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new Refusal(this.t('offline'));
    }
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refusal(body.detail ?? this.t('server_error'));
    return body;
  }

  post(path, body) {
    return this.ask(path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
  }

  /** Do something that brings the case anew, or tell why not. */
  async attempt(act, done, focus = '#told') {
    Object.assign(this, { told: this.t('looking'), alert: '' });
    this.tell();
    try {
      this.case = await act();
      this.told = done ? done(this.case) : '';
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      Object.assign(this, { told: '', alert: error.message });
      this.tell();
      return;
    }
    this.draw();
    this.querySelector(focus)?.focus();
  }

  lookUp() {
    return this.attempt(() => this.ask(''), null, '#case-title');
  }

  hasten() {
    return this.attempt(
      () => this.ask('/hasten', { method: 'POST' }),
      (found) => this.t('hasten_done', { effect: found.hastened[this.language] }),
    );
  }

  rate(form) {
    return this.attempt(() => this.post('/rating', ratingOf(new FormData(form))), () => this.t('rated'));
  }

  choosePlace(form) {
    const data = new FormData(form);
    const body = { place: data.get('place') || null, only: data.has('only') };
    return this.attempt(() => this.post('/notices', body), () => this.t('notices_done'));
  }

  sendFile(form) {
    const [file] = form.elements.file.files;
    if (!file) {
      Object.assign(this, { told: '', alert: this.t('file_missing') });
      return this.tell();
    }
    const body = new FormData(form);
    return this.attempt(() => this.ask('/evidence', { method: 'POST', body }), () => this.t('file_done', { name: file.name }));
  }

  // ---- the page ----

  draw() {
    document.documentElement.lang = this.language === 'zh' ? 'zh-CN' : 'en';
    document.title = this.t('page_title');
    this.toldLine = el('p', { id: 'told', role: 'status', tabindex: '-1', class: 'told' });
    this.alertLine = el('p', { role: 'alert', class: 'refused' });
    const main = el('main', { id: 'case' }, this.search(), this.alertLine, this.toldLine, this.case && this.track());
    this.replaceChildren(el('a', { class: 'skip', href: '#case' }, this.t('skip')), this.header(), main);
    this.tell();
  }

  tell() {
    this.toldLine.textContent = this.told;
    this.alertLine.textContent = this.alert;
  }

  header() {
    const language = el('button', { type: 'button', click: () => this.switchLanguage() }, this.t('other_language'));
    const chat = el('a', { class: 'to-chat', href: new URL('.', API) }, this.t('to_chat'));
    return el(
      'header',
      { class: 'header' },
      el('img', { class: 'logo', src: new URL('icon.svg', import.meta.url), alt: '', width: 36, height: 36 }),
      el('div', { class: 'brand' }, el('h1', {}, this.t('name')), el('p', {}, this.t('tagline'))),
      el('div', { class: 'tools', role: 'group', 'aria-label': this.t('settings') }, chat, language),
    );
  }

  switchLanguage() {
    this.keepTyped();
    this.language = this.language === 'zh' ? 'en' : 'zh';
    settings.set('language', this.language);
    Object.assign(this, { told: '', alert: '' });
    this.draw();
    this.querySelector('.tools button').focus();
  }

  keepTyped() {
    this.address = {
      number: this.querySelector('#case-number').value.trim(),
      code: this.querySelector('#case-code').value.trim(),
    };
  }

  search() {
    const field = (id, key, value, attributes) =>
      el(
        'div',
        { class: 'field' },
        el('label', { for: id }, this.t(key)),
        el('input', { id, value, 'aria-describedby': `${id}-hint`, spellcheck: 'false', autocapitalize: 'characters', ...attributes }),
        el('p', { id: `${id}-hint`, class: 'hint' }, this.t(`${key}_hint`)),
      );
    const submit = (event) => {
      event.preventDefault();
      this.keepTyped();
      if (this.address.number && this.address.code) return this.lookUp();
      Object.assign(this, { told: '', alert: this.t('missing') });
      return this.tell();
    };
    return el(
      'form',
      { class: 'search', submit, autocomplete: 'off' },
      field('case-number', 'number', this.address.number, { maxlength: 30 }),
      field('case-code', 'code', this.address.code, { maxlength: 20 }),
      el('button', { type: 'submit', class: 'primary' }, this.t('look_up')),
    );
  }

  track() {
    const found = this.case;
    const fact = (key, value) => value && el('div', {}, el('dt', {}, this.t(key)), el('dd', {}, value));
    return el(
      'article',
      { class: 'case', 'aria-labelledby': 'case-title' },
      el('h2', { id: 'case-title', tabindex: '-1' }, this.t('case_title', { number: found.case_id })),
      el('p', { class: 'status-now' }, found.status_text[this.language]),
      this.stations(),
      el(
        'dl',
        { class: 'facts' },
        fact('held_by', found.held_by[this.language]),
        fact('expected', found.due.state === 'done' ? '' : this.time(found.expected_datetime) + found.due[this.language]),
        fact('next', found.next_step[this.language]),
        fact('matter', found.description),
        fact('filed', this.time(found.requested_datetime)),
        fact('answer', found.reply),
      ),
      found.rateable ? ratingForm(this) : this.hastening(),
      found.takes_files ? fileForm(this) : null,
      this.history(),
      noticesForm(this),
    );
  }

  stations() {
    const state = (station, index, all) =>
      station.current ? 'current' : index < all.findIndex((one) => one.current) ? 'reached' : 'ahead';
    const items = this.case.stations.map((station, index, all) =>
      el(
        'li',
        { class: state(station, index, all), 'aria-current': station.current ? 'step' : false },
        el('span', { class: 'dot', 'aria-hidden': 'true' }),
        el('span', { class: 'stage' }, station[this.language]),
        el('span', { class: 'visually-hidden' }, ` ${this.t(state(station, index, all))} `),
        station.at && el('time', { datetime: station.at }, this.time(station.at)),
      ),
    );
    return el('ol', { class: 'stations', 'aria-label': this.t('track') }, ...items);
  }

  hastening() {
    const { hasten } = this.case;
    return el(
      'section',
      { class: 'hasten', 'aria-labelledby': 'hasten-title' },
      el('h3', { id: 'hasten-title' }, this.t('hasten')),
      el('p', {}, hasten[this.language]),
      hasten.allowed ? el('button', { type: 'button', click: () => this.hasten() }, this.t('hasten_now')) : null,
    );
  }

  history() {
    const lines = [...this.case.timeline].reverse().map((line) =>
      el(
        'li',
        {},
        el('time', { datetime: line.at }, this.time(line.at)),
        el('p', {}, line.text[this.language], line.leading ? el('span', { class: 'leading' }, ` (${this.t('leading')})`) : null),
        line.note && el('p', { class: 'note' }, line.note),
      ),
    );
    return el(
      'section',
      { class: 'history', 'aria-labelledby': 'history-title' },
      el('h3', { id: 'history-title' }, this.t('history')),
      el('ol', {}, ...lines),
    );
  }

  time(stamp) {
    const options = { dateStyle: 'medium', timeStyle: 'short', timeZone: CITY_TIME_ZONE };
    return new Intl.DateTimeFormat(this.language === 'zh' ? 'zh-CN' : 'en-GB', options).format(new Date(stamp));
  }
}

customElements.define('chengda-status', ChengdaStatus);
