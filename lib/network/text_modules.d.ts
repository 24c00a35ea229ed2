/** `import text from "./x.network" with { type: "text" }`: Bun gives the file's text, from source and compiled. */
declare module "*.netdev" {
  const text: string;
  export default text;
}
declare module "*.network" {
  const text: string;
  export default text;
}
declare module "*.conf" {
  const text: string;
  export default text;
}
