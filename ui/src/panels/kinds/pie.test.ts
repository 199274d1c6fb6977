import { describe, expect, it } from 'vitest';
import { slicePath } from './Pie';

describe('a slice', () => {
  it('of the whole has no seam, with a hole or without', () => {
    expect(slicePath(0, 1, 10, 0)).not.toContain('L');
    expect(slicePath(0, 1, 10, 6).match(/Z/gu)).toHaveLength(2);
  });
  it('of a part ends in the middle, or at the hole', () => {
    expect(slicePath(0, 0.25, 10, 0)).toContain('L0 0Z');
    expect(slicePath(0, 0.25, 10, 6)).toContain('L6.00 0.00A6 6');
  });
});
