/** CPUs or bytes as Kubernetes writes them, such as `100m`, `2`, `512Mi`. */
export function quantity(text: string): number {
  const [, number = 'NaN', unit = ''] = /^([\d.]+(?:e\d+)?)([numkKMGTP]?i?)$/.exec(text) ?? [];
  const powers = { n: 1e-9, u: 1e-6, m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 };
  const binary = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50 };
  return Number(number) * ({ ...powers, ...binary }[unit] ?? NaN);
}
