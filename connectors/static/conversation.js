/** The conversation with the server: messages that are answered once, files, ratings, and a stream of what is new. */

import { MESSAGES } from './messages.js';
import { eventsOf, fill } from './page.js';

const SESSIONS = new URL('../api/v1/sessions', import.meta.url);
const TIMEOUT_MS = 30_000;
const WAIT_MS = [500, 1000, 2000, 5000, 15_000, 30_000];

/** Why something did not get through; `again` tells whether sending it once more can help. */
export class DeliveryError extends Error {
  constructor(key, { detail = '', language = '', again = true, status = 0 } = {}) {
    super(detail || key);
    Object.assign(this, { key, detail, language, again, status });
  }

  /** The server's own words where they are in the language asked for, else ours. */
  told(language) {
    return this.detail && this.language === language ? this.detail : fill(MESSAGES[language][this.key], {});
  }
}

async function problemOf(response, language) {
  const isProblem = (response.headers.get('content-type') ?? '').includes('application/problem+json');
  const problem = isProblem ? await response.json().catch(() => ({})) : {};
  const told = { detail: problem.detail ?? '', language, status: response.status };
  if (response.status === 429) return new DeliveryError('too_many', told);
  if (response.status >= 500 || response.status === 408) return new DeliveryError('server_error', told);
  return new DeliveryError('refused', { ...told, again: false });
}

/** One citizen's conversation; `heard` gets {turn, messages} and {cases: true} as the stream tells them. */
export class Conversation {
  constructor(store, heard) {
    Object.assign(this, { store, heard, session: null, ended: new AbortController() });
    try {
      this.session = JSON.parse(store.get('session'));
    } catch {
      this.session = null;
    }
    if (this.session) this.listen();
  }

  /** Say something; gives the turn. Raises DeliveryError. */
  say(id, text, language, cancelled) {
    const body = JSON.stringify({ client_msg_id: id, type: 'text', text, lang: language });
    return this.asked('/messages', { method: 'POST', body }, language, cancelled);
  }

  send(file, language) {
    const body = new FormData();
    body.append('file', file);
    body.append('lang', language);
    return this.asked('/files', { method: 'POST', body }, language);
  }

  rate(body, language) {
    return this.asked('/feedback', { method: 'POST', body: JSON.stringify(body) }, language);
  }

  cases(language) {
    return this.session ? this.asked('/cases', {}, language) : Promise.resolve([]);
  }

  /** Everything the server keeps of this conversation, null while there is none. */
  all(language) {
    return this.session ? this.asked('/export', {}, language) : Promise.resolve(null);
  }

  /** Have the server forget this conversation; cases that were filed stay. One that ended already is forgotten. */
  async erase(language) {
    const { session } = this;
    if (!session) return;
    try {
      await this.fetched(`${SESSIONS}/${session.id}`, session, { method: 'DELETE' }, language, this.ended.signal);
    } catch (error) {
      if (error.status !== 401) throw error;
    }
  }

  close() {
    this.ended.abort();
    this.store.remove('session');
  }

  /** A request of the session; one that the server no longer knows is begun anew, once. */
  async asked(path, options, language, cancelled = this.ended.signal) {
    const before = await this.opened(language, cancelled);
    try {
      return await this.fetched(`${SESSIONS}/${before.id}${path}`, before, options, language, cancelled);
    } catch (error) {
      if (error.status !== 401) throw error;
      if (this.session === before) this.session = null;
      const fresh = await this.opened(language, cancelled);
      return this.fetched(`${SESSIONS}/${fresh.id}${path}`, fresh, options, language, cancelled);
    }
  }

  async opened(language, cancelled) {
    if (this.session) return this.session;
    this.opening ??= this.fetched(SESSIONS, null, { method: 'POST', body: JSON.stringify({ language }) }, language, cancelled);
    try {
      const made = await this.opening;
      if (!this.session) {
        this.session = { id: made.session_id, token: made.token, last: 0 };
        this.keep();
        this.listen();
      }
    } finally {
      this.opening = null;
    }
    return this.session;
  }

  async fetched(url, session, options, language, cancelled) {
    const cutOff = new AbortController();
    const timer = setTimeout(() => cutOff.abort(), TIMEOUT_MS);
    cancelled.addEventListener('abort', () => cutOff.abort());
    const headers = { 'Accept-Language': language };
    if (session) headers.Authorization = `Bearer ${session.token}`;
    if (typeof options.body === 'string') headers['Content-Type'] = 'application/json';
    try {
      const response = await fetch(url, { ...options, headers, signal: cutOff.signal });
      if (!response.ok) throw await problemOf(response, language);
      return response.status === 204 ? null : await response.json();
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      if (error instanceof SyntaxError) throw new DeliveryError('server_error');
      throw new DeliveryError(cutOff.signal.aborted ? 'timeout' : 'offline');
    } finally {
      clearTimeout(timer);
    }
  }

  keep() {
    this.store.set('session', JSON.stringify(this.session));
  }

  // ---- the stream ----

  /** Hear what is new for as long as the conversation lasts; a cut stream goes on after the last turn heard. */
  async listen() {
    const { session } = this;
    for (let failed = 0; this.session === session && !this.ended.signal.aborted; failed += 1) {
      try {
        const headers = { Authorization: `Bearer ${session.token}`, 'Last-Event-ID': String(session.last) };
        const response = await fetch(`${SESSIONS}/${session.id}/stream`, { headers, signal: this.ended.signal });
        if (response.status === 401) return;
        if (response.ok) {
          const messages = [];
          for await (const event of eventsOf(response.body)) {
            failed = 0;
            this.hear(event, messages);
          }
        }
      } catch {
        if (this.ended.signal.aborted) return;
      }
      await new Promise((done) => setTimeout(done, WAIT_MS[Math.min(failed, WAIT_MS.length - 1)]));
    }
  }

  hear({ event, id, data }, messages) {
    if (event === 'message') messages.push(data);
    if (event === 'case.update') this.heard({ cases: true });
    if (!id) return;
    this.session.last = Number(id);
    this.keep();
    if (messages.length) this.heard({ turn: Number(id), messages: messages.splice(0) });
  }
}
