/** Cases for dispatchers, handling units, agents and supervisors: the list, one case, and what can be done with it. */

import { Refusal, el, field, percent } from './desk_parts.js';

const STATUSES = [
  'submitted', 'accepted', 'dispatched', 'signed', 'handling', 'suspended', 'replied', 'callback', 'redo', 'returned',
  'closed', 'withdrawn', 'not_accepted', 'transferred', 'merged',
];
/** What each role begins with: cases that wait for it. */
const FIRST = {
  dispatcher: { status: ['submitted', 'accepted', 'returned'] },
  unit: { status: ['dispatched', 'signed', 'handling', 'redo'] },
  supervisor: { overdue: true },
};
/** The texts a move takes; all others take words to the citizen. */
const TEXTS = {
  reject: ['reason', 'note'], transfer: ['reason', 'note'], return: ['reason'], suspend: ['reason', 'note'],
  extend: ['reason', 'note'], reply: ['reply'], answer: ['reply'], close: ['reply'], send_back: ['reason'],
  supervise: ['reason'], circulate: ['reason'], redo: ['reason'], merge: [], accept: [], sign: [], dispatch: ['unit', 'reason'],
  review: [], resume: [],
};
const LEFT_OUT = ['merge', 'unmerge', 'rate', 'hasten', 'withdraw', 'reopen', 'supplement'];
const TEXT_FIELDS = ['case_description', 'case_location', 'case_reply'];

export class CasesPage {
  constructor(desk, main) {
    Object.assign(this, { desk, main, person: desk.person, cases: [], next: null, number: null });
    this.filters = { status: [], ...FIRST[desk.person.account.role] };
  }

  open() {
    this.main.classList.add('cases');
    this.drawFrame();
    this.load();
  }

  drawFrame() {
    const t = (key, values) => this.person.t(key, values);
    const options = [['', t('filter_all')], ...STATUSES.map((one) => [one, t(`status_${one}`)])];
    const waiting = this.filters.status.length > 1 ? [['*', this.filters.status.map((one) => t(`status_${one}`)).join(' / ')]] : [];
    this.status = el('select', { id: 'filter-status' }, [...waiting, ...options].map(([value, text]) => el('option', { value }, text)));
    this.overdue = el('input', { type: 'checkbox', id: 'filter-overdue' });
    this.overdue.checked = this.filters.overdue === true;
    this.text = el('input', { type: 'search', id: 'filter-text', maxlength: 100 });
    const several = this.filters.status;
    const form = el(
      'form',
      {
        class: 'card filters',
        submit: (event) => {
          event.preventDefault();
          const { value } = this.status;
          this.filters = { status: value === '*' ? several : value ? [value] : [], overdue: this.overdue.checked || undefined, text: this.text.value.trim() || undefined };
          this.load();
        },
      },
      el('h2', {}, t('cases')),
      field(t('filter_status'), this.status),
      field(t('filter_text'), this.text),
      field(t('filter_overdue'), this.overdue),
      el('button', { class: 'primary', type: 'submit' }, t('filter_go')),
    );
    this.list = el('ul', { class: 'lines' });
    this.moreButton = el('button', { type: 'button', hidden: true, click: () => this.load(this.next) }, t('more'));
    this.lists = el('section', { class: 'lists', 'aria-label': t('cases') }, form, this.list, this.moreButton);
    this.detail = el('section', { class: 'detail', 'aria-label': t('case_description') });
    this.main.replaceChildren(this.lists, this.detail);
  }

  async load(after = null) {
    const query = new URLSearchParams({ size: '30' });
    for (const status of this.filters.status) query.append('status', status);
    if (this.filters.overdue) query.set('overdue', 'true');
    if (this.filters.text) query.set('text', this.filters.text);
    if (after) query.set('after', after);
    let page;
    if (!(await this.desk.attempt(async () => (page = await this.person.ask(`staff/cases?${query}`))))) return;
    this.cases = after ? [...this.cases, ...page.cases] : page.cases;
    this.next = page.next;
    this.drawList();
  }

  drawList() {
    const t = (key, values) => this.person.t(key, values);
    this.list.replaceChildren(...this.cases.map((one) => el('li', { class: 'card line' }, this.marks(one), el('p', { class: 'excerpt' }, one.excerpt), el('button', { type: 'button', id: `case-${one.number}`, 'aria-label': `${t('open')} ${one.number}`, click: () => this.show(one.number) }, t('open')))));
    if (!this.cases.length) this.list.replaceChildren(el('li', { class: 'quiet' }, t('cases_empty')));
    this.moreButton.hidden = !this.next;
  }

