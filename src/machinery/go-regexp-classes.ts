/**
 * Names of Unicode classes in regular expressions. Go (1.25 and later) ignores case, `_`, `-` and spaces, and knows long names of
 * categories; RE2JS only knows exact short names.
 */

/** Long names of categories, as `canonical` makes them. */
const categories: Readonly<Record<string, string>> = {
  Casedletter: "LC",
  Closepunctuation: "Pe",
  Cntrl: "Cc",
  Combiningmark: "M",
  Connectorpunctuation: "Pc",
  Control: "Cc",
  Currencysymbol: "Sc",
  Dashpunctuation: "Pd",
  Decimalnumber: "Nd",
  Digit: "Nd",
  Enclosingmark: "Me",
  Finalpunctuation: "Pf",
  Format: "Cf",
  Initialpunctuation: "Pi",
  Lc: "LC",
  Letter: "L",
  Letternumber: "Nl",
  Lineseparator: "Zl",
  Lowercaseletter: "Ll",
  Mark: "M",
  Mathsymbol: "Sm",
  Modifierletter: "Lm",
  Modifiersymbol: "Sk",
  Nonspacingmark: "Mn",
  Number: "N",
  Openpunctuation: "Ps",
  Other: "C",
  Otherletter: "Lo",
  Othernumber: "No",
  Otherpunctuation: "Po",
  Othersymbol: "So",
  Paragraphseparator: "Zp",
  Privateuse: "Co",
  Punct: "P",
  Punctuation: "P",
  Separator: "Z",
  Spaceseparator: "Zs",
  Spacingmark: "Mc",
  Surrogate: "Cs",
  Symbol: "S",
  Titlecaseletter: "Lt",
  Unassigned: "Cn",
  Uppercaseletter: "Lu",
};

/** Scripts of more than one word, as Unicode 15 and RE2JS spell them, by what `canonical` makes of them. */
const scripts: ReadonlyMap<string, string> = new Map(
  `Anatolian_Hieroglyphs Bassa_Vah Canadian_Aboriginal Caucasian_Albanian Cypro_Minoan Dives_Akuru
   Egyptian_Hieroglyphs Gunjala_Gondi Hanifi_Rohingya Imperial_Aramaic Inscriptional_Pahlavi
   Inscriptional_Parthian Kayah_Li Khitan_Small_Script Linear_A Linear_B Masaram_Gondi Meetei_Mayek
   Mende_Kikakui Meroitic_Cursive Meroitic_Hieroglyphs Nag_Mundari New_Tai_Lue Nyiakeng_Puachue_Hmong
   Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian
   Old_Turkic Old_Uyghur Pahawh_Hmong Pau_Cin_Hau Phags_Pa Psalter_Pahlavi SignWriting Sora_Sompeng
   Syloti_Nagri Tai_Le Tai_Tham Tai_Viet Warang_Citi Zanabazar_Square`
    .split(/\s+/)
    .map((name) => [canonical(name), name]),
);

/** A literal, a class by name, a named POSIX class (`[:alpha:]`), or a one-letter class. */
const token = /\\Q[\s\S]*?(?:\\E|$)|\\([pP])(?:\{([^}]*)\}|([\s\S]))|\\[\s\S]|\[:\^?\w+:\]|\[\^?\]?|\]/g;

/** The pattern with names that RE2JS knows; unknown ones are unchanged. */
export function withKnownClasses(pattern: string): string {
  if (!/\\p/i.test(pattern)) return pattern;
  let inside = false;
  return pattern.replaceAll(token, (text, letter?: string, named?: string, single?: string) => {
    if (letter !== undefined) return classOf(letter === "P", named ?? single ?? "", inside) ?? text;
    if (text === "]") inside = false;
    else if (text.startsWith("[") && !text.endsWith(":]")) inside = true;
    return text;
  });
}

function classOf(negated: boolean, given: string, inside: boolean): string | undefined {
  const turned = given.startsWith("^");
  const name = canonical(turned ? given.slice(1) : given);
  if (name === "") return undefined;
  const not = negated !== turned;
  if (name === "Ascii") {
    const set = `[:${not ? "^" : ""}ascii:]`;
    return inside ? set : `[${set}]`;
  }
  return `\\${not ? "P" : "p"}{${categories[name] ?? scripts.get(name) ?? name}}`;
}

/** One capital, and neither spaces nor dashes. */
function canonical(name: string): string {
  const bare = name.replaceAll(/[ _-]/g, "").toLowerCase();
  return bare.charAt(0).toUpperCase() + bare.slice(1);
}
