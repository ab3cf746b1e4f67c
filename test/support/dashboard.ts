/** The dashboard in a real browser: the real bin as a child process, Chromium without a screen, and everything that the page did put down. */
import { existsSync } from 'node:fs';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import type { Workplace, Started } from './cli.js';

const PLACES = [
  process.env['CHROME_PATH'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Undefined where there is none: what needs one is skipped. */
export const CHROMIUM = PLACES.find((path) => path !== '' && existsSync(path));

export function launch(): Promise<Browser> {
  return puppeteer.launch({
    executablePath: CHROMIUM ?? '',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
  });
}

export interface Served {
  readonly url: string;
  readonly process: Started;
}

/** `zep-import dashboard`; resolves with its address. */
export async function dashboard(at: Workplace, flags: readonly string[]): Promise<Served> {
  const process = at.start(['dashboard', ...flags]);
  const url = await new Promise<string>((found, failed) => {
    let text = '';
    process.child.stdout?.on('data', (piece: Buffer) => {
      text += piece.toString();
      if (text.includes('\n')) found(text.split('\n')[0] ?? '');
    });
    process.then(({ stderr }) => failed(new Error(`the dashboard ended: ${stderr}`)), failed);
  });
  return { url, process };
}

export interface Watched {
  readonly page: Page;
  /** What went wrong in the page: errors, and what its policy did not allow. */
  readonly faults: string[];
  /** When the page asked for anything after it was loaded, by its own clock; milliseconds. */
  readonly asked: () => Promise<number[]>;
}

export async function visit(browser: Browser, url: string): Promise<Watched> {
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warn') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.evaluateOnNewDocument(`{
    const ask = window.fetch;
    window.asked = [];
    window.fetch = (...given) => {
      window.asked.push(performance.now());
      return ask.apply(window, given);
    };
    addEventListener('securitypolicyviolation', (event) => console.error('policy: ' + event.violatedDirective));
  }`);
  await page.goto(url);
  return { page, faults, asked: () => ask<number[]>(page, 'window.asked') };
}

/** Goes to another view as a link would. */
export async function go(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
}

/** What an expression of the page gives. */
export function ask<T>(page: Page, expression: string): Promise<T> {
  return page.evaluate(expression) as Promise<T>;
}

/** Resolves when the expression is true in the page. */
export async function until(page: Page, expression: string): Promise<void> {
  await page.waitForFunction(expression, { timeout: 20_000, polling: 50 });
}

/** The least time between two questions, in milliseconds. */
export function leastGap(times: readonly number[]): number {
  return Math.min(Infinity, ...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
}
