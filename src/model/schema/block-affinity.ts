/** Calico's BlockAffinity, field by field (reader: ../block-affinity.ts). Calico writes it; we read it. */
import { accepted, anything, honoured, type KindSchema, text } from './shape.ts';

export const BLOCK_AFFINITY: KindSchema = {
  description: 'A block of addresses that belongs to one node, which announces it.',
  names: 'NODE-BLOCK, with "-" for every other character.',
  spec: {
    cidr: honoured('v3.0', { type: 'prefix' }, 'The block.', { required: true }),
    node: honoured('v3.0', text, 'The node that it belongs to.', { required: true }),
    state: honoured(
      'v3.0',
      text,
      'confirmed, pending or pendingDeletion. Only a confirmed block is announced.',
      {
        default: 'confirmed',
      },
    ),
    deleted: honoured('v3.0', anything, 'True, or the text "true": it is being given up.', {
      default: false,
    }),
    type: accepted('v3.31', text, 'host, or virtual.'),
  },
  rules: [],
};
