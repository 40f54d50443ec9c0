/** Sends what a citizen wrote, one after the other; what did not get through waits behind a button to try it again. */

import { DeliveryError } from './conversation.js';
import { el } from './page.js';

export class Delivery {
  constructor(chat) {
    this.chat = chat;
    this.cancel = new AbortController();
    this.text = el('p', { role: 'alert' });
    const again = el('button', { type: 'button', text: 'retry', click: () => this.retry() });
    this.failure = el('div', { class: 'failure', hidden: true }, this.text, again);
  }

  /** Sends what waits, in order; stops at the first message that must be tried again. */
  async sendAll() {
    if (this.running) return;
    const { signal } = this.cancel;
    this.running = true;
    this.tell(null);
    this.chat.showTyping(true);
    let entry;
    while (!signal.aborted && (entry = this.nextUnsent()) && (await this.send(entry, signal)));
    if (signal.aborted) return;
    this.running = false;
    this.chat.showTyping(false);
  }

  nextUnsent() {
    return this.chat.entries.find((entry) => entry.state === 'waiting' || entry.state === 'failed');
  }

  async send(entry, signal) {
    const { chat } = this;
    chat.mark(entry, 'waiting');
    try {
      const answered = await chat.conversation.say(entry.id, entry.text, chat.language, signal);
      if (signal.aborted) return false;
      chat.mark(entry, 'sent');
      chat.addTurn(answered.turn_id, answered.messages, entry.id);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      return this.onFailure(entry, error);
    }
  }

  onFailure(entry, error) {
    const { chat } = this;
    if (!(error instanceof DeliveryError)) throw error;
    chat.mark(entry, error.again ? 'failed' : 'refused');
    if (error.again) {
      this.tell(error);
      chat.reveal(chat.nodeOf(entry));
      return false;
    }
    chat.addRefusal(error);
    return true;
  }

  retry() {
    this.chat.input.focus();
    this.sendAll();
  }

  /** Messages that a reload cut off can be sent again under their old id. */
  holdInterrupted() {
    const cut = this.chat.entries.filter((entry) => entry.state === 'waiting');
    cut.forEach((entry) => this.chat.mark(entry, 'failed'));
    if (this.nextUnsent()) this.failed = new DeliveryError('timeout');
  }

  /** Shows why sending stopped, null for nothing; without one, the same again in the language of now. */
  tell(error = this.failed) {
    this.failed = error;
    this.failure.hidden = !error;
    this.text.textContent = error ? error.told(this.chat.language) : '';
    this.chat.room.fit();
  }

  /** Forget what is under way. */
  stop() {
    this.cancel.abort();
    this.cancel = new AbortController();
    this.running = false;
    this.tell(null);
  }
}
