/** The room that the chat has on the screen. */

const PANEL_MIN_PX = 180;

/** Keeps a chat inside what the on-screen keyboard leaves. */
export class Room {
  constructor(chat) {
    this.chat = chat;
    const fit = () => this.fit();
    window.addEventListener('resize', fit);
    window.visualViewport?.addEventListener('resize', fit);
  }

  /** Whether a node is higher than what can be read at once. */
  overflows(node) {
    const room = this.chat.classList.contains('flowing') ? PANEL_MIN_PX : this.chat.log.clientHeight;
    return node.offsetHeight > room;
  }

  /**
   * Where little is left the page scrolls as a whole ("flowing"),
   * with help and AI label staying on the screen as long as they leave room to read ("anchored").
   */
  fit() {
    const { chat } = this;
    const viewport = window.visualViewport;
    const zoomed = viewport && Math.abs(viewport.scale - 1) > 0.01;
    const height = viewport && !zoomed ? viewport.height : window.innerHeight;
    if (!zoomed) chat.style.setProperty('--room', `${height}px`);
    const [header, help, dock, footer] = [chat.header, chat.help, chat.dock, chat.footer].map((part) => part.offsetHeight);
    const left = height - help - dock - footer;
    const flowing = left - header < PANEL_MIN_PX;
    const anchored = flowing && left >= PANEL_MIN_PX;
    chat.classList.toggle('flowing', flowing);
    chat.classList.toggle('anchored', anchored);
    const above = anchored ? help : 0;
    const below = anchored ? footer : 0;
    chat.style.setProperty('--below', `${below}px`);
    document.documentElement.style.scrollPadding = flowing ? `${above + 8}px 0 ${below + dock + 8}px` : '';
  }
}
