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

// What time it is in the market: in that of a simulated city it is the city's.
const time = async (market, headers) => {
  const body = JSON.stringify({ query: "{ markets { ... on Market { name now } } }" });
  const answer = await fetch(address, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
  const markets = (await answer.json()).data?.markets ?? [];
  const now = (markets.find(({ name }) => name === market) ?? markets[0])?.now;
  return now ? Date.parse(now) : Date.now();
};

// A key is used once; an example with a used one would only get the first answer again.
const fresh = (now) => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let at = 0; at < 6; at += 1) bytes[at] = Math.floor(now / 2 ** (40 - 8 * at)) % 256;
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
};

const root = ReactDOM.createRoot(document.getElementById("graphiql"));
root.render(
  React.createElement(GraphiQL, {
    fetcher: async (request, options) => {
      authorization = options?.headers?.authorization ?? options?.headers?.Authorization;
      const variables = { ...request.variables };
      if (variables.key === "fresh") variables.key = fresh(await time(variables.market, options?.headers));
      return fetcher({ ...request, variables }, options);
    },
    defaultTabs: operations,
    shouldPersistHeaders: false,
  }),
);
