// Ready tabs fill in what they leave open, so that nobody has to copy ids and make up keys. A line that ends in one of these
// comments has its last text in quotes written by the console:
//
//   idempotencyKey: "a-key-of-your-own" # a new key          new for each intent; the same while the same is tried again
//   until: "YYYY-MM-DD"                 # in 90 days         a day, counted from today
//   referral: "rf_..."                  # from Draft         the id that the tab named showed last; `or` names several
//
// Each is written once. What somebody writes over it stays, until the tab named shows an id again; without its comment a
// line is left alone. Nothing of it outlives the page.

const BLANK = /"([^"\n]*)"(?=[^"\n]*# (?:(a new key)|in (\d+) days|from (\w+(?: or \w+)*)))/g;
const OPEN = /^(?:a-key-of-your-own|YYYY-MM-DD|[a-z]{2}_\.\.\.)$/;
const OPEN_ID = /^[a-z]{2}_\.\.\.$/;
const ID = /^([a-z]{2}_)[\w-]+$/;
const DAY_MS = 86_400_000;

/** A text to be put in place of another, by offsets. */
export interface Edit {
  from: number;
  to: number;
  text: string;
}

/** The editor, as far as this needs it. */
export interface Page {
  read: () => string;
  write: (edits: Edit[]) => void;
}

interface Blank extends Edit {
  key: boolean;
  days: number | null;
  tabs: string[];
}

interface Shown {
  ids: Map<string, string>;
  turn: number;
}

/** Knows what tabs showed, and fills in the one that is looked at. */
export class Blanks {
  #shown = new Map<string, Shown>();
  #turn = 0;
  /** What was written last into which line of which tab. */
  #written = new Map<string, number>();
  /** Keys that were sent, and for what. */
  #sent = new Map<string, { text: string; visit: number; done: boolean }>();
  #visit = 0;
  #tab = "";
  #page: Page | null = null;

  /** Somebody looks at a tab: fill in what it leaves open. */
  enter(tab: string, page: Page): void {
    this.#visit += 1;
    this.#tab = tab;
    this.#page = page;
    this.#fill();
  }

  /** An operation was answered: note what it showed, for the tabs that wait for it. */
  answered(operation: string | undefined, query: string, answer: unknown): void {
    const found = (answer as { data?: unknown } | null)?.data;
    if (!found) return;
    for (const { text } of blanksOf(query).filter((each) => each.key)) {
      const sent = this.#sent.get(text);
      if (sent) sent.done = true;
    }
    const ids = new Map<string, string>();
    collect(found, ids);
    if (!operation || !ids.size) return;
    this.#turn += 1;
    this.#shown.set(operation, { ids, turn: this.#turn });
    this.#fill();
  }

  /** Say what has to be done before a text can be sent; null when nothing has. */
  missing(query: string): string | null {
    const open = blanksOf(query).find((each) => OPEN_ID.test(each.text));
    if (!open) return null;
    const tabs = open.tabs.join(" or ");
    return `Nothing was sent: "${open.text}" is still open. Run the tab ${tabs} first, which fills it in, or write an id there.`;
  }

  /** Make a text ready to be sent: what was done already gets a new key, what is tried again keeps its own. */
  ready(query: string): string {
    const edits: Edit[] = [];
    for (const blank of blanksOf(query).filter((each) => each.key)) {
      const text = query.slice(0, blank.from) + query.slice(blank.to);
      const before = this.#sent.get(blank.text);
      const again = before?.text === text && !(before.done && before.visit !== this.#visit);
      const key = OPEN.test(blank.text) || (before && !again) ? newKey() : blank.text;
      this.#sent.set(key, { text, visit: this.#visit, done: again && before.done });
      if (key !== blank.text) edits.push({ ...blank, text: key });
    }
    if (edits.length && this.#page?.read() === query) this.#page.write(edits);
    return changed(query, edits);
  }

  #fill(): void {
    const query = this.#page?.read();
    if (!query) return;
    const edits: Edit[] = [];
    for (const [index, blank] of blanksOf(query).entries()) {
      const text = this.#wanted(blank, `${this.#tab} ${index}`);
      if (text !== null && text !== blank.text) edits.push({ ...blank, text });
    }
    if (edits.length) this.#page!.write(edits);
  }

  #wanted(blank: Blank, line: string): string | null {
    const open = OPEN.test(blank.text);
    if (blank.key) return open ? newKey() : null;
    if (blank.days !== null) return open ? dayIn(blank.days) : null;
    const prefix = blank.text.slice(0, 3);
    const all = blank.tabs.flatMap((tab) => this.#shown.get(tab) ?? []).filter(({ ids }) => ids.has(prefix));
    const last = all.sort((a, b) => b.turn - a.turn)[0];
    if (!last || (!open && last.turn <= (this.#written.get(line) ?? 0))) return null;
    this.#written.set(line, last.turn);
    return last.ids.get(prefix)!;
  }
}

/** Put edits into a text. */
export function changed(query: string, edits: Edit[]): string {
  return [...edits].reverse().reduce((text, { from, to, text: by }) => text.slice(0, from) + by + text.slice(to), query);
}

function blanksOf(query: string): Blank[] {
  return [...query.matchAll(BLANK)].map((match) => {
    const [, text, key, days, tabs] = match;
    const from = match.index + 1;
    return { from, to: from + text!.length, text: text!, key: !!key, days: days ? Number(days) : null, tabs: tabs?.split(" or ") ?? [] };
  });
}

/** Find the first id of each kind, as it stands in the answer. */
function collect(value: unknown, found: Map<string, string>): void {
  if (Array.isArray(value)) {
    for (const each of value) collect(each, found);
  } else if (typeof value === "object" && value !== null) {
    const kind = ID.exec(String((value as { id?: unknown }).id ?? ""));
    if (kind && !found.has(kind[1]!)) found.set(kind[1]!, kind[0]);
    for (const each of Object.values(value)) collect(each, found);
  }
}

/** Random enough for one account, and short enough for one line. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function dayIn(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
}
