// Puts the console on the page, once the page stands.

import { createRoot } from "react-dom/client";
import { Console } from "./Console";
import { provideWorkers } from "./workers";

export function start(): void {
  provideWorkers();
  createRoot(document.getElementById("console")!).render(<Console />);
}
