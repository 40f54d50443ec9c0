/** The form a message is written in, with its counter and the button for files. */

import { el } from './page.js';

const MAX_CHARS = 2000;
const COUNTER_FROM = 1800;
const FILES = '.jpg,.jpeg,.png,.webp,.heic,.pdf,.mp4';

/** Gives the chat what is written (`say`) and files (`sendFile`), and tells how much room is left. */
export class Composer {
  constructor(chat) {
    this.chat = chat;
    this.form = this.buildForm();
  }

  buildForm() {
    this.input = el('textarea', {
      id: 'chengda-input',
      rows: 1,
      maxlength: MAX_CHARS,
      autocomplete: 'off',
      enterkeyhint: 'send',
      hint: 'placeholder',
      'aria-describedby': 'chengda-input-hint',
      input: () => this.onInput(),
      keydown: (event) => this.onKey(event),
      paste: (event) => this.onPaste(event),
    });
    this.counter = el('p', { class: 'counter', hidden: true });
    this.file = el('input', { type: 'file', class: 'visually-hidden', accept: FILES, tabindex: '-1', label: 'file', change: () => this.takeFile() });
    const plus = el('span', { class: 'plus', 'aria-hidden': 'true' }, '＋');
    const add = el('button', { type: 'button', class: 'add-file', click: () => this.file.click() }, plus, el('span', { text: 'file' }));
    return el(
      'form',
      {
        class: 'composer',
        submit: (event) => {
          event.preventDefault();
          this.submit();
        },
      },
      el('label', { for: 'chengda-input', text: 'input' }),
      el('div', { class: 'field' }, add, this.input, el('button', { type: 'submit', class: 'send', text: 'send' })),
      el('p', { id: 'chengda-input-hint', class: 'visually-hidden', text: 'input_hint' }),
      this.counter,
      this.file,
    );
  }

  submit() {
    const text = this.input.value.trim();
    this.input.focus();
    if (!text) return;
    this.input.value = '';
    this.onInput();
    this.chat.send(text, text);
  }

  takeFile() {
    const [file] = this.file.files;
    this.file.value = '';
    if (file) this.chat.sendFile(file);
  }

  onKey(event) {
    const composing = event.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || composing) return;
    event.preventDefault();
    this.submit();
  }

  onInput() {
    this.autosize();
    this.updateCounter();
  }

  onPaste(event) {
    const { value, selectionStart, selectionEnd } = this.input;
    const pasted = event.clipboardData?.getData('text') ?? '';
    if (value.length - (selectionEnd - selectionStart) + pasted.length > MAX_CHARS) this.overflowed = true;
  }

  autosize() {
    this.input.style.height = 'auto';
    if (this.input.value) this.input.style.height = `${this.input.scrollHeight + 2}px`;
  }

  updateCounter() {
    const count = this.input.value.length;
    const full = count >= MAX_CHARS;
    this.overflowed &&= full;
    const appears = this.counter.hidden && count >= COUNTER_FROM;
    this.counter.hidden = count < COUNTER_FROM;
    this.counter.textContent = this.chat.t(this.overflowed ? 'counter_full' : 'counter', { count, limit: MAX_CHARS });
    this.counter.classList.toggle('full', full);
    if (this.overflowed) this.chat.status.textContent = this.counter.textContent;
    else if (appears) this.chat.status.textContent = this.chat.t('counter_near', { left: MAX_CHARS - count });
  }
}
