/** What all pages of the desk share: elements, words, and the way to the server. */

import { MESSAGES } from './desk_messages.js';
import { el, eventsOf, fill, languageOf, randomId, storage } from './page.js';

export { el, randomId };

export const API = new URL('../', import.meta.url);
const TIMEOUT_MS = 30_000;
const CITY_TIME_ZONE = 'Asia/Shanghai';

const settings = storage('localStorage', 'chengda.desk.');
const session = storage('sessionStorage', 'chengda.desk.');

export function percent(share) {
  return `${Math.round(share * 100)}%`;
}

/** A labelled control; the hint is told together with it. */
export function field(label, control, hint = null) {
  const id = control.id || `f-${randomId()}`;
  control.id = id;
  if (hint) {
    hint.id = `${id}-hint`;
    control.setAttribute('aria-describedby', hint.id);
  }
  return el('p', { class: 'field' }, el('label', { for: id }, label), control, hint);
}

/** Why something was refused, in the person's words. */
export class Refusal extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/** The person at the desk: language, session, and requests in their name. */
export class Person {
  constructor() {
    this.language = languageOf(settings.get('language'));
    this.token = session.get('token');
    this.account = null;
    this.rights = [];
    this.onEnd = () => {};
  }

  t(key, values = {}) {
    return fill(MESSAGES[this.language][key] ?? key, values);
  }

  speak(language) {
    this.language = language;
    settings.set('language', language);
  }

  may(right) {
    return this.rights.includes(right);
  }

  remember(token) {
    this.token = token;
    if (token === null) session.remove('token');
    else session.set('token', token);
  }

  when(iso) {
    const format = { dateStyle: 'short', timeStyle: 'short', timeZone: CITY_TIME_ZONE };
    return new Intl.DateTimeFormat(this.language === 'zh' ? 'zh-CN' : 'en-GB', format).format(new Date(iso));
  }

  spell(seconds) {
    return seconds < 120 ? this.t('seconds', { n: seconds }) : this.t('minutes', { n: Math.floor(seconds / 60) });
  }

  headers() {
    const headers = { 'Accept-Language': this.language };
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    return headers;
  }

  /** The response of a request; raises Refusal. */
  async fetch(path, { body, method, file, signal } = {}) {
    const headers = this.headers();
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    let response;
    try {
      response = await fetch(new URL(path, API), {
        method: method ?? (body !== undefined || file ? 'POST' : 'GET'),
        headers,
        body: file ?? (body === undefined ? undefined : JSON.stringify(body)),
        signal: signal ?? AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch {
      throw new Refusal(this.t('offline'));
    }
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    if (response.status === 401 && this.account) this.onEnd();
    throw new Refusal(problem.detail ?? this.t('server_error'), response.status);
  }

  /** The JSON of an answer, null where it has none. */
  async ask(path, options) {
    const response = await this.fetch(path, options);
    return response.status === 204 ? null : response.json();
  }
}

/** The events of a stream that the person may hear. */
export async function* newsOf(person, path, signal) {
  const response = await person.fetch(path, { signal });
  for await (const { event: name, data } of eventsOf(response.body)) yield { name, data };
}
