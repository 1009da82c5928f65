// Where the console begins: small, so that the page stands before the editor is there.

import "./page.css";
import { handOutNonce } from "./nonce";
import { leaveWhenNotOurs } from "./visit";

handOutNonce();
leaveWhenNotOurs();
import("./start").then(
  ({ start }) => start(),
  () => {
    const told = document.querySelector("[data-loading]");
    if (told) told.textContent = "The console could not be loaded. Load the page anew; if that does not help, tell the secretariat.";
  },
);
