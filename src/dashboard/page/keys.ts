/** The keyboard: lines by j and k, back by Escape, the filter by /, pages by n and p, views by 1 2 3, help by ?. */
import { hashOf } from './route.js';

export interface KeyActions {
  readonly back: () => void;
  readonly help: () => void;
}

export function listenToKeys({ back, help }: KeyActions): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector('dialog[open]') !== null) return;
    const isTyping = event.target instanceof HTMLInputElement;
    if (isTyping && !['Escape', 'ArrowDown', 'Enter'].includes(event.key)) return;
    if (act(event.key, isTyping, back, help)) event.preventDefault();
  });
}

function act(key: string, isTyping: boolean, back: () => void, help: () => void): boolean {
  switch (key) {
    case 'j':
    case 'ArrowDown':
      return move(1);
    case 'k':
    case 'ArrowUp':
      return move(-1);
    case 'Enter':
      return isTyping && move(1);
    case 'Home':
      return moveTo(0);
    case 'End':
      return moveTo(-1);
    case '/':
      return focusFilter();
    case 'n':
    case 'p':
      return follow(`[data-page="${key}"]`);
    case 'Escape':
      back();
      return true;
    case '?':
      help();
      return true;
    case '1':
      location.hash = hashOf({});
      return true;
    case '2':
      location.hash = hashOf({ view: 'batches' });
      return true;
    case '3':
      location.hash = hashOf({ view: 'runs' });
      return true;
    default:
      return false;
  }
}

function lines(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('#main .row')];
}

function move(step: number): boolean {
  const all = lines();
  const at = all.findIndex((line) => line === document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step;
  return focusLine(all[Math.min(all.length - 1, Math.max(0, next))]);
}

function moveTo(index: number): boolean {
  return focusLine(lines().at(index));
}

function focusLine(line: HTMLElement | undefined): boolean {
  line?.focus();
  line?.scrollIntoView({ block: 'nearest' });
  return line !== undefined;
}

function focusFilter(): boolean {
  const filter = document.querySelector<HTMLInputElement>('#filter');
  if (filter === null) {
    // Where there is nothing to filter, all batches are meant.
    window.addEventListener('hashchange', () => setTimeout(focusFilter, 0), { once: true });
    location.hash = hashOf({ view: 'batches' });
    return true;
  }
  filter.focus();
  filter.select();
  return true;
}

function follow(selector: string): boolean {
  const link = document.querySelector<HTMLAnchorElement>(`a${selector}`);
  if (link === null) return false;
  location.hash = new URL(link.href).hash;
  return true;
}
