/** The parts around the conversation: header, help, footer with privacy and rights, and the dialog that asks. */

import { el } from './page.js';
import { framed, tellSite } from './widget_frame.js';

/** Settings, and the way out of an embedding page. */
export function headerOf(chat) {
  chat.languageButton = el('button', { type: 'button', text: 'other_language', click: () => chat.switchLanguage() });
  chat.largerButton = el('button', {
    type: 'button',
    text: 'larger_text',
    'aria-pressed': 'false',
    click: () => chat.applyLargerText(chat.largerButton.getAttribute('aria-pressed') === 'false'),
  });
  const reset = el('button', { type: 'button', text: 'new_conversation', click: () => chat.askReset() });
  const close = chat.embedded && framed && el('button', { type: 'button', class: 'close', text: 'close', click: () => tellSite('close') });
  return el(
    'header',
    { class: 'header' },
    el('img', { class: 'logo', src: new URL('icon.svg', import.meta.url), alt: '', width: 36, height: 36 }),
    el('div', { class: 'brand' }, el('h1', { text: 'name' }), el('p', { text: 'tagline' })),
    el('div', { class: 'tools', role: 'group', label: 'settings' }, chat.languageButton, chat.largerButton, reset, close),
  );
}

/** Emergency numbers and the button that calls a person. */
export function helpOf(chat) {
  const number = (digits, key) => el('a', { href: `tel:${digits}` }, el('strong', {}, digits), ' ', el('span', { text: key }));
  const urgent = el(
    'p',
    { class: 'urgent' },
    el('span', { class: 'urgent-label', text: 'emergency' }),
    number('110', 'police'),
    number('119', 'fire'),
    number('120', 'ambulance'),
  );
  const person = el('button', {
    type: 'button',
    text: 'person',
    click: (event) => chat.choose({ title: chat.t('person'), payload: chat.t('person_payload') }, event),
  });
  return el('section', { class: 'help', label: 'help' }, urgent, el('p', { class: 'human' }, number('12345', 'hotline'), person));
}

/** The AI label, the way to one's cases, and the privacy notice with what a citizen may do about it. */
export function footerOf(chat) {
  chat.privacyText = el('div');
  const rights = el(
    'div',
    { class: 'rights', role: 'group', label: 'rights' },
    el('button', { type: 'button', class: 'export', text: 'export', click: () => chat.exportAll() }),
    el('button', { type: 'button', class: 'erase', text: 'erase', click: () => chat.asking.ask('erase', () => chat.erase()) }),
  );
  const closeOnEscape = (event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.currentTarget.open = false;
    event.currentTarget.querySelector('summary').focus();
  };
  const summary = el('summary', { text: 'privacy' });
  const text = el('div', { class: 'privacy-text', tabindex: '0', role: 'group', label: 'privacy' }, chat.privacyText, rights);
  const privacy = el('details', { class: 'privacy', keydown: closeOnEscape }, summary, text);
  const cases = el('a', { class: 'cases-link', href: new URL('../status', import.meta.url), text: 'cases_page' });
  return el('footer', { class: 'footer' }, el('p', { class: 'ai-label', text: 'ai_label' }), cases, privacy);
}

/** The one dialog that asks before something is cleared. */
export class Asking {
  constructor(chat) {
    this.chat = chat;
    this.dialog = el('dialog', { 'aria-labelledby': 'chengda-asked', 'aria-describedby': 'chengda-asked-text' });
  }

  /** Ask with the words `kind`_title, _text, _yes and _no; `then` is done on yes. */
  ask(kind, then) {
    const told = (tag, key, attributes, ...children) => el(tag, { ...attributes, text: `${kind}_${key}` }, this.chat.t(`${kind}_${key}`), ...children);
    const close = () => this.dialog.close();
    const confirm = () => {
      close();
      then();
    };
    this.dialog.replaceChildren(
      told('h2', 'title', { id: 'chengda-asked' }),
      told('p', 'text', { id: 'chengda-asked-text' }),
      el(
        'div',
        { class: 'dialog-buttons' },
        told('button', 'no', { type: 'button', click: close }),
        told('button', 'yes', { type: 'button', class: 'primary', click: confirm }),
      ),
    );
    this.dialog.showModal();
  }
}
