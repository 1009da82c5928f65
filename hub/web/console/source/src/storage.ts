// What GraphiQL would write to the browser's storage - tabs, operations, headers, history - stays in memory and goes with
// the page. Only the colours somebody chose are kept: they tell nothing about anybody.

const THEME = "graphiql:theme";
const KEPT = "hub-console:theme";
const THEMES = ["light", "dark"];

/** A storage that forgets. */
export class Forgetful {
  #kept = new Map<string, string>();

  constructor() {
    const theme = localStorage.getItem(KEPT);
    if (theme !== null && THEMES.includes(theme)) this.#kept.set(THEME, theme);
  }

  get length(): number {
    return this.#kept.size;
  }

  getItem(key: string): string | null {
    return this.#kept.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#kept.set(key, value);
    if (key === THEME && THEMES.includes(value)) localStorage.setItem(KEPT, value);
  }

  removeItem(key: string): void {
    this.#kept.delete(key);
    if (key === THEME) localStorage.removeItem(KEPT);
  }

  clear(): void {
    this.#kept.clear();
    localStorage.removeItem(KEPT);
  }
}
