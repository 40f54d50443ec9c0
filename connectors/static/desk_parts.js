/** What all pages of the desk share: elements, words, and the way to the server. */

import { MESSAGES } from './desk_messages.js';

export const API = new URL('../', import.meta.url);
const TIMEOUT_MS = 30_000;
const CITY_TIME_ZONE = 'Asia/Shanghai';

/** An element with attributes, listeners and children; null children are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}

export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

/** A random id; randomUUID exists only on secure origins. */
export function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A value kept in a web storage, null where the browser forbids it. */
export function kept(area, key, value) {
  try {
    if (value === null) window[area].removeItem(`chengda.desk.${key}`);
    else if (value !== undefined) window[area].setItem(`chengda.desk.${key}`, value);
    return window[area].getItem(`chengda.desk.${key}`);
  } catch {
    return null;
  }
}

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
    const known = kept('localStorage', 'language');
    this.language = known in MESSAGES ? known : (navigator.language ?? 'zh').toLowerCase().startsWith('zh') ? 'zh' : 'en';
    this.token = kept('sessionStorage', 'token');
    this.account = null;
    this.rights = [];
    this.onEnd = () => {};
  }

  t(key, values = {}) {
    return fill(MESSAGES[this.language][key] ?? key, values);
  }

  speak(language) {
    this.language = language;
    kept('localStorage', 'language', language);
  }

  may(right) {
    return this.rights.includes(right);
  }

  remember(token) {
    this.token = token;
    kept('sessionStorage', 'token', token);
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

/** The events of a server-sent stream read with fetch, which unlike EventSource can carry a token. */
export async function* newsOf(person, path, signal) {
  const response = await person.fetch(path, { signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split(/\r?\n/);
      const name = lines.find((line) => line.startsWith('event:'))?.slice(6).trim();
      const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim()).join('\n');
      if (name) yield { name, data: data ? JSON.parse(data) : null };
    }
  }
}
