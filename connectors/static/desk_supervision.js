/** The supervisor's page: what is overdue, surges, rulings to decide, and what agents made of suggestions. */

import { el, percent } from './desk_parts.js';

const DAYS = 30;

export class SupervisionPage {
  constructor(desk, main) {
    Object.assign(this, { desk, main, person: desk.person });
  }

  async open() {
    const sections = ['alerts', 'rulings', 'overdue', 'figures'];
    this.main.classList.add('supervision');
    this.sections = Object.fromEntries(sections.map((name) => [name, el('section', { class: 'card', id: `sup-${name}` })]));
    this.main.replaceChildren(...Object.values(this.sections));
    await Promise.all([this.alerts(), this.rulings(), this.overdue(), this.figures()]);
  }

  async load(path) {
    let found = null;
    await this.desk.attempt(async () => (found = await this.person.ask(path)));
    return found;
  }

  draw(name, title, lines, empty) {
    const body = lines.length ? el('ul', { class: 'lines' }, lines) : el('p', { class: 'quiet' }, this.person.t(empty));
    this.sections[name].replaceChildren(el('h2', { tabindex: '-1' }, title), body);
  }

  async alerts() {
    const t = (key, values) => this.person.t(key, values);
    const found = await this.load('staff/alerts');
    if (!found) return;
    const act = (one, deed) => () => this.decide(`staff/alerts/${one.id}/${deed}`, undefined, 'alerts');
    const lines = found.alerts.map((one) =>
      el(
        'li',
        { class: 'line' },
        el('p', { class: 'marks' }, el('span', { class: 'mark' }, t(`alert_${one.state}`)), el('span', { class: 'mark' }, this.person.when(one.last_at))),
        el('p', {}, t('alert_line', { leader: one.leader, count: one.count })),
        el(
          'p',
          { class: 'buttons' },
          ['new', 'open'].includes(one.state) ? el('button', { type: 'button', click: act(one, 'acknowledge') }, t('acknowledge')) : null,
          one.state === 'closed' ? null : el('button', { type: 'button', click: act(one, 'close') }, t('close_alert')),
        ),
      ),
    );
    this.draw('alerts', t('alerts'), lines, 'alerts_empty');
  }

  async rulings() {
    const t = (key, values) => this.person.t(key, values);
    const found = await this.load('staff/rulings?state=proposed');
    if (!found) return;
    const button = (one, deed, key, body) =>
      el('button', { type: 'button', click: () => this.decide(`staff/rulings/${one.id}/${deed}`, body, 'rulings') }, t(key));
    const lines = found.rulings.map((one) =>
      el(
        'li',
        { class: 'line' },
        el('p', { class: 'excerpt' }, t('ruling_line', { text: one.text, from: one.from_unit?.name ?? '–', to: one.to_unit.name })),
        el('p', { class: 'quiet' }, t('ruling_why', { reason: one.reason, agreeing: one.agreeing, conflicts: one.conflicts.length })),
        el('p', { class: 'buttons' }, button(one, 'approve', 'approve_ruling', {}), button(one, 'approve', 'as_rule', { as_rule: true }), button(one, 'reject', 'reject_ruling')),
      ),
    );
    this.draw('rulings', t('rulings'), lines, 'rulings_empty');
  }

  async overdue() {
    const t = (key, values) => this.person.t(key, values);
    const found = await this.load('staff/cases?overdue=true&size=50');
    if (!found) return;
    const lines = found.cases.map((one) =>
      el(
        'li',
        { class: 'line' },
        el('p', { class: 'marks' }, [one.number, t(`status_${one.status}`), t('expected', { at: this.person.when(one.expected_at) }), one.supervision ? t('supervised') : null].filter(Boolean).map((mark) => el('span', { class: 'mark' }, mark))),
        el('p', { class: 'excerpt' }, one.excerpt),
      ),
    );
    this.draw('overdue', t('overdue_cases'), lines, 'cases_empty');
  }

  async figures() {
    const t = (key, values) => this.person.t(key, values);
    const found = await this.load(`desk/api/figures?days=${DAYS}`);
    if (!found) return;
    this.sections.figures.replaceChildren(
      el('h2', { tabindex: '-1' }, t('figures', { days: found.days })),
      this.table('by_agents', found.agents),
      this.table('by_services', found.services),
    );
  }

  table(title, lines) {
    const t = (key) => this.person.t(key);
    if (!lines.length) return el('p', { class: 'quiet' }, t(title), '：', t('figures_empty'));
    const columns = ['name', 'accepted', 'edited', 'dismissed', 'share'];
    const row = (one) =>
      el('tr', {}, el('th', { scope: 'row' }, one.name ? `${one.name} ${one.title ?? ''}` : t('no_service')), [one.accepted, one.edited, one.dismissed, percent(one.accepted_share)].map((value) => el('td', {}, String(value))));
    return el(
      'div',
      { class: 'table', tabindex: '0', role: 'region', 'aria-label': t(title) },
      el('table', {}, el('caption', {}, t(title)), el('thead', {}, el('tr', {}, columns.map((one) => el('th', { scope: 'col' }, t(`col_${one}`))))), el('tbody', {}, lines.map(row))),
    );
  }

  async decide(path, body, section) {
    const options = body === undefined ? { method: 'POST' } : { body };
    const done = await this.desk.attempt(() => this.person.ask(path, options), this.person.t('done'));
    await this[section]();
    if (done) this.sections[section].querySelector('h2').focus();
  }
}
