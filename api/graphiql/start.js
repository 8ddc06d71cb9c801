// Opens GraphiQL on this server, with one tab for each operation of the collection.
const address = new URL("graphql", document.baseURI);
const sockets = new URL(address);
sockets.protocol = address.protocol === "https:" ? "wss:" : "ws:";

// A token typed into the headers of a tab goes with its subscriptions, too.
let authorization;
const socket = graphqlWs.createClient({
  url: sockets.href,
  lazyCloseTimeout: 1000,
  connectionParams: () => (authorization ? { authorization } : {}),
});
const fetcher = GraphiQL.createFetcher({ url: address.href, wsClient: socket });

// A key is used once; an example with a used one would only get the first answer again.
const fresh = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const now = Date.now();
  for (let at = 0; at < 6; at += 1) bytes[at] = Math.floor(now / 2 ** (40 - 8 * at)) % 256;
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
};

const root = ReactDOM.createRoot(document.getElementById("graphiql"));
root.render(
  React.createElement(GraphiQL, {
    fetcher: (request, options) => {
      authorization = options?.headers?.authorization ?? options?.headers?.Authorization;
      const variables = { ...request.variables };
      if (variables.key === "fresh") variables.key = fresh();
      return fetcher({ ...request, variables }, options);
    },
    defaultTabs: operations,
    shouldPersistHeaders: false,
  }),
);
