/**
 * One version for a resource that is stored in several keys.
 *
 * etcd counts every write of the whole store, and a key carries the count of its last write. The highest count
 * among a resource's keys, with the number of keys, differs after every change of any of them: whatever was
 * written since is higher than all before, and where nothing written survives, keys are missing.
 */

/**
 * @param revisions the last-write count of each key: `modifiedIndex` in etcd v2, `mod_revision` in etcd v3
 * @returns `COUNT` for one key, `COUNT.KEYS` for several, `0` for none
 */
export function versionOfKeys(revisions: Iterable<number>): string {
  let highest = 0;
  let keys = 0;
  for (const revision of revisions) {
    highest = Math.max(highest, revision);
    keys += 1;
  }
  return keys > 1 ? `${highest}.${keys}` : `${highest}`;
}
