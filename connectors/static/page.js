/** What all pages share: elements, words filled in, ids, the web storages, and streams of server-sent events. */

/**
 * An element with attributes, listeners and children, null ones left out; `text`, `label` and `hint` name entries of a
 * messages table that follow the page's language.
 */
export function el(tag, { text, label, hint, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (text) node.dataset.text = text;
  if (label) node.dataset.label = label;
  if (hint) node.dataset.hint = hint;
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}

export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

/** A random id; randomUUID exists only on secure origins. */
export function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A web storage that forgets instead of failing where the browser forbids it. */
export function storage(area, prefix = 'chengda.') {
  const attempt = (action) => {
    try {
      return action(window[area]);
    } catch {
      return null;
    }
  };
  return {
    get: (key) => attempt((store) => store.getItem(prefix + key)),
    set: (key, value) => attempt((store) => store.setItem(prefix + key, value)),
    remove: (key) => attempt((store) => store.removeItem(prefix + key)),
  };
}

/** The page's language: the one saved, else the browser's, of zh and en. */
export function languageOf(saved) {
  if (saved === 'zh' || saved === 'en') return saved;
  return (navigator.language ?? 'zh').toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** The events of a stream as {event, id, data}, read with fetch, which unlike EventSource can carry a token. */
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = { event: 'message', id: '', data: [] };
      for (const line of block.split(/\r?\n/)) {
        const [, name, text] = line.match(/^(event|id|data): ?(.*)$/) ?? [];
        if (name === 'data') fields.data.push(text);
        else if (name) fields[name] = text;
      }
      if (fields.data.length) yield { ...fields, data: JSON.parse(fields.data.join('\n')) };
    }
  }
}
