/** <chengda-desk>: the desk of agents, dispatchers, handling units and supervisors. */

import { CallsPage } from './desk_calls.js';
import { CasesPage } from './desk_cases.js';
import { Person, Refusal, el, field, newsOf } from './desk_parts.js';
import { SupervisionPage } from './desk_supervision.js';
import { TalksPage } from './desk_talks.js';

const RETRY_MS = 3000;
const PAGES = [
  { key: 'talks', right: 'talks', page: TalksPage },
  { key: 'calls', right: 'calls', page: CallsPage },
  { key: 'cases', right: 'cases', page: CasesPage },
  { key: 'supervision', right: 'rule', page: SupervisionPage },
];

class ChengdaDesk extends HTMLElement {
  connectedCallback() {
    this.person = new Person();
    this.person.onEnd = () => this.leave(this.person.t('ended'));
    this.start();
  }

  async start() {
    if (!this.person.token) return this.drawLogin();
    try {
      await this.enter();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.drawLogin(error.status === 401 ? this.person.t('ended') : error.message);
    }
  }

  async enter() {
    const me = await this.person.ask('staff/me');
    Object.assign(this.person, { account: me.account, rights: me.rights });
    this.pages = PAGES.filter((page) => this.person.may(page.right));
    this.current ??= this.pages[0]?.key;
    this.draw();
    this.listen();
  }

  leave(told = '') {
    this.listening?.abort();
    this.page?.close?.();
    Object.assign(this.person, { account: null, rights: [] });
    this.person.remember(null);
    Object.assign(this, { current: undefined, page: null });
    this.drawLogin(told);
  }

  /** Tell something to who cannot see it, and show it to who can. */
  say(text) {
    this.status.textContent = '';
    this.alert.textContent = '';
    this.status.textContent = text;
  }

  /** Do something, or tell why not; gives whether it was done. */
  async attempt(act, done = '') {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.person.account) {
        this.status.textContent = '';
        this.alert.textContent = error.message;
      }
      return false;
    }
    if (done) this.say(typeof done === 'function' ? done() : done);
    return true;
  }

  frame(...content) {
    const { person } = this;
    document.documentElement.lang = person.language === 'zh' ? 'zh-CN' : 'en';
    document.title = person.t('page_title');
    this.status = el('p', { class: 'told', role: 'status', id: 'told' });
    this.alert = el('p', { class: 'refused', role: 'alert', id: 'refused' });
    const language = el('button', { type: 'button', id: 'other-language', click: () => this.switchLanguage() }, person.t('other_language'));
    const tools = [language];
    if (person.account) {
      const who = `${person.account.name} · ${person.t(`role_${person.account.role}`)}`;
      tools.unshift(el('span', { class: 'who' }, who));
      tools.push(el('button', { type: 'button', id: 'logout', click: () => this.logout() }, person.t('logout')));
    }
    this.replaceChildren(
      el('a', { class: 'skip', href: '#desk-main' }, person.t('skip')),
      el(
        'header',
        { class: 'header' },
        el('img', { class: 'logo', src: new URL('icon.svg', import.meta.url), alt: '', width: 36, height: 36 }),
        el('div', { class: 'brand' }, el('h1', {}, person.t('name')), el('p', {}, person.t('tagline'))),
        el('div', { class: 'tools', role: 'group', 'aria-label': person.t('settings') }, tools),
      ),
      ...content,
    );
  }

  drawLogin(told = '') {
    const { person } = this;
    const name = el('input', { id: 'login', name: 'login', autocomplete: 'username', required: true, maxlength: 40 });
    const password = el('input', {
      id: 'password', name: 'password', type: 'password', autocomplete: 'current-password', required: true, maxlength: 128,
    });
    const form = el(
      'form',
      {
        class: 'card login',
        submit: (event) => {
          event.preventDefault();
          this.attemptLogin(name.value, password.value);
        },
      },
      el('h2', {}, person.t('login')),
      field(person.t('login_name'), name),
      field(person.t('password'), password),
      el('button', { class: 'primary', type: 'submit' }, person.t('login')),
    );
    this.frame(el('main', { id: 'desk-main', tabindex: '-1' }, form));
    form.append(this.status, this.alert);
    this.alert.textContent = told;
    name.focus();
  }

  async attemptLogin(login, password) {
    this.alert.textContent = '';
    try {
      const opened = await this.person.ask('staff/login', { body: { login, password } });
      this.person.remember(opened.token);
      await this.enter();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.alert.textContent = error.message;
      this.querySelector('#password').value = '';
    }
  }

  async logout() {
    await this.attempt(() => this.person.ask('staff/logout', { method: 'POST' }));
    this.leave();
  }

  switchLanguage() {
    this.person.speak(this.person.language === 'zh' ? 'en' : 'zh');
    if (this.person.account) this.draw();
    else this.drawLogin();
    this.querySelector('#other-language').focus();
  }

  draw() {
    const { person } = this;
    this.page?.close?.();
    const main = el('main', { id: 'desk-main', tabindex: '-1' });
    const tabs = this.pages.map((one) =>
      el(
        'button',
        { type: 'button', 'data-page': one.key, 'aria-current': one.key === this.current ? 'page' : null, click: () => this.turn(one.key) },
        person.t(`tab_${one.key}`),
      ),
    );
    this.frame(
      el('nav', { class: 'tabs', 'aria-label': person.t('tabs') }, tabs),
      el('div', { class: 'messages-line' }),
      main,
    );
    this.querySelector('.messages-line').append(this.status, this.alert);
    const found = this.pages.find((one) => one.key === this.current);
    if (!found) {
      main.append(el('p', { class: 'card' }, person.t('nothing_here')));
      return;
    }
    this.page = new found.page(this, main);
    this.page.open();
  }

  turn(key) {
    this.current = key;
    this.draw();
    this.querySelector(`[data-page="${key}"]`).focus();
  }

  /** News for as long as the session lives; a stream that breaks is opened again. */
  async listen() {
    this.listening?.abort();
    const mine = (this.listening = new AbortController());
    if (!this.person.may('talks')) return;
    while (!mine.signal.aborted) {
      try {
        for await (const news of newsOf(this.person, 'desk/api/stream', mine.signal)) {
          if (news.name === 'ended') return this.leave(this.person.t('ended'));
          this.page?.news?.(news.data);
        }
      } catch (error) {
        if (mine.signal.aborted) return;
        if (error instanceof Refusal && error.status === 401) return;
      }
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }

  disconnectedCallback() {
    this.listening?.abort();
  }
}

customElements.define('chengda-desk', ChengdaDesk);
