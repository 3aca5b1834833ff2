/** The version of this program, from its package.json. */
import { readFileSync } from 'node:fs';

export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const content: unknown = JSON.parse(text);
  return typeof content === 'object' && content !== null && 'version' in content
    ? String(content.version)
    : '?';
}
