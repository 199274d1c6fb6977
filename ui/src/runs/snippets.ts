// What to paste where, to have the first run arrive.

export interface Snippet {
  readonly name: string;
  readonly hint: string;
  readonly language: 'shell' | 'python';
  readonly text: string;
}

/** Ways to send a first run to `origin`, for a tenant that must be named and a token that must be sent, where they must. */
export function snippets(origin: string, tenant: string | null, signs: boolean): readonly Snippet[] {
  const named = tenant !== null && tenant !== 'default';
  const headers = [
    ...(signs ? ['Authorization: Bearer $PHAROS_TOKEN'] : []),
    ...(named ? [`X-Scope-OrgID: ${tenant}`] : []),
  ];
  const curlHeaders = headers.map((header) => ` -H "${header}"`).join('');
  const tell = `tell() { curl -fsS ${origin}/api/v1/$1${curlHeaders} -H 'Content-Type: application/json' -d "$2"; }`;
  return [
    {
      name: 'Shell',
      hint: 'Paste it into a shell: the run appears here at once.',
      language: 'shell',
      text: [
        ...(signs ? ['export PHAROS_TOKEN=…  # a token with flows.write: Members, API tokens'] : []),
        tell,
        'tell run_start \'{"run_id": "first-run", "workflow": "nightly-load", "owner": "me"}\'',
        'tell run_step \'{"run_id": "first-run", "step": {"id": "extract"}}\'',
        'tell run_step \'{"run_id": "first-run", "step": {"id": "extract", "state": "succeeded"}}\'',
        'tell run_end \'{"run_id": "first-run"}\'',
        '',
      ].join('\n'),
    },
    {
      name: 'Python',
      hint: 'Nothing but Python itself; tell what happens where it happens.',
      language: 'python',
      text: [
        signs ? 'import json, os, urllib.request' : 'import json, urllib.request',
        '',
        'def tell(call, **event):',
        '    headers = {"Content-Type": "application/json"}',
        ...(signs ? ['    headers["Authorization"] = "Bearer " + os.environ["PHAROS_TOKEN"]'] : []),
        ...(named ? [`    headers["X-Scope-OrgID"] = ${JSON.stringify(tenant)}`] : []),
        `    url = "${origin}/api/v1/" + call`,
        '    request = urllib.request.Request(url, json.dumps(event).encode(), headers)',
        '    return json.load(urllib.request.urlopen(request, timeout=10))["data"]',
        '',
        'run = tell("run_start", workflow="nightly-load", owner="me")["run_id"]',
        'tell("run_step", run_id=run, step={"id": "extract"})',
        'tell("run_progress", run_id=run, progress=0.5)',
        'tell("run_step", run_id=run, step={"id": "extract", "state": "succeeded"})',
        'tell("run_end", run_id=run)',
        '',
      ].join('\n'),
    },
    {
      name: 'Cron',
      hint: 'A script around any job: say when it should run, and it is missed when it does not.',
      language: 'shell',
      text: [
        '#!/bin/sh',
        '# backup-watched, called by cron: 0 3 * * * /usr/local/bin/backup-watched',
        ...(signs ? ['PHAROS_TOKEN=$(cat /etc/pharos-token)'] : []),
        tell,
        'run=backup-$(date +%s)',
        'tell run_start "{\\"run_id\\": \\"$run\\", \\"workflow\\": \\"backup\\", \\"schedule\\": {\\"cron\\": \\"0 3 * * *\\"}}"',
        'state=failed',
        'backup && state=succeeded',
        'tell run_end "{\\"run_id\\": \\"$run\\", \\"state\\": \\"$state\\"}"',
        '',
      ].join('\n'),
    },
  ];
}
