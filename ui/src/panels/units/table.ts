// Grafana's units by their ids: what dashboards call them, and how values of each are written. The names of the ids are
// theirs; what they mean follows from the SI, ISO/IEC 80000-13 (binary prefixes) and ISO 4217.

/** How values of one unit are written. */
export type Writing =
  /** The number, and `after` behind it; `spaced` unless it is a sign such as `%`. */
  | { kind: 'plain'; after: string; tight?: true }
  /** By powers of 1,000 (`k`, `M`); values are of 1,000 to the power `from`. */
  | { kind: 'si'; after: string; from?: number }
  /** By powers of 1,024 (`Ki`, `Mi`). */
  | { kind: 'binary'; after: string; from?: number }
  /** `K`, `Mil`, `Bil`. */
  | { kind: 'short'; after: string }
  | { kind: 'money'; sign: string; behind?: true }
  /** A length of time; `seconds` of one. */
  | { kind: 'time'; seconds: number }
  /** `2 days, 3 hours`; `1d 02:03:04`; `02h:03m:04s`. */
  | { kind: 'duration'; seconds: number; style: 'words' | 'days' | 'hours' | 'clock' }
  /** An instant in milliseconds. */
  | { kind: 'date'; style: 'iso' | 'us' | 'local' | 'system' | 'from-now'; shortToday?: true }
  | { kind: 'share' }
  | { kind: 'hex'; prefix: string }
  | { kind: 'scientific' }
  | { kind: 'grouped' }
  | { kind: 'text' }
  | { kind: 'boolean'; yes: string; no: string };

export interface UnitRow {
  id: string;
  name: string;
  group: string;
  writing: Writing;
}

type Rows = readonly (readonly [id: string, name: string, writing: Writing])[];

const plain = (after: string, tight?: true): Writing => ({
  kind: 'plain',
  after,
  ...(tight ? { tight } : {}),
});
const si = (after: string, from = 0): Writing => ({ kind: 'si', after, from });
const binary = (after: string, from = 0): Writing => ({ kind: 'binary', after, from });
const short = (after: string): Writing => ({ kind: 'short', after });
const money = (sign: string, behind?: true): Writing => ({
  kind: 'money',
  sign,
  ...(behind ? { behind } : {}),
});
const time = (seconds: number): Writing => ({ kind: 'time', seconds });

