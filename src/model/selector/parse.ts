/**
 * Calico's selector language, the whole of it:
 *
 *     expression = and { "||" and }
 *     and        = operation { "&&" operation }
 *     operation  = { "!" } ( "all()" | "global()" | "has(" label ")" | "(" expression ")" | test )
 *     test       = label ( "==" | "!=" | "contains" | "starts with" | "ends with" ) string
 *                | label ( "in" | "not in" ) "{" [ string { "," string } [ "," ] ] "}"
 *
 * A `!` binds to the next operation only, so `!a == 'x'` is `!(a == 'x')`. Two cancel each other. A text of
 * nothing but blanks is `all()`.
 */
import type { Expression, SetOperator } from './expression.ts';
import type { SelectorFault } from './fault.ts';
import { expected, type SymbolText, type Token, tokenize } from './tokens.ts';

/** Deeper than any person writes; without a bound, a hostile resource could end the process (its stack). */
const MOST_PARENTHESES = 500;

/** Thrown inside this module only: parsing has one way out when it fails. */
class Fault extends Error {
  readonly fault: SelectorFault;
  constructor(fault: SelectorFault) {
    super(fault.message);
    this.fault = fault;
  }
}

/** @returns the tree, or where the text goes wrong */
export function parseExpression(text: string): Expression | SelectorFault {
  const tokens = tokenize(text);
  if ('message' in tokens) return tokens;
  try {
    return new Parser(text, tokens).whole();
  } catch (error) {
    if (error instanceof Fault) return error.fault;
    throw error;
  }
}

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  whole(): Expression {
    if (this.#peek().type === 'end') return { type: 'all' };
    const expression = this.#or();
    if (this.#peek().type !== 'end') this.#fail('"&&", "||" or the end');
    return expression;
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { type: 'end', position: this.#text.length };
  }

  #fail(what: string): never {
    throw new Fault(expected(this.#text, this.#peek().position, what));
  }

  /** Takes this symbol if it comes next. */
  #takes(symbol: SymbolText): boolean {
    const token = this.#peek();
    if (token.type !== 'symbol' || token.symbol !== symbol) return false;
    this.#at++;
    return true;
  }

  #or(): Expression {
    const operands = [this.#and()];
    while (this.#takes('||')) operands.push(this.#and());
    return join('or', operands);
  }

  #and(): Expression {
    const operands = [this.#operation()];
    while (this.#takes('&&')) operands.push(this.#operation());
    return join('and', operands);
  }

  #operation(): Expression {
    let negated = false;
    while (this.#takes('!')) negated = !negated;
    const operand = this.#operand();
    return negated ? { type: 'not', operand } : operand;
  }

  #operand(): Expression {
    const token = this.#peek();
    switch (token.type) {
      case 'all':
        this.#at++;
        return { type: 'all' };
      case 'has':
        this.#at++;
        return { type: 'has', label: token.label };
      case 'label':
        this.#at++;
        return this.#test(token.label);
      default:
        return this.#parenthesised();
    }
  }

  #parenthesised(): Expression {
    const { position } = this.#peek();
    if (!this.#takes('(')) this.#fail('a label, has(), all() or "("');
    this.#depth++;
    if (this.#depth > MOST_PARENTHESES) {
      throw new Fault({ position, message: `more than ${MOST_PARENTHESES} parentheses inside each other` });
    }
    const inner = this.#or();
    if (!this.#takes(')')) this.#fail('")", "&&" or "||"');
    this.#depth--;
    return inner;
  }

  #test(label: string): Expression {
    const token = this.#peek();
    if (token.type === 'text-operator') {
      this.#at++;
      return { type: 'text', label, operator: token.operator, value: this.#string() };
    }
    if (token.type === 'set-operator') {
      this.#at++;
      return this.#set(label, token.operator);
    }
    return this.#fail('an operator (==, !=, in, not in, contains, starts with, ends with)');
  }

  #string(): string {
    const token = this.#peek();
    if (token.type !== 'string') return this.#fail('a quoted string');
    this.#at++;
    return token.value;
  }

  #set(label: string, operator: SetOperator): Expression {
    if (!this.#takes('{')) this.#fail('"{"');
    const values = new Set<string>();
    while (!this.#takes('}')) {
      if (this.#peek().type !== 'string')
        this.#fail(values.size === 0 ? 'a quoted string or "}"' : 'a quoted string');
      values.add(this.#string());
      if (this.#takes(',')) continue;
      if (!this.#takes('}')) this.#fail('"," or "}"');
      break;
    }
    return { type: 'set', label, operator, values: [...values] };
  }
}

function join(type: 'and' | 'or', operands: readonly Expression[]): Expression {
  const [only] = operands;
  return operands.length === 1 && only !== undefined ? only : { type, operands };
}
