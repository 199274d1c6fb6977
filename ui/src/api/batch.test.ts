import { afterEach, describe, expect, it, vi } from 'vitest';
import { queryBatch } from './batch';

afterEach(() => vi.unstubAllGlobals());

function answering(body: string, status = 200, type = 'application/x-ndjson'): void {
  vi.stubGlobal('fetch', () =>
    Promise.resolve(new Response(body, { status, headers: { 'Content-Type': type } })),
  );
}

const ASKED = [
  { query: 'a', time: 1 },
  { query: 'b', time: 1 },
];
const LINES = [
  '{"index":1,"answer":{"status":"error","errorType":"bad_data","error":"no"}}',
  '{"index":0,"answer":{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}}',
];

describe('a batch', () => {
  it('gives each query its own outcome, in the order of the queries', async () => {
    answering(`${LINES.join('\n')}\n`);
    const heard: number[] = [];
    const [first, second] = await queryBatch(ASKED, { tenant: null }, (index) => heard.push(index));
    expect(first).toEqual({ resultType: 'scalar', result: [1, '2'] });
    expect(second).toMatchObject({ kind: 'refused', message: 'no', errorType: 'bad_data' });
    expect(heard).toEqual([1, 0]);
  });
  it('that breaks off is no answer', async () => {
    answering(`${LINES[0]}\n`);
    await expect(queryBatch(ASKED, { tenant: null })).rejects.toMatchObject({ kind: 'network' });
  });
  it('that is refused as a whole says why', async () => {
    answering('{"status":"error","errorType":"bad_data","error":"invalid batch"}', 400, 'application/json');
    await expect(queryBatch(ASKED, { tenant: null })).rejects.toMatchObject({
      message: 'invalid batch',
      status: 400,
    });
  });
  it('that a proxy answered is no answer', async () => {
    answering('<html>Bad Gateway</html>', 502, 'text/html');
    await expect(queryBatch(ASKED, { tenant: null })).rejects.toMatchObject({ kind: 'refused', status: 502 });
  });
});
