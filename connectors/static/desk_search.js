/** The search for services beside a talk or call. */

import { el, field, percent } from './desk_parts.js';

const HITS = 5;

export class SearchBox {
  constructor(page) {
    Object.assign(this, { page, person: page.person });
    const t = (key) => this.person.t(key);
    this.input = el('input', { id: 'search', type: 'search', maxlength: 200 });
    this.hits = el('ul', { class: 'plain', 'aria-live': 'polite' });
    this.node = el(
      'form',
      {
        class: 'card',
        role: 'search',
        submit: (event) => {
          event.preventDefault();
          this.search();
        },
      },
      el('h3', {}, t('search')),
      field(t('search_words'), this.input),
      el('button', { type: 'submit' }, t('search_go')),
      this.hits,
    );
  }

  async search() {
    const query = this.input.value.trim();
    if (!query) return;
    let found;
    const body = { query, top_k: HITS, language: this.person.language };
    if (!(await this.page.desk.attempt(async () => (found = await this.person.ask('knowledge/search', { body }))))) return;
    const use = (hit) => this.page.take(`${hit.name}（${hit.code}，${hit.agency_responsible}）`);
    this.hits.replaceChildren(
      ...found.hits.map((hit) =>
        el('li', {}, el('strong', {}, `${hit.code} ${hit.name}`), ` ${percent(hit.score)}`, el('br'), hit.agency_responsible, ' ', el('button', { type: 'button', 'aria-label': `${this.person.t('use')}: ${hit.name}`, click: () => use(hit) }, this.person.t('use'))),
      ),
    );
    if (!found.hits.length) this.hits.replaceChildren(el('li', { class: 'quiet' }, this.person.t('search_none')));
  }
}
