// What packages of others do not say about themselves.

declare module "graphiql/style.css";
