/**
 * `doctor`: what works on the way from this machine to the Batch API, and what to do about what does not. It changes nothing at the service, and it goes
 * on behind a fault, because faults come in company. The exit code is that of the first problem.
 */
import { statSync } from 'node:fs';
import type { Command } from 'commander';
import type { Check, DoctorReport } from '../../doctor-report.js';
import { AppError } from '../../errors.js';
import { doctorJson, doctorText } from '../../progress/doctor-text.js';
import { chooseColor } from '../../progress/terminal.js';
import { loadConfig, NO_CONFIG } from '../config/load.js';
import { withheldError } from '../config/resolve.js';
import { findKey, shortPath } from '../credentials.js';
import { ledgerCheck, programCheck, stateChecks } from '../doctor/machine.js';
import { problem, serviceChecks, skipped } from '../doctor/service.js';
import { EXIT } from '../exit-codes.js';
import { print, type Io } from '../io.js';
import { configChoice, effectiveValues, valuesOf, type Values } from '../options.js';
import { addressOf, openWay, wantsLocal } from '../session.js';
import { stateDir } from '../state-dir.js';
import { packageVersion } from '../version.js';

export async function doctor(self: Command, io: Io): Promise<void> {
  const { values, checks: config } = await valuesAndConfig(self, io);
  const folder = stateDir(values.stateDir, io.env);
  const local: Check[] = [programCheck(), ...config, ...stateChecks(folder), await ledgerCheck(folder)];
  const isUnusable = local.some(({ name, verdict }) => name === 'state' && verdict === 'problem');
  const checks = [...local, ...(await wayChecks(values, io, isUnusable))];
  const report: DoctorReport = {
    version: packageVersion(),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    checks,
    exitCode: checks.find(({ verdict }) => verdict === 'problem')?.exitCode ?? EXIT.ok,
  };
  const color = chooseColor(values.color ? undefined : false, io.stdout, io.env);
  await print(io.stdout, values.output === 'json' ? doctorJson(report) : doctorText(report, color));
  io.exitCode = report.exitCode;
}

/** A config file that makes no sense is a finding; everything else is looked at without it. */
async function valuesAndConfig(
  self: Command,
  io: Io,
): Promise<{ readonly values: Values; readonly checks: readonly Check[] }> {
  try {
    const config = await loadConfig(io.env, configChoice(valuesOf(self, io.env)));
    const values = await effectiveValues(self, io.env, { config, isLenient: true });
    const names = config.files.map(
      ({ path, kind }) =>
        `${shortPath(path)} (${kind === 'project' ? "the project's" : kind === 'user' ? 'your own' : 'by --config'})`,
    );
    const message = names.length === 0 ? 'no config file' : names.join(', ');
    const withheld = (values.withheld ?? []).map((setting) => problem('config', withheldError(setting)));
    return { values, checks: [{ name: 'config', verdict: 'ok', message }, ...withheld] };
  } catch (error) {
    if (!(error instanceof AppError) || !error.code.includes('config')) throw error;
    const values = await effectiveValues(self, io.env, { config: NO_CONFIG, isLenient: true });
    return { values, checks: [problem('config', error)] };
  }
}

async function wayChecks(values: Values, io: Io, isUnusable: boolean): Promise<readonly Check[]> {
  try {
    if (wantsLocal(values)) return await localChecks(values, io, isUnusable);
  } catch (error) {
    return [problem('address', error)];
  }
  const key = keyChecks(values, io);
  const service = await serviceChecks({ url: addressOf(values, io.env), key: key.key, env: io.env });
  return [...key.checks, ...service];
}

async function localChecks(values: Values, io: Io, isUnusable: boolean): Promise<readonly Check[]> {
  if (isUnusable) return [skipped('local', 'its data lie in the state folder')];
  let way: Awaited<ReturnType<typeof openWay>>;
  try {
    way = await openWay(values, io);
  } catch (error) {
    return [problem('local', error)];
  }
  try {
    const server: Check = {
      name: 'local',
      verdict: 'ok',
      message: 'the local server runs inside this process; no key is needed',
    };
    return [server, ...(await serviceChecks({ url: way.url, key: way.key, env: {} }))];
  } finally {
    await way.close();
  }
}

function keyChecks(values: Values, io: Io): { readonly key: string | undefined; readonly checks: readonly Check[] } {
  try {
    const { key, origin, file } = findKey(values, io.env);
    const found: Check = { name: 'key', verdict: 'ok', message: `there is one, from ${origin}` };
    return { key, checks: [found, ...(file === undefined ? [] : openFileChecks(file))] };
  } catch (error) {
    return { key: undefined, checks: [problem('key', error)] };
  }
}

function openFileChecks(file: string): readonly Check[] {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  if (process.platform === 'win32' || (mode & 0o077) === 0) return [];
  const message = `others can read the key file ${file} (mode ${(mode & 0o777).toString(8)})`;
  return [{ name: 'key', verdict: 'warning', message, hint: `chmod 600 ${file}` }];
}
