// Where a dashboard is, in an address that people can read.

/** A title as it stands in an address: lower case, words joined; `-` of none that has letters. */
export function slugOf(title: string): string {
  const words = title.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.join('-').slice(0, 60) || '-';
}

/** The path of one dashboard. */
export function dashboardPath(uid: string, title: string): string {
  return `/d/${encodeURIComponent(uid)}/${encodeURIComponent(slugOf(title))}`;
}
