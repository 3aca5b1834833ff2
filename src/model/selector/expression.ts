/** What a selector says, as a tree (Calico's selector language; grammar in parse.ts). */

export type TextOperator = '==' | '!=' | 'contains' | 'starts with' | 'ends with';
export type SetOperator = 'in' | 'not in';

export type Expression =
  /** `all()` and `global()`: true of every node. */
  | { readonly type: 'all' }
  | { readonly type: 'has'; readonly label: string }
  | {
      readonly type: 'text';
      readonly label: string;
      readonly operator: TextOperator;
      readonly value: string;
    }
  | {
      readonly type: 'set';
      readonly label: string;
      readonly operator: SetOperator;
      readonly values: readonly string[];
    }
  | { readonly type: 'not'; readonly operand: Expression }
  | { readonly type: 'and'; readonly operands: readonly Expression[] }
  | { readonly type: 'or'; readonly operands: readonly Expression[] };

/** Labels of a node, by name. */
export type Labels = Readonly<Record<string, string>>;

export const NO_LABELS: Labels = Object.freeze({});
