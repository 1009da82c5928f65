// Puts the console on the page, once the page stands.

import { createRoot } from "react-dom/client";
import { Console } from "./Console";
import { provideWorkers } from "./workers";

export function start(): void {
  provideWorkers();
  // GraphiQL asks for the editor only when it stands itself: fetch it meanwhile.
  void import("monaco-graphql/esm/monaco-editor.js");
  createRoot(document.getElementById("console")!).render(<Console />);
}
