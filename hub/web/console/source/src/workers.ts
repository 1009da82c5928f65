// Monaco's workers as modules of our own origin.

import EditorWorker from "monaco-editor/esm/vs/editor/editor.worker.js?worker";
import JsonWorker from "monaco-editor/esm/vs/language/json/json.worker.js?worker";
import GraphQLWorker from "monaco-graphql/esm/graphql.worker.js?worker";

/** Tell Monaco where its workers are. */
export function provideWorkers(): void {
  window.MonacoEnvironment = {
    getWorker(_id: string, label: string): Worker {
      if (label === "json") return new JsonWorker();
      if (label === "graphql") return new GraphQLWorker();
      return new EditorWorker();
    },
  };
}
