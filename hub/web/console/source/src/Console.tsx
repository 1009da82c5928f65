// The console: GraphiQL with the hub's operations, the purpose to declare, and the map below the answer.

import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { useEffect, useMemo, useRef, useState } from "react";
import "./console.css";
import { hubFetcher, purposes } from "./fetcher";
import { AnswerMap } from "./AnswerMap";
import { Blanks, type Edit } from "./blanks";
import { READY } from "./operations";
import { Forgetful } from "./storage";
import { SIGN_IN } from "./visit";

export function Console() {
  const [ended, setEnded] = useState(false);
  const [known, setKnown] = useState<string[]>([]);
  const [chosen, setChosen] = useState("");
  const purpose = useRef("");
  purpose.current = chosen;

  const storage = useMemo(() => new Forgetful(), []);
  const blanks = useMemo(() => new Blanks(READY.map(({ query }) => query)), []);
  const fetcher = useMemo(() => hubFetcher({ purpose: () => purpose.current, onEnded: () => setEnded(true), blanks }), [blanks]);

  useEffect(() => {
    // Where this fails, so does what GraphiQL asks, and it says why.
    purposes(fetcher).then(setKnown, () => setKnown([]));
  }, [fetcher]);

  if (ended) return <Ended />;
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      defaultTabs={READY}
      shouldPersistHeaders={false}
      showPersistHeadersSettings={false}
      defaultEditorToolsVisibility={false}
    >
      <GraphiQL.Logo>
        <Purpose known={known} chosen={chosen} onChoose={setChosen} />
      </GraphiQL.Logo>
      <GraphiQL.Footer>
        <Filling blanks={blanks} />
        <Looks />
        <AnswerMap />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

/** Has the tab that is looked at filled in. */
function Filling({ blanks }: { blanks: Blanks }) {
  const { updateActiveTabValues } = useGraphiQLActions();
  const editor = useGraphiQL((state) => state.queryEditor);
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id);

  useEffect(() => {
    const model = editor?.getModel();
    if (!editor || !model || !tab) return;
    const write = (edits: Edit[]): void => {
      const range = ({ from, to }: Edit) => {
        const [start, end] = [model.getPositionAt(from), model.getPositionAt(to)];
        return { startLineNumber: start.lineNumber, startColumn: start.column, endLineNumber: end.lineNumber, endColumn: end.column };
      };
      editor.executeEdits("blanks", edits.map((edit) => ({ range: range(edit), text: edit.text })));
      updateActiveTabValues({ query: model.getValue() }); // GraphiQL does so a moment later: too late for who has left the tab by then
    };
    blanks.enter(tab, { read: () => model.getValue(), write });
  }, [blanks, editor, tab, updateActiveTabValues]);
  return null;
}

/** What parts words: a double click takes an id whole, with its dashes, or the dots of one that is open. */
const SEPARATORS = "`~!@#$%^&*()=+[{]}\\|;:'\",<>/?";

/** Has long lines go on in the next, ids be words, and the editors follow the system from light to dark and back. */
function Looks() {
  const { setTheme } = useGraphiQLActions();
  const editor = useGraphiQL((state) => state.queryEditor);
  const answer = useGraphiQL((state) => state.responseEditor);
  const theme = useGraphiQL((state) => state.theme);

  useEffect(() => editor?.updateOptions({ wordWrap: "on", wordSeparators: SEPARATORS }), [editor]);
  useEffect(() => answer?.updateOptions({ wordSeparators: SEPARATORS }), [answer]);
  useEffect(() => {
    if (theme) return; // somebody chose
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const follow = (): void => setTheme(null);
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, [theme, setTheme]);
  return null;
}

/** Says that the session is over. Whatever was on the screen is gone with the rest of the console. */
function Ended() {
  const link = useRef<HTMLAnchorElement>(null);
  useEffect(() => {
    document.querySelector(".bar nav")?.remove(); // whose session it was is nobody's business
    link.current?.focus();
  }, []);
  return (
    <div className="ended" role="alert">
      <h2>Your session has ended</h2>
      <p>Nobody has used it for a while, or it was ended elsewhere. What was on this page is gone.</p>
      <a className="button" href={SIGN_IN} ref={link}>
        Sign in again
      </a>
    </div>
  );
}

interface Choice {
  known: string[];
  chosen: string;
  onChoose: (purpose: string) => void;
}

/** What the data are wanted for. There is nothing to choose where the hub knows no purpose of this account. */
function Purpose({ known, chosen, onChoose }: Choice) {
  if (!known.length) return null;
  return (
    <label className="purpose">
      Purpose
      <select value={chosen} onChange={(event) => onChoose(event.target.value)}>
        <option value="">None</option>
        {known.map((name) => (
          <option key={name} value={name}>
            {name.replaceAll("_", " ")}
          </option>
        ))}
      </select>
    </label>
  );
}
