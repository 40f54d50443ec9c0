/** <chengda-status>: a citizen's case by number and query code, drawn like a parcel's track; the code stays in memory. */

import { el, fill, languageOf, storage } from './page.js';
import { MESSAGES } from './status_messages.js';

const API = new URL('../', import.meta.url);
const TIMEOUT_MS = 30_000;
const AXES = ['speed', 'effect', 'service', 'feedback'];
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
    const data = new FormData(form);
    const body = { reason: data.get('reason') || null };
    if (data.get('satisfied')) body.satisfied = data.get('satisfied') === 'yes';
    for (const axis of AXES) if (data.get(axis)) body[axis] = Number(data.get(axis));
    const options = { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    return this.attempt(() => this.ask('/rating', options), () => this.t('rated'));
  }

  choosePlace(form) {
    const data = new FormData(form);
    const body = { place: data.get('place') || null, only: data.has('only') };
    const options = { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    return this.attempt(() => this.ask('/notices', options), () => this.t('notices_done'));
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
      found.rateable ? this.ratingForm() : this.hastening(),
      found.takes_files ? this.fileForm() : null,
      this.history(),
      this.notices(),
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

  ratingForm() {
    const choice = (value) =>
      el('label', { class: 'choice' }, el('input', { type: 'radio', name: 'satisfied', value }), this.t(value));
    const score = (axis) =>
      el(
        'label',
        { class: 'score' },
        el('span', {}, this.t(axis)),
        el(
          'select',
          { name: axis },
          el('option', { value: '' }, this.t('no_score')),
          ...[5, 4, 3, 2, 1].map((value) => el('option', { value }, String(value))),
        ),
      );
    const submit = (event) => {
      event.preventDefault();
      this.rate(event.currentTarget);
    };
    return el(
      'form',
      { class: 'rating', submit, 'aria-labelledby': 'rating-title' },
      el('h3', { id: 'rating-title' }, this.t('rate')),
      el('fieldset', {}, el('legend', {}, this.t('satisfied')), choice('yes'), choice('no')),
      el('fieldset', { class: 'scores' }, el('legend', {}, this.t('scores')), ...AXES.map(score)),
      el('label', { for: 'rating-reason' }, this.t('reason')),
      el('textarea', { id: 'rating-reason', name: 'reason', rows: 3, maxlength: 2000 }),
      el('button', { type: 'submit', class: 'primary' }, this.t('send_rating')),
    );
  }

  fileForm() {
    const submit = (event) => {
      event.preventDefault();
      this.sendFile(event.currentTarget);
    };
    return el(
      'form',
      { class: 'files', submit, 'aria-labelledby': 'files-title' },
      el('h3', { id: 'files-title' }, this.t('files')),
      el('label', { for: 'case-file' }, this.t('file')),
      el('input', { id: 'case-file', type: 'file', name: 'file', 'aria-describedby': 'case-file-hint' }),
      el('p', { id: 'case-file-hint', class: 'hint' }, this.t('files_hint')),
      el('button', { type: 'submit' }, this.t('send_file')),
    );
  }

  notices() {
    const { notices } = this.case;
    const hint = el('p', { class: 'hint' }, this.t('notices_hint'));
    if (!notices.places.length) return hint;
    const submit = (event) => {
      event.preventDefault();
      this.choosePlace(event.currentTarget);
    };
    const choice = (value, label) =>
      el(
        'label',
        { class: 'choice' },
        el('input', { type: 'radio', name: 'place', value, checked: value === (notices.now ?? '') }),
        label,
      );
    return el(
      'form',
      { class: 'notices', submit, 'aria-labelledby': 'notices-title' },
      el('h3', { id: 'notices-title' }, this.t('notices')),
      el(
        'fieldset',
        {},
        el('legend', {}, this.t('notices_where')),
        ...notices.places.map((place) => choice(place.place, place[this.language])),
        choice('', this.t('notices_none')),
      ),
      el('label', { class: 'choice' }, el('input', { type: 'checkbox', name: 'only', checked: notices.only }), this.t('notices_only')),
      el('button', { type: 'submit' }, this.t('notices_save')),
      hint,
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
