export const colorOf = (at: number): string => `var(--c${(at % 10) + 1})`;
export const HATCH = (at: number): string => `repeating-linear-gradient(-45deg, ${colorOf(at)} 0 3px, transparent 3px 7px)`;
