/**
 * Calico's label selectors (`nodeSelector` and `peerSelector` of BGPPeer): parsed once, asked of many nodes.
 * Grammar in parse.ts, meaning in evaluate.ts.
 */
import { compile, compileMeant, type Predicate, type Requirement, requirementOf } from './evaluate.ts';
import type { Expression } from './expression.ts';
import type { SelectorFault } from './fault.ts';
import { parseExpression } from './parse.ts';

export type { Requirement } from './evaluate.ts';
export { type Expression, type Labels, NO_LABELS } from './expression.ts';
export { describeFault, type SelectorFault, showFault } from './fault.ts';

export interface Selector {
  readonly text: string;
  readonly expression: Expression;
  readonly matches: Predicate;
  /** True only of who has a label that is asked for; never by negation or `all()`. */
  readonly means: Predicate;
  readonly requirement: Requirement | undefined;
}

/** @returns the selector, or where and why `text` is none */
export function parseSelector(text: string): Selector | SelectorFault {
  const expression = parseExpression(text);
  if ('message' in expression) return expression;
  return {
    text,
    expression,
    matches: compile(expression),
    means: compileMeant(expression),
    requirement: requirementOf(expression),
  };
}

export function isSelector(parsed: Selector | SelectorFault): parsed is Selector {
  return 'expression' in parsed;
}
