// What a bundle is made of, for whoever has to trust it: a CycloneDX SBOM and the licence texts.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {{ name: string, version: string, license: string, licenseText: string, sha512: string }} BundledPackage
 */

/**
 * The npm packages whose code is in a bundle.
 * @param {string} root the project's directory
 * @param {readonly string[]} moduleFiles absolute paths of the bundled modules
 * @returns {BundledPackage[]} sorted by name
 */
export function bundledPackages(root, moduleFiles) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const places = new Set();
  for (const file of moduleFiles) {
    const match = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file);
    if (match !== null) {
      places.add(match[0].slice(root.length + 1));
    }
  }
  return [...places]
    .map((place) => {
      const locked = lock[place];
      const dir = join(root, place);
      const { name, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
      return {
        name,
        version: locked.version,
        license: licenseOf(license ?? locked.license, name),
        licenseText: licenseText(dir),
        sha512: Buffer.from(locked.integrity.replace(/^sha512-/, ''), 'base64').toString('hex'),
      };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function licenseOf(license, name) {
  if (typeof license !== 'string') {
    throw new Error(`${name} states no licence`);
  }
  return license;
}

/** The package's own licence file, or its README's licence section, or nothing. */
function licenseText(dir) {
  const file = readdirSync(dir).find((name) => /^(licen[cs]e|copying)/i.test(name));
  if (file !== undefined) {
    return readFileSync(join(dir, file), 'utf8').trim();
  }
  const readme = join(dir, 'README.md');
  const section = existsSync(readme) ? /^#+ licen[cs]e\b[\s\S]*/im.exec(readFileSync(readme, 'utf8')) : null;
  return section === null ? '' : section[0].trim();
}

/**
 * A CycloneDX 1.6 document. It has no time and no serial number, so that the same lock file gives the same bytes.
 * @param {{ name: string, version: string, license: string }} product
 * @param {readonly BundledPackage[]} packages
 */
export function cycloneDx(product, packages) {
  const component = ({ name, version, license, sha512 }, type) => ({
    type,
    'bom-ref': purl(name, version),
    name,
    version,
    ...(sha512 === undefined ? {} : { hashes: [{ alg: 'SHA-512', content: sha512 }] }),
    licenses: [/ (?:OR|AND) /.test(license) ? { expression: license } : { license: { id: license } }],
    purl: purl(name, version),
  });
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: component(product, 'application') },
    components: packages.map((one) => component(one, 'library')),
    dependencies: [
      {
        ref: purl(product.name, product.version),
        dependsOn: packages.map(({ name, version }) => purl(name, version)),
      },
    ],
  };
}

function purl(name, version) {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** All licences as one text. */
export function thirdPartyLicenses(packages) {
  const parts = packages.map(
    ({ name, version, license, licenseText: text }) =>
      `${name} ${version}\nLicence: ${license}\n${text === '' ? '' : `\n${text}\n`}`,
  );
  return `mesa contains code of these packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
