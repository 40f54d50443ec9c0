/** The case form of a talk or call as it fills, with the words each value came from, and what it may repeat. */

import { Duplicates } from './desk_duplicates.js';
import { el, field, percent, randomId } from './desk_parts.js';

const TYPES = ['', 'consult', 'help', 'complaint', 'report', 'suggestion', 'praise'];
/** Fields read off what is said that the bot may always have. */
const HEARD = ['location', 'occurred_at', 'contact'];

export class CaseForm {
  constructor(page) {
    Object.assign(this, { page, person: page.person, touched: new Set(), key: randomId() });
    const t = (key) => this.person.t(key);
    this.controls = {
      description: el('textarea', { rows: 3, maxlength: 2000 }),
      type: el('select', {}, TYPES.map((one) => el('option', { value: one }, t(`type_${one}`)))),
      category: el('input', { maxlength: 40 }),
      service_item: el('input', { maxlength: 10 }),
      location: el('input', { maxlength: 200 }),
      district: el('input', { maxlength: 40 }),
      subdistrict: el('input', { maxlength: 40 }),
      occurred_at: el('input', { maxlength: 200 }),
      contact: el('input', { maxlength: 60, inputmode: 'tel' }),
      anonymous: el('input', { type: 'checkbox' }),
    };
    this.hints = {};
    const fields = Object.entries(this.controls).map(([name, control]) => {
      control.addEventListener('input', () => {
        this.touched.add(name);
        this.duplicates.watch();
      });
      control.id = `case-${name}`;
      this.hints[name] = el('span', { class: 'hint' });
      return field(t(`field_${name}`), control, this.hints[name]);
    });
    this.duplicates = new Duplicates(page, this);
    this.node = el(
      'form',
      {
        class: 'card case-form',
        submit: (event) => {
          event.preventDefault();
          this.file();
        },
      },
      el('h3', {}, t('form')),
      fields,
      // Beside a call they stand under what is said, where they are seen at once.
      page.searches ? null : this.duplicates.node,
      el('button', { class: 'primary', type: 'submit', id: 'file-case' }, t('file')),
    );
    for (const [name, value] of Object.entries(page.view?.form ?? {})) this.set(name, value);
  }

  set(name, value) {
    const control = this.controls[name];
    if (!control || this.touched.has(name)) return;
    if (name === 'anonymous') control.checked = value === true;
    else control.value = value ?? '';
  }

  /**
   * Values with their confidence and the words they came from; what the agent changed stays. Cases on the same come
   * along, or are looked for.
   */
  take(draft, duplicates = null) {
    for (const [name, told] of Object.entries(draft)) {
      if (!this.controls[name]) continue;
      this.set(name, told.value);
      const words = { words: told.evidence, share: percent(told.confidence) };
      this.hints[name].textContent = this.touched.has(name) ? '' : this.person.t('evidence', words);
    }
    if (duplicates) this.duplicates.draw(duplicates);
    else this.duplicates.watch();
  }

  /** What the form says as texts, null for an empty field. */
  texts() {
    const texts = Object.entries(this.controls).filter(([name]) => name !== 'anonymous');
    return Object.fromEntries(texts.map(([name, control]) => [name, control.value.trim() || null]));
  }

  /** The matter is settled, filed or joined to another case: what was written is no more to be handed back. */
  settle() {
    this.settled = true;
    this.touched.clear();
  }

  /** What the bot should know of the form when it goes on: what the agent wrote or emptied, and for its gaps what was heard. */
  returned() {
    const { active_form: running, form } = this.page.view;
    const begun = !this.settled && (running || this.touched.size) && !form.description;
    const { anonymous, ...texts } = this.controls;
    const of = (name) => texts[name].value.trim() || null;
    const pick = (sent) => Object.fromEntries(Object.keys(texts).filter(sent).map((name) => [name, of(name)]));
    const values = pick((name) => this.touched.has(name) || (name === 'description' && begun && of(name)));
    if (this.touched.has('anonymous')) values.anonymous = anonymous.checked;
    if (this.settled) return { values };
    const heard = pick((name) => HEARD.includes(name) && !this.touched.has(name) && of(name));
    if (anonymous.checked && !this.touched.has('anonymous')) heard.anonymous = true;
    return { values, heard };
  }

  async file() {
    const { page } = this;
    const told = this.texts();
    const body = { ...told, description: told.description ?? '', anonymous: this.controls.anonymous.checked, key: this.key };
    let made;
    const done = await page.desk.attempt(
      async () => (made = await this.person.ask(`${page.root}/case`, { body })),
      () => this.person.t(page.filedText, { number: made.number }),
    );
    if (!done) return;
    this.key = randomId();
    this.settle();
    await page.refreshTalk?.();
    // What joins to a case now is the one just filed.
    await page.refreshKnown();
  }
}
