/** What was asked, applied and answered, by operation: the truth against which a client's own books can be held. */
export interface ServerStats {
  /** Requests that arrived, by operation; `unknown` for those that mean nothing. */
  readonly asked: Readonly<Record<string, number>>;
  /** Requests whose effect is in the store (writes) or that were looked up (reads), whatever was answered. */
  readonly applied: Readonly<Record<string, number>>;
  /** Requests that got no answer. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Answers by status code. */
  readonly statuses: Readonly<Record<string, number>>;
  /** How often each fault struck, by its text. */
  readonly faults: Readonly<Record<string, number>>;
  readonly items: { readonly added: number };
  readonly bytes: { readonly received: number; readonly sent: number };
  readonly webhooks: { readonly delivered: number; readonly failed: number };
  /** Requests held back by a fault that will still be applied. */
  readonly pending: number;
}

type Tally = Record<string, number>;

function bump(tally: Tally, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}

export class Stats {
  private readonly tallies = {
    asked: {} as Tally,
    applied: {} as Tally,
    dropped: {} as Tally,
    statuses: {} as Tally,
    faults: {} as Tally,
  };
  readonly counters = { itemsAdded: 0, received: 0, sent: 0, webhooksDelivered: 0, webhooksFailed: 0, pending: 0 };

  asked(operation: string): void {
    bump(this.tallies.asked, operation);
  }

  applied(operation: string): void {
    bump(this.tallies.applied, operation);
  }

  dropped(operation: string): void {
    bump(this.tallies.dropped, operation);
  }

  answered(status: number): void {
    bump(this.tallies.statuses, String(status));
  }

  fault(text: string): void {
    bump(this.tallies.faults, text);
  }

  /** A copy. */
  snapshot(): ServerStats {
    const { counters, tallies } = this;
    return {
      asked: { ...tallies.asked },
      applied: { ...tallies.applied },
      dropped: { ...tallies.dropped },
      statuses: { ...tallies.statuses },
      faults: { ...tallies.faults },
      items: { added: counters.itemsAdded },
      bytes: { received: counters.received, sent: counters.sent },
      webhooks: { delivered: counters.webhooksDelivered, failed: counters.webhooksFailed },
      pending: counters.pending,
    };
  }
}
