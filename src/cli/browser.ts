/** Opens an address in the person's browser, by the means of each system. Never waits for it, never fails. */
import { spawn } from 'node:child_process';
import type { Io } from './io.js';

/** So long may the opener take to say that it does not exist. */
const SETTLE_MS = 500;

/** False when there is nothing that could open it. */
export function openInBrowser(
  url: string,
  env: Io['env'],
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  const command = openerOf(platform, env);
  if (command === undefined) return Promise.resolve(false);
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    try {
      const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true, env: { ...env } });
      child.once('error', () => resolve(false));
      child.once('exit', (code) => resolve(code === 0));
      child.unref();
      setTimeout(() => resolve(true), SETTLE_MS).unref();
    } catch {
      resolve(false);
    }
  });
}

/** The program that opens addresses, and its arguments; undefined where there is no screen to open them on. */
export function openerOf(platform: NodeJS.Platform, env: Io['env']): readonly string[] | undefined {
  if (platform === 'darwin') return ['open'];
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  const hasScreen = (env['DISPLAY'] ?? '') !== '' || (env['WAYLAND_DISPLAY'] ?? '') !== '';
  return hasScreen ? ['xdg-open'] : undefined;
}