const GROUPS: Readonly<Record<string, Rows>> = {
  Numbers: [
    ['none', 'plain number', plain('')],
    ['short', 'short (K, Mil, Bil)', short('')],
    ['sishort', 'short (k, M, G)', si('')],
    ['string', 'text', { kind: 'text' }],
    ['percent', 'percent (0-100)', plain('%', true)],
    ['percentunit', 'percent (0.0-1.0)', { kind: 'share' }],
    ['humidity', 'humidity (%H)', plain('%H', true)],
    ['dB', 'decibel', plain('dB')],
    ['candela', 'candela', plain('cd')],
    ['hex0x', 'hexadecimal (0x)', { kind: 'hex', prefix: '0x' }],
    ['hex', 'hexadecimal', { kind: 'hex', prefix: '' }],
    ['sci', 'scientific notation', { kind: 'scientific' }],
    ['locale', 'thousands set apart', { kind: 'grouped' }],
    ['pixel', 'pixels', plain('px')],
  ],
  Time: [
    ['hertz', 'hertz', si('Hz')],
    ['ns', 'nanoseconds', time(1e-9)],
    ['µs', 'microseconds', time(1e-6)],
    ['ms', 'milliseconds', time(1e-3)],
    ['s', 'seconds', time(1)],
    ['m', 'minutes', time(60)],
    ['h', 'hours', time(3_600)],
    ['d', 'days', time(86_400)],
    ['dtdurationms', 'duration (ms)', { kind: 'duration', seconds: 1e-3, style: 'words' }],
    ['dtdurations', 'duration (s)', { kind: 'duration', seconds: 1, style: 'words' }],
    ['dthms', 'duration (hh:mm:ss)', { kind: 'duration', seconds: 1, style: 'hours' }],
    ['dtdhms', 'duration (d hh:mm:ss)', { kind: 'duration', seconds: 1, style: 'days' }],
    ['timeticks', 'timeticks (s/100)', time(0.01)],
    ['clockms', 'clock (ms)', { kind: 'duration', seconds: 1e-3, style: 'clock' }],
    ['clocks', 'clock (s)', { kind: 'duration', seconds: 1, style: 'clock' }],
  ],
  'Dates and times': [
    ['dateTimeAsIso', 'date and time, ISO', { kind: 'date', style: 'iso' }],
    ['dateTimeAsIsoNoDateIfToday', 'ISO, no date if today', { kind: 'date', style: 'iso', shortToday: true }],
    ['dateTimeAsUS', 'date and time, US', { kind: 'date', style: 'us' }],
    ['dateTimeAsUSNoDateIfToday', 'US, no date if today', { kind: 'date', style: 'us', shortToday: true }],
    ['dateTimeAsLocal', 'date and time, local', { kind: 'date', style: 'local' }],
    [
      'dateTimeAsLocalNoDateIfToday',
      'local, no date if today',
      { kind: 'date', style: 'local', shortToday: true },
    ],
    ['dateTimeAsSystem', 'date and time', { kind: 'date', style: 'system' }],
    ['dateTimeFromNow', 'from now', { kind: 'date', style: 'from-now' }],
  ],
  'Data (IEC)': [
    ['bytes', 'bytes (KiB, MiB)', binary('B')],
    ['bits', 'bits (Kib, Mib)', binary('b')],
    ['kbytes', 'kibibytes', binary('B', 1)],
    ['mbytes', 'mebibytes', binary('B', 2)],
    ['gbytes', 'gibibytes', binary('B', 3)],
    ['tbytes', 'tebibytes', binary('B', 4)],
    ['pbytes', 'pebibytes', binary('B', 5)],
  ],
  'Data (SI)': [
    ['decbytes', 'bytes (kB, MB)', si('B')],
    ['decbits', 'bits (kb, Mb)', si('b')],
    ['deckbytes', 'kilobytes', si('B', 1)],
    ['decmbytes', 'megabytes', si('B', 2)],
    ['decgbytes', 'gigabytes', si('B', 3)],
    ['dectbytes', 'terabytes', si('B', 4)],
    ['decpbytes', 'petabytes', si('B', 5)],
  ],
  'Data rates': [
    ['pps', 'packets/s', si('p/s')],
    ['binBps', 'bytes/s (KiB, MiB)', binary('B/s')],
    ['Bps', 'bytes/s (kB, MB)', si('B/s')],
    ['binbps', 'bits/s (Kib, Mib)', binary('b/s')],
    ['bps', 'bits/s (kb, Mb)', si('b/s')],
    ['KiBs', 'kibibytes/s', binary('B/s', 1)],
    ['Kibits', 'kibibits/s', binary('b/s', 1)],
    ['KBs', 'kilobytes/s', si('B/s', 1)],
    ['Kbits', 'kilobits/s', si('b/s', 1)],
    ['MiBs', 'mebibytes/s', binary('B/s', 2)],
    ['Mibits', 'mebibits/s', binary('b/s', 2)],
    ['MBs', 'megabytes/s', si('B/s', 2)],
    ['Mbits', 'megabits/s', si('b/s', 2)],
    ['GiBs', 'gibibytes/s', binary('B/s', 3)],
    ['Gibits', 'gibibits/s', binary('b/s', 3)],
    ['GBs', 'gigabytes/s', si('B/s', 3)],
    ['Gbits', 'gigabits/s', si('b/s', 3)],
    ['TiBs', 'tebibytes/s', binary('B/s', 4)],
    ['Tibits', 'tebibits/s', binary('b/s', 4)],
    ['TBs', 'terabytes/s', si('B/s', 4)],
    ['Tbits', 'terabits/s', si('b/s', 4)],
    ['PiBs', 'pebibytes/s', binary('B/s', 5)],
    ['Pibits', 'pebibits/s', binary('b/s', 5)],
    ['PBs', 'petabytes/s', si('B/s', 5)],
    ['Pbits', 'petabits/s', si('b/s', 5)],
  ],
  Throughput: [
    ['cps', 'counts/s', short('c/s')],
    ['ops', 'operations/s', short('ops/s')],
    ['reqps', 'requests/s', short('req/s')],
    ['rps', 'reads/s', short('rd/s')],
    ['wps', 'writes/s', short('wr/s')],
    ['iops', 'I/O operations/s', short('io/s')],
    ['eps', 'events/s', short('evt/s')],
    ['mps', 'messages/s', short('msg/s')],
    ['recps', 'records/s', short('rec/s')],
    ['rowsps', 'rows/s', short('rows/s')],
    ['cpm', 'counts/min', short('c/min')],
    ['opm', 'operations/min', short('ops/min')],
    ['reqpm', 'requests/min', short('req/min')],
    ['rpm', 'reads/min', short('rd/min')],
    ['wpm', 'writes/min', short('wr/min')],
    ['epm', 'events/min', short('evt/min')],
    ['mpm', 'messages/min', short('msg/min')],
    ['recpm', 'records/min', short('rec/min')],
    ['rowspm', 'rows/min', short('rows/min')],
  ],
  Currency: [
    ['currencyUSD', 'dollars ($)', money('$')],
    ['currencyGBP', 'pounds (£)', money('£')],
    ['currencyEUR', 'euro (€)', money('€')],
    ['currencyJPY', 'yen (¥)', money('¥')],
    ['currencyRUB', 'rubles (₽)', money('₽')],
    ['currencyUAH', 'hryvnias (₴)', money('₴')],
    ['currencyBRL', 'real (R$)', money('R$')],
    ['currencyDKK', 'Danish krone (kr)', money('kr', true)],
    ['currencyISK', 'Icelandic króna (kr)', money('kr', true)],
    ['currencyNOK', 'Norwegian krone (kr)', money('kr', true)],
    ['currencySEK', 'Swedish krona (kr)', money('kr', true)],
    ['currencyCZK', 'Czech koruna (Kč)', money('Kč', true)],
    ['currencyCHF', 'Swiss franc (CHF)', money('CHF ')],
    ['currencyPLN', 'złoty (zł)', money('zł', true)],
    ['currencyBTC', 'bitcoin (฿)', money('฿')],
    ['currencymBTC', 'milli bitcoin (m฿)', money('m฿')],
    ['currencyμBTC', 'micro bitcoin (μ฿)', money('μ฿')],
    ['currencyZAR', 'rand (R)', money('R')],
    ['currencyINR', 'rupees (₹)', money('₹')],
    ['currencyKRW', 'won (₩)', money('₩')],
    ['currencyIDR', 'rupiah (Rp)', money('Rp')],
    ['currencyPHP', 'Philippine peso (₱)', money('₱')],
    ['currencyVND', 'dong (đ)', money('đ', true)],
    ['currencyTRY', 'Turkish lira (₺)', money('₺')],
    ['currencyMYR', 'ringgit (RM)', money('RM')],
    ['currencyXPF', 'CFP franc (F)', money('F', true)],
    ['currencyBGN', 'lev (BGN)', money('BGN', true)],
    ['currencyPYG', 'guaraní (₲)', money('₲')],
    ['currencyUYU', 'Uruguayan peso ($)', money('$')],
    ['currencyILS', 'new shekels (₪)', money('₪')],
    ['currencyCNY', 'yuan (¥)', money('¥')],
  ],
  Temperature: [
    ['celsius', '°C', plain('°C')],
    ['fahrenheit', '°F', plain('°F')],
    ['kelvin', 'K', plain('K')],
  ],
  Booleans: [
    ['bool', 'true, false', { kind: 'boolean', yes: 'True', no: 'False' }],
    ['bool_yes_no', 'yes, no', { kind: 'boolean', yes: 'Yes', no: 'No' }],
    ['bool_on_off', 'on, off', { kind: 'boolean', yes: 'On', no: 'Off' }],
  ],
  Energy: [
    ['watt', 'watts', si('W')],
    ['kwatt', 'kilowatts', si('W', 1)],
    ['megwatt', 'megawatts', si('W', 2)],
    ['gwatt', 'gigawatts', si('W', 3)],
    ['mwatt', 'milliwatts', si('W', -1)],
    ['Wm2', 'W/m²', plain('W/m²')],
    ['voltamp', 'volt-amperes', si('VA')],
    ['kvoltamp', 'kilovolt-amperes', si('VA', 1)],
    ['voltampreact', 'volt-amperes reactive', si('VAr')],
    ['kvoltampreact', 'kilovolt-amperes reactive', si('VAr', 1)],
    ['watth', 'watt-hours', si('Wh')],
    ['watthperkg', 'Wh/kg', si('Wh/kg')],
    ['kwatth', 'kilowatt-hours', si('Wh', 1)],
    ['kwattm', 'kilowatt-minutes', si('W-Min', 1)],
    ['mwatth', 'milliwatt-hours', si('Wh', -1)],
    ['amph', 'ampere-hours', si('Ah')],
    ['kamph', 'kiloampere-hours', si('Ah', 1)],
    ['mamph', 'milliampere-hours', si('Ah', -1)],
    ['joule', 'joules', si('J')],
    ['ev', 'electron volts', si('eV')],
    ['amp', 'amperes', si('A')],
    ['kamp', 'kiloamperes', si('A', 1)],
    ['mamp', 'milliamperes', si('A', -1)],
    ['volt', 'volts', si('V')],
    ['kvolt', 'kilovolts', si('V', 1)],
    ['mvolt', 'millivolts', si('V', -1)],
    ['dBm', 'decibel-milliwatts', plain('dBm')],
    ['mohm', 'milliohms', si('Ω', -1)],
    ['ohm', 'ohms', si('Ω')],
    ['kohm', 'kiloohms', si('Ω', 1)],
    ['Mohm', 'megaohms', si('Ω', 2)],
    ['farad', 'farads', si('F')],
    ['µfarad', 'microfarads', si('F', -2)],
    ['nfarad', 'nanofarads', si('F', -3)],
    ['pfarad', 'picofarads', si('F', -4)],
    ['ffarad', 'femtofarads', si('F', -5)],
    ['henry', 'henries', si('H')],
    ['mhenry', 'millihenries', si('H', -1)],
    ['µhenry', 'microhenries', si('H', -2)],
    ['lumens', 'lumens', si('lm')],
  ],
  Computation: [
    ['flops', 'FLOP/s', si('FLOPS')],
    ['mflops', 'MFLOP/s', si('FLOPS', 2)],
    ['gflops', 'GFLOP/s', si('FLOPS', 3)],
    ['tflops', 'TFLOP/s', si('FLOPS', 4)],
    ['pflops', 'PFLOP/s', si('FLOPS', 5)],
    ['eflops', 'EFLOP/s', si('FLOPS', 6)],
    ['Hs', 'hashes/s', si('H/s')],
    ['KHs', 'kilohashes/s', si('H/s', 1)],
    ['MHs', 'megahashes/s', si('H/s', 2)],
    ['GHs', 'gigahashes/s', si('H/s', 3)],
    ['THs', 'terahashes/s', si('H/s', 4)],
    ['PHs', 'petahashes/s', si('H/s', 5)],
    ['EHs', 'exahashes/s', si('H/s', 6)],
  ],
  Concentration: [
    ['ppm', 'parts per million', plain('ppm')],
    ['conppb', 'parts per billion', plain('ppb')],
    ['conngm3', 'ng/m³', plain('ng/m³')],
    ['conngNm3', 'ng/Nm³', plain('ng/Nm³')],
    ['conμgm3', 'μg/m³', plain('μg/m³')],
    ['conμgNm3', 'μg/Nm³', plain('μg/Nm³')],
    ['conmgm3', 'mg/m³', plain('mg/m³')],
    ['conmgNm3', 'mg/Nm³', plain('mg/Nm³')],
    ['congm3', 'g/m³', plain('g/m³')],
    ['congNm3', 'g/Nm³', plain('g/Nm³')],
    ['conmgdL', 'mg/dL', plain('mg/dL')],
    ['conmmolL', 'mmol/L', plain('mmol/L')],
  ],
  'Length and area': [
    ['lengthmm', 'millimetres', si('m', -1)],
    ['lengthm', 'metres', si('m')],
    ['lengthkm', 'kilometres', si('m', 1)],
    ['lengthin', 'inches', plain('in')],
    ['lengthft', 'feet', plain('ft')],
    ['lengthmi', 'miles', plain('mi')],
    ['areaM2', 'square metres', plain('m²')],
    ['areaF2', 'square feet', plain('ft²')],
    ['areaMI2', 'square miles', plain('mi²')],
    ['acres', 'acres', plain('ac')],
    ['hectares', 'hectares', plain('ha')],
  ],
  'Mass and force': [
    ['massmg', 'milligrams', si('g', -1)],
    ['massg', 'grams', si('g')],
    ['masslb', 'pounds', plain('lb')],
    ['masskg', 'kilograms', si('g', 1)],
    ['masst', 'tonnes', plain('t')],
    ['forceNm', 'newton-metres', si('Nm')],
    ['forcekNm', 'kilonewton-metres', si('Nm', 1)],
    ['forceN', 'newtons', si('N')],
    ['forcekN', 'kilonewtons', si('N', 1)],
    ['pressurembar', 'millibars', si('bar', -1)],
    ['pressurebar', 'bars', si('bar')],
    ['pressurekbar', 'kilobars', si('bar', 1)],
    ['pressurepa', 'pascals', si('Pa')],
    ['pressurehpa', 'hectopascals', plain('hPa')],
    ['pressurekpa', 'kilopascals', plain('kPa')],
    ['pressurehg', 'inches of mercury', plain('"Hg')],
    ['pressurepsi', 'PSI', plain('psi')],
  ],
  'Speed and turning': [
    ['velocityms', 'm/s', plain('m/s')],
    ['velocitykmh', 'km/h', plain('km/h')],
    ['velocitymph', 'mph', plain('mph')],
    ['velocityknot', 'knots', plain('kn')],
    ['rotrpm', 'revolutions/min', plain('rpm')],
    ['rothz', 'hertz of turning', si('Hz')],
    ['rotrads', 'rad/s', plain('rad/s')],
    ['rotdegs', '°/s', plain('°/s')],
    ['accMS2', 'm/s²', plain('m/s²')],
    ['accFS2', 'ft/s²', plain('f/s²')],
    ['accG', 'g', plain('g')],
    ['degree', 'degrees', plain('°', true)],
    ['radian', 'radians', plain('rad')],
    ['grad', 'gradians', plain('grad')],
    ['arcmin', 'arc minutes', plain('arcmin')],
    ['arcsec', 'arc seconds', plain('arcsec')],
  ],
  Radiation: [
    ['radbq', 'becquerels', si('Bq')],
    ['radci', 'curies', si('Ci')],
    ['radgy', 'grays', si('Gy')],
    ['radrad', 'rads', si('rad')],
    ['radsv', 'sieverts', si('Sv')],
    ['radmsv', 'millisieverts', si('Sv', -1)],
    ['radμsv', 'microsieverts', si('Sv', -2)],
    ['radrem', 'rems', si('rem')],
    ['radexpckg', 'C/kg', si('C/kg')],
    ['radr', 'roentgens', si('R')],
    ['radsvh', 'Sv/h', si('Sv/h')],
    ['radmsvh', 'mSv/h', si('Sv/h', -1)],
    ['radμsvh', 'μSv/h', si('Sv/h', -2)],
  ],
  'Volume and flow': [
    ['mlitre', 'millilitres', si('L', -1)],
    ['litre', 'litres', si('L')],
    ['m3', 'cubic metres', plain('m³')],
    ['Nm3', 'normal cubic metres', plain('Nm³')],
    ['dm3', 'cubic decimetres', plain('dm³')],
    ['gallons', 'gallons', plain('gal')],
    ['flowgpm', 'gallons/min', plain('gpm')],
    ['flowcms', 'm³/s', plain('cms')],
    ['flowcfs', 'ft³/s', plain('cfs')],
    ['flowcfm', 'ft³/min', plain('cfm')],
    ['litreh', 'litres/h', plain('L/h')],
    ['flowlpm', 'litres/min', plain('L/min')],
    ['flowmlpm', 'millilitres/min', plain('mL/min')],
    ['lux', 'lux', plain('lx')],
  ],
};