  marks(one) {
    const t = (key, values) => this.person.t(key, values);
    const marks = [
      [one.number, ''],
      [t(`status_${one.status}`), ''],
      [one.urgency === 'normal' ? null : t(`urgency_${one.urgency}`), 'alarm'],
      [one.overdue ? t('overdue') : null, 'alarm'],
      [one.supervision ? t('supervised') : null, 'alarm'],
      [one.redos ? t('redone') : null, ''],
      [t('expected', { at: this.person.when(one.expected_at) }), ''],
    ];
    return el('p', { class: 'marks' }, marks.filter(([text]) => text).map(([text, kind]) => el('span', { class: `mark ${kind}` }, text)));
  }

  async show(number, focus = true) {
    let found;
    if (!(await this.desk.attempt(async () => (found = await this.person.ask(`staff/cases/${number}`))))) return;
    this.number = number;
    this.drawCase(found);
    if (focus) this.detail.querySelector('h2').focus();
    await Promise.all([this.person.may('dispatch') ? this.showDispatch(found) : null, this.showFiles(number)]);
  }

  drawCase(found) {
    const t = (key, values) => this.person.t(key, values);
    this.found = found;
    const rows = [
      ['case_status', t(`status_${found.status}`)], ['case_urgency', t(`urgency_${found.urgency}`)],
      ['case_description', found.description], ['case_location', [found.district, found.subdistrict, found.location].filter(Boolean).join(' ')],
      ['case_category', [found.category, found.subcategory, found.service_item].filter(Boolean).join(' / ')],
      ['case_unit', found.agency_responsible], ['case_contact', found.contact], ['case_reply', found.reply],
    ].filter(([, value]) => value);
    this.dispatching = el('div');
    this.files = el('div');
    this.detail.replaceChildren(
      el('article', { class: 'card' },
        el('h2', { tabindex: '-1' }, t('case_title', { number: found.number })),
        this.marks(found),
        el('dl', { class: 'facts' }, rows.map(([key, value]) => [el('dt', {}, t(key)), el('dd', { class: TEXT_FIELDS.includes(key) ? 'text' : '' }, value)])),
        this.revealing(found),
      ),
      this.dispatching,
      this.moving(found),
      this.files,
      el('section', { class: 'card' }, el('h3', {}, t('timeline')), el('ol', { class: 'plain' }, found.timeline.map((one) => this.timelineLine(one)))),
    );
  }

  timelineLine(one) {
    const words = [one.note, one.reason].filter(Boolean).join(' · ');
    const t = (key) => this.person.t(key);
    const status = one.status ? t(`status_${one.status}`) : one.event;
    return el('li', {}, el('time', { datetime: one.at }, this.person.when(one.at)), ` ${status} · ${one.name ?? one.actor}`, words ? el('p', { class: 'text' }, words) : null);
  }

  revealing(found) {
    const t = (key) => this.person.t(key);
    if (found.anonymous || !this.person.may('reveal') || !found.contact) return null;
    const reason = el('input', { id: 'reveal-reason', maxlength: 500, minlength: 2, required: true });
    const show = async (event) => {
      event.preventDefault();
      let shown;
      const path = `staff/cases/${found.number}/reveal`;
      if (await this.desk.attempt(async () => (shown = await this.person.ask(path, { body: { reason: reason.value } })))) {
        this.drawCase(shown);
        this.showFiles(found.number);
        this.detail.querySelector('h2').focus();
      }
    };
    return el('form', { class: 'inline', submit: show }, field(t('reveal'), reason), el('button', { type: 'submit' }, t('reveal_go')));
  }

