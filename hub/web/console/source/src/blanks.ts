// Ready tabs fill in what they leave open, so that nobody has to copy ids and make up keys. A line that ends in one of these
// comments has its last text in quotes written by the console:
//
//   idempotencyKey: "a-key-of-your-own" # a new key          new for each intent; the same while the same is tried again
//   until: "YYYY-MM-DD"                 # in 90 days         a day, counted from today
//   referral: "rf_..."                  # from Draft         the one id that the tab named showed last; `or` names several
//   referral: "rf_..."                  # from Draft, or copied from HandedOver      a tab that shows such ids, to choose from
//
// A wrong id hands over another person, or to another body. So an id never outlives what it came from: whoever runs a tab
// takes back what that tab gave, and what came of that in the tabs after it, before anything is asked. Only an answer that
// went well and shows one id of the kind gives it anew; one that comes after the tab was run again, or a tab before it,
// gives nothing. What somebody writes over an id stays until one of the tabs named is run again. Without its comment a line
// is left alone. Nothing of it outlives the page.

const BLANK = /"([^"\n]*)"(?=[^"\n]*# (?:(a new key)|in (\d+) days|from (\w+(?: or \w+)*)(?:, or copied from (\w+(?: or \w+)*))?))/g;
const OPEN = /^(?:a-key-of-your-own|YYYY-MM-DD|[a-z]{2}_\.\.\.)$/;
const ID = /^([a-z]{2}_)[\w-]+$/;
const NAME = /^\s*(?:query|mutation|subscription)\s+(\w+)/m;
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
  /** The line up to the text: tells the lines of a tab apart. */
  label: string;
  key: boolean;
  days: number | null;
  tabs: string[];
  copied: string[];
}

/** What a tab gives since its last turn: the ids it showed, by kind. */
interface Given {
  ids: Map<string, Set<string>>;
  turn: number;
}

/** One time that somebody ran a tab. */
export interface Turn {
  /** The tabs whose ids its answer gives. */
  tabs: string[];
  turn: number;
}

/** Knows what tabs showed, and fills in the one that is looked at. */
export class Blanks {
  /** By the name of a tab; none for tabs that were not run, nor any before them. */
  #given = new Map<string, Given>();
  /** The tabs that go on with what a tab gave, and those that go on with theirs. */
  #after: Map<string, Set<string>>;
  #turn = 0;
  /** What was written last into which line of which tab, and after which turn. */
  #written = new Map<string, { text: string; turn: number }>();
  /** Keys that were sent, and for what. */
  #sent = new Map<string, { text: string; visit: number; done: boolean }>();
  #visit = 0;
  #tab = "";
  /** What the operation of a tab was called when the tab was first looked at. */
  #names = new Map<string, string>();
  #page: Page | null = null;

  /** Take the ready operations. */
  constructor(ready: string[]) {
    this.#after = following(ready);
  }

