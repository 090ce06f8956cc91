// Checks, for `npm run lint`, that no files import each other in a circle, not even types, and that each imports only from
// its own layer and from those before it in this list.
const LAYERS = [
  '^function/src/',
  '^lib/',
  '^results/[^/]+$',
  '^results/report/',
  '^compare/servers/',
  '^compare/settings\\.ts$',
  '^compare/run/',
  '^compare/place\\.ts$',
  '^compare/experiments/',
  '^compare/(cluster|local)/',
  '^compare/[^/]+$',
];
// `npm run cluster` and the report stand on the same ground, and know nothing of each other or of a comparison.
const APART = [
  ['^cluster/', '^(results|compare)/'],
  ['^(lib|results|compare)/', '^cluster/'],
  ['^compare/', '^results/report/'],
  ['^compare/cluster/', '^compare/local/'],
  ['^compare/local/', '^compare/cluster/'],
];
const rule = (from, to, except = []) => ({
  name: `${from} must not import ${to}`,
  severity: 'error',
  from: { path: from },
  to: { path: to, pathNot: except },
});

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no circle', severity: 'error', from: {}, to: { circular: true } },
    // The last layer is what is left of its folder, so its pattern matches files of other layers, too.
    ...LAYERS.slice(0, -1).map((layer, index) =>
      rule(layer, LAYERS.slice(index + 1).join('|'), LAYERS.slice(0, index + 1)),
    ),
    ...APART.map(([from, to]) => rule(from, to)),
  ],
  options: { tsPreCompilationDeps: true, exclude: { path: '(^|/)(node_modules|dist|test)/' } },
};
