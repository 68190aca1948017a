// The results as a picture for the README: one bar a row, its target as a mark.

const ROW = 26;
const LABEL = 300;
const WIDTH = 420;
const INK = '#57606a';

/**
 * @param {readonly { name: string, ratio: number, unit: string, target?: number, met?: boolean }[]} rows
 * @returns {string} an SVG document
 */
export function drawChart(rows) {
  const shown = rows.filter(({ ratio }) => ratio !== null);
  const longest = Math.max(...shown.map(({ ratio, target }) => Math.max(ratio, target ?? 0)));
  const x = (ratio) => LABEL + (ratio / longest) * WIDTH;
  const bars = shown.map(({ name, ratio, unit, target, met }, index) => {
    const y = 16 + index * ROW;
    const color = target === undefined ? '#8c959f' : met === true ? '#2da44e' : '#cf222e';
    const mark =
      target === undefined
        ? ''
        : `<line x1="${x(target)}" x2="${x(target)}" y1="${y - 2}" y2="${y + 18}" stroke="${INK}" stroke-dasharray="3 2"/>`;
    return `<text x="${LABEL - 8}" y="${y + 13}" text-anchor="end">${escapeXml(name)}</text>
<rect x="${LABEL}" y="${y}" width="${Math.max(1, x(ratio) - LABEL)}" height="16" rx="2" fill="${color}"/>${mark}
<text x="${x(Math.max(ratio, target ?? 0)) + 6}" y="${y + 13}">${ratio.toFixed(2)} ${escapeXml(unit)}</text>`;
  });
  const height = 16 + shown.length * ROW + 30;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LABEL + WIDTH + 110}" height="${height}" font-family="system-ui, sans-serif" font-size="13" fill="${INK}">
${bars.join('\n')}
<text x="${LABEL}" y="${height - 8}" font-size="11">dashed: target. B: a bare start of node. V: node opening the vault with one scrypt.</text>
</svg>
`;
}

function escapeXml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