  moving(found) {
    const t = (key, values) => this.person.t(key, values);
    const allowed = (found.allowed ?? []).filter((move) => !LEFT_OUT.includes(move));
    if (!allowed.length) return el('p', { class: 'card quiet' }, t('no_moves'));
    const select = el('select', { id: 'move' }, allowed.map((move) => el('option', { value: move }, t(`moves_${move}`))));
    const texts = el('div');
    const draw = () => {
      const names = TEXTS[select.value] ?? ['note'];
      texts.replaceChildren(...names.map((name) => field(t(`move_${name}`), name === 'unit' ? el('input', { id: `move-${name}`, maxlength: 60 }) : el('textarea', { id: `move-${name}`, rows: 2, maxlength: 5000 }))));
    };
    select.addEventListener('change', draw);
    draw();
    const go = async (event) => {
      event.preventDefault();
      const body = { move: select.value, version: found.version };
      for (const name of TEXTS[select.value] ?? ['note']) body[name] = document.getElementById(`move-${name}`).value.trim() || null;
      await this.did(() => this.person.ask(`staff/cases/${found.number}/moves`, { body }), t('moved', { move: t(`moves_${select.value}`) }));
    };
    return el('form', { class: 'card', submit: go }, el('h3', {}, t('move')), field(t('move'), select), texts, el('button', { class: 'primary', type: 'submit', id: 'move-go' }, t('move_go')));
  }

  async showDispatch(found) {
    const t = (key, values) => this.person.t(key, values);
    if (!['submitted', 'accepted', 'returned'].includes(found.status)) return;
    let told;
    try {
      told = await this.person.ask(`staff/cases/${found.number}/dispatch`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return;
    }
    if (this.number !== found.number) return;
    const { why } = told;
    const reasons = [why.item_name, why.subcategory ?? why.category, why.district, why.subdistrict, told.duty_line, ...why.words].filter(Boolean).join('、');
    const send = (unit) => () =>
      this.did(
        () => this.person.ask(`staff/cases/${found.number}/dispatch`, { body: { version: found.version, unit: unit.id } }),
        t('dispatched', { unit: unit.name }),
      );
    const second = told.runner_up?.unit;
    this.dispatching.replaceChildren(
      el(
        'section',
        { class: 'card', id: 'dispatching' },
        el('h3', {}, t('dispatching')),
        el('p', {}, told.unit ? t('dispatch_to', { unit: told.unit.name }) : t('dispatch_open', { needs: told.needs.join('、') }), ' ', el('span', { class: 'mark' }, t('confidence', { share: percent(told.confidence) }))),
        el('p', {}, t('why', { why: reasons })),
        told.runner_up ? el('p', {}, t('runner_up', { unit: second?.name ?? told.runner_up.lead, share: percent(told.runner_up.confidence) })) : null,
        el(
          'p',
          { class: 'buttons' },
          told.unit ? el('button', { type: 'button', id: 'dispatch-first', class: 'primary', click: send(told.unit) }, t('dispatch_go')) : null,
          second ? el('button', { type: 'button', id: 'dispatch-second', click: send(second) }, t('dispatch_second')) : null,
        ),
      ),
    );
  }

  async showFiles(number) {
    const t = (key, values) => this.person.t(key, values);
    let told;
    try {
      told = await this.person.ask(`staff/cases/${number}/evidence`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return;
    }
    if (this.number !== number) return;
    const lines = told.evidence.map((one) => el('li', {}, el('button', { type: 'button', click: () => this.download(one) }, t('download', { name: one.name })), ` ${Math.ceil(one.size / 1024)} KB`));
    const input = el('input', { type: 'file', id: 'evidence', accept: '.jpg,.jpeg,.png,.webp,.heic,.pdf,.mp4', required: true });
    const upload = (event) => {
      event.preventDefault();
      const file = new FormData();
      file.append('file', input.files[0]);
      this.desk.attempt(async () => {
        await this.person.ask(`staff/cases/${number}/evidence`, { file });
        await this.showFiles(number);
      }, t('uploaded'));
    };
    this.files.replaceChildren(
      el('section', { class: 'card' }, el('h3', {}, t('evidence_files')), lines.length ? el('ul', { class: 'plain' }, lines) : el('p', { class: 'quiet' }, t('evidence_empty')), this.person.may('add_evidence') ? el('form', { class: 'inline', submit: upload }, field(t('evidence_add'), input), el('button', { type: 'submit' }, t('evidence_go'))) : null),
    );
  }

  download(one) {
    return this.desk.attempt(async () => {
      const response = await this.person.fetch(`staff/evidence/${one.id}`);
      const address = URL.createObjectURL(await response.blob());
      const link = el('a', { href: address, download: one.name });
      link.click();
      URL.revokeObjectURL(address);
    });
  }

  /** Something was done with the case shown: it is drawn anew, and so is the list. */
  async did(act, told) {
    const { number } = this;
    if (!(await this.desk.attempt(act))) return;
    await this.load();
    await this.show(number);
    this.desk.say(told);
  }
}
