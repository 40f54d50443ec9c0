/**
 * Chengda's chat on any page by one tag:
 * <script src="https://chat.city.example/embed.js" data-language="zh" data-position="right" data-colour="#0b5a73" async></script>
 * The chat itself runs in a frame of its own origin; this script only opens and closes it.
 */
(() => {
  const script = document.currentScript;
  if (!script || customElements.get('chengda-embed')) return;
  const TEXTS = {
    zh: { open: '打开城答对话', label: '城答 · 问事办事', frame: '城答 · 市民服务助手', unread: '有新回复' },
    en: { open: 'Open the Chengda chat', label: 'Ask Chengda', frame: 'Chengda · city services assistant', unread: 'new reply' },
  };
  const STYLE = `
    :host { all: initial; }
    .launcher { position: fixed; z-index: 2147483000; bottom: max(1rem, env(safe-area-inset-bottom)); display: flex;
      align-items: center; gap: 0.5rem; min-height: 56px; min-width: 56px; padding: 0 1.25rem; border: 2px solid #ffffff;
      border-radius: 28px; background: var(--chengda, #0b5a73); color: #ffffff; cursor: pointer;
      font: 600 1.0625rem/1.3 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
      box-shadow: 0 2px 12px rgb(0 0 0 / 35%); }
    .launcher:hover { text-decoration: underline; }
    .launcher:focus-visible { outline: 3px solid #ffd666; outline-offset: 2px; box-shadow: 0 0 0 7px #15242c; }
    .right { right: max(1rem, env(safe-area-inset-right)); }
    .left { left: max(1rem, env(safe-area-inset-left)); }
    .panel { position: fixed; z-index: 2147483001; bottom: 1rem; width: min(26rem, calc(100vw - 2rem));
      height: min(44rem, calc(100dvh - 2rem)); border: 1px solid #6b808b; border-radius: 0.75rem; background: #ffffff;
      box-shadow: 0 6px 32px rgb(0 0 0 / 35%); color-scheme: light dark; }
    .panel.right { right: 1rem; } .panel.left { left: 1rem; }
    [hidden] { display: none; }
    @media (max-width: 36rem), (max-height: 30rem) {
      .panel, .panel.left, .panel.right { inset: 0; width: 100%; height: 100%; border: 0; border-radius: 0; }
    }
    @media (forced-colors: active) { .launcher { border-color: ButtonText; } .panel { border: 2px solid CanvasText; } }`;
  const home = new URL('.', script.src);
  const wishes = { ...script.dataset };
  const languageOf = (tag) => (String(tag).toLowerCase().startsWith('zh') ? 'zh' : 'en');

  class ChengdaEmbed extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      this.language = languageOf(wishes.language || document.documentElement.lang || navigator.language);
      this.side = wishes.position === 'left' ? 'left' : 'right';
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [sheet];
      this.launcher = document.createElement('button');
      Object.assign(this.launcher, { type: 'button', className: `launcher ${this.side}` });
      this.launcher.setAttribute('aria-haspopup', 'dialog');
      this.launcher.setAttribute('aria-expanded', 'false');
      this.launcher.addEventListener('click', () => this.open());
      root.append(this.launcher);
      this.name();
      this.hear = (event) => this.onMessage(event);
      window.addEventListener('message', this.hear);
    }

    disconnectedCallback() {
      window.removeEventListener('message', this.hear);
    }

    name(unread = 0) {
      const text = TEXTS[this.language];
      this.launcher.lang = this.language;
      this.launcher.textContent = unread ? `${text.label} (${unread})` : text.label;
      this.launcher.title = unread ? `${text.open} · ${unread} ${text.unread}` : text.open;
    }

    open() {
      this.frame ??= this.made();
      this.frame.hidden = false;
      this.launcher.hidden = true;
      this.launcher.setAttribute('aria-expanded', 'true');
      this.name();
      this.frame.focus();
      this.tell('open');
    }

    close() {
      if (!this.frame || this.frame.hidden) return;
      this.frame.hidden = true;
      this.launcher.hidden = false;
      this.launcher.setAttribute('aria-expanded', 'false');
      this.launcher.focus();
      this.tell('close');
    }

    made() {
      const frame = document.createElement('iframe');
      const told = new URLSearchParams({ origin: location.origin, language: this.language });
      if (wishes.colour) told.set('colour', wishes.colour);
      Object.assign(frame, { className: `panel ${this.side}`, title: TEXTS[this.language].frame });
      frame.allow = 'clipboard-write';
      frame.src = new URL(`widget#${told}`, home).href;
      this.shadowRoot.append(frame);
      return frame;
    }

    tell(type) {
      this.frame.contentWindow?.postMessage({ type: `chengda:${type}` }, home.origin);
    }

    onMessage(event) {
      if (!this.frame || event.origin !== home.origin || event.source !== this.frame.contentWindow) return;
      const type = event.data?.type;
      if (type === 'chengda:ready' && !this.frame.hidden) this.tell('open');
      if (type === 'chengda:close') this.close();
      if (type === 'chengda:unread' && this.frame.hidden) this.name(Number(event.data.count) || 0);
      if (type === 'chengda:language') {
        this.language = languageOf(event.data.language);
        this.frame.title = TEXTS[this.language].frame;
        this.name();
      }
    }
  }

  customElements.define('chengda-embed', ChengdaEmbed);
  const place = () => document.body.append(document.createElement('chengda-embed'));
  if (document.body) place();
  else document.addEventListener('DOMContentLoaded', place);
})();
