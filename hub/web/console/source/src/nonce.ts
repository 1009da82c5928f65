// Every `<style>` made at run time carries the page's nonce: Monaco's, GraphiQL's, and those of what they bring along.

/** Hand the page's nonce to all style elements made from now on. Call it before anything else is loaded. */
export function handOutNonce(): void {
  const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
  const create = Document.prototype.createElement;
  Document.prototype.createElement = function (this: Document, name: string, options?: ElementCreationOptions) {
    const made = create.call(this, name, options);
    if (made instanceof HTMLStyleElement) made.nonce = nonce;
    return made;
  } as typeof create;
}
