// Draws the places of the answer on a map of the world. The map is drawn here, from an outline that comes with the console:
// no tile is fetched from anybody, so nobody learns where somebody looks.

import { useGraphiQL } from "@graphiql/react";
import { geoGraticule10, geoNaturalEarth1, geoPath, type GeoProjection } from "d3-geo";
import type { MultiPoint } from "geojson";
import { useEffect, useId, useMemo, useState, type KeyboardEvent, type PointerEvent } from "react";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import outline from "world-atlas/land-110m.json";
import { placesIn, type Place } from "./places";

const WIDTH = 640;
const HEIGHT = 320;
const MARGIN = 6;
const NEAR = 14;
const topology = outline as unknown as Topology<{ land: GeometryCollection }>;
const LAND = feature(topology, topology.objects.land);
const GRID = geoGraticule10();

/** Parts of the world to look at: west, south, east, north. */
const PARTS: Record<string, [number, number, number, number] | null> = {
  World: null,
  Europe: [-24, 35, 42, 70],
  Africa: [-20, -35, 52, 37],
  Americas: [-125, -45, -40, 58],
  "Asia and Pacific": [30, -45, 178, 55],
};

interface Drawn extends Place {
  x: number;
  y: number;
}

export function AnswerMap() {
  const answer = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.response ?? null);
  const places = useMemo(() => placesIn(answer), [answer]);
  return places.length ? <PlaceMap places={places} /> : null;
}

function PlaceMap({ places }: { places: Place[] }) {
  const [part, setPart] = useState("World");
  const id = useId();
  const many = places.length === 1 ? "1 place" : `${places.length} places`;
  return (
    <section className="map" aria-labelledby={`${id}-title`}>
      <div className="map-head">
        <h2 id={`${id}-title`}>Map: {many} in this answer</h2>
        <div role="group" aria-label="Part of the world">
          {Object.keys(PARTS).map((each) => (
            <button key={each} type="button" aria-pressed={each === part} onClick={() => setPart(each)}>
              {each}
            </button>
          ))}
        </div>
      </div>
      <World places={places} part={part} />
      <details>
        <summary>List of places</summary>
        <ul>
          {places.map((place) => (
            <li key={`${place.label} ${place.at}`}>
              {place.label}
              {place.count > 1 && <> ({place.count} times)</>}
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

function World({ places, part }: { places: Place[]; part: string }) {
  const [current, setCurrent] = useState(0);
  const [told, setTold] = useState<number | null>(null);
  const id = useId();
  const projection = useMemo(() => projected(part), [part]);
  const shape = useMemo(() => geoPath(projection), [projection]);
  const drawn = useMemo(() => drawnOn(projection, places), [projection, places]);

  useEffect(() => {
    setCurrent(0);
    setTold(null);
  }, [drawn]);

  const step = (event: KeyboardEvent): void => {
    const last = drawn.length - 1;
    const steps: Record<string, number> = {
      ArrowRight: Math.min(current + 1, last),
      ArrowDown: Math.min(current + 1, last),
      ArrowLeft: Math.max(current - 1, 0),
      ArrowUp: Math.max(current - 1, 0),
      Home: 0,
      End: last,
    };
    const next = steps[event.key];
    if (next === undefined || last < 0) return;
    event.preventDefault();
    setCurrent(next);
    setTold(next);
  };
  const point = (event: PointerEvent<SVGSVGElement>): void => setTold(nearest(drawn, event));
  const shown = told === null ? undefined : drawn[told];

  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="listbox"
      tabIndex={0}
      aria-label={`Map of ${part}: ${drawn.length} of ${places.length} places. Arrow keys go from place to place, west to east.`}
      aria-activedescendant={drawn.length ? `${id}-${current}` : undefined}
      onKeyDown={step}
      onFocus={() => setTold(drawn.length ? current : null)}
      onBlur={() => setTold(null)}
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={() => setTold(null)}
    >
      <path className="map-sea" d={shape({ type: "Sphere" }) ?? ""} />
      <path className="map-grid" d={shape(GRID) ?? ""} />
      <path className="map-land" d={shape(LAND) ?? ""} />
      {drawn.map((place, index) => (
        <circle
          key={`${place.label} ${place.at}`}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === current}
          aria-label={place.count > 1 ? `${place.label}, ${place.count} times` : place.label}
          className={index === told ? "map-place map-told" : "map-place"}
          cx={place.x}
          cy={place.y}
          r={Math.min(4 + Math.log2(place.count), 9)}
        />
      ))}
      {shown && <Label place={shown} />}
    </svg>
  );
}

function Label({ place }: { place: Drawn }) {
  const left = place.x > WIDTH / 2;
  const y = Math.max(place.y - 10, 16);
  return (
    <text className="map-label" aria-hidden="true" x={place.x + (left ? -9 : 9)} y={y} textAnchor={left ? "end" : "start"}>
      {place.label}
    </text>
  );
}

function projected(part: string): GeoProjection {
  const frame: [[number, number], [number, number]] = [
    [MARGIN, MARGIN],
    [WIDTH - MARGIN, HEIGHT - MARGIN],
  ];
  const bounds = PARTS[part];
  if (!bounds) return geoNaturalEarth1().fitExtent(frame, { type: "Sphere" });
  const [west, south, east, north] = bounds;
  const middle = (west + east) / 2;
  const corners: MultiPoint = {
    type: "MultiPoint",
    coordinates: [west, middle, east].flatMap((x) => [[x, south], [x, (south + north) / 2], [x, north]]),
  };
  return geoNaturalEarth1().rotate([-middle, 0]).fitExtent(frame, corners);
}

/** Places within the frame, west to east. */
function drawnOn(projection: GeoProjection, places: Place[]): Drawn[] {
  return places
    .flatMap((place) => {
      const [x, y] = projection(place.at) ?? [NaN, NaN];
      return x >= 0 && x <= WIDTH && y >= 0 && y <= HEIGHT ? [{ ...place, x, y }] : [];
    })
    .sort((a, b) => a.x - b.x);
}

function nearest(drawn: Drawn[], event: PointerEvent<SVGSVGElement>): number | null {
  const matrix = event.currentTarget.getScreenCTM();
  if (!matrix) return null;
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
  let best: number | null = null;
  let least = NEAR;
  drawn.forEach((place, index) => {
    const away = Math.hypot(place.x - x, place.y - y);
    if (away < least) [best, least] = [index, away];
  });
  return best;
}
