// What strangers send. Every component on the gallery page is shown with some of it.

export const HOSTILE = {
  override: 'invoice\u202egpj.exe',
  markup: '<img src=x onerror="window.__xss=1">',
  long: `checkout-${'very-long-name-'.repeat(18)}end`,
  lines: 'first line\nsecond line\tand a tab',
  emoji: '👩‍👩‍👧‍👦 family 🏳️‍🌈',
  cjk: '結帳服務 チェックアウト 결제',
  arabic: 'خدمة الدفع "v2"',
  cyrillic: 'оплата заказа',
  invisible: 'zero\u200bwidth\ufeffmarks',
  ligatures: '-> != =~ >= // </',
  quote: 'say "hi" \\ \u2019',
  empty: '',
} as const;

export const HOSTILE_VALUES: readonly string[] = Object.values(HOSTILE);