/** All units, in the order in which they are offered. */
export const UNITS: readonly UnitRow[] = Object.entries(GROUPS).flatMap(([group, rows]) =>
  rows.map(([id, name, writing]) => ({ id, name, group, writing })),
);

const BY_ID: ReadonlyMap<string, Writing> = new Map(UNITS.map(({ id, writing }) => [id, writing]));

/** Ids that dashboards have for a unit of another id. */
const SAME: Readonly<Record<string, string>> = {
  // The micro sign and the Greek letter look alike, and both are typed.
  μs: 'µs',
  us: 'µs',
  'percent (0-100)': 'percent',
  'percent (0.0-1.0)': 'percentunit',
  Hz: 'hertz',
  '': 'none',
};

function custom(id: string): Writing | null {
  const found = /^(prefix|suffix|si|count|currency|time|bool):(.*)$/su.exec(id);
  if (!found) return null;
  const [, kind, rest = ''] = found;
  switch (kind) {
    case 'prefix':
      return money(rest);
    case 'suffix':
      return plain(rest);
    case 'si': {
      // `si:mV` is of millivolts, `si: V` and `si:V` of volts.
      const powers: Readonly<Record<string, number>> = {
        f: -5,
        p: -4,
        n: -3,
        µ: -2,
        μ: -2,
        m: -1,
        k: 1,
        M: 2,
        G: 3,
        T: 4,
        P: 5,
      };
      const power = rest.length > 1 ? powers[rest.charAt(0)] : undefined;
      return power === undefined ? si(rest.trim()) : si(rest.slice(1), power);
    }
    case 'count':
      return short(rest);
    case 'currency':
      return money(
        rest.replace(/^(financial|prefix|suffix):/u, ''),
        rest.includes('suffix:') ? true : undefined,
      );
    case 'time':
      return { kind: 'date', style: 'system' };
    default: {
      const [yes = 'True', no = 'False'] = rest.split('/');
      return { kind: 'boolean', yes, no };
    }
  }
}

/** How values of unit `id` are written. An id that nobody knows is what stands behind the number, as Grafana has it. */
export function writingOf(id: string): Writing {
  return BY_ID.get(id) ?? BY_ID.get(SAME[id] ?? '') ?? custom(id) ?? plain(id);
}

/** Whether `id` is a way to write an instant. */
export function isDate(id: string): boolean {
  return id.startsWith('dateTime') || id.startsWith('time:');
}
