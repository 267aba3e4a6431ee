// Colours as the map draws them on its ground: bright enough on a dark one, pale where a concept is in doubt.
export const FIRMNESS = 6;    // steps of it
const PALEST = 0.28;          // share of the colour where nothing is firm
const DARK = 0.18;            // luminance below which a ground is dark
const WASHED = "#dfe3e8";     // what a colour pales to on a dark ground, where mixing with the ground would hide it
const LEAST = 3;              // contrast that a mark needs to be seen (WCAG 1.4.11)
const BRIGHT = 4.5;           // …that thin frames have on a dark ground

type Parts = [number, number, number];

/** The colour itself at firm 1, pale at 0, on this ground. */
export function paled(colour: string, paper: string, firm: number): string {
  const share = PALEST + (1 - PALEST) * Math.round(firm * FIRMNESS) / FIRMNESS;
  return isDark(paper) ? written(mixed(parts(WASHED), parts(bright(colour, paper)), share)) : written(mixed(parts(paper), parts(colour), share));
}

/** The colour as it stands in full on this ground: on a dark one lightened as far as it needs. */
export const bright = (colour: string, paper: string): string => isDark(paper) ? away(colour, paper, BRIGHT) : colour;

/** The colour, moved away from the ground until a line of it is seen. */
export const seenOn = (colour: string, paper: string): string => away(colour, paper, LEAST);

/** Of two colours the darker one. */
export const darker = (a: string, b: string): string => luminance(parts(a)) < luminance(parts(b)) ? a : b;

function away(colour: string, paper: string, least: number): string {
  const from = parts(colour), ground = luminance(parts(paper)), to: Parts = isDark(paper) ? [255, 255, 255] : [0, 0, 0];
  for (let share = 0; share < 1; share += 0.04) {
    const found = mixed(from, to, share);
    if (contrast(luminance(found), ground) >= least) return written(found);
  }
  return written(to);
}

const isDark = (paper: string): boolean => luminance(parts(paper)) < DARK;

const contrast = (a: number, b: number): number => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);

const mixed = (from: Parts, to: Parts, share: number): Parts => from.map((value, at) => Math.round(value + (to[at]! - value) * share)) as Parts;

const written = (all: Parts): string => `#${all.map((value) => value.toString(16).padStart(2, "0")).join("")}`;

function parts(hex: string): Parts {
  const whole = hex.length === 4 ? [...hex.slice(1)].map((digit) => digit + digit).join("") : hex.slice(1);
  return [0, 2, 4].map((at) => parseInt(whole.slice(at, at + 2), 16)) as Parts;
}

function luminance(all: Parts): number {
  const [r, g, b] = all.map((value) => value / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4) as Parts;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