  /** Somebody looks at a tab: fill in what it leaves open. */
  enter(tab: string, page: Page): void {
    this.#visit += 1;
    this.#tab = tab;
    this.#page = page;
    const name = NAME.exec(page.read())?.[1];
    if (name && !this.#names.has(tab)) this.#names.set(tab, name);
    this.#fill();
  }

  /** Somebody runs an operation in the tab that is looked at: take back what it gave before, and what came of that. */
  begin(operation: string | undefined, query: string): Turn {
    const own = this.#names.get(this.#tab);
    const called = operation ?? NAME.exec(query)?.[1]; // what cannot be parsed has a name all the same
    const tabs = new Set([own, called].filter((each) => each !== undefined));
    this.#turn += 1;
    for (const each of [...tabs].flatMap((tab) => [tab, ...(this.#after.get(tab) ?? [])])) {
      this.#given.set(each, { ids: new Map(), turn: this.#turn });
    }
    return { tabs: called === undefined ? [] : [called], turn: this.#turn };
  }

  /** An operation was answered: note what it showed, for the tabs that wait for it. */
  answered({ tabs, turn }: Turn, query: string, answer: unknown): void {
    const { data, errors } = (answer ?? {}) as { data?: unknown; errors?: unknown[] };
    if (!data) return;
    for (const { text } of blanksOf(query).filter((each) => each.key)) {
      const sent = this.#sent.get(text);
      if (sent) sent.done = true;
    }
    if (errors?.length) return;
    for (const tab of tabs) {
      const given = this.#given.get(tab);
      if (given?.turn === turn) collect(data, given.ids);
    }
    this.#fill();
  }

  /** Say what has to be done before a text can be sent; null when nothing has. */
  missing(query: string): string | null {
    // Half an id before the dots is none either: somebody copied a part of one.
    const open = blanksOf(query).find((each) => each.tabs.length > 0 && each.text.endsWith("..."));
    if (!open) return null;
    const among = this.#last(open)?.ids.get(open.text.slice(0, 3))?.size ?? 0;
    const tabs = open.tabs.join(" or ");
    const copied = open.copied.length ? `copy one that the tab ${open.copied.join(" or ")} shows` : "write an id there";
    const todo = among > 1 ? `The tab ${tabs} shows ${among}: copy the one you mean.` : `Run the tab ${tabs} first, which fills it in, or ${copied}.`;
    return `Nothing was sent: "${open.text}" is still open. ${todo}`;
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
    for (const blank of blanksOf(query)) {
      const text = this.#wanted(blank);
      if (text !== null && text !== blank.text) edits.push({ ...blank, text });
    }
    if (edits.length) this.#page!.write(edits);
  }

  /** Tell what should stand in a line; null to leave it. */
  #wanted(blank: Blank): string | null {
    const open = OPEN.test(blank.text);
    if (blank.key) return open ? newKey() : null;
    if (blank.days !== null) return open ? dayIn(blank.days) : null;
    const last = this.#last(blank);
    if (!last) return null;
    const line = `${this.#tab} ${blank.label}`;
    const before = this.#written.get(line);
    const theirs = !open && blank.text !== before?.text;
    if (theirs && last.turn <= (before?.turn ?? 0)) return null;
    const prefix = blank.text.slice(0, 3);
    const all = [...(last.ids.get(prefix) ?? [])];
    const text = all.length === 1 ? all[0]! : `${prefix}...`;
    this.#written.set(line, { text, turn: last.turn });
    return text;
  }

  /** Give what the tab gives that was run last, of those a line names. */
  #last({ tabs }: Blank): Given | undefined {
    return tabs.flatMap((tab) => this.#given.get(tab) ?? []).sort((a, b) => b.turn - a.turn)[0];
  }
}

/** Put edits into a text. */
export function changed(query: string, edits: Edit[]): string {
  return [...edits].reverse().reduce((text, { from, to, text: by }) => text.slice(0, from) + by + text.slice(to), query);
}

function blanksOf(query: string): Blank[] {
  const lines = new Map<string, number>();
  return [...query.matchAll(BLANK)].map((match) => {
    const [, text, key, days, tabs, copied] = match;
    const from = match.index + 1;
    const start = query.slice(query.lastIndexOf("\n", from) + 1, match.index).trim();
    const nth = lines.get(start) ?? 0;
    lines.set(start, nth + 1);
    return {
      from,
      to: from + text!.length,
      text: text!,
      label: `${start} ${nth}`,
      key: !!key,
      days: days ? Number(days) : null,
      tabs: tabs?.split(" or ") ?? [],
      copied: copied?.split(" or ") ?? [],
    };
  });
}

/** Find which operations go on with what each gives, by what their lines say; those after them too. */
function following(ready: string[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const query of ready) {
    const name = NAME.exec(query)?.[1];
    if (!name) continue;
    for (const tab of blanksOf(query).flatMap((each) => each.tabs)) found.set(tab, (found.get(tab) ?? new Set()).add(name));
  }
  // A set that grows while it is gone through is gone through to its end.
  for (const all of found.values()) for (const each of all) for (const next of found.get(each) ?? []) all.add(next);
  return found;
}

/** Find the ids of each kind, as they stand in the answer. What a problem names is no result. */
function collect(value: unknown, found: Map<string, Set<string>>): void {
  if (Array.isArray(value)) {
    for (const each of value) collect(each, found);
  } else if (typeof value === "object" && value !== null) {
    if ("code" in value && "message" in value) return;
    const kind = ID.exec(String((value as { id?: unknown }).id ?? ""));
    if (kind) found.set(kind[1]!, (found.get(kind[1]!) ?? new Set()).add(kind[0]));
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
