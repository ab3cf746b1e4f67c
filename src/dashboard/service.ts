/**
 * The way to the service, opened when there is first something to ask. The local server's data belong to one process at a time: with `--local`
 * the way is closed again as soon as nothing there moves, so that an import can have them.
 */
import type { RemoteApi } from '../remote/api.js';

export interface Connection {
  readonly api: RemoteApi;
  readonly project: string;
  readonly projectName: string;
  readonly host: string;
  readonly isLocal: boolean;
  /** Calls a minute that the service allows, where it tells. */
  callsAMinute(): number | undefined;
  close(): Promise<void>;
}

export type Connect = (signal: AbortSignal) => Promise<Connection>;

export class Service {
  readonly #connect: Connect;
  readonly #stop = new AbortController();
  #opening: Promise<Connection> | undefined;
  #closing: Promise<void> = Promise.resolve();
  #users = 0;
  #isClosed = false;
  #keepsOpen = true;
  /** Who is there; known as soon as the way was open once. */
  #known: Connection | undefined;

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  get known(): Connection | undefined {
    return this.#known;
  }

  /** What moves in a local server goes on only while it is open. */
  keepOpen(keeps: boolean): void {
    this.#keepsOpen = keeps;
  }

  /** Throws as the connection or the work does. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error('the dashboard is closed');
    this.#users++;
    try {
      this.#opening ??= this.#closing.then(() => this.#connect(this.#stop.signal));
      let connection: Connection;
      try {
        connection = await this.#opening;
      } catch (error) {
        this.#opening = undefined;
        throw error;
      }
      this.#known = connection;
      return await work(connection);
    } finally {
      this.#users--;
      await this.#letGoOfLocal();
    }
  }

  /** Nobody watches any more. */
  async rest(): Promise<void> {
    this.#keepsOpen = false;
    await this.#letGoOfLocal();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop.abort(new Error('the dashboard is closed'));
    await this.#letGo();
  }

  async #letGoOfLocal(): Promise<void> {
    if (this.#users === 0 && this.#known?.isLocal === true && !this.#keepsOpen) await this.#letGo();
  }

  /** The next one to come waits until the way is closed: a data file has one owner at a time. */
  #letGo(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    const closing = async (): Promise<void> => {
      const connection = await opening?.catch(() => undefined);
      await connection?.close();
    };
    this.#closing = Promise.all([this.#closing, closing()]).then(
      () => undefined,
      () => undefined,
    );
    return this.#closing;
  }
}
