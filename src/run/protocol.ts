/**
 * The safeguards of the protocol, one switch each. A program has them all; a test takes one away to see that it would notice.
 */
export interface Protocol {
  /** An unanswered add is waited for before its effect is looked at. */
  readonly settleWait: boolean;
  /** The service's count is compared with ours before a draft is processed. */
  readonly countCheck: boolean;
  /** An answer is believed only when it names exactly the items sent. */
  readonly answerCheck: boolean;
  /** The count is compared again after a batch was processed. */
  readonly postProcessCheck: boolean;
  /** Items that did not get in, or failed, are not held to be in the project. */
  readonly markWithdrawal: boolean;
}

export const FULL_PROTOCOL: Protocol = {
  settleWait: true,
  countCheck: true,
  answerCheck: true,
  postProcessCheck: true,
  markWithdrawal: true,
};
