// Finds places in an answer: objects anywhere in it that carry latitude and longitude.

export interface Place {
  /** Degrees east, degrees north: as GeoJSON has them. */
  at: [number, number];
  label: string;
  /** How often the answer names it. */
  count: number;
}

type Value = unknown;
const NAMES = ["name", "title", "label", "slug"];
const COUNTRIES = new Intl.DisplayNames("en", { type: "region", fallback: "code" });

/** Give the places of an answer, each once, by name. */
export function placesIn(answer: string | null | undefined): Place[] {
  const found = new Map<string, Place>();
  walk(parsed(answer), "", found);
  return [...found.values()].sort((a, b) => a.label.localeCompare(b.label, "en"));
}

function parsed(answer: string | null | undefined): Value {
  try {
    return answer ? (JSON.parse(answer) as { data?: Value }).data : null;
  } catch {
    return null; // an answer that is still on its way
  }
}

function walk(value: Value, above: string, found: Map<string, Place>): void {
  if (Array.isArray(value)) {
    for (const each of value) walk(each, above, found);
  } else if (typeof value === "object" && value !== null) {
    const fields = value as Record<string, Value>;
    const label = labelOf(fields) || above;
    const at = position(fields);
    if (at) {
      const key = `${label} ${at.join()}`;
      const known = found.get(key);
      if (known) known.count += 1;
      else found.set(key, { at, label: label || `${at[1].toFixed(2)}, ${at[0].toFixed(2)}`, count: 1 });
    }
    for (const each of Object.values(fields)) walk(each, label, found);
  }
}

function position(fields: Record<string, Value>): [number, number] | null {
  const { latitude, longitude } = fields;
  if (typeof latitude !== "number" || typeof longitude !== "number") return null;
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? [longitude, latitude] : null;
}

function labelOf(fields: Record<string, Value>): string {
  const name = NAMES.map((each) => fields[each]).find((each) => typeof each === "string" && each);
  if (typeof name !== "string") return "";
  const country = fields.country;
  return typeof country === "string" && /^[A-Z]{2}$/.test(country) ? `${name}, ${COUNTRIES.of(country)}` : name;
}
