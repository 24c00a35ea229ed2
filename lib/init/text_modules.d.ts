/** `import text from "./x.sh" with { type: "text" }`: Bun gives the file's text, from source and compiled. */
declare module "*.sh" {
  const text: string;
  export default text;
}
