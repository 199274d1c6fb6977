// Stands in for `style-mod` (see the alias in vite.config.ts). The original puts a <style> element into a
// document's head, which `style-src 'self'` forbids; a constructed style sheet is allowed. Everything but
// `mount` is the original's.
import { StyleModule as Original } from 'style-mod-original';

interface Mounted {
  sheet: CSSStyleSheet;
  modules: Original[];
}

const mounted = new WeakMap<DocumentOrShadowRoot, Mounted>();

export class StyleModule extends Original {
  /** Makes the rules of `modules` hold in `root`, in the order given; later modules win over earlier ones. */
  static override mount(root: Document | ShadowRoot, modules: Original | readonly Original[]): void {
    let known = mounted.get(root);
    if (!known) {
      known = { sheet: new CSSStyleSheet(), modules: [] };
      mounted.set(root, known);
      root.adoptedStyleSheets = [known.sheet, ...root.adoptedStyleSheets];
    }
    const wanted = Array.isArray(modules) ? (modules as Original[]) : [modules as Original];
    const rest = known.modules.filter((module) => !wanted.includes(module));
    const next = [...wanted, ...rest];
    if (next.length === known.modules.length && next.every((module, i) => module === known.modules[i]))
      return;
    known.modules = next;
    known.sheet.replaceSync(next.map((module) => module.getRules()).join('\n'));
  }
}
