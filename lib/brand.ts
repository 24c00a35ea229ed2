/** A string that a parser has accepted: parse at the border, trust inside. */
declare const brand: unique symbol;
export type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };
