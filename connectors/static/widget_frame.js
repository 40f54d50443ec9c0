/** The chat inside another site's page: which site that is, what it wishes, and the few words exchanged with it. */

const told = new URLSearchParams(location.hash.slice(1));
const WHITE = [255, 255, 255];
const LEAST_CONTRAST = 4.5;

/** Whether this page is shown inside another one. */
export const framed = window.parent !== window;
// Who embeds us says its origin; the browser checks it against frame-ancestors, and gives our words to nobody else.
const site = told.get('origin') ?? '';
export const wishedLanguage = told.get('language') ?? '';

export function tellSite(type, values = {}) {
  if (framed && /^https?:\/\/[^/]+$/.test(site)) window.parent.postMessage({ type: `chengda:${type}`, ...values }, site);
}

/** Hear what the embedding site says; words of any other window are left. */
export function hearSite(listener) {
  window.addEventListener('message', (event) => {
    if (event.source !== window.parent || event.origin !== site) return;
    const type = String(event.data?.type ?? '');
    if (type.startsWith('chengda:')) listener(type.slice('chengda:'.length), event.data);
  });
}

function channelsOf(colour) {
  return /^#[0-9a-f]{6}$/i.test(colour) ? [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)) : null;
}

function luminance(channels) {
  const [r, g, b] = channels.map((value) => (value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Whether white text on a colour can be read: 4.5 to 1 at least. */
export function readable(colour) {
  const channels = channelsOf(colour);
  return channels !== null && (luminance(WHITE) + 0.05) / (luminance(channels) + 0.05) >= LEAST_CONTRAST;
}

/** Give the header the site's colour where text on it stays readable. */
export function paint() {
  const colour = told.get('colour') ?? '';
  if (readable(colour)) document.documentElement.style.setProperty('--header', colour);
}
